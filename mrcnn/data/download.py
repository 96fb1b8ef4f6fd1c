"""Downloading one file, which goes on after an interruption and is checked."""

import http.client
import os
import urllib.error
import urllib.request
from collections.abc import Callable
from pathlib import Path

from mrcnn.files import locked, sync_folder

CHUNK = 1 << 18
TIMEOUT = 30
"""Seconds without a byte after which a download stops; running it again continues."""


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
        progress: is told the bytes at hand, and in all or 0 where the server does not
            say; by default it prints them.

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
        length = response.headers.get("Content-Length")  # GitHub's archives have none
        total = have + int(length) if length else 0
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
    of = f" of {total / 1e6:.1f}" if total else ""
    print(f"\r{have / 1e6:.1f}{of} MB", end=end, flush=True)
