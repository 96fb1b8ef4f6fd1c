"""Pictures seen mirrored and at several sizes: what `detect` makes of all views."""

from types import SimpleNamespace

import numpy as np
import pytest

from mrcnn.detection import detect, run
from mrcnn.nn.mask_rcnn import MaskRCNN
from mrcnn.ops.boxes import denormalise, normalise
from mrcnn.ops.resize import resize_bilinear
from mrcnn.ops.rle import decode
from mrcnn.structures import DetectionSlots, Preprocessing, Proposals, Stages
from mrcnn.views import Views
from tests.test_detection import SHAPES, check
from tests.test_detection_tiled import Seer, painted

SQUARE = Preprocessing("square", 0, 64, 0, (0, 0, 0))


class Symmetric(Seer):
    """Finds rectangles as `Seer`, and masks as what is bright in given boxes."""

    def __init__(self, preprocessing=SQUARE, across_classes=False):
        super().__init__(preprocessing)
        self.settings = SimpleNamespace(
            detection_iou=0.3, across_classes=across_classes
        )
        self.outlined = []

    def predict_masks(self, images, boxes, class_ids, valid):
        """Return the pixels of each box, as large as masks are."""
        assert (boxes[..., 2:] >= boxes[..., :2]).all()
        self.outlined.append(boxes.shape)
        masks = np.zeros((*valid.shape, 28, 28), np.float32)
        for b, i in np.argwhere(valid):
            box = np.rint(denormalise(boxes[b, i], images.shape[1:3], xp=np))
            y1, x1, y2, x2 = box.astype(int)
            masks[b, i] = resize_bilinear(images[b, y1:y2, x1:x2, 0] >= 10, (28, 28))
        return masks


class Said(Symmetric):
    """Says what a function of an image does: (box, class, score) of each thing."""

    def __init__(self, say, slots=5, **options):
        super().__init__(**options)
        self.say, self.slots = say, slots

    def _found(self, image):
        boxes = np.zeros((self.slots, 4), np.float32)
        class_ids, scores = np.zeros(self.slots, np.int32), np.zeros(self.slots, "f4")
        said = self.say(image)[: self.slots]
        for i, (box, class_id, score) in enumerate(said):
            boxes[i] = normalise(np.array(box, "f4"), image.shape, xp=np)
            class_ids[i], scores[i] = class_id, score
        return boxes, class_ids, scores, np.arange(self.slots) < len(said)

    def predict_on_batch(self, inputs):
        """Return stages with masks of as many slots."""
        stages = super().predict_on_batch(inputs)
        return stages._replace(masks=stages.masks[:, : self.slots])


def marked(shape=(64, 64)):
    """Return a picture that is bright in its first column, so that sides are known."""
    image = np.zeros((*shape, 3), np.uint8)
    image[:, 0] = 9
    return image


