"""Profiles and presets of the notebooks."""

import pytest

from mrcnn.presets import (
    PROFILES,
    BalloonConfig,
    ShapesConfig,
    ShapesResNet50Config,
    SmallBalloonConfig,
    balloon_config,
)
from mrcnn.presets import profile as profile_of


@pytest.mark.parametrize(
    "preset", [ShapesConfig, BalloonConfig, SmallBalloonConfig, ShapesResNet50Config]
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


def test_only_smoke_looks_at_small_balloons():
    sides = {name: balloon_config(name).IMAGE_SHAPE[0] for name in PROFILES["balloon"]}
    assert sides == {"smoke": 128, "cpu": 384, "full": 384}


def test_epochs_override():
    cpu = profile_of("shapes", "cpu")
    assert profile_of("shapes", "cpu", 3) == cpu._replace(epochs=3)
    assert profile_of("shapes", "cpu", 0) == cpu


def test_unknown_profile_names_the_choices():
    with pytest.raises(ValueError, match=r"'gpu'; PROFILE is one of smoke, cpu, full"):
        profile_of("shapes", "gpu")
