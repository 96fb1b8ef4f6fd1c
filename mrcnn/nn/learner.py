"""How a Keras model made of networks and numbers learns."""

from typing import Any

import keras

from mrcnn.hardware import refuse_after_fork
from mrcnn.nn.settings import Settings
from mrcnn.ops.gradients import is_tracing, ordered_gradients


class Learner(keras.Model):
    """Compiles and trains what a subclass computes in `call` and `compute_loss`.

    Attributes:
        settings: the numbers it was built with.
        precision: the policy of the layers, such as "mixed_bfloat16".
        loss_weights: a variable: those of the settings, but while a training balances
            them.
    """

    settings: Settings
    precision: str
    loss_weights: keras.Variable

    def make_train_function(self, force: bool = False) -> Any:
        """Make what `fit` calls."""
        refuse_after_fork()
        if self.compiled and not self.optimizer.built:  # else it is traced twice
            self.optimizer.build(self.trainable_variables)
        return super().make_train_function(force)

    def train_step(self, *args: Any) -> Any:
        """Learn from a batch as Keras does; TensorFlow adds gradients in one order.

        Args:
            args: the batch; on JAX the state before it.
        """
        variables = self.trainable_variables
        if not is_tracing() or not variables:
            return super().train_step(*args)
        x, y, sample_weight = keras.utils.unpack_x_y_sample_weight(*args)
        outputs = self(x, training=True)
        loss = self.compute_loss(x, y, outputs, sample_weight)
        of_batches = next(m for m in self.metrics if m.name == "loss")
        of_batches.update_state(loss, sample_weight=keras.ops.shape(x["images"])[0])
        gradients = ordered_gradients(self.optimizer.scale_loss(loss), variables)
        self.optimizer.apply(gradients, variables)
        return self.compute_metrics(x, y, outputs, sample_weight)

    def fit(self, *args: Any, **kwargs: Any) -> keras.callbacks.History:
        """Train as Keras does; however it ends, losses weigh as in settings again."""
        try:
            return super().fit(*args, **kwargs)
        finally:  # a callback may have put back weights of an earlier epoch
            self.loss_weights.assign(self.settings.loss_weights)

    def compile(
        self,
        optimizer: Any = "rmsprop",
        *args: Any,
        auto_scale_loss: bool = True,
        **kwargs: Any,
    ) -> None:
        """Compile as Keras does, with scaled losses where layers compute in float16.

        The model itself is float32, so Keras does not see that its parts are not.
        """
        refuse_after_fork()
        optimizer = keras.optimizers.get(optimizer)
        scaled = isinstance(optimizer, keras.optimizers.LossScaleOptimizer)
        if auto_scale_loss and self.precision == "mixed_float16" and not scaled:
            optimizer = keras.optimizers.LossScaleOptimizer(optimizer)
        super().compile(optimizer, *args, auto_scale_loss=auto_scale_loss, **kwargs)
