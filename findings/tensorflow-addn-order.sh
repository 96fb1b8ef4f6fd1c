#!/usr/bin/env bash
# The sum of three tensors after tf.config.experimental.enable_op_determinism(), which promises the same results of the
# same run. One expects one sum. AddN of TensorFlow 2.21.0 writes into the first of its inputs that nobody else reads any
# more, and begins with that one: (a + b) + c, or (c + b) + a where a and b are still being read. Which it is depends on
# which thread comes first. Here control dependencies make it the one or the other; without them, some runs in a
# thousand differ from the rest on two cores (printed, not checked).
# A tape adds all gradients of a tensor that is used n times by one AddN, so a training with n > 2 (a pyramid's level, a
# kernel shared by levels, a binary cross-entropy of logits) is not repeated to the last bit. tf.gradients with
# aggregation_method=EXPERIMENTAL_TREE adds in pairs; the option arithmetic_optimization has to be False, or the graph's
# rewriting makes one AddN of the pairs again.
set -euo pipefail
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
"${PYTHON:-python3}" -m venv "$tmp/venv"
"$tmp/venv/bin/pip" install --quiet 'tensorflow-cpu==2.21.0' 'numpy==2.4.6'
cd "$tmp"
export TF_CPP_MIN_LOG_LEVEL=3 CUDA_VISIBLE_DEVICES=
venv/bin/python - <<'PY'
import sys
from collections import Counter

import numpy as np
import tensorflow as tf

print("TensorFlow", tf.__version__)
tf.config.experimental.enable_op_determinism()
rng = np.random.default_rng(0)
start = [tf.constant(rng.normal(size=100_000), tf.float32) for _ in range(3)]


@tf.function(autograph=False)
def summed(read_later):
    terms = [tf.exp(x) for x in start]
    total = tf.add_n(terms)
    with tf.control_dependencies([total]):
        others = [tf.reduce_max(terms[i]) for i in read_later]
    return total, others


@tf.function(autograph=False)
def raced():
    terms = [tf.exp(x) for x in start]
    return tf.add_n(terms), [tf.reduce_max(x) for x in terms[:2]]


def terms_of_sums(gradients_of):
    x = tf.Variable(start[0])

    @tf.function(autograph=False)
    def run():
        loss = tf.reduce_sum(tf.sin(x) + tf.cos(x) + tf.exp(x))
        return gradients_of(loss, x)

    return [
        n.attr["N"].i
        for n in run.get_concrete_function().graph.as_graph_def().node
        if n.op == "AddN"
    ]


a, b, c = (tf.exp(x).numpy() for x in start)
free, held = (summed(read)[0].numpy() for read in ((), (0, 1)))
shares = Counter(raced()[0].numpy().tobytes() for _ in range(1000))
pairs = terms_of_sums(
    lambda loss, x: tf.gradients(
        loss, x, aggregation_method=tf.AggregationMethod.EXPERIMENTAL_TREE
    )
)
print("nobody else reads: equals (a + b) + c:", (free == (a + b) + c).all())
print("a and b still read: equals (c + b) + a:", (held == (c + b) + a).all())
print("elements that differ:", f"{(free != held).mean():.0%}")
print("left to the threads, runs with each result:", sorted(shares.values()))
print("terms of the sums of gradients with EXPERIMENTAL_TREE:", pairs)
same = (free == (a + b) + c).all() and (held == (c + b) + a).all()
sys.exit(not (same and (free != held).any() and set(pairs) == {2}))
PY
