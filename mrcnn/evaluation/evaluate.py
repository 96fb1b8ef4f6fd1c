"""One call that measures a model, task by task."""

from collections.abc import Iterable, Sequence
from typing import Any

from mrcnn.checks.kinds import count
from mrcnn.data.dataset import Dataset
from mrcnn.evaluation.coco import average_precision, overall
from mrcnn.evaluation.isolated import isolated_metrics
from mrcnn.evaluation.matching import (
    SHOWN_SCORE,
    class_accuracy,
    confusion_matrix,
    proposal_recall,
)
from mrcnn.evaluation.report import TaskReport
from mrcnn.evaluation.scenes import Scene, check_dataset, collect, of_dataset
from mrcnn.nn.native import native
from mrcnn.tasks import Task
from mrcnn.views import Views


def evaluate(
    model: Any,
    dataset: Dataset,
    *,
    image_ids: Iterable[int] | None = None,
    batch_size: int = 1,
    seed: int | None = 0,
    scenes: Iterable[Scene] | None = None,
    tile: int | tuple[int, int] | None = None,
    overlap: int | None = None,
    views: Views | None = None,
) -> TaskReport:
    """Measure a model on the images of a dataset, end to end and each task by itself.

    Args:
        model: that of `mrcnn.build.model`, or Matterport's object around it.
        dataset: a prepared dataset with annotations.
        image_ids: which of its images; all by default.
        batch_size: images that go through the model at once.
        seed: of the jitter in the isolated box metric; compare reports of one seed;
            None is 0.
        scenes: what `collect` returned for this model and dataset, to save detecting
            again; in place of `image_ids`, `tile`, `overlap` and `views`.
        tile: large images are looked at in tiles, see `mrcnn.detection.detect`. What is
            measured end to end follows; proposals and isolated tasks see whole images.
        overlap: of tiles.
        views: test-time augmentation, see `mrcnn.views`. What is measured end to end
            follows, proposals are those of the largest view.

    Raises:
        ValueError: there is no image, annotations and image contradict each other, or
            both `scenes` and what they stand for are given; names the seed; or as
            `collect` and `scenes.of_dataset`.
        TypeError: as these.
    """
    model = native(model)
    check_dataset(dataset)
    seed = 0 if seed is None else seed
    if fault := count(0).fault("seed", seed):
        raise ValueError(fault)
    ways = {"tile": tile, "overlap": overlap, "views": views}
    if scenes is None:
        scenes = collect(
            model, dataset, image_ids=image_ids, batch_size=batch_size, **ways
        )
    elif image_ids is not None:
        raise ValueError("give scenes or image_ids, not both: scenes name images.")
    elif given := [name for name, value in ways.items() if value is not None]:
        raise ValueError(
            f"give scenes or {given[0]}, not both: scenes are what was found."
        )
    else:
        scenes = of_dataset(scenes, dataset)
    if not scenes:
        raise ValueError(
            "there is no image to evaluate: give image_ids, or a prepared dataset "
            "that has images."
        )
    names = tuple(dataset.class_names)
    recall, average_recall = proposal_recall(scenes)
    return TaskReport(
        class_names=names,
        images=len(scenes),
        objects=sum(int((~scene.truth.crowd).sum()) for scene in scenes),
        detections=sum(len(scene.found) for scene in scenes),
        box=average_precision(scenes, names, "box"),
        mask=average_precision(scenes, names, "mask"),
        class_accuracy=class_accuracy(confusion_matrix(scenes, len(names))),
        confusion=confusion_matrix(scenes, len(names), min_score=SHOWN_SCORE),
        proposal_recall=recall,
        proposal_average_recall=average_recall,
        isolated=isolated_metrics(
            model,
            dataset,
            [(scene.image_id, scene.truth) for scene in scenes],
            batch_size=batch_size,
            seed=seed,
        ),
        seed=seed,
    )


def headline(scenes: Sequence[Scene], class_names: Sequence[str]) -> dict[Task, float]:
    """Return box AP, class accuracy of matches and mask AP, and measure nothing else.

    What `evaluate(...).headline` is, in half of the time: the model is not asked again
    for each task by itself.

    Args:
        scenes: what `collect` returned.
        class_names: of all classes, background first.

    Raises:
        ValueError: there is no image.
    """
    if not scenes:
        raise ValueError("there is no image to measure: collect some scenes first.")
    names = tuple(class_names)
    return {
        Task.BOX: overall(scenes, names, "box").ap,
        Task.CLASS: class_accuracy(confusion_matrix(scenes, len(names))),
        Task.MASK: overall(scenes, names, "mask").ap,
    }
