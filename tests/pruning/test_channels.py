"""Channels removed within a budget, on a tiny model."""

import pytest

from mrcnn import build, weights
from mrcnn.evaluation import evaluate
from mrcnn.pruning import channels, selection
from mrcnn.pruning.selection import Work
from mrcnn.tasks import Task

pytestmark = [
    pytest.mark.filterwarnings("ignore:Even though the `tf.config"),
    pytest.mark.usefixtures("eager"),
]


@pytest.fixture
def dense(tiny_model, tmp_path):
    weights.save_weights(tiny_model, tmp_path / "dense.h5")
    return tmp_path / "dense.h5"


@pytest.fixture(autouse=True)
def one_by_one(monkeypatch):
    """Choose channels one by one in the narrow network."""
    monkeypatch.setattr(selection, "NARROWEST", 2)
    monkeypatch.setattr(selection, "MULTIPLE", 1)


def test_the_rest_of_the_work_is_what_was_asked_for(
    tiny_config, tiny_shapes, tiny_model, dense, monkeypatch
):
    steps = []
    fit = channels.training.fit

    def counted(model, batches, **options):
        steps.append(len(batches))
        return fit(model, batches, **options)

    monkeypatch.setattr(channels.training, "fit", counted)
    found = channels.prune_channels(tiny_config, tiny_shapes, dense, 0.5, steps=7)
    # Two batches of gradients of three tasks cost 2 (1 + 2 * 3) / 3 steps, rounded up.
    assert steps == [2]
    work = Work(tiny_model, build.channels(tiny_config), (64, 64))
    widths = {name: len(kept) for name, kept in found.plan.kept.items()}
    assert 0.4 < work.part(work.widths | widths) <= 0.5
    rebuilt = build.model(found.config)
    for ours, theirs in zip(rebuilt.weights, found.model.weights, strict=True):
        assert ours.shape == theirs.shape


def test_what_it_makes_can_be_saved_evaluated_and_pruned_further(
    tiny_config, tiny_shapes, dense, tmp_path
):
    once = channels.prune_channels(tiny_config, tiny_shapes, dense, 0.5, steps=7)
    weights.save_weights(once.model, tmp_path / "once.h5")
    twice = channels.prune_channels(
        once.config, tiny_shapes, tmp_path / "once.h5", 0.6, steps=7
    )
    before, after = map(build.layer_widths, (once.config, twice.config))
    assert all(after[name] <= before[name] for name in before)
    work = Work(once.model, build.channels(once.config), (64, 64))
    widths = {name: len(kept) for name, kept in twice.plan.kept.items()}
    assert work.part(work.widths | widths) <= 0.6
    report = evaluate(twice.model, tiny_shapes)
    assert 0 <= report.headline[Task.BOX] <= 1


def test_it_starts_from_random_weights_where_there_are_no_others(
    tiny_config, tiny_shapes
):
    found = channels.prune_channels(tiny_config, tiny_shapes, None, 0.5, steps=7)
    assert found.plan.kept


def test_a_budget_below_the_price_of_gradients_is_refused(
    tiny_config, tiny_shapes, dense
):
    with pytest.raises(
        ValueError, match="channels spends 5 steps on choosing what goes, of 5"
    ):
        channels.prune_channels(tiny_config, tiny_shapes, dense, 0.5, steps=5)
