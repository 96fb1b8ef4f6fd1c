"""Keras' AdamW and SGD, in a few operations a variable where TensorFlow runs.

They are Keras' classes in all but speed: arguments, variables and results are the same,
the latter to rounding. What `ops.updates` has no kernel for goes Keras' own way.
"""

from collections.abc import Sequence
from typing import Any

import keras
from keras import ops

from mrcnn.ops import updates
from mrcnn.structures import Tensor

Variables = Sequence[keras.Variable]


class _Fused:
    """What both do beside their step; comes before a class of Keras'."""

    def __new__(cls, *args: Any, **kwargs: Any) -> Any:
        """Make Keras' own optimizer on other backends: PyTorch has fused ones too."""
        if keras.backend.backend() == "tensorflow" or cls.__module__ != __name__:
            return super().__new__(cls)
        order = cls.__mro__
        return order[order.index(_Fused) + 1](*args, **kwargs)

    def _clip_gradients(self, grads: Sequence[Tensor]) -> Sequence[Tensor]:
        together = (self.global_clipnorm or 0) > 0 and not self.clipnorm
        if together and updates.fused((), grads):
            return updates.clip_together(grads, self.global_clipnorm)
        return super()._clip_gradients(grads)

    def _apply_weight_decay(self, variables: Variables) -> None:
        if self.weight_decay is None or not updates.fused(variables, ()):
            super()._apply_weight_decay(variables)
            return
        part = ops.cast(self.weight_decay * self.learning_rate, "float32")
        for variable in map(updates.native, variables):
            if self._use_weight_decay(variable):
                updates.shrink(variable, part)

    def _update_model_variables_moving_average(self, variables: Variables) -> None:
        if not self.use_ema or not updates.fused(variables, ()):
            super()._update_model_variables_moving_average(variables)
            return
        begun = ops.cast(ops.not_equal(self.iterations, 0), "float32")
        part = 1 - begun * self.ema_momentum  # the first average is all of a variable
        averages = self._model_variables_moving_average
        for variable, average in zip(variables, averages, strict=True):
            if average is not None:
                updates.approach(*map(updates.native, (average, variable)), part)


@keras.saving.register_keras_serializable("mrcnn")
class AdamW(_Fused, keras.optimizers.AdamW):
    """See `keras.optimizers.AdamW`."""

    def _backend_update_step(
        self, grads: Sequence[Tensor], variables: Variables, learning_rate: Any
    ) -> None:
        if self.amsgrad or not updates.fused(variables, grads):
            super()._backend_update_step(grads, variables, learning_rate)
            return
        rate = ops.cast(learning_rate, "float32")
        step = ops.cast(self.iterations + 1, "float32")
        betas = tuple(ops.cast(beta, "float32") for beta in (self.beta_1, self.beta_2))
        powers = tuple(ops.power(beta, step) for beta in betas)
        epsilon = ops.cast(self.epsilon, "float32")
        for gradient, variable in zip(grads, variables, strict=True):
            index = self._get_variable_index(variable)
            moments = self._momentums[index], self._velocities[index]
            updates.adam(
                updates.native(variable),
                tuple(map(updates.native, moments)),
                gradient,
                rate,
                betas=betas,
                powers=powers,
                epsilon=epsilon,
            )


@keras.saving.register_keras_serializable("mrcnn")
class SGD(_Fused, keras.optimizers.SGD):
    """See `keras.optimizers.SGD`."""

    def _backend_update_step(
        self, grads: Sequence[Tensor], variables: Variables, learning_rate: Any
    ) -> None:
        if not updates.fused(variables, grads):
            super()._backend_update_step(grads, variables, learning_rate)
            return
        rate, factor = (ops.cast(x, "float32") for x in (learning_rate, self.momentum))
        for gradient, variable in zip(grads, variables, strict=True):
            if self.momentum == 0:
                updates.descend(updates.native(variable), gradient, rate)
                continue
            updates.momentum(
                updates.native(variable),
                updates.native(self.momentums[self._get_variable_index(variable)]),
                gradient,
                rate,
                factor=factor,
                nesterov=self.nesterov,
            )
