"""Fetch Matterport's 74 photographs of balloons, and check that they are those.

    python -m mrcnn.data.fetch FOLDER

downloads the release archive (an interrupted download continues), unpacks it, compares
every file with the sums in `datasets/balloon.sha256`, and only then makes FOLDER. The
photographs are other people's, from Flickr, and are no part of this project.
"""

import argparse
import http.client
import os
import shutil
import sys
import tempfile
import urllib.error
import urllib.request
import zipfile
from collections.abc import Callable
from pathlib import Path

from mrcnn.data.archive import DAMAGED, extract
from mrcnn.data.balloon import ANNOTATIONS
from mrcnn.files import locked, sha256, sync_folder

URL = (
    "https://github.com/matterport/Mask_RCNN/releases/download/v2.1/balloon_dataset.zip"
)
SUMS = Path(__file__).parents[2] / "datasets" / "balloon.sha256"
CHUNK = 1 << 18
TIMEOUT = 30
"""Seconds without a byte after which a download stops; running it again continues."""


def fetch(folder: str | Path, *, url: str = URL, sums: str | Path = SUMS) -> Path:
    """Make `folder` hold the verified set (train/ and val/), and return it.

    Does nothing if it does already. The archive is kept as FOLDER-download.zip (.part)
    until the set is complete, and goes on from there after an interruption. One that
    somebody else put there is taken, and left.

    Raises ConnectionError if the download stops, and ValueError if the archive or a
    file in it is not the expected one; if this call downloaded it, it is removed then.
    """
    folder = Path(folder)
    if not folder.exists():
        with locked(folder):
            if not folder.exists():  # nor has another process made it meanwhile
                _make(folder, url, Path(sums))
                return folder
    verify(folder, sums=sums)
    return folder


def _make(folder: Path, url: str, sums: Path) -> None:
    """Download, unpack and verify the set, and only then give it its name."""
    archive = folder.with_name(f"{folder.name}-download.zip")
    brought = archive.exists()
    scratch = tempfile.mkdtemp(prefix=f".{folder.name}-", dir=folder.parent)
    staging = Path(scratch) / folder.name

    def unpack(found: Path) -> None:
        extract(found, staging, root=_root(found))
        if wrong := _differences(staging, sums):
            raise ValueError(
                f"{archive if brought else url} is not the published set; {wrong}."
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


def verify(folder: str | Path, *, sums: str | Path = SUMS) -> None:
    """Compare every file of `folder` that is named in `sums` with its SHA-256.

    `sums` has the format of `sha256sum`. Further files in `folder` are ignored. Raises
    FileNotFoundError if `sums` is missing and ValueError that lists what differs.
    """
    if not Path(sums).is_file():
        raise FileNotFoundError(
            f"checksum file {sums} is missing: it is part of the project's repository."
        )
    if wrong := _differences(Path(folder), Path(sums)):
        raise ValueError(
            f"{folder} is not the published set; {wrong}. Move the folder away and "
            "fetch it again."
        )


def _differences(folder: Path, sums: Path) -> str:
    """Return what differs from the sums, in words; nothing if nothing does."""
    wrong = []
    for line in sums.read_text().splitlines():
        expected, name = line.split(maxsplit=1)
        path = folder / name
        if not path.is_file():
            wrong.append(f"{name} (missing)")
        elif sha256(path) != expected:
            wrong.append(f"{name} (changed)")
    first = ", ".join(wrong[:3])
    return f"{len(wrong)} files differ, first {first}" if wrong else ""


def download(
    url: str,
    path: str | Path,
    *,
    check: Callable[[Path], None] | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> Path:
    """Download `url` to `path`, going on from an earlier attempt's "`path`.part".

    Does nothing if `path` exists. Of two at once, one downloads and the other waits.

    Args:
        url: of one file.
        path: where it goes, when it is complete.
        check: raises ValueError if a file is not the whole one that is wanted. What was
            downloaded so is removed and never gets its name; what an earlier attempt
            left may pass, and is then not asked for again.
        progress: is told the bytes at hand and in all; by default it prints them.

    Raises:
        ConnectionError: if the download stops; says how to continue.
        ValueError: of `check`.
    """
    path = Path(path)
    if path.exists():
        return path
    with locked(path):
        if not path.exists():  # nor has another process downloaded it meanwhile
            part = path.with_name(f"{path.name}.part")
            if not (check and part.exists() and _passes(check, part)):
                _complete(url, part, check, progress or _show)
            os.replace(part, path)
            sync_folder(path.parent)
    return path


def _passes(check: Callable[[Path], None], part: Path) -> bool:
    """Return whether an earlier attempt got all of the file, and stopped then."""
    try:
        check(part)
    except ValueError:
        return False
    return True


def _complete(
    url: str,
    part: Path,
    check: Callable[[Path], None] | None,
    progress: Callable[[int, int], None],
) -> None:
    """Download what is missing, and check the whole; see `download`."""
    try:
        _continue(url, part, progress)
    except (OSError, http.client.HTTPException) as error:
        have = part.stat().st_size if part.exists() else 0
        raise ConnectionError(
            f"downloading {url} stopped after {have} bytes ({error}). Run it again to "
            f"continue, or download it by other means to {part.with_suffix('')}."
        ) from error
    try:
        if check:
            check(part)
    except ValueError:
        part.unlink()  # the next attempt must not go on from it
        raise


def _continue(url: str, part: Path, progress: Callable[[int, int], None]) -> None:
    """Append to `part` what it lacks of `url`, or start over if ranges are refused."""
    have = part.stat().st_size if part.exists() else 0
    headers = {"Range": f"bytes={have}-"} if have else {}
    request = urllib.request.Request(url, headers=headers)
    try:
        response = urllib.request.urlopen(request, timeout=TIMEOUT)
    except urllib.error.HTTPError as error:
        if error.code != http.HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE:
            raise
        error.close()
        # The part is not a beginning of this file, or is all of it: do not guess.
        part.unlink()
        response = urllib.request.urlopen(url, timeout=TIMEOUT)
    with response:
        resumed = response.status == http.HTTPStatus.PARTIAL_CONTENT
        have = have if resumed else 0
        total = have + int(response.headers.get("Content-Length") or 0)
        with open(part, "ab" if resumed else "wb") as file:
            while chunk := response.read(CHUNK):
                file.write(chunk)
                have += len(chunk)
                progress(have, total)
            file.flush()
            os.fsync(file.fileno())
    if have < total:
        raise ConnectionError(f"{have} of {total} bytes arrived")


def _show(have: int, total: int) -> None:
    """Write one line of progress over the last one."""
    end = "\n" if have == total else ""
    print(f"\r{have / 1e6:.1f} of {total / 1e6:.1f} MB", end=end, flush=True)


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


def main(arguments: list[str] | None = None) -> int:
    """Run the command line; return its exit status."""
    parser = argparse.ArgumentParser(
        prog="python -m mrcnn.data.fetch",
        description="Fetch and verify Matterport's balloon photographs.",
    )
    parser.add_argument("folder", help="where train/ and val/ go, such as data/balloon")
    parser.add_argument("--url", default=URL, help="archive to download")
    options = parser.parse_args(arguments)
    try:
        fetch(options.folder, url=options.url)
    except (OSError, ValueError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    print(f"{options.folder} holds the published balloon set, every file verified.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
