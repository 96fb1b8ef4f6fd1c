"""From a data set of one's own to a trained model in a folder, with one call for each.

What the page "Your own images" does step by step; `python -m mrcnn` is made of it.
"""

from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import keras

from mrcnn import build, model_folder, pretrained
from mrcnn.config import Config, with_settings
from mrcnn.data import augment
from mrcnn.data.copy_paste import CopyPaste
from mrcnn.data.dataset import Dataset
from mrcnn.data.pipeline import Batches
from mrcnn.data.readers import open_dataset, open_part
from mrcnn.data.survey import grouped
from mrcnn.dataset_report import DatasetReport
from mrcnn.evaluation import Accuracy, evaluate
from mrcnn.evaluation.report import TaskReport
from mrcnn.hdf5 import WeightFileError
from mrcnn.nn.mask_rcnn import MaskRCNN
from mrcnn.notices import quoted
from mrcnn.presets import OwnImagesConfig
from mrcnn.structures import Augmentation, Stage
from mrcnn.training import fit
from mrcnn.training_state import History
from mrcnn.weights import CLASS_LAYERS, load_weights

LEAST_STEPS = 50
"""Steps of an epoch, at least: of a few pictures each comes several times."""
BEST = {"ap": "val_mask_ap", "loss": "val_loss"}
"""By which number of an epoch weights may be the best, see `train`."""


class Learnt(NamedTuple):
    """What came of a training in a folder."""

    history: History  # as `training.fit` returns it, from the first epoch on
    more: bool  # whether there was anything left to train


def open_sets(
    data: str | Path, val: str | Path | None = None, **options: Any
) -> tuple[Dataset, Dataset | None]:
    """Return what to train on and what to measure on.

    Args:
        data: what `open_dataset` takes. If it has a split "train", that is trained on,
            and "val", if there is one, is measured on; else all of it is trained on.
        val: another data set to measure on; of its splits "val", if it has any.
        options: of `open_dataset`.

    Raises FileNotFoundError or ValueError as `open_dataset`.
    """
    train = open_part(data, "train", **options)
    parts = train is not None
    if train is None:
        train = open_dataset(data, **options)
    if val is not None:
        return train, open_measured(val, **options)
    return train, open_part(data, "val", **options) if parts else None


def open_measured(
    data: str | Path, split: str | None = None, **options: Any
) -> Dataset:
    """Return a split of a data set: by default "val", or all if there are no splits."""
    if split is None and (found := open_part(data, "val", **options)) is not None:
        return found
    return open_dataset(data, split, **options)


def suited(
    report: DatasetReport, values: Mapping[str, Any] | None = None
) -> dict[str, Any]:
    """Return what `mrcnn.data.check` suggests, for images of the size that is wanted.

    Args:
        report: of the check.
        values: settings of the user's own; with another IMAGE_MAX_DIM anchors grow or
            shrink alike.
    """
    found, side = dict(report.suggestion), (values or {}).get("IMAGE_MAX_DIM")
    if isinstance(side, int) and found:
        larger = side / found["IMAGE_MAX_DIM"]
        scales = (round(larger * scale) for scale in found["RPN_ANCHOR_SCALES"])
        found["RPN_ANCHOR_SCALES"] = tuple(max(1, scale) for scale in scales)
        found["IMAGE_MIN_DIM"] = found["IMAGE_MAX_DIM"] = side
    return found


def settings(report: DatasetReport, values: Mapping[str, Any] | None = None) -> Config:
    """Return the small network of this package with settings that suit a data set.

    Args:
        report: of `mrcnn.data.check`; what it suggests is taken, see `suited`.
        values: settings of the user's own, which go before.

    Raises:
        ValueError: the data set shows no object; or as `config.with_settings`.
    """
    if not report.suggestion:
        raise ValueError(f"There is nothing to learn from. {grouped(report.faults)}")
    # Defaults, as all of a preset's: they give way to what the user says.
    name, found = OwnImagesConfig.__name__, suited(report, values)
    return with_settings(type(name, (OwnImagesConfig,), found)(), values or {})


def start(model: MaskRCNN, weights: str | Path | None = None) -> str:
    """Let a model start from trained weights, and return a sentence that says which.

    Args:
        model: made by `mrcnn.build.model`.
        weights: a weight file, whose classes may be others; "none" for random ones;
            "shapes" for those that come with the package; by default these, if the
            network is theirs.

    Raises:
        FileNotFoundError: there is no such file.
        ValueError: the file does not fit the network; says what to do.
    """
    if weights == "none":
        return "Starting from random weights."
    if weights not in (None, "shapes"):
        try:
            return f"Starting from {load_weights(model, weights, partial=True)}."
        except WeightFileError:  # of other classes, if the rest fits
            report = load_weights(model, weights, exclude=CLASS_LAYERS, partial=True)
            return f"Starting from {report}."
    shipped = pretrained.shipped("shapes")
    try:
        return f"Starting from {load_weights(model, shipped, exclude=CLASS_LAYERS)}."
    except WeightFileError:
        if weights is not None:
            raise
        return "No trained weights of such a network: starting from random ones."


