"""Fetch Matterport's 74 photographs of balloons, and check that they are those.

    python -m mrcnn.data.fetch FOLDER

downloads the release archive (an interrupted download continues), unpacks it, compares
every file with the sums in `datasets/balloon.sha256`, and only then makes FOLDER. The
photographs are other people's, from Flickr, and are no part of this project.
"""

import argparse
import shutil
import sys
import tempfile
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from mrcnn.data.archive import DAMAGED, extract
from mrcnn.data.balloon import ANNOTATIONS
from mrcnn.data.download import download
from mrcnn.files import locked, sha256

URL = (
    "https://github.com/matterport/Mask_RCNN/releases/download/v2.1/balloon_dataset.zip"
)
SUMS = Path(__file__).parents[2] / "datasets" / "balloon.sha256"


def fetch(folder: str | Path, *, url: str = URL, sums: str | Path = SUMS) -> Path:
    """Make `folder` hold the verified set (train/ and val/), and return it.

    See `fetch_set` for what is done and raised.
    """

    def fill(archive: Path, staging: Path) -> None:
        extract(archive, staging, root=_root(archive))

    return fetch_set(folder, url, fill, sums=sums)


def fetch_set(
    folder: str | Path,
    url: str,
    fill: Callable[[Path, Path], Any],
    *,
    sums: str | Path,
    digest: Callable[[Path], str] = sha256,
) -> Path:
    """Make `folder` hold the verified files of a set in an archive, and return it.

    Does nothing but verify if it does already. The archive is kept as
    FOLDER-download.zip (.part) until the set is complete, and goes on from there after
    an interruption. One that somebody else put there is taken, and left.

    Args:
        folder: gets its name when the set is complete and verified.
        url: of the archive.
        fill: makes a new folder (second argument) of an archive (first).
        sums: see `verify`, also for `digest`.
        digest: of a file.

    Raises:
        ConnectionError: the download stops.
        ValueError: the archive or a file in it is not the expected one. If this call
            downloaded it, it is removed then.
    """
    folder = Path(folder)
    if not folder.exists():
        with locked(folder):
            if not folder.exists():  # nor has another process made it meanwhile
                _make(folder, url, fill, lambda made: differences(made, sums, digest))
                return folder
    verify(folder, sums=sums, digest=digest)
    return folder


def _make(
    folder: Path,
    url: str,
    fill: Callable[[Path, Path], Any],
    wrong: Callable[[Path], str],
) -> None:
    """Download, unpack and verify the set, and only then give it its name."""
    archive = folder.with_name(f"{folder.name}-download.zip")
    brought = archive.exists()
    scratch = tempfile.mkdtemp(prefix=f".{folder.name}-", dir=folder.parent)
    staging = Path(scratch) / folder.name

    def unpack(found: Path) -> None:
        shutil.rmtree(staging, ignore_errors=True)  # of another archive, that was wrong
        fill(found, staging)
        if fault := wrong(staging):
            raise ValueError(
                f"{archive if brought else url} is not the published set; {fault}."
            )

    try:
        if brought:
            unpack(archive)
        else:
            download(url, archive, check=unpack)
        staging.rename(folder)
    finally:
        shutil.rmtree(scratch, ignore_errors=True)
    if not brought:
        archive.unlink()


def verify(
    folder: str | Path,
    *,
    sums: str | Path = SUMS,
    digest: Callable[[Path], str] = sha256,
) -> None:
    """Compare every file of `folder` that is named in `sums` with its digest there.

    `sums` has the format of `sha256sum`. Further files in `folder` are ignored. Raises
    FileNotFoundError if `sums` is missing and ValueError that lists what differs.
    """
    if wrong := differences(folder, sums, digest):
        raise ValueError(
            f"{folder} is not the published set; {wrong}. Move the folder away and "
            "fetch it again."
        )


def differences(
    folder: str | Path, sums: str | Path, digest: Callable[[Path], str]
) -> str:
    """Return what differs from the sums, in words; nothing if nothing does."""
    wrong = []
    for expected, name in listed(sums):
        path = Path(folder) / name
        if not path.is_file():
            wrong.append(f"{name} (missing)")
        elif digest(path) != expected:
            wrong.append(f"{name} (changed)")
    first = ", ".join(wrong[:3])
    return f"{len(wrong)} files differ, first {first}" if wrong else ""


def listed(sums: str | Path) -> list[tuple[str, str]]:
    """Return the digests and names in a file of sums; FileNotFoundError without it."""
    if not Path(sums).is_file():
        raise FileNotFoundError(
            f"checksum file {sums} is missing: it is part of the project's repository."
        )
    lines = Path(sums).read_text(encoding="utf-8").splitlines()
    return [tuple(line.split(maxsplit=1)) for line in lines]


def _root(archive: Path) -> str:
    """Return the folder inside an archive that holds train/ and its annotations."""
    tail = f"train/{ANNOTATIONS}"
    try:
        with zipfile.ZipFile(archive) as content:
            names = content.namelist()
    except DAMAGED:
        return ""  # `extract` explains what is wrong
    for name in names:
        if name == tail or name.endswith(f"/{tail}"):
            return name.removesuffix(tail).rstrip("/")
    raise ValueError(f"{archive} has no {tail}: it is not a set of balloons.")


def command_line(
    arguments: list[str] | None,
    get: Callable[..., Path],
    *,
    module: str,
    what: str,
    url: str,
) -> int:
    """Run the command line of a module that fetches a set; return its exit status.

    Args:
        arguments: of the command; those of the process if None.
        get: takes a folder and `url`.
        module: that is run.
        what: is fetched, in words.
        url: of the archive, unless another is given.
    """
    parser = argparse.ArgumentParser(
        prog=f"python -m {module}", description=f"Fetch and verify {what}."
    )
    parser.add_argument("folder", help="where train/ and val/ go, such as data/set")
    parser.add_argument("--url", default=url, help="archive to download")
    options = parser.parse_args(arguments)
    try:
        get(options.folder, url=options.url)
    except (OSError, ValueError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    print(f"{options.folder} holds {what}, every file verified.")
    return 0


def main(arguments: list[str] | None = None) -> int:
    """Run the command line; return its exit status."""
    return command_line(
        arguments,
        fetch,
        module="mrcnn.data.fetch",
        what="Matterport's balloon photographs",
        url=URL,
    )


if __name__ == "__main__":
    sys.exit(main())
