"""How much a result depends on which images happened to be measured.

Images are drawn with replacement, again and again, and everything is computed anew
(Efron's bootstrap). With a dozen images this says more than any third decimal.
"""

from collections.abc import Mapping, Sequence

import numpy as np

from mrcnn.evaluation.coco import resampled_ap
from mrcnn.evaluation.matching import class_accuracy, confusion_matrix
from mrcnn.evaluation.scenes import Scene
from mrcnn.tasks import Task

RESAMPLES = 1000


def resampled_headline(
    scenes: Sequence[Scene],
    class_names: Sequence[str],
    *,
    resamples: int = RESAMPLES,
    seed: int = 0,
) -> dict[Task, np.ndarray]:
    """Return each task's headline metric on every resample of the images, (r,).

    Two models measured on the same images with the same seed are resampled alike, so
    that their results can be subtracted pair by pair: the difference varies less than
    either.

    Args:
        scenes: the images, as `mrcnn.evaluation.collect` returns them.
        class_names: of all classes, background first.
        resamples: how many, r.
        seed: of the drawing.

    Raises:
        ValueError: if there is no image.
    """
    if not scenes:
        raise ValueError("there is no image to resample: collect some scenes first.")
    count = len(scenes)
    samples = np.random.default_rng(seed).integers(count, size=(resamples, count))
    confusion = np.stack([confusion_matrix([s], len(class_names)) for s in scenes])
    return {
        Task.BOX: resampled_ap(scenes, class_names, "box", samples),
        Task.CLASS: np.array(
            [class_accuracy(confusion[sample].sum(axis=0)) for sample in samples]
        ),
        Task.MASK: resampled_ap(scenes, class_names, "mask", samples),
    }


def interval(values: np.ndarray, level: float = 0.95) -> tuple[float, float]:
    """Return the percentile interval that holds a part `level` of the values.

    What is not finite is left out, since a resample may have no object; if nothing is
    finite, neither are the ends.
    """
    values = values[np.isfinite(values)]
    if not values.size:
        return float("nan"), float("nan")
    tail = 50 * (1 - level)
    low, high = np.percentile(values, [tail, 100 - tail])
    return float(low), float(high)


def change_intervals(
    later: Mapping[Task, np.ndarray], earlier: Mapping[Task, np.ndarray]
) -> dict[Task, tuple[float, float]]:
    """Return 95 % intervals of the relative change of each task, in per cent.

    Args:
        later: of `resampled_headline`, for the changed model.
        earlier: the same for the model before, on the same images and seed.
    """
    with np.errstate(divide="ignore", invalid="ignore"):
        return {
            task: interval(100 * (later[task] - earlier[task]) / earlier[task])
            for task in Task
        }
