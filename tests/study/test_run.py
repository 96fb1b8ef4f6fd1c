"""One run of the study on a tiny model."""

import os
from contextlib import nullcontext
from subprocess import CompletedProcess

import numpy as np
import pytest

from mrcnn.pruning import masks_of, prunable_layers, sparsity
from mrcnn.study import apart
from mrcnn.study.cells import DENSE, Cell
from mrcnn.study.run import prune
from mrcnn.study.subjects import checkpoint_path
from mrcnn.weights import save_weights

pytestmark = [
    pytest.mark.filterwarnings("ignore:Even though the `tf.config"),
    pytest.mark.usefixtures("eager"),
]


def test_a_run_prunes_what_it_was_given(tiny_config, tiny_shapes, tiny_model, tmp_path):
    save_weights(tiny_model, tmp_path / "dense.h5")
    found = prune(
        Cell("LAMP", 0.75, 0, 4),
        tiny_config,
        tiny_shapes,
        tmp_path / "dense.h5",
        epochs=2,
    )
    masks = masks_of(prunable_layers(found.model))
    total = sum(mask.size for mask in masks.values())
    assert sparsity(masks) == pytest.approx(0.75, abs=1 / total)
    assert found.pruner.chosen[-1].step == found.pruner.schedule.end
    assert len(found.history["loss"]) == 2


def test_the_dense_control_only_trains_on(tiny_config, tiny_shapes):
    found = prune(Cell(DENSE, 0.0, 0, 2), tiny_config, tiny_shapes, None)
    assert found.pruner is None
    assert sparsity(masks_of(prunable_layers(found.model))) == 0
    assert np.isfinite(found.history["loss"]).all()


def test_a_run_apart_says_what_went_wrong(tmp_path):
    with pytest.raises(RuntimeError, match="KeyError: 'nothing'"):
        apart.run_apart(Cell("LAMP", 0.9, 0, 300), "nothing", tmp_path / "w.h5", "test")


def test_a_run_apart_is_the_run_that_was_asked_for(tmp_path, monkeypatch):
    monkeypatch.setattr(apart, "run_cell", lambda *arguments: {"arguments": arguments})

    def here(command, **options):
        apart.main(*command[3:])
        return CompletedProcess(command, 0)

    monkeypatch.setattr(apart.subprocess, "run", here)
    cell = Cell("TBP", 0.95, 2, 300)
    found = apart.run_apart(cell, "compact", tmp_path / "w.h5", "validation")
    assert found["arguments"] == [
        *([*cell], "compact", str(tmp_path / "w.h5"), "validation")
    ]


def test_a_run_apart_ends_with_who_asked_for_it(tmp_path, monkeypatch):
    """`mrcnn.processes` is tested by itself; here, that both sides make use of it."""
    read, write = os.pipe()
    os.close(write)  # who asked is gone
    monkeypatch.setattr(apart, "lifeline", lambda: nullcontext(read))
    cell, weights = Cell("TBP", 0.95, 0, 300), checkpoint_path()  # of many minutes
    with pytest.raises(RuntimeError, match="ended with code 1") as caught:
        apart.run_apart(cell, "compact", weights, "test")
    os.close(read)
    assert "Traceback" not in str(caught.value)
