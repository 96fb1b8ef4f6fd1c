"""A trained model as a folder that needs no code: its weights, and all its settings.

`model.h5` is a weight file as any (`mrcnn.weights`); `settings.json` holds every
setting of the `Config`, the names of the classes, and the checksum of the weights that
it was written with, so that a folder never mixes two models. Both are data.
`report.json`, if a training has left one, is what the model achieves.
"""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import mrcnn
from mrcnn import build
from mrcnn.config import Config, as_values, value_faults, with_settings
from mrcnn.files import atomic_path, read_json, sha256
from mrcnn.nn.mask_rcnn import MaskRCNN
from mrcnn.nn.native import native
from mrcnn.notices import all_of, quoted
from mrcnn.paths import as_path, writable_folder
from mrcnn.weights import load_weights, save_weights

SCHEMA, VERSION = "mrcnn.Model", 1
WEIGHTS, SETTINGS, REPORT = "model.h5", "settings.json", "report.json"


class ModelFolder(NamedTuple):
    """What a folder holds."""

    model: MaskRCNN
    config: Config
    class_names: tuple[str, ...]  # background first


def write(
    folder: str | Path, model: Any, class_names: Sequence[str] | None = None
) -> Path:
    """Write a model's weights and settings to a folder, and return it.

    Args:
        folder: made if need be; what it holds of another model is replaced.
        model: made by `mrcnn.build.model`.
        class_names: background first; by default those that the model knows.

    Raises:
        ValueError: the model was not built from a configuration, or has a backbone that
            is a function; or there are not as many names as classes.
        FileExistsError, OSError: as `place`.
    """
    folder, model = place(folder), native(model)
    settings = settings_of(model)
    names = list(model.class_names if class_names is None else class_names)
    _check_names(names, settings["NUM_CLASSES"], "class_names")
    folder.mkdir(parents=True, exist_ok=True)
    model.class_names = tuple(names)  # the weight file says them, too
    save_weights(model, folder / WEIGHTS)
    document = {
        "schema": SCHEMA,
        "version": VERSION,
        "mrcnn": mrcnn.__version__,
        "class_names": names,
        "weights_sha256": sha256(folder / WEIGHTS),
        "settings": settings,
    }
    with atomic_path(folder / SETTINGS) as temporary:
        text = json.dumps(document, indent=1, allow_nan=False)
        temporary.write_text(text + "\n", encoding="utf-8")
    return folder


def place(folder: str | Path) -> Path:
    """Return the path of a folder, if a model may be written there.

    Raises:
        FileExistsError: files of these names are there, and are no model's.
        OSError: nothing can be written there.
    """
    folder = writable_folder(folder, "folder")
    taken = [folder / n for n in (SETTINGS, WEIGHTS, REPORT) if (folder / n).exists()]
    if taken and not _is_ours(folder / SETTINGS):
        raise FileExistsError(
            f"{taken[0]} is there, and of no model that mrcnn has written: name "
            "another folder, or remove the file."
        )
    return folder


def _is_ours(path: Path) -> bool:
    """Return whether a file is the settings of a model, of any version."""
    try:
        document = read_json(path)
    except (OSError, ValueError):
        return False
    return isinstance(document, dict) and document.get("schema") == SCHEMA


def settings_of(model: MaskRCNN) -> dict[str, Any]:
    """Return all settings of a model by name; ValueError as `write`."""
    if model.built_from is None:
        raise ValueError(
            "The model was read from a file, which does not say all its settings: "
            "build it by mrcnn.build.model(config), and load its weights."
        )
    return as_values(model.built_from)


def read(
    folder: str | Path,
    *,
    weights: str | Path | None = None,
    settings: Mapping[str, Any] | None = None,
    training: bool = False,
) -> ModelFolder:
    """Return the model of a folder that `write` made.

    Args:
        folder: of the model.
        weights: another weight file for the same network.
        settings: others than those of the folder, by name.
        training: in the numbers of PRECISION, in place of INFERENCE_PRECISION.

    Raises:
        FileNotFoundError: names the file that is missing.
        ValueError: names the file, and the field or setting that is wrong; or the two
            files do not belong together.
    """
    folder = as_path(folder, "folder")
    config, names, checksum = _settings(folder)
    if settings:
        config = with_settings(config, settings)
    file = folder / WEIGHTS if weights is None else as_path(weights, "weights")
    if not file.is_file():
        raise FileNotFoundError(f"{file} is missing: it holds the weights of a model.")
    if weights is None and sha256(file) != checksum:
        raise ValueError(
            f"{file} is not the file that {folder / SETTINGS} was written with: train "
            "again by the same command, or name a weight file of your own."
        )
    attribute = "PRECISION" if training else "INFERENCE_PRECISION"
    model = build.model(config, precision=build.policy(config, attribute))
    load_weights(model, file)
    if model.class_names not in ((), names):
        raise ValueError(
            f"{file} is of the classes {', '.join(model.class_names)}, "
            f"{folder / SETTINGS} of {', '.join(names)}: name other weights."
        )
    model.class_names = names
    return ModelFolder(model, config, names)


def read_values(path: str | Path) -> dict[str, Any]:
    """Return settings by name, as a file has them: a folder's, or a user's own.

    A user's own is a JSON object from names of settings to values.

    Raises:
        FileNotFoundError: there is no such file.
        ValueError: names the file and what is wrong with it.
    """
    path = as_path(path, "settings")
    if not path.is_file():
        raise FileNotFoundError(f"{path} is missing: name a JSON file of settings.")
    document = read_json(path)
    values = document
    if isinstance(document, dict) and "settings" in document:
        values = document["settings"]
    if not isinstance(values, dict):
        raise ValueError(
            f"{path} holds {quoted(values)}: expected an object, from names of "
            "settings to values."
        )
    if faults := value_faults(values):
        raise ValueError(f"{path}: {all_of(faults, 'it')}")
    return values


def _settings(folder: Path) -> tuple[Config, tuple[str, ...], Any]:
    """Return configuration, names of classes and checksum of a folder."""
    path = folder / SETTINGS
    if not path.is_file():
        raise FileNotFoundError(
            f"{path} is missing: name the folder of a model, as a training leaves it "
            "from its first epoch on."
        )
    document = read_json(path)
    for field, expected in (("schema", SCHEMA), ("version", VERSION)):
        if not isinstance(document, dict) or document.get(field) != expected:
            raise ValueError(
                f"{path}: field {field!r} is not {expected!r}: it describes no model, "
                "or one of another version of mrcnn."
            )
    values, names = read_values(path), document.get("class_names")
    try:
        config = with_settings(Config(), values)
        _check_names(names, values.get("NUM_CLASSES"), "class_names")
    except ValueError as error:
        raise ValueError(f"{path}: {error}") from None
    return config, tuple(names), document.get("weights_sha256")


def _check_names(names: Any, count: Any, field: str) -> None:
    """Raise ValueError unless these are names of so many classes."""
    texts = isinstance(names, list) and all(isinstance(n, str) for n in names)
    if not texts or len(names) != count:
        raise ValueError(
            f"{field} is {quoted(names)}: expected {count} texts, one for each class "
            "(NUM_CLASSES), the background first."
        )
