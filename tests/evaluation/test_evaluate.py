"""The whole call on a fake model, and the isolated metrics against known answers."""

import math
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from mrcnn.data.dataset import Dataset
from mrcnn.data.shapes import ShapesDataset
from mrcnn.evaluation import collect, evaluate, headline, isolated, scenes
from mrcnn.evaluation.isolated import SLOTS, isolated_metrics, jitter
from mrcnn.evaluation.scenes import load_truth
from mrcnn.ops.boxes import iou
from mrcnn.ops.masks import boxes_of_masks
from mrcnn.structures import Preprocessing


class FakeModel:
    """Answers as told: `refine` moves RoIs, class 1 gets `sure`, masks are full."""

    def __init__(self, preprocessing: Preprocessing, *, classes: int = 4) -> None:
        self.preprocessing = preprocessing
        self.classes, self.class_names = classes, ()
        self.box_head = SimpleNamespace(output_shape=((None, None, classes),))
        self.sure = 0.7
        self.refine = lambda rois: rois
        self.shapes: list[tuple[int, ...]] = []

    def predict_on_batch(self, batch: dict[str, np.ndarray]) -> Any:
        self.shapes.append(batch["images"].shape)
        if "boxes" in batch:
            return np.ones((*batch["boxes"].shape[:2], 28, 28), np.float32)
        rois = batch["rois"]
        rest = (1 - self.sure) / (self.classes - 1)
        probabilities = np.full((*rois.shape[:2], self.classes), rest, np.float32)
        probabilities[..., 1] = self.sure
        refined = np.repeat(self.refine(rois)[:, :, None], self.classes, axis=2)
        return probabilities, refined


class OneImage(Dataset):
    """One grey image with given masks, all of class 1 unless said otherwise."""

    def __init__(self, masks: np.ndarray, class_ids: list[int] | None = None) -> None:
        super().__init__()
        self.masks = masks
        self.ids = np.array(class_ids or [1] * masks.shape[-1], np.int32)
        for c, name in enumerate("abc", start=1):
            self.add_class("test", c, name)
        self.add_image("test", 0, None)
        self.prepare()

    def load_image(self, image_id: int) -> np.ndarray:
        return np.full((*self.masks.shape[:2], 3), 128, np.uint8)

    def load_mask(self, image_id: int) -> tuple[np.ndarray, np.ndarray]:
        return self.masks, self.ids


SQUARE = Preprocessing("square", 64, 128, 0, (123.7, 116.8, 103.9))


def measure(model: FakeModel, dataset: Dataset, **options: Any) -> isolated.Isolated:
    truths = [(int(i), load_truth(dataset, int(i))) for i in dataset.image_ids]
    return isolated_metrics(model, dataset, truths, **options)


def boxes_masks(
    *boxes: tuple[int, int, int, int], shape: tuple[int, int]
) -> np.ndarray:
    masks = np.zeros((*shape, len(boxes)), bool)
    for i, (y1, x1, y2, x2) in enumerate(boxes):
        masks[y1:y2, x1:x2, i] = True
    return masks


@pytest.mark.parametrize(
    "preprocessing",
    [
        SQUARE,
        Preprocessing("pad64", 50, 0, 0, (0, 0, 0)),
        Preprocessing("crop", 64, 0, 0, (0, 0, 0)),
    ],
)
def test_regions_reach_the_model_and_come_back_in_place(
    preprocessing: Preprocessing,
) -> None:
    # Full masks on rectangles are exact, so any shift of frames lowers the mask IoU,
    # and a head that moves nothing leaves the IoU as it was.
    masks = boxes_masks((20, 30, 40, 60), (30, 25, 45, 60), shape=(60, 90))
    model = FakeModel(preprocessing)
    result = measure(model, OneImage(masks), batch_size=2)
    assert result.mask_iou == 1.0
    assert result.box_iou == pytest.approx(result.box_iou_before, abs=0.02)
    assert result.class_accuracy == 1.0
    assert result.class_confidence == pytest.approx(0.7)