def is_mirrored(image):
    return image[len(image) // 2, -1] == 9


@pytest.fixture
def images(rng):
    return [rng.integers(0, 256, (*s, 3), dtype=np.uint8) for s in SHAPES]


def close(one, other):
    """Assert that stages, of a row each, say the same."""
    (a, i, geometry), (b, j, same) = one, other
    assert geometry == same
    for name in DetectionSlots._fields:
        np.testing.assert_allclose(
            getattr(a.detections, name)[i], getattr(b.detections, name)[j], atol=1e-5
        )
    np.testing.assert_allclose(a.masks[i], b.masks[j], atol=1e-5)


def equal(one, other):
    """Assert that two detections are the same."""
    for key, value in one.items():
        np.testing.assert_array_equal(value, other[key], err_msg=key)
        assert value.dtype == other[key].dtype


def mirrored(found, width):
    """Return a detection in the picture's mirror image."""
    y1, x1, y2, x2 = found["rois"].T
    rois = np.stack([y1, width - x2, y2, width - x1], -1)
    return {**found, "rois": rois, "masks": found["masks"][:, ::-1]}


@pytest.mark.parametrize("batch_size", [1, 4])
@pytest.mark.parametrize("views", [Views(), Views(sides=(64,)), Views(sides=[64, 64])])
def test_the_only_view_is_detection_as_ever(eager_model, images, views, batch_size):
    """Images of 64 pixels at least grow or shrink to that in this model, too."""
    plain = list(run(eager_model, images, batch_size=batch_size))
    assert sum(s.detections.valid[i].sum() for s, i, _ in plain) > 10
    seen = run(eager_model, images, batch_size=batch_size, views=views)
    for one, other in zip(plain, seen, strict=True):
        close(one, other)


@pytest.mark.parametrize("mode", ["square", "pad64", "none"])
@pytest.mark.parametrize("side", [64, 192])
def test_a_side_is_that_of_a_square(eager_model, images, monkeypatch, mode, side):
    """Whatever the model does otherwise."""
    own = eager_model.preprocessing
    monkeypatch.setattr(
        eager_model, "preprocessing", own._replace(min_dim=side, max_dim=side)
    )
    expected = list(run(eager_model, images))
    monkeypatch.setattr(
        eager_model, "preprocessing", own._replace(mode=mode, min_dim=90, max_dim=128)
    )
    for one, other in zip(
        expected, run(eager_model, images, views=Views(sides=(side,))), strict=True
    ):
        close(one, other)


@pytest.mark.parametrize("sides", [(), (64, 128)])
def test_the_mirrored_image_has_the_mirrored_result(eager_model, images, sides):
    views = Views(flip=True, sides=sides)
    images = [image for image in images if image.shape[1] > 1]  # one has no mirror
    turned = [image[:, ::-1] for image in images]
    one, other = (list(run(eager_model, im, views=views)) for im in (images, turned))
    assert sum(a.detections.valid[i].sum() for a, i, _ in one) > 10
    for (a, i, geometry), (b, j, _) in zip(one, other, strict=True):
        count = a.detections.valid[i].sum()
        assert count == b.detections.valid[j].sum()
        # Equal scores of two views may come in either order.
        np.testing.assert_allclose(
            a.detections.scores[i], b.detections.scores[j], atol=1e-5
        )
        scores = a.detections.scores[i][:count]
        apart = np.abs(np.subtract.outer(scores, scores)) + np.eye(count) > 1e-5
        for k in np.flatnonzero(apart.all(axis=1)):
            np.testing.assert_allclose(a.masks[i, k], b.masks[j, k, :, ::-1], atol=1e-4)
            y1, x1, y2, x2 = pixels(a.detections.boxes[i, k], geometry)
            width = geometry.original_shape[1]
            np.testing.assert_allclose(
                (y1, width - x2, y2, width - x1),
                pixels(b.detections.boxes[j, k], geometry),
                atol=1e-3,
            )


def pixels(box, geometry):
    from mrcnn.data.transforms import boxes_to_original

    return boxes_to_original(box[None], geometry)[0]


@pytest.mark.parametrize("shape", [(64, 64), (50, 63), (33, 21), (64, 17)])
@pytest.mark.parametrize("mode", ["square", "pad64"])
def test_flips_are_exact_to_the_pixel(shape, mode):
    """Also where padding is a pixel wider on one side."""
    boxes = [(0, 0, 9, 4), (3, 10, 20, 16), (21, 12, 33, 17)]
    image, _ = painted(shape, boxes)
    model = Symmetric(SQUARE._replace(mode=mode))
    (plain,) = detect(model, [image])
    (seen,) = detect(model, [image], views=Views(flip=True))
    equal(seen, plain)
    np.testing.assert_array_equal(seen["rois"], boxes)
    assert len(model.outlined) == 2  # once in each view
    (turned,) = detect(model, [image[:, ::-1]], views=Views(flip=True))
    equal(mirrored(turned, shape[1]), seen)


def test_masks_are_turned_back_and_averaged():
    box = (8, 20, 36, 48)
    image = marked()
    image[8:36, 20:34] = 100  # the left half of the box
    model = Said(lambda _: [(box, 1, 0.9)])
    model.say = lambda im: [((8, 16, 36, 44) if is_mirrored(im) else box, 1, 0.9)]
    (found,) = detect(model, [image], views=Views(flip=True))
    np.testing.assert_array_equal(found["rois"], [box])
    np.testing.assert_array_equal(found["masks"][..., 0], image[..., 0] == 100)

    levels = {False: 0.9, True: 0.0}

    def level(images, boxes, class_ids, valid):
        value = levels[bool(is_mirrored(images[0, ..., 0]))]
        return np.full((*valid.shape, 28, 28), value, np.float32)

    model.predict_masks = level
    for other, whole in ((0.0, False), (0.2, True)):  # means of 0.45 and 0.55
        levels[True] = other
        (found,) = detect(model, [image], views=Views(flip=True))
        assert found["masks"].any() == whole
        assert found["masks"].sum() == 28 * 28 * whole


def test_one_view_finds_what_another_does_not():
    left, right = (10, 4, 20, 14), (30, 40, 50, 60)

    def left_half(image):
        (y, x), level = np.nonzero(image >= 10), 0.5
        inside = x < 32
        if not inside.any():
            return []
        y, x = y[inside], x[inside]
        return [((y.min(), x.min(), y.max() + 1, x.max() + 1), 1, level)]

    image, _ = painted((64, 64), [left, right])
    model = Said(left_half)
    assert len(detect(model, [image])[0]["scores"]) == 1
    (found,) = detect(model, [image], views=Views(flip=True))
    np.testing.assert_array_equal(found["rois"], [left, right])


def test_each_size_finds_its_own():
    """Something is seen in one square alone, and lies where it is in the picture."""
    boxes = {64: (4, 4, 10, 12), 128: (60, 80, 100, 120), 256: (200, 8, 240, 24)}
    model = Said(lambda im: [(boxes[len(im)], 1, len(im) / 999)])
    (found,) = detect(model, [marked()], views=Views(sides=(64, 128, 256)))
    expected = [(50, 2, 60, 6), (30, 40, 50, 60), (4, 4, 10, 12)]
    np.testing.assert_array_equal(found["rois"], expected)
    np.testing.assert_allclose(found["scores"], [256 / 999, 128 / 999, 64 / 999])
    assert model.batches[1:] == [(1, 128, 128, 3), (1, 64, 64, 3)]


@pytest.mark.parametrize("across", [False, True])
def test_of_what_overlaps_the_best_is_kept(across):
    """Of one class; or of all, where the model suppresses across them."""
    here, moved, other = (10, 10, 30, 30), (12, 11, 31, 30), (10, 11, 30, 31)

    def say(image):
        if len(image) == 64:
            return [(here, 1, 0.6), (other, 2, 0.5)]
        return [(np.multiply(moved, 2), 1, 0.8)]

    model = Said(say, across_classes=across)
    (found,) = detect(model, [marked()], views=Views(sides=(64, 128)))
    expected = [moved] if across else [moved, other]
    np.testing.assert_array_equal(found["rois"], expected)
    np.testing.assert_array_equal(found["class_ids"], [1, 2][: len(expected)])


def test_no_more_than_there_are_slots():
    """Five slots a view and five in all, the best of both."""

    def say(image):
        shift, extra = (30, 0.05) if is_mirrored(image) else (0, 0.0)
        corners = [(y, shift) for y in (0, 12, 24, 36, 48)]
        return [
            ((y, x, y + 8, x + 8), 1, 0.9 - 0.1 * i + extra)
            for i, (y, x) in enumerate(corners)
        ]

    model = Said(say)
    (found,) = detect(model, [marked()], views=Views(flip=True))
    np.testing.assert_allclose(found["scores"], [0.95, 0.9, 0.85, 0.8, 0.75])
    np.testing.assert_array_equal(found["rois"][:2], [(0, 26, 8, 34), (0, 0, 8, 8)])
    assert set(model.outlined) == {(1, 5, 4)}


def test_what_is_thin_in_the_smaller_view_has_a_box_there():
    def say(image):
        return [((101, 20, 102, 400), 1, 0.9)] if len(image) == 512 else []

    model = Said(say)  # `predict_masks` refuses boxes inside out
    (found,) = detect(model, [marked((512, 512))], views=Views(sides=(64, 512)))
    np.testing.assert_array_equal(found["rois"], [(101, 20, 102, 400)])


def test_nothing_found(tiny_config):
    model = Symmetric()
    (found,) = detect(model, [marked()], views=Views(True, (64, 128)))
    check(found, (64, 64))
    assert len(found["rois"]) == 0
    assert len(model.batches) == 4
    assert model.outlined == []  # no second look
    # In one picture of two.
    image, _ = painted((64, 64), [(3, 4, 20, 30)])
    pair = detect(model, [marked(), image], views=Views(True), batch_size=2)
    assert [len(one["rois"]) for one in pair] == [0, 1]
    assert detect(model, [], views=Views(True)) == []


@pytest.mark.parametrize("sides", [(64,), (128, 64), np.array([192])])
def test_any_shape(eager_model, images, sides):
    """Pictures smaller and larger than the sides, in batches of all of them."""
    views = Views(flip=True, sides=sides)
    alone = detect(eager_model, images, views=views)
    together = detect(eager_model, iter(images), views=views, batch_size=4)
    assert sum(len(one["rois"]) for one in alone) > 10
    for one, many, shape in zip(alone, together, SHAPES, strict=True):
        check(one, shape)
        np.testing.assert_array_equal(one["rois"], many["rois"])
        np.testing.assert_array_equal(one["class_ids"], many["class_ids"])
        np.testing.assert_allclose(one["scores"], many["scores"], rtol=1e-4)
        changed = (one["masks"] != many["masks"]).sum()
        assert changed <= 1e-3 * one["masks"].size


def test_padded_sizes_of_many_kinds(rng):
    shapes = [(64, 64), (64, 100), (100, 64), (20, 100), (64, 64)]
    boxes = [(8, 8, 16, 30)]
    images = [painted(shape, boxes)[0] for shape in shapes]
    model = Symmetric(SQUARE._replace(mode="pad64"))
    for found in detect(model, images, views=Views(True), batch_size=4):
        np.testing.assert_array_equal(found["rois"], boxes)


def test_the_order_of_views_makes_no_difference(eager_model, images):
    one = detect(eager_model, images, views=Views(True, (64, 128, 192)))
    for sides in ((192, 64, 128), [128, 192, 64, 64], np.array([128, 64, 192])):
        other = detect(eager_model, images, views=Views(True, sides))
        for a, b in zip(one, other, strict=True):
            equal(a, b)


def test_codes_are_the_arrays(eager_model, images):
    views = Views(True)
    arrays = detect(eager_model, images, views=views)
    codes = detect(eager_model, images, views=views, masks="rle")
    for array, code, image in zip(arrays, codes, images, strict=True):
        masks = decode(code["masks"], image.shape[:2])
        np.testing.assert_array_equal(masks, array["masks"])
        np.testing.assert_array_equal(code["rois"], array["rois"])


@pytest.mark.parametrize(
    ("views", "text"),
    [
        (True, "views is True; it must be None or mrcnn.views.Views"),
        ((64, 128), r"views is \(64, 128\); it must be"),
        ({"flip": True}, "views is {'flip': True}; it must be"),
        (Views, "must be None or mrcnn.views.Views"),
        (Views(flip=1), "views.flip is 1; it must be True or False"),
        (Views(flip=None), "views.flip is None; it must be"),
        (Views(sides=64), "views.sides is 64; it must be a list or tuple"),
        (Views(sides=(64, 100)), r"views.sides is \(64, 100\); .* a multiple of 64"),
        (Views(sides=(0,)), r"views.sides is \(0,\); .* a multiple of 64"),
        (Views(sides=(64.0,)), "a multiple of 64"),
        (Views(sides=(-64,)), "a multiple of 64"),
        (Views(sides="64"), "views.sides is '64'; it must be"),
        (Views(sides=None), "views.sides is None; it must be"),
        (Views("yes", (7,)), "What was given has 2 faults:\n- views.flip"),
    ],
)
def test_what_is_no_view_is_refused_before_anything_is_detected(
    tiny_model, monkeypatch, views, text
):
    monkeypatch.setattr(MaskRCNN, "predict_on_batch", None)
    for ask in (detect, run):
        with pytest.raises(ValueError, match=text):
            ask(tiny_model, iter([marked()]), views=views)


def test_tiles_or_views(tiny_model):
    with pytest.raises(ValueError, match="tile is given too: a picture is seen in"):
        detect(tiny_model, [marked()], views=Views(True), tile=64)


def test_bad_images_are_named(eager_model):
    good, bad = np.zeros((99, 99, 3)), np.full((99, 99, 3), np.nan)
    with pytest.raises(ValueError, match=r"image 1: 29403 pixel values are NaN"):
        detect(eager_model, [good, bad], views=Views(True))
    with pytest.raises(TypeError, match="model is of the type str"):
        detect("model", [good], views=Views(True))


def test_the_other_stages_are_those_of_the_largest_view():
    proposals = []

    class Proposing(Said):
        def predict_on_batch(self, inputs):
            stages = super().predict_on_batch(inputs)
            assert isinstance(stages, Stages)
            assert isinstance(stages.proposals, Proposals)
            proposals.append(stages.proposals)
            return stages

    model = Proposing(lambda im: [((4, 4, 20, 20), 1, 0.5)])
    views = Views(True, (64, 128))
    ((stages, row, geometry),) = run(model, [marked()], views=views)
    assert row == 0
    assert geometry.padded_shape == (128, 128)
    assert stages.proposals is proposals[0]
