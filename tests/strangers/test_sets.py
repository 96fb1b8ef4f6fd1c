"""Sets that disagree with each other or with the model, and sets that teach nothing."""

import numpy as np
import pytest

from mrcnn import build, visualize
from mrcnn.data.annotations import check_training_set
from mrcnn.data.dataset import Dataset
from mrcnn.data.shapes import ShapesDataset
from mrcnn.evaluation import collect, headline
from mrcnn.training import fit
from mrcnn.visualize.names import names_of
from mrcnn.weights import CLASS_LAYERS, load_weights, save_weights


class Turned(ShapesDataset):
    """The same images, with the classes in the opposite order."""

    def __init__(self, *arguments, **options):
        super().__init__(*arguments, **options)
        self.class_info[1:] = self.class_info[:0:-1]
        self.prepare()

    def load_mask(self, image_id):
        masks, ids = super().load_mask(image_id)
        return masks, (len(self.class_names) - ids).astype(np.int32)


@pytest.fixture
def turned():
    return Turned(3, height=64, width=64, seed=8)


def train(config, model, data, validation=None, epochs=1):
    return fit(
        model,
        build.batches(config, data, shuffle=True),
        validation and build.batches(config, validation),
        stages=[build.stage(config, epochs)],
        optimizer=lambda rate: build.optimizer(config, rate),
        verbose=0,
    )


def test_validation_in_another_order_is_refused(
    tiny_config, tiny_model, tiny_shapes, turned
):
    with pytest.raises(ValueError, match=r"training are BG, squ.*validation BG, tri"):
        train(tiny_config, tiny_model, tiny_shapes, turned)


@pytest.mark.usefixtures("eager")
@pytest.mark.filterwarnings("ignore:Even though the `tf.config")
def test_a_model_knows_its_classes(tiny_config, tiny_shapes, turned, tmp_path, capsys):
    model = build.model(tiny_config, precision="float32")
    assert len(collect(model, turned, image_ids=[0])) == 1  # untrained: no names yet
    train(tiny_config, model, tiny_shapes)
    assert model.class_names == tuple(tiny_shapes.class_names)
    with pytest.raises(ValueError, match=r"the model are BG, square.*data set BG, tri"):
        collect(model, turned)
    save_weights(model, tmp_path / "w.h5")
    again = build.model(tiny_config, precision="float32")
    load_weights(again, tmp_path / "w.h5", exclude=CLASS_LAYERS)
    assert len(collect(again, turned, image_ids=[0])) == 1
    load_weights(again, tmp_path / "w.h5")
    with pytest.raises(ValueError, match="the model are BG, square"):
        collect(again, turned)
    again.class_names = ()  # as the message says
    assert len(collect(again, turned, image_ids=[0])) == 1
    load_weights(again, tmp_path / "w.h5")
    capsys.readouterr()
    train(tiny_config, again, turned)
    assert "Classes were BG, square" in capsys.readouterr().out
    assert len(collect(again, turned, image_ids=[0])) == 1
    load_weights(again, tmp_path / "w.h5")
    assert again.class_names == tuple(tiny_shapes.class_names)


def test_a_model_with_another_number_of_classes(tiny_model, tiny_shapes):
    fewer = ShapesDataset(1, height=64, width=64)
    fewer.class_info.pop()
    fewer.prepare()
    with pytest.raises(ValueError, match=r"model has 4 classes.*data set 3: BG, squ"):
        collect(tiny_model, fewer)
    scenes = collect(tiny_model, tiny_shapes, image_ids=range(6))
    with pytest.raises(ValueError, match=r"class 3, but 3 class names"):
        headline(scenes, tiny_shapes.class_names[1:])


class Nothing(Dataset):
    """Its load_mask passes on the sources in `passed`; else there is an object."""

    def __init__(self, sources, passed):
        super().__init__()
        self.passed = passed
        for source in dict.fromkeys(sources):
            self.add_class(source, 1, f"thing of {source}")
        for i, source in enumerate(sources):
            self.add_image(source, i, f"{i}.png")
        self.prepare()

    def load_image(self, image_id):
        return np.zeros((64, 64, 3), np.uint8)

    def load_mask(self, image_id):
        source = self.image_info[image_id]["source"]
        if source in self.passed:
            return super().load_mask(image_id)
        return np.ones((64, 64, 1), bool), [self.source_class_ids[source][1]]


