"""Balloons, drawn and in photographs: which pictures teach and which measure."""

from pathlib import Path

import numpy as np
import pytest

from mrcnn import training
from mrcnn.benchmarks import balloons, photographs
from mrcnn.data.synthetic import write_set
from mrcnn.evaluation.scenes import Scene, load_truth
from mrcnn.presets import Profile, SmokeBalloonConfig

FEW = Profile(train_images=4, test_images=2, epochs=1, steps=1)


@pytest.fixture(scope="module")
def pictures(tmp_path_factory):
    folder = tmp_path_factory.mktemp("few") / "set"
    write_set(folder, train=7, val=4, size=64)
    return folder


def names(dataset, ids):
    return [Path(dataset.image_info[i]["path"]).parts[-2:] for i in ids]


def test_the_official_split_is_that_of_the_folders(pictures):
    dataset, ((learnt, held), *_) = photographs.load(pictures)
    assert {folder for folder, _ in names(dataset, learnt)} == {"train"}
    assert {folder for folder, _ in names(dataset, held)} == {"val"}
    assert (len(learnt), len(held)) == (7, 4)


def test_each_photograph_is_held_back_by_one_fold_and_teaches_the_others(pictures):
    dataset, (_, *folds) = photographs.load(pictures)
    assert len(folds) == photographs.FOLDS
    held = np.concatenate([part for _, part in folds])
    assert sorted(held) == dataset.image_ids.tolist()
    for learnt, part in folds:
        assert sorted([*learnt, *part]) == dataset.image_ids.tolist()
    again = photographs.load(pictures)[1]
    assert all(
        np.array_equal(a, b) for a, b in zip(again[2], folds[1], strict=True)
    )  # of every run, or those of two days could not be put together


@pytest.fixture
def fits(monkeypatch):
    """The trainings that are asked for, none of which takes place."""
    asked = []

    def fit(model, batches, *, folder, **_):
        asked.append((folder.name, batches.dataset.num_images))

    monkeypatch.setattr(training, "fit", fit)
    monkeypatch.setattr(photographs, "PhotographsConfig", SmokeBalloonConfig)
    monkeypatch.setattr(photographs, "PHOTOGRAPHS_TRAINING", FEW)
    return asked


def test_drawn_starts_from_the_shipped_network(fits, tmp_path):
    way = photographs.WAYS["drawn"]
    first, second = (photographs.begun(way, seed, tmp_path, None) for seed in (0, 1))
    assert not fits
    for a, b in zip(first.weights, second.weights, strict=True):
        if "seed" not in a.path:
            np.testing.assert_array_equal(a, b)


@pytest.mark.parametrize(("name", "trained"), [("drawn", 0), ("photographs", 1)])
def test_only_ways_over_photographs_train(
    pictures, fits, tmp_path, monkeypatch, name, trained
):
    monkeypatch.setattr(photographs, "collect", nothing_found)
    dataset, (official, *_) = photographs.load(pictures)
    photographs.look(name, dataset, [official], 0, tmp_path, None)
    assert [count for _, count in fits] == trained * [7]


def nothing_found(_, dataset, *, image_ids, views=None):
    return [
        Scene(i, truth, truth.select(np.array([], int)), np.zeros((0, 4)))
        for i in image_ids
        for truth in [load_truth(dataset, i)]
    ]


def test_each_fold_learns_from_the_others_in_a_folder_of_its_own(
    pictures, fits, tmp_path, monkeypatch
):
    monkeypatch.setattr(photographs, "collect", nothing_found)
    row = {"name": "photographs", "split": "folds", "seed": 3}
    found = photographs.measured(tmp_path, pictures, None, row)
    assert sorted(count for _, count in fits) == [8, 9, 9, 9, 9]
    assert len({folder for folder, _ in fits}) == 5
    assert found["images"] == 11
    assert found["mask_ap"] == 0
    assert found["mask_interval"] == (0, 0)
    assert found["steps"] == 1
    assert found["views"]["images"] == 11


def test_pictures_are_drawn_once(monkeypatch, tmp_path):
    monkeypatch.setattr(balloons, "DRAWN_TRAINING", FEW)
    monkeypatch.setattr(
        balloons,
        "write_set",
        lambda folder, *, size, **options: write_set(folder, size=192, **options),
    )
    first = balloons.drawn(tmp_path)
    assert names(first, first.image_ids) == [
        ("train", f"balloon_000{i}.jpg") for kind in balloons.KINDS for i in (0, 1)
    ]
    monkeypatch.setattr(balloons, "write_set", None)
    second = balloons.drawn(tmp_path)
    for i in first.image_ids:
        np.testing.assert_array_equal(first.load_image(i), second.load_image(i))
    varied = balloons.drawn(tmp_path, ["varied"])
    np.testing.assert_array_equal(first.load_image(2), varied.load_image(0))
    assert not np.array_equal(first.load_image(0), varied.load_image(0))


def test_pictures_to_learn_from_are_not_those_to_measure_on(tmp_path):
    few = tmp_path / "plain"
    write_set(few, train=1, val=0, size=384, seed=balloons.DRAWN_SEED)
    learnt, held = balloons.drawn(tmp_path, ["plain"]), balloons.embedded(tmp_path)
    assert held.num_images == 40
    shapes = learnt.load_image(0).shape, held.load_image(0).shape
    assert shapes[0] != shapes[1] or (learnt.load_image(0) != held.load_image(0)).any()
