"""The command that detects in many threads and sizes, in short."""

import numpy as np
import pytest

from mrcnn.benchmarks import threads
from mrcnn.data.transforms import plan_geometry


def test_threads_and_sizes_make_no_errors():
    model = threads.many_sizes_model(kept=2)
    found = threads.run(model, threads.images_of_sizes(2), calls=60, threads=4)
    assert found.errors == []
    assert found.growth <= threads.MOST_GROWTH


def test_sizes_differ_and_hold_objects():
    model = threads.many_sizes_model(kept=1)
    images = threads.images_of_sizes(25)
    padded = {plan_geometry(im.shape[:2], model.preprocessing)[3] for im in images}
    assert len(padded) == len(images) == 25


def test_what_goes_wrong_is_counted(monkeypatch):
    calls = []

    def detect(model, images):
        calls.append(1)
        if len(calls) == 3:
            raise KeyError("lost")
        return [{"scores": np.ones(2 if len(calls) == 4 else 1)}]

    monkeypatch.setattr(threads, "detect", detect)
    found = threads.run(None, [None], calls=5, threads=1)
    assert found.errors == [
        "call 1: KeyError: 'lost'",
        "call 2: another result",
    ]
    assert threads.Outcome([], 100, 110, 1.0).growth == pytest.approx(1.1)