def test_a_wrong_source_name_is_told_before_training(caplog):
    with pytest.raises(
        ValueError,
        match=r"none of 3 images.*passed the images of source 'a'.*another name",
    ):
        check_training_set(Nothing("aaa", "a"))
    assert caplog.text.count("load_mask of Nothing passes to") == 1
    assert "has no load_mask" not in caplog.text


def test_a_source_without_objects_is_allowed(caplog):
    check_training_set(Nothing("aaab", "a"))
    assert caplog.text.count("passes to Dataset.load_mask") == 1


class Unwritten(Dataset):
    """Forgets load_mask."""

    def load_image(self, image_id):
        return np.zeros((64, 64, 3), np.uint8)


def test_no_load_mask_is_told_before_training():
    dataset = Unwritten()
    dataset.add_class("a", 1, "thing")
    dataset.add_image("a", 0, "0.png")
    dataset.prepare()
    with pytest.raises(ValueError, match="Unwritten has no load_mask"):
        check_training_set(dataset)


@pytest.mark.parametrize(
    ("masks", "ids"),
    [
        (np.zeros((64, 64, 0), bool), []),
        (np.zeros((64, 64, 1), bool), [1]),  # no pixel
        (np.ones((64, 64, 1), bool), [-1]),  # a crowd, which is not learned
    ],
)
def test_objects_that_teach_nothing(masks, ids):
    dataset = Nothing("aa", "")
    dataset.load_mask = lambda image_id: (masks, ids)
    with pytest.raises(ValueError, match=r"none of 2 images shows an object"):
        check_training_set(dataset)


def test_fit_refuses_it_too(tiny_config, tiny_model, tiny_shapes):
    names = tiny_shapes.class_names
    dataset = Nothing("a", "a")
    for i, name in enumerate(names[2:], start=2):
        dataset.add_class("a", i, name)
    dataset.prepare()
    with pytest.raises(ValueError, match="none of 1 images"):
        train(tiny_config, tiny_model, dataset)


# --- Names in pictures


def test_names_of_ids():
    names = ["BG", "cup", "pot"]
    assert names_of([], ["anything"]) == []
    assert names_of([0, 2, 1.0, -2], names) == ["BG", "pot", "cup", "pot (crowd)"]
    with pytest.raises(ValueError, match="no whole numbers"):
        names_of([0.5], names)
    with pytest.raises(ValueError, match="is the text 'cup'"):
        names_of([1], "cup")


def test_names_without_background_are_refused_or_told(caplog):
    with pytest.raises(ValueError, match=r"class 2, .* 2 names: 'cup' would be"):
        names_of([1, 2], ["cup", "pot"])
    for _ in range(2):
        names_of([1], ["saucer", "spoon"])
    assert caplog.text.count("class_names[0] is 'saucer'") == 1
    caplog.clear()
    for first in ("BG", "__background__", "Background", "_background_", ""):
        names_of([1], [first, "cup"])
    assert not caplog.records


MASKS = np.zeros((32, 32, 2), bool)
MASKS[2:9, 2:9, 0] = MASKS[12:29, 12:29, 1] = True
BOXES = np.array([[2, 2, 9, 9], [12, 12, 29, 29]])
IMAGE = np.zeros((32, 32, 3), np.uint8)
SCORES, IDS, SHORT = np.ones(2), np.array([1, 2]), ["cup", "pot"]


@pytest.mark.parametrize(
    "draw",
    [
        lambda: visualize.display_instances(IMAGE, BOXES, MASKS, IDS, SHORT),
        lambda: visualize.semantic_view(IMAGE, MASKS, IDS, SHORT),
        lambda: visualize.display_top_masks(IMAGE, MASKS, IDS, SHORT),
        lambda: visualize.plot_overlaps(IDS, IDS, SCORES, np.eye(2), SHORT),
        lambda: visualize.display_differences(
            IMAGE, BOXES, IDS, MASKS, BOXES, IDS, SCORES, MASKS, SHORT
        ),
        lambda: visualize.draw_rois(
            IMAGE, BOXES, BOXES, np.ones((2, 7, 7)), IDS, SHORT
        ),
        lambda: visualize.plot_confusion(np.ones((3, 3), int), SHORT),
    ],
)
def test_every_picture_asks_for_the_background(draw):
    with pytest.raises(ValueError, match=r"background"):
        draw()
