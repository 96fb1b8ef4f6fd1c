"""Each choice differs from the book's network in one thing, and trains."""

import numpy as np
import pytest

from mrcnn.benchmarks import balloon_choices, balloons
from mrcnn.benchmarks.balloon_choices import BOOK, CHOICES, LOOKS, Choice
from mrcnn.benchmarks.balloons import DRAWN_SEED
from mrcnn.data.balloon import load_balloons
from mrcnn.data.synthetic import write_set
from mrcnn.presets import CHOICES_TRAINING, Profile, QuickBalloonConfig
from mrcnn.views import Views
from tests.tiny import TinyConfig

FEW = Profile(train_images=4, test_images=2, epochs=1, steps=1)


pytestmark = pytest.mark.filterwarnings("ignore:Even though the `tf.config")


class TinyBalloonConfig(TinyConfig):
    NUM_CLASSES = 1 + 1
    TRAIN_ROIS_PER_IMAGE = 32
    PRECISION = "float32"


@pytest.mark.parametrize("name", CHOICES)
def test_a_choice_differs_from_the_book_in_one_thing(name):
    choice, usual = CHOICES[name], Choice()
    differs = [
        field
        for field in Choice._fields
        if getattr(choice, field) is not getattr(usual, field)
        and getattr(choice, field) != getattr(usual, field)
    ]
    assert len(differs) == (name != BOOK)
    # Larger images need larger anchors; any other setting comes alone.
    allowed = [1, 3] if "IMAGE_MAX_DIM" in choice.settings else [0, 1]
    assert len(choice.settings) in allowed
    config, book = choice.config(), QuickBalloonConfig()
    assert all(getattr(book, n) != value for n, value in choice.settings.items())
    assert config.IMAGE_MAX_DIM % 64 == 0


def test_no_two_choices_are_the_same():
    settled = list(CHOICES.values())
    assert all(a != b for i, a in enumerate(settled) for b in settled[:i])
    assert not set(LOOKS) & set(CHOICES)


def test_the_names_say_what_is_chosen():
    config = CHOICES["512 pixels"].config()
    assert config.IMAGE_MIN_DIM == config.IMAGE_MAX_DIM == 512
    assert config.RPN_ANCHOR_SCALES == (32, 53, 85, 139, 224)
    pictures, steps = CHOICES["160 pictures"].pictures, CHOICES["1,600 steps"].epochs
    assert (pictures, steps * CHOICES_TRAINING.steps) == (160, 1600)
    masks = CHOICES["masks of 28 x 28"].config()
    assert 2 * masks.MASK_POOL_SIZE == 28


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A folder that has few drawn pictures of each kind, and some to measure on."""
    place = tmp_path_factory.mktemp("few")
    for kind in balloons.KINDS:
        write_set(
            place / kind,
            train=2,
            val=1,
            size=192,
            seed=DRAWN_SEED,
            varied_scenes=kind == "varied",
        )
    return place


@pytest.fixture
def small(monkeypatch, folder):
    """Trainings of one step, of a network in miniature."""
    plan = CHOICES_TRAINING._replace(steps=1)
    monkeypatch.setattr(balloon_choices, "CHOICES_TRAINING", plan)
    monkeypatch.setattr(balloon_choices, "QuickBalloonConfig", TinyBalloonConfig)
    looks = {name: Views(flip=True, sides=(64,)) for name in LOOKS}
    monkeypatch.setattr(balloon_choices, "LOOKS", looks)
    larger = balloon_choices._sized(128)
    once = {
        name: choice._replace(
            epochs=1,
            settings=larger if "IMAGE_MAX_DIM" in choice.settings else choice.settings,
        )
        for name, choice in CHOICES.items()
    }
    monkeypatch.setattr(balloon_choices, "CHOICES", once)

    def held(_):
        return load_balloons(folder / "plain", "val")

    monkeypatch.setattr(balloon_choices, "embedded", held)


@pytest.mark.usefixtures("eager", "small")
@pytest.mark.parametrize("name", CHOICES)
def test_a_step_of_every_choice_and_what_is_measured_then(name, folder):
    row = balloon_choices.measured(folder, {"name": name, "seed": 0})
    assert row["steps"] == row["images"] == 1
    assert row["cpu_seconds"] > 0
    assert 0 <= row["mask_ap"] <= 1
    assert list(row["looks"]) == (list(LOOKS) if name == BOOK else [])
    for look in row["looks"].values():
        assert look.keys() == row.keys() - {"cpu_seconds", "steps", "looks"}


@pytest.mark.usefixtures("eager", "small")
@pytest.mark.parametrize(
    ("name", "expected"),
    [
        (BOOK, ["plain", "plain", "varied", "varied"]),
        ("plain pictures only", ["plain", "plain"]),
        ("varied pictures only", ["varied", "varied"]),
    ],
)
def test_a_choice_learns_from_its_kinds(name, expected, folder, monkeypatch):
    seen = []

    def fit(model, batches, **_):
        seen.extend(info["path"] for info in batches.dataset.image_info)

    monkeypatch.setattr(balloon_choices.training, "fit", fit)
    model, _ = balloon_choices.trained(folder, CHOICES[name], 0)
    assert [path.split("/")[-3] for path in map(str, seen)] == expected
    assert type(model) is CHOICES[name].model


@pytest.mark.usefixtures("small")
def test_of_one_seed_weights_begin_alike(folder, monkeypatch):
    monkeypatch.setattr(balloon_choices.training, "fit", lambda *_, **__: None)
    models = [
        balloon_choices.trained(folder, CHOICES[name], seed)[0]
        for name, seed in ((BOOK, 4), ("outlines by points", 4), (BOOK, 5))
    ]
    (first, same, other) = (model.backbone.get_weights() for model in models)
    assert all(np.array_equal(a, b) for a, b in zip(first, same, strict=True))
    assert any(not np.array_equal(a, b) for a, b in zip(first, other, strict=True))