def steps_of(batches: Batches) -> int:
    """Return the steps of an epoch: each image once, and `LEAST_STEPS` at least."""
    return max(len(batches), LEAST_STEPS)


def train(
    config: Config,
    dataset: Dataset,
    validation: Dataset | None = None,
    *,
    folder: str | Path,
    best: str | None = None,
    **options: Any,
) -> TaskReport | None:
    """Train a model, and leave it in a folder for `model_folder.read`.

    Args:
        config: see `learn`, also for what is not named here.
        dataset: to learn from.
        validation: to measure on.
        folder: of the model.
        best: "ap" ends at the weights of the epoch with the best mask AP, which is then
            measured after each; "loss" at those of the least validation loss. By
            default, the last ones. `patience` looks at the same, by default the loss.
        options: of `learn`, whose errors are raised.

    Returns:
        What the model achieves, which the folder then has as `report.json`; None
        without a validation set.

    Raises:
        ValueError: `best` is none of these, or there is no validation set for it.
    """
    if best is not None:
        if best not in BEST or validation is None:
            raise ValueError(
                f"best is {quoted(best)}: choose from {', '.join(BEST)}, and give a "
                "validation set, which says what is the best."
            )
        options["monitor"] = BEST[best]
    if best == "ap":
        options["callbacks"] = [Accuracy(validation), *options.get("callbacks", ())]
    learnt = learn(config, dataset, validation, folder=folder, **options)
    report = Path(folder) / model_folder.REPORT
    if not learnt.more and report.is_file():
        return TaskReport.from_json(report)
    return measure(folder, validation)


def learn(
    config: Config,
    dataset: Dataset,
    validation: Dataset | None = None,
    *,
    folder: str | Path,
    epochs: int = 40,
    steps: int | None = None,
    weights: str | Path | None = None,
    layers: str = "all",
    seed: int | None = None,
    augmentation: Augmentation | None = augment.flip,
    paste: CopyPaste | None = None,
    **options: Any,
) -> Learnt:
    """Train a model in a folder, and measure nothing in the end.

    Nothing else than `mrcnn.training.fit` with its checkpoints in the folder: called
    again after an interruption, it goes on. The folder has the model as of the last
    whole epoch.

    Args:
        config: the settings.
        dataset: prepared.
        validation: prepared; to report losses on.
        folder: of the model.
        epochs: how many.
        steps: of an epoch; see `steps_of`.
        weights: to start from, see `start`.
        layers: which learn, see `training.STAGE_LAYERS`.
        seed: of weights that are random, samples, order and augmentation; by default
            the configuration's SEED, or 0.
        augmentation: of the images that are trained on.
        paste: see `build.batches`.
        options: of `training.fit`, such as `patience`, `callbacks` and `monitor`.

    Raises:
        ValueError: as `training.fit`, `start` and `build.batches`.
        OSError: as `training.fit`.
    """
    model = build.model(config, seed=seed)
    make = partial(build.batches, config, dataset, shuffle=True, seed=seed)
    steps = steps_of(make()) if steps is None else steps
    print(start(model, weights))
    return fit_in(
        folder,
        model,
        make(steps=steps, augmentation=augmentation, paste=paste),
        None if validation is None else build.batches(config, validation),
        stages=[build.stage(config, epochs, layers)],
        optimizer=partial(build.optimizer, config),
        **options,
    )


def fit_in(
    folder: str | Path,
    model: MaskRCNN,
    batches: Batches,
    validation: Batches | None = None,
    *,
    stages: Sequence[Stage],
    callbacks: Sequence[keras.callbacks.Callback] = (),
    **options: Any,
) -> Learnt:
    """Train as `training.fit` does, and keep the folder's model up to date.

    Args:
        folder: of the checkpoints and of the model.
        model: see `training.fit`, also for what is not named here.
    """
    folder = model_folder.place(folder)
    model_folder.settings_of(model)  # refuses now what no file can hold
    done: list[int] = []

    def keep(epoch: int, logs: Any = None) -> None:
        done.append(epoch)
        (folder / model_folder.REPORT).unlink(missing_ok=True)  # of an earlier model
        model_folder.write(folder, model)

    watcher = keras.callbacks.LambdaCallback(on_epoch_end=keep)
    history = fit(
        model,
        batches,
        validation,
        stages=stages,
        folder=folder,
        callbacks=[*callbacks, watcher],
        **options,
    )
    model_folder.write(folder, model)  # early stopping may have gone back
    if not done:
        print(f"The training in {folder} was at its end: nothing was left to train.")
    return Learnt(history, bool(done))


def measure(folder: str | Path, validation: Dataset | None) -> TaskReport | None:
    """Measure the model of a folder, and write what it achieves beside it.

    Without a validation set the report of an earlier model is removed.
    """
    file = Path(folder) / model_folder.REPORT
    if validation is None:
        file.unlink(missing_ok=True)
        return None
    report = evaluate(model_folder.read(folder).model, validation)
    report.to_json(file)
    return report
