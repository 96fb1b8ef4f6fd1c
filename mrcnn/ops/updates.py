"""What an optimizer does to a variable, each in one of TensorFlow's fused kernels.

Keras writes the same formulas out in small operations: some fifty a variable, each of
which is traced, scheduled and writes its result to memory.
"""

from collections.abc import Sequence
from typing import Any

import keras

from mrcnn.structures import Tensor


def fused(variables: Sequence[Any], tensors: Sequence[Any]) -> bool:
    """Return whether these kernels serve for variables of Keras' and tensors.

    They do under TensorFlow without a distribution strategy, in float32, for tensors
    of which none is sparse.
    """
    if keras.backend.backend() != "tensorflow":
        return False
    import tensorflow as tf

    return (
        not tf.distribute.has_strategy()
        and all(native(variable).dtype == tf.float32 for variable in variables)
        and all(isinstance(t, tf.Tensor) and t.dtype == tf.float32 for t in tensors)
    )


def native(variable: Any) -> Any:
    """Return the variable of TensorFlow's that a variable of Keras' wraps."""
    return variable.value if isinstance(variable, keras.Variable) else variable


def clip_together(gradients: Sequence[Tensor], limit: float) -> list[Tensor]:
    """Return gradients scaled so that the norm of all together is at most a limit.

    A norm that is NaN or infinite makes all of them NaN, as Keras does.
    """
    import tensorflow as tf

    squares = tf.stack([tf.nn.l2_loss(each) for each in gradients])
    norm = tf.sqrt(2.0 * tf.reduce_sum(squares))
    scale = limit * tf.minimum(1.0 / norm, 1.0 / limit) + (norm - norm)
    return [each * scale for each in gradients]


def shrink(variable: Any, part: Tensor) -> None:
    """Subtract a part of a variable from it."""
    descend(variable, variable.value(), part)


def approach(variable: Any, target: Any, part: Tensor) -> None:
    """Move a variable a part of the way to another one; a part of 1 is all of it."""
    descend(variable, variable - target, part)


def descend(variable: Any, gradient: Tensor, rate: Tensor) -> None:
    """Subtract `rate` times a gradient."""
    import tensorflow as tf

    tf.raw_ops.ResourceApplyGradientDescent(
        var=variable.handle, alpha=rate, delta=gradient, use_locking=True
    )


def momentum(
    variable: Any,
    moment: Any,
    gradient: Tensor,
    rate: Tensor,
    *,
    factor: Tensor,
    nesterov: bool,
) -> None:
    """Step along a gradient and what is left of earlier ones, see Keras' `SGD`."""
    import tensorflow as tf

    tf.raw_ops.ResourceApplyKerasMomentum(
        var=variable.handle,
        accum=moment.handle,
        lr=rate,
        grad=gradient,
        momentum=factor,
        use_nesterov=nesterov,
        use_locking=True,
    )


def adam(
    variable: Any,
    moments: tuple[Any, Any],
    gradient: Tensor,
    rate: Tensor,
    *,
    betas: tuple[Tensor, Tensor],
    powers: tuple[Tensor, Tensor],
    epsilon: Tensor,
) -> None:
    """Do a step of Adam (arXiv:1412.6980, with its epsilon hat).

    Args:
        variable: float32.
        moments: means of the gradient and of its square.
        gradient: of the variable.
        rate: of learning.
        betas: how much of each mean a step keeps.
        powers: the betas to the power of this step's number, from 1.
        epsilon: beside the root of the second moment.
    """
    import tensorflow as tf

    tf.raw_ops.ResourceApplyAdam(
        var=variable.handle,
        m=moments[0].handle,
        v=moments[1].handle,
        beta1_power=powers[0],
        beta2_power=powers[1],
        lr=rate,
        beta1=betas[0],
        beta2=betas[1],
        epsilon=epsilon,
        grad=gradient,
        use_locking=True,
    )
