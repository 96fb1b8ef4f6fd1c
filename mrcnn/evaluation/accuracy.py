"""Average precision while a network trains."""

from types import MappingProxyType
from typing import Any, ClassVar

import keras
import numpy as np

from mrcnn.checks.kinds import COUNT, optional
from mrcnn.data.annotations import check_dataset, check_model_classes
from mrcnn.data.dataset import Dataset
from mrcnn.data.given import check_batch_size
from mrcnn.data.splitting import spread
from mrcnn.evaluation.coco import overall
from mrcnn.evaluation.scenes import collect, load_truth
from mrcnn.tiling import asked
from mrcnn.training_origin import fingerprint


class Accuracy(keras.callbacks.Callback):
    """Measures box and mask AP after every n-th epoch, and puts them into its numbers.

    Give it to `mrcnn.training.fit` among the callbacks. An epoch then reports
    `val_box_ap`, `val_mask_ap` and `val_mask_ap50`, which `monitor` of `fit` and Keras'
    own callbacks can watch; more is better. They are what `evaluate` says of the same
    images. Measuring moves nothing: the training ends with the same bytes as without.

    The last epoch of a stage is measured too. An epoch that is not has NaN, which is
    never the best; patience counts such epochs as well.
    """

    reports: ClassVar = MappingProxyType(
        dict.fromkeys(("val_box_ap", "val_mask_ap", "val_mask_ap50"), "max")
    )

    def __init__(
        self,
        dataset: Dataset,
        every: int = 1,
        images: int | None = None,
        *,
        batch_size: int = 1,
        tile: int | tuple[int, int] | None = None,
        overlap: int | None = None,
    ) -> None:
        """Say what is measured, and when.

        Args:
            dataset: prepared, with annotations; images that are not learnt from.
            every: epochs from one measurement to the next.
            images: so many of its images at most, spread evenly over it; None takes
                all.
            batch_size: images that go through the model at once.
            tile: for large images, see `mrcnn.detection.detect`.
            overlap: of tiles.

        Raises:
            ValueError: names the number, or what the data set lacks.
            TypeError: if it is no data set.
        """
        super().__init__()
        check_dataset(dataset)
        for name, value, kind in (
            ("every", every, COUNT),
            ("images", images, optional(COUNT)),
        ):
            if fault := kind.fault(name, value):
                raise ValueError(fault)
        check_batch_size(batch_size)
        asked(tile, overlap)
        self.dataset, self.every = dataset, every
        count = len(dataset.image_ids)
        chosen = dataset.image_ids[spread(count, images or count)]
        self.image_ids: list[int] = chosen.tolist()
        self._options = {"batch_size": batch_size, "tile": tile, "overlap": overlap}

    def on_train_begin(self, logs: dict | None = None) -> None:
        """Refuse a model of other classes, and images that show nothing to find."""
        check_model_classes(self.model, self.dataset)
        truths = (load_truth(self.dataset, i) for i in self.image_ids)
        if all(truth.crowd.all() for truth in truths):
            raise ValueError(
                f"Accuracy: none of {len(self.image_ids)} images shows an object to "
                "find: give a data set with annotations, or more of its images."
            )

    def on_epoch_end(self, epoch: int, logs: dict | None = None) -> None:
        if logs is None:
            return
        last = epoch + 1 == self.params.get("epochs")
        due = last or (epoch + 1) % self.every == 0
        logs.update(self._measured() if due else dict.fromkeys(self.reports, np.nan))

    def _measured(self) -> dict[str, float]:
        scenes = collect(
            self.model, self.dataset, image_ids=self.image_ids, **self._options
        )
        names = tuple(self.dataset.class_names)
        box, mask = (overall(scenes, names, task) for task in ("box", "mask"))
        return dict(zip(self.reports, (box.ap, mask.ap, mask.ap50), strict=True))

    # --- Resuming: what is reported must be the same before and after

    def state(self) -> dict[str, np.ndarray]:
        """Return what a resumed training needs: nothing."""
        return {}

    def restore(self, state: dict[str, np.ndarray]) -> None:
        """Go on as made."""

    def origin(self) -> dict[str, Any]:
        """Return what is measured, see `training_state.Resumable`."""
        return {
            "dataset": fingerprint(self.dataset),
            "images": len(self.image_ids),
            "every": self.every,
            **self._options,
        }