def test_a_perfect_refinement_scores_one() -> None:
    masks = boxes_masks((16, 32, 48, 80), shape=(64, 128))
    model = FakeModel(SQUARE)
    # 64 x 128 is centred on 128 x 128: the exact box is 32 rows further down.
    exact = (np.array([48, 32, 80, 80]) - [0, 0, 1, 1]) / 127
    model.refine = lambda rois: np.broadcast_to(exact, rois.shape).astype(np.float32)
    result = measure(model, OneImage(masks))
    assert result.box_iou == pytest.approx(1.0, abs=0.01)
    assert result.box_iou_before < 0.95
    assert result.box_recall75 == 1.0


def test_the_wrong_class_is_wrong() -> None:
    masks = boxes_masks((0, 0, 32, 32), (32, 32, 64, 64), shape=(64, 64))
    result = measure(FakeModel(SQUARE), OneImage(masks, [1, 2]))
    assert result.class_accuracy == 0.5
    assert result.class_confidence == pytest.approx((0.7 + 0.1) / 2)


def test_the_mask_is_compared_pixel_by_pixel() -> None:
    masks = boxes_masks((0, 0, 20, 40), shape=(64, 64))
    masks[0:10, 0:20, 0] = False  # an L of 600 pixels in a box of 800
    result = measure(FakeModel(SQUARE), OneImage(masks))
    assert result.mask_iou == pytest.approx(0.75)


def test_more_objects_than_slots_keep_one_shape() -> None:
    boxes = [(2 * i, 0, 2 * i + 2, 64) for i in range(SLOTS + 3)]
    model = FakeModel(SQUARE)
    result = measure(model, OneImage(boxes_masks(*boxes, shape=(64, 64))), batch_size=4)
    assert set(model.shapes) == {(4, 128, 128, 3)}
    assert result.mask_iou == 1.0


def test_batches_do_not_change_the_result() -> None:
    dataset = ShapesDataset(5, seed=1)
    results = [measure(FakeModel(SQUARE), dataset, batch_size=n) for n in (1, 3)]
    assert results[0] == results[1]


def test_the_jitter_depends_on_seed_and_image_alone() -> None:
    dataset, model = ShapesDataset(3, seed=1), FakeModel(SQUARE)
    truths = [(i, load_truth(dataset, i)) for i in range(3)]
    first, again, other = (
        isolated_metrics(model, dataset, t, seed=s).box_iou_before
        for t, s in ((truths, 0), (truths[::-1], 0), (truths, 1))
    )
    assert first == pytest.approx(again)
    assert first != other


def test_jitter_has_the_documented_size() -> None:
    boxes = np.tile([[10.0, 20.0, 50.0, 120.0]], (20_000, 1))
    moved = jitter(boxes, np.random.default_rng(0))
    centres = (moved[:, :2] + moved[:, 2:]) / 2
    assert (abs(centres - [30, 70]) <= 0.15 * np.array([40, 100]) + 1e-9).all()
    ratio = (moved[:, 2:] - moved[:, :2]) / [40, 100]
    assert 0.8 <= ratio.min() < 0.81
    assert 1.24 < ratio.max() <= 1.25
    mean = iou(boxes[:1], moved, xp=np).mean()
    assert mean == pytest.approx(isolated.JITTERED_IOU, abs=0.01)


@pytest.mark.parametrize(
    "masks", [np.zeros((64, 64, 0), bool), np.zeros((64, 64, 2), bool)]
)
def test_no_objects_are_not_a_number(masks: np.ndarray) -> None:
    result = measure(FakeModel(SQUARE), OneImage(masks))
    assert math.isnan(result.box_iou)
    assert math.isnan(result.mask_iou)


def test_crowds_are_left_out() -> None:
    masks = boxes_masks((0, 0, 32, 32), (32, 32, 64, 64), shape=(64, 64))
    result = measure(FakeModel(SQUARE), OneImage(masks, [1, -2]))
    assert result.class_accuracy == 1.0


def test_a_one_pixel_object() -> None:
    result = measure(
        FakeModel(SQUARE), OneImage(boxes_masks((3, 3, 4, 4), shape=(8, 8)))
    )
    assert result.mask_iou == 1.0


