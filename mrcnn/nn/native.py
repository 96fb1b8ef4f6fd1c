"""Which model a function was given: the network itself, or what holds it."""

from typing import Any


def native(model: Any) -> Any:
    """Return the network that `mrcnn.build.model` makes.

    It may be given inside Matterport's object, `mrcnn.model.MaskRCNN`, which holds it
    as `keras_model`.

    Raises:
        TypeError: names what was given in place of a model.
    """
    if isinstance(model, type):
        raise TypeError(
            f"model is the class {model.__name__}: give a model that "
            "mrcnn.build.model(config) returned."
        )
    network = getattr(model, "keras_model", model)
    if not hasattr(network, "preprocessing"):
        raise TypeError(
            f"model is of the type {type(model).__name__}: give a model that "
            "mrcnn.build.model(config) returned."
        )
    return network
