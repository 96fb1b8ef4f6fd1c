"""Work counted by formula and by building the network; channels chosen by hand."""

import math

import numpy as np
import pytest

from mrcnn import build
from mrcnn.cost import model_cost
from mrcnn.nn.channels import channel_groups
from mrcnn.pruning import selection
from mrcnn.pruning.selection import Work, select
from mrcnn.weights import single_layers

GROUPS = channel_groups("compact")


@pytest.fixture(scope="module")
def work(tiny_model) -> Work:
    return Work(tiny_model, GROUPS, (64, 64))


def counted(model) -> np.ndarray:
    """Return the multiply-accumulates and the weights of a model."""
    settings = model.settings
    rois, masks = settings.proposals_inference, settings.detections
    macs = model_cost(model, (64, 64), rois=rois, masks=masks)["total"].macs
    kernels = [getattr(layer, "kernel", np.zeros(0)) for layer in single_layers(model)]
    return np.array([macs, sum(math.prod(kernel.shape) for kernel in kernels)])


@pytest.mark.parametrize("weights", [0.0, 0.25, 1.0])
def test_work_is_that_of_the_narrower_network(weights, tiny_config, tiny_model):
    rng = np.random.default_rng(0)
    widths = {group.name: int(rng.integers(1, 9)) for group in GROUPS}
    by_layer = {name: widths[g.name] for g in GROUPS for name in g.makers}
    narrower = build.model(build.with_widths(tiny_config, by_layer))
    macs, sizes = counted(narrower) / counted(tiny_model)
    work = Work(tiny_model, GROUPS, (64, 64), weights=weights)
    assert work.part(work.widths) == pytest.approx(1)
    assert work.part(widths) == pytest.approx((1 - weights) * macs + weights * sizes)


def test_a_channel_frees_what_is_counted_without_it(work):
    freed = work.freed(work.widths)
    for name, width in work.widths.items():
        fewer = work.widths | {name: width - 1}
        assert freed[name] == pytest.approx(1 - work.part(fewer))


class TwoGroups(Work):
    """Work by hand: 3/16 for each channel of "a", 1/16 for each of "b"."""

    def __init__(self):
        self.widths = {"a": 4, "b": 4}
        self._layers = [(12 / 16, "a", None), (4 / 16, None, "b")]


@pytest.fixture
def fine(monkeypatch):
    monkeypatch.setattr(selection, "NARROWEST", 1)
    monkeypatch.setattr(selection, "MULTIPLE", 1)


SCORES = {"a": np.array([6.0, 1, 9, 2]), "b": np.array([3.0, 8, 0.5, 4])}
ALL = {"a": np.ones(4, bool), "b": np.ones(4, bool)}


@pytest.mark.parametrize(
    ("part", "exponent", "a", "b"),
    [
        (1.0, 0.0, [0, 1, 2, 3], [0, 1, 2, 3]),  # nothing has to go
        (0.95, 0.0, [0, 1, 2, 3], [0, 1, 3]),  # 0.5 goes: 15 of 16
        (0.75, 0.0, [0, 2, 3], [0, 1, 3]),  # and 1: 12
        # Per work, a is worth 2, 1/3, 3, 2/3: 1/3 and 0.5 go, as before; then 2/3.
        (0.60, 1.0, [0, 2], [0, 1, 3]),
        (0.60, 0.0, [0, 2], [0, 1, 3]),
        (0.50, 1.0, [2], [0, 1, 3]),  # 2 goes before 3
        (0.50, 0.0, [0, 2], [1, 3]),  # 3 goes before 6
    ],
)
def test_the_worst_channels_go_by_hand(part, exponent, a, b, fine):
    kept = select(SCORES, ALL, TwoGroups(), part, exponent=exponent)
    assert np.flatnonzero(kept["a"]).tolist() == a
    assert np.flatnonzero(kept["b"]).tolist() == b


def test_channels_that_are_gone_stay_away(fine):
    before = {"a": np.array([True, True, False, True]), "b": np.ones(4, bool)}
    kept = select(SCORES, before, TwoGroups(), 0.5, exponent=0.0)
    assert not kept["a"][2]
    assert TwoGroups().part({n: m.sum() for n, m in kept.items()}) <= 0.5


def test_too_much_is_refused(fine):
    with pytest.raises(ValueError, match=r"more than 0\.200 of the work remains"):
        select(SCORES, ALL, TwoGroups(), 0.2, exponent=0.0)


def test_widths_are_multiples_and_never_too_narrow():
    rng = np.random.default_rng(1)

    class Wide(TwoGroups):
        def __init__(self):
            self.widths = {"a": 64, "b": 20}
            self._layers = [(1.0, "a", "b")]

    scores = {"a": rng.random(64), "b": rng.random(20) + 2}
    whole = {name: np.ones(len(s), bool) for name, s in scores.items()}
    kept = select(scores, whole, Wide(), 0.5, exponent=0.0)
    assert (kept["a"].sum(), kept["b"].sum()) == (32, 20)  # 20 was so before
    kept = select(scores, whole, Wide(), 0.06, exponent=0.0)
    assert (kept["a"].sum(), kept["b"].sum()) == (8, 8)
