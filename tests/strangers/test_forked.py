"""Workers that are forked: an answer or an error at once, and never silence."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.skipif(
    not hasattr(os, "fork"), reason="this system never forks"
)
ROOT = Path(__file__).resolve().parents[2]

# The parent forks while it is young, and its child, which had nothing to lose, works.
# The later ones meet a parent that has begun to work.
PROGRAM = """
import os, signal, sys, warnings
import numpy as np
import mrcnn, keras
from mrcnn import build, detection
from mrcnn.matterport import graph
from mrcnn.presets import ShapesConfig

warnings.simplefilter("ignore")  # Python's own, of forks beside threads
image = np.zeros((128, 128, 3), np.uint8)

def new():
    return build.model(ShapesConfig(), precision="float32")

def in_child(name, job):
    sys.stdout.flush()
    if not (child := os.fork()):
        signal.alarm(60)  # ends it where it would hang
        try:
            job()
            print(name, "answered", flush=True)
        except RuntimeError as error:
            print(name, "refused:", error, flush=True)
        finally:
            os._exit(0)
    if os.waitpid(child, 0)[1]:
        print(name, "hung", flush=True)

in_child("young", lambda: detection.detect(new(), [image]))
if keras.backend.backend() != "torch":  # which takes no thread for so little
    keras.ops.add(np.ones(3), 1)
    in_child("other", new)
old = new()
in_child("new", new)
in_child("old", lambda: detection.detect(old, [image]))
model = new()
detection.detect(model, [image])
in_child("detect", lambda: detection.detect(model, [image]))
in_child("predict", lambda: model.predict({"images": image[None]}, verbose=0))
in_child("compile", lambda: model.compile("sgd"))
in_child("call", lambda: model({"images": image[None], "windows": image[None, 0]}))
inputs, _ = detection.prepare(model, [image])
in_child("graph", lambda: graph.evaluate(model, inputs, ["res2a_out"]))
in_child("load", lambda: type(model).from_config({}))
in_child("numpy", lambda: np.ones(3).sum())
print("parent found", len(detection.detect(model, [image])), "result")
"""


def test_forked_children_answer_or_refuse_at_once():
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM],
        cwd=ROOT,
        env={**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3"},
        capture_output=True,
        text=True,
        timeout=600,
        check=True,
    )
    said = {line.split()[0]: line for line in done.stdout.splitlines()}
    assert said.pop("young") == "young answered"
    assert said.pop("numpy") == "numpy answered"
    assert said.pop("parent") == "parent found 1 result"
    assert {"new", "old", "detect", "predict", "compile", "call"} <= set(said)
    assert {"load", "graph"} <= set(said)
    for line in said.values():
        assert "refused: This process was forked after" in line
        assert 'get_context("spawn")' in line