@pytest.fixture
def perfect(monkeypatch: pytest.MonkeyPatch) -> ShapesDataset:
    """Make detection return the truth of this dataset, in order."""
    dataset = ShapesDataset(4, seed=2)
    by_image = {dataset.load_image(i).tobytes(): dataset.load_mask(i) for i in range(4)}

    def run(
        model: Any, images: list[np.ndarray], *, batch_size: int, views: None
    ) -> list[tuple]:
        assert len(images) <= batch_size
        return [by_image[image.tobytes()] for image in images]

    def unmold(masks: np.ndarray, class_ids: np.ndarray) -> dict[str, np.ndarray]:
        return {
            "rois": boxes_of_masks(masks),
            "class_ids": class_ids,
            "scores": np.ones(len(class_ids), np.float32),
            "masks": masks,
        }

    def unmold_proposals(masks: np.ndarray, class_ids: np.ndarray) -> np.ndarray:
        return boxes_of_masks(masks).astype(np.float32)

    monkeypatch.setattr(scenes, "run", run)
    monkeypatch.setattr(scenes, "unmold", unmold)
    monkeypatch.setattr(scenes, "unmold_proposals", unmold_proposals)
    return dataset


def test_a_perfect_detector_scores_one(perfect: ShapesDataset) -> None:
    report = evaluate(FakeModel(SQUARE), perfect, batch_size=3)
    assert list(report.headline.values()) == pytest.approx([1.0] * 3)
    assert report.proposal_recall == report.proposal_average_recall == 1.0
    assert np.trace(report.confusion) == report.confusion.sum() == report.objects
    assert report.images == 4
    assert report.isolated.class_accuracy < 1  # the fake head knows class 1 only


def test_collected_scenes_give_the_same_report(perfect: ShapesDataset) -> None:
    model = FakeModel(SQUARE)
    kept = collect(model, perfect, image_ids=[2, 0])
    assert [scene.image_id for scene in kept] == [2, 0]
    masks, class_ids = perfect.load_mask(2)
    np.testing.assert_array_equal(kept[0].truth.masks(), masks)
    np.testing.assert_array_equal(kept[0].found.class_ids, class_ids)
    again = evaluate(model, perfect, scenes=kept)
    assert again.to_dict() == evaluate(model, perfect, image_ids=[2, 0]).to_dict()
    assert headline(kept, perfect.class_names) == again.headline


def test_the_headline_alone_is_that_of_the_report(perfect: ShapesDataset) -> None:
    model = FakeModel(SQUARE)
    kept = collect(model, perfect)
    found = [scene.found for scene in kept]
    # Every task errs on images of its own: a box, a class, all masks but one's.
    found[0] = replace(found[0], boxes=found[0].boxes + 9)
    found[1] = replace(found[1], class_ids=found[1].class_ids % 3 + 1)
    found[2] = replace(found[2], encoded=found[2].encoded[::-1])
    found[3] = replace(found[3], encoded=found[3].encoded[::-1])
    wrong = [replace(s, found=f) for s, f in zip(kept, found, strict=True)]
    metrics = headline(wrong, perfect.class_names)
    assert metrics == evaluate(model, perfect, scenes=wrong).headline
    assert len(set(metrics.values())) == 3


def test_no_image_has_no_headline() -> None:
    with pytest.raises(ValueError, match="collect some scenes first"):
        headline([], ["BG", "square"])


def test_bad_input_is_named(perfect: ShapesDataset) -> None:
    model = FakeModel(SQUARE)
    with pytest.raises(ValueError, match="no image"):
        evaluate(model, perfect, image_ids=[])
    with pytest.raises(ValueError, match="not both"):
        evaluate(model, perfect, image_ids=[0], scenes=[])
    with pytest.raises(ValueError, match="no image"):
        evaluate(model, perfect, scenes=[])
    wrong = OneImage(np.zeros((8, 8, 2), bool), [1])
    with pytest.raises(ValueError, match="image 0 of test"):
        collect(model, wrong)
    wrong.masks = np.zeros((8, 8, 1), bool)
    wrong.load_image = lambda i: np.zeros((9, 8, 3), np.uint8)
    with pytest.raises(ValueError, match="image 0 of test"):
        collect(model, wrong)
