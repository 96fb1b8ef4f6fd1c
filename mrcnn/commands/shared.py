"""What several commands have in common: arguments, JSON, progress."""

import argparse
import ast
import json
import shlex
import sys
from typing import Any

from mrcnn.files import atomic_path
from mrcnn.paths import as_path, writable_folder

DATA = "annotations and pictures: a file or folder of any format that is read"


def add_data(parser: argparse.ArgumentParser) -> None:
    """Add the data set and its format."""
    parser.add_argument("data", metavar="DATA", type=there, help=DATA)
    parser.add_argument(
        "--format",
        metavar="NAME",
        help='the format, such as "COCO JSON"; needed only where two fit',
    )
    parser.add_argument(
        "--option",
        metavar="NAME=VALUE",
        type=setting,
        action="append",
        default=[],
        help="of the format, such as class_key=kind or skip_faulty=True",
    )


def add_json(parser: argparse.ArgumentParser, what: str) -> None:
    """Add where JSON goes."""
    parser.add_argument(
        "--json",
        metavar="FILE",
        type=writable_file,
        help=f"write {what} as JSON; - for standard output",
    )


def add_looks(parser: argparse.ArgumentParser) -> None:
    """Add the tiles of large pictures, and other ways to see more in one."""
    parser.add_argument(
        "--tile",
        type=positive,
        metavar="PIXELS",
        help="look at what is larger in overlapping tiles of this side, too",
    )
    parser.add_argument(
        "--flip",
        action="store_true",
        help="look at each picture mirrored, too (test-time augmentation)",
    )
    parser.add_argument(
        "--sides",
        metavar="PIXELS",
        type=positive,
        nargs="+",
        default=(),
        help="look at each picture in squares of these sides, multiples of 64",
    )


def looks(args: argparse.Namespace) -> dict[str, Any]:
    """Return how `detect` is to look at pictures."""
    from mrcnn.views import Views

    asked = args.flip or args.sides
    return {"tile": args.tile, "views": Views(args.flip, args.sides) if asked else None}


def add_run(parser: argparse.ArgumentParser) -> None:
    """Add the folder of a model, and weights in place of its own."""
    parser.add_argument(
        "model", metavar="RUN", type=there, help="folder of a trained model"
    )
    parser.add_argument(
        "--weights",
        metavar="FILE.h5",
        type=there,
        help="other weights of the same network",
    )


def there(text: str) -> str:
    """Return a path where something is, as an argument's type."""
    try:
        found = as_path(text, "it").exists()
    except OSError as error:  # as of a name that is too long
        raise argparse.ArgumentTypeError(f"{text!r}: {error.strerror}") from None
    if not found:
        raise argparse.ArgumentTypeError(
            f"{text!r} is not there: no such file or folder"
        )
    return text


def writable_file(text: str) -> str:
    """Return the path of a file that can be written, as an argument's type.

    "-", which stands for standard output where that is possible, is returned as it is.
    """
    if text == "-":
        return text
    try:
        place = as_path(text, "it")
        writable_folder(place.parent, "its folder")
        if place.exists() and not place.is_file():
            raise ValueError(f"{place} is no plain file")
    except (OSError, ValueError) as error:
        raise argparse.ArgumentTypeError(f"{text!r}: {error}") from None
    return str(place)


def add_restart(parser: argparse.ArgumentParser) -> None:
    """Add the way to begin a training anew."""
    parser.add_argument(
        "--restart",
        action="store_true",
        help="begin anew, whatever an earlier training has left there",
    )


def check_out(args: argparse.Namespace) -> None:
    """Refuse a folder `--out` in which no training may begin or go on.

    Raises:
        FileExistsError: it holds a finished model and no checkpoint, without
            `--restart`; or as `model_folder.place`.
    """
    from mrcnn import model_folder

    folder = model_folder.place(args.out)
    ours = (folder / model_folder.SETTINGS).exists()
    if ours and not args.restart and not (folder / "checkpoint.h5").exists():
        raise FileExistsError(
            f"{folder} holds a model, and no checkpoint from which a training could go "
            "on: name another folder, or replace it by --restart."
        )


def ready(folder: str) -> str:
    """Return what to say when a model is in its folder."""
    named = shlex.quote(folder)
    return f"The model is in {folder}: mrcnn detect {named} PICTURES --out FOLDER"


def positive(text: str) -> int:
    """Return a whole number from 1 on, as an argument's type."""
    if not text.isdecimal() or not int(text):
        raise argparse.ArgumentTypeError(f"{text!r} is no whole number from 1 on")
    return int(text)


def seed(text: str) -> int:
    """Return a whole number from 0 to 2 ** 32 - 1, as an argument's type."""
    if not text.isdecimal() or int(text) >= 1 << 32:
        raise argparse.ArgumentTypeError(f"{text!r} is no whole number from 0 on")
    return int(text)


def share(text: str) -> float:
    """Return a number between 0 and 1, as an argument's type."""
    try:
        value = float(text)
    except ValueError:
        value = -1.0
    if not 0 <= value <= 1:
        raise argparse.ArgumentTypeError(f"{text!r} is no number from 0 to 1")
    return value


def setting(text: str) -> tuple[str, Any]:
    """Return name and value of NAME=VALUE, as an argument's type.

    A value is written as in Python: 256, 0.5, True, None, 16,32,64; else it is a text.
    """
    name, equals, value = text.partition("=")
    if not equals or not name.strip():
        raise argparse.ArgumentTypeError(f"{text!r} is not NAME=VALUE")
    try:
        return name.strip(), ast.literal_eval(value.strip())
    except (ValueError, SyntaxError, MemoryError, RecursionError):
        return name.strip(), value.strip()


def options_of(args: argparse.Namespace) -> dict[str, Any]:
    """Return the options of `open_dataset` that were given.

    Raises:
        ValueError: one has an argument of its own.
    """
    given = dict(args.option)
    if own := [name for name in ("path", "split", "format") if name in given]:
        raise ValueError(f"{own[0]} is no --option of a format: see --help.")
    return given if args.format is None else {**given, "format": args.format}


def write_json(args: argparse.Namespace, document: Any) -> None:
    """Write a document where `--json` says, if it was given."""
    if args.json == "-":
        print(_text(document), file=args.stdout, flush=True)
    elif args.json is not None:
        save_json(args.json, document)


def save_json(path: str, document: Any) -> None:
    """Write a document to a file, whole or not at all, and say so."""
    with atomic_path(path) as temporary:
        temporary.write_text(f"{_text(document)}\n", encoding="utf-8")
    print(f"Written: {path}")


def _text(document: Any) -> str:
    return json.dumps(document, indent=1, allow_nan=False)


def progress(text: str) -> None:
    """Tell how far a command is, beside its output."""
    print(text, file=sys.stderr, flush=True)
