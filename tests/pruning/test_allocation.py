"""Masks are exact, leave no layer empty and keep the best."""

import numpy as np
import pytest

from mrcnn.pruning import allocation

SHAPES = {"a": (3, 3, 4, 8), "b": (1, 1, 8, 100), "c": (7, 7, 2, 30), "d": (1, 1, 1, 3)}
ALLOCATIONS = [
    allocation.everywhere,
    allocation.uniform,
    allocation.erdos_renyi_kernel,
]


@pytest.fixture
def scores(rng):
    return {n: rng.random(shape).astype(np.float32) for n, shape in SHAPES.items()}


@pytest.mark.parametrize("allocate", ALLOCATIONS)
@pytest.mark.parametrize("sparsity", [0.0, 0.1, 0.5, 0.9, 0.98, 0.99])
def test_sparsity_is_met_to_the_weight(allocate, sparsity, scores):
    masks = allocate(scores, sparsity)
    total = sum(s.size for s in scores.values())
    assert sum(int(m.sum()) for m in masks.values()) == total - round(total * sparsity)
    for name, mask in masks.items():
        assert mask.shape == SHAPES[name]
        assert set(np.unique(mask)) <= {0, 1}
        assert mask.any(), f"{name} is empty"


@pytest.mark.parametrize("allocate", ALLOCATIONS)
def test_what_is_kept_of_a_layer_is_its_best(allocate, scores):
    for name, mask in allocate(scores, 0.8).items():
        if mask.all():
            continue
        assert scores[name][mask == 1].min() >= scores[name][mask == 0].max()


@pytest.mark.parametrize("allocate", ALLOCATIONS)
def test_equal_scores_are_cut_exactly_too(allocate):
    scores = {name: np.ones(shape, np.float32) for name, shape in SHAPES.items()}
    masks = allocate(scores, 0.75)
    total = sum(s.size for s in scores.values())
    assert sum(int(m.sum()) for m in masks.values()) == total - round(0.75 * total)


def test_a_global_cut_is_one_threshold_but_for_the_floors(scores):
    scores["a"] *= 1e-6  # would vanish
    masks = allocation.everywhere(scores, 0.9)
    assert masks["a"].sum() == 1  # 288 * 0.002 is less than one
    others = ["b", "c"]  # "d" has three weights, of which one may be its floor
    kept = np.concatenate([scores[n][masks[n] == 1] for n in others])
    gone = np.concatenate([scores[n][masks[n] == 0] for n in others])
    assert kept.min() >= gone.max()


def test_uniform_keeps_the_same_part(scores):
    for name, mask in allocation.uniform(scores, 0.5).items():
        assert abs(mask.sum() - 0.5 * mask.size) <= 1, name


def test_erk_by_hand():
    scores = {"a": np.ones((1, 1, 10, 10)), "b": np.ones((1, 1, 20, 20))}
    # Densities as 22 / 100 and 42 / 400, so counts as 22 : 42; 64 of 500 remain.
    masks = allocation.erdos_renyi_kernel(scores, 1 - 64 / 500)
    assert [int(masks[n].sum()) for n in "ab"] == [22, 42]


def test_erk_keeps_all_of_a_layer_that_would_exceed_it():
    scores = {"a": np.ones((1, 1, 2, 2)), "b": np.ones((1, 1, 40, 40))}
    masks = allocation.erdos_renyi_kernel(scores, 0.5)
    assert masks["a"].all()
    assert masks["b"].sum() == 802 - 4


def test_too_sparse_is_refused(scores):
    with pytest.raises(ValueError, match="too few for 4 layers"):
        allocation.everywhere(scores, 0.9999)


@pytest.mark.parametrize("allocate", ALLOCATIONS)
@pytest.mark.parametrize("sparsity", [-0.5, 1.0])
def test_a_sparsity_is_a_share(allocate, sparsity, scores):
    with pytest.raises(ValueError, match=f"sparsity is {sparsity}"):
        allocate(scores, sparsity)


def test_groups_get_their_part_and_keep_their_best(rng):
    shapes = {
        "res2a_branch2a": (1, 1, 10, 20),
        "res2b_branch2b": (3, 3, 10, 10),
        "fpn_p2": (3, 3, 10, 10),
        "mrcnn_mask_conv1": (3, 3, 5, 10),
    }
    scores = {n: rng.random(s).astype(np.float32) for n, s in shapes.items()}
    density = {"stage 2": 0.6, "pyramid": 0.2, "mask head": 0.4}
    for sparsity in (0.0, 0.5, 0.9):
        masks = allocation.by_group(density)(scores, sparsity)
        kept = {name: int(mask.sum()) for name, mask in masks.items()}
        total = sum(s.size for s in scores.values())
        assert sum(kept.values()) == total - round(sparsity * total)
        assert list(masks) == list(scores)
        assert all(kept.values())
    # At 0.9 no group is full: parts are as 0.6 * 1100 : 0.2 * 900 : 0.4 * 450.
    stage = kept["res2a_branch2a"] + kept["res2b_branch2b"]
    assert [stage, kept["fpn_p2"], kept["mrcnn_mask_conv1"]] == pytest.approx(
        np.array([660, 180, 180]) * 245 / 1020, abs=1
    )
    of_stage = ("res2a_branch2a", "res2b_branch2b")
    worst = min(scores[n][masks[n] == 1].min() for n in of_stage)
    assert worst >= max(scores[n][masks[n] == 0].max() for n in of_stage)
