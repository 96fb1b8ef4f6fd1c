"""Profiles and presets of the notebooks."""

import json
from pathlib import Path

import pytest

from mrcnn.presets import (
    DRAWN_TRAINING,
    NUCLEI_TRAINING,
    OWN_IMAGES,
    PHOTOGRAPHS_TRAINING,
    PROFILES,
    SHAPES_TRAINING,
    BalloonConfig,
    NucleiConfig,
    PhotographsConfig,
    QuickBalloonConfig,
    ShapesConfig,
    ShapesResNet50Config,
    SmokeBalloonConfig,
    SmokeShapesConfig,
    balloon_config,
    own_images_profile,
    quick_balloon_config,
    shapes_config,
)
from mrcnn.presets import profile as profile_of


@pytest.mark.parametrize(
    "preset",
    [
        ShapesConfig,
        SmokeShapesConfig,
        BalloonConfig,
        QuickBalloonConfig,
        PhotographsConfig,
        SmokeBalloonConfig,
        ShapesResNet50Config,
        NucleiConfig,
    ],
)
def test_presets_are_valid(preset):
    preset().validate()


@pytest.mark.parametrize("dataset", PROFILES)
def test_profiles_grow(dataset):
    smoke, cpu, full = (profile_of(dataset, n) for n in ("smoke", "cpu", "full"))
    assert (
        smoke.epochs * smoke.steps < cpu.epochs * cpu.steps < full.epochs * full.steps
    )
    assert smoke.train_images <= cpu.train_images <= full.train_images


def test_profiles_of_own_images_grow():
    assert list(OWN_IMAGES) == list(PROFILES["shapes"])
    smoke, cpu, full = map(own_images_profile, OWN_IMAGES)
    for less, more in ((smoke, cpu), (cpu, full)):
        assert less.epochs * less.steps < more.epochs * more.steps
        assert (less.side, less.images) < (more.side, more.images)
    assert own_images_profile("cpu", 3) == cpu._replace(epochs=3)
    with pytest.raises(ValueError, match="no profile 'gpu'; PROFILE is one of smoke"):
        own_images_profile("gpu")


def test_only_smoke_looks_at_small_balloons():
    sides = {
        name: (
            balloon_config(name).IMAGE_MAX_DIM,
            quick_balloon_config(name).IMAGE_MAX_DIM,
        )
        for name in PROFILES["balloon"]
    }
    assert sides == {"smoke": (128, 128), "cpu": (512, 384), "full": (512, 384)}


@pytest.mark.parametrize(
    ("config", "preset", "images"),
    [(shapes_config, ShapesConfig, 8), (balloon_config, BalloonConfig, 4)],
)
def test_only_smoke_takes_few_images(config, preset, images):
    assert type(config("cpu")) is type(config("full")) is preset
    assert isinstance(config("smoke"), preset)
    batches = {name: config(name).BATCH_SIZE for name in ("smoke", "cpu")}
    assert batches == {"smoke": 2, "cpu": images}


@pytest.mark.parametrize("config", [shapes_config, balloon_config])
def test_smoke_learns_by_the_same_rule(config):
    smoke, full = config("smoke"), config("full")
    for name in ("OPTIMIZER", "WEIGHT_DECAY", "LEARNING_RATE"):
        assert getattr(smoke, name) == getattr(full, name)


@pytest.mark.parametrize(
    ("measured", "training"),
    [
        ("shapes", SHAPES_TRAINING),
        ("balloon_drawn", DRAWN_TRAINING),
        ("photographs", PHOTOGRAPHS_TRAINING),
        ("nuclei", NUCLEI_TRAINING),
    ],
)
def test_what_was_measured_was_trained_as_it_is_said(measured, training):
    path = Path(__file__).resolve().parents[1] / "book" / "results" / f"{measured}.json"
    found = json.loads(path.read_text())
    runs = found if isinstance(found, list) else found["runs"]
    assert {run["steps"] for run in runs} - {0} == {training.epochs * training.steps}


def test_epochs_override():
    cpu = profile_of("shapes", "cpu")
    assert profile_of("shapes", "cpu", 3) == cpu._replace(epochs=3)
    assert profile_of("shapes", "cpu", 0) == cpu


def test_unknown_profile_names_the_choices():
    with pytest.raises(ValueError, match=r"'gpu'; PROFILE is one of smoke, cpu, full"):
        profile_of("shapes", "gpu")
