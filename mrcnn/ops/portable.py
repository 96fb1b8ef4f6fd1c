"""What is computed otherwise while a model is written for other programs."""

import contextlib
from collections.abc import Iterator
from contextvars import ContextVar

_crops_by_kernel = ContextVar("crops_by_kernel", default=True)
_products = ContextVar("products", default=True)


def crops_by_kernel() -> bool:
    """Return whether crops may come from TensorFlow's kernel.

    It is faster than gathers, which all backends have.
    """
    return _crops_by_kernel.get()


def products() -> bool:
    """Return whether convolutions of features that are products are computed so."""
    return _products.get()


@contextlib.contextmanager
def gathered_crops() -> Iterator[None]:
    """Let crops be gathers: LiteRT does not know TensorFlow's operation for them."""
    with _set(_crops_by_kernel):
        yield


@contextlib.contextmanager
def only_convolutions() -> Iterator[None]:
    """Let every convolution of features be one.

    Other programs move channels to the front, and back around a product of matrices.
    What is as large as its input, as in the box head, has no channels to move.
    """
    with _set(_products):
        yield


@contextlib.contextmanager
def _set(variable: ContextVar[bool]) -> Iterator[None]:
    token = variable.set(False)
    try:
        yield
    finally:
        variable.reset(token)
