"""Downloading one file, which goes on after an interruption and is checked."""

import http.client
import os
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Any

from mrcnn.files import locked, sync_folder

CHUNK = 1 << 18
TIMEOUT = 30
"""Seconds without a byte after which a download stops; running it again continues."""
MAX_BYTES = 2 * 1024**3
"""Largest file; far above any that this package names."""
OWN_MACHINE = ("127.0.0.1", "::1", "localhost")
"""Hosts that are asked without encryption too: nothing leaves the machine."""


def download(
    url: str,
    path: str | Path,
    *,
    check: Callable[[Path], None],
    progress: Callable[[int, int], None] | None = None,
) -> Path:
    """Download `url` to `path`, going on from an earlier attempt's "`path`.part".

    Does nothing if `path` exists. Of two at once, one downloads and the other waits.

    Args:
        url: of one file, by https.
        path: where it goes, when it is complete.
        check: raises ValueError if a file is not the whole one that is wanted. What was
            downloaded so is removed and never gets its name; what an earlier attempt
            left may pass, and is then not asked for again.
        progress: is told the bytes at hand, and in all or 0 where the server does not
            say; by default it prints them.

    Raises:
        ConnectionError: if the download stops; says how to continue.
        ValueError: of `check`; if the address, or one that its server sends to, is not
            of https, or the file is larger than `MAX_BYTES`.
    """
    path = Path(path)
    if path.exists():
        return path
    _check_address(url)
    with locked(path):
        if not path.exists():  # nor has another process downloaded it meanwhile
            part = path.with_name(f"{path.name}.part")
            if not (part.exists() and _passes(check, part)):
                _complete(url, part, check, progress or _show)
            os.replace(part, path)
            sync_folder(path.parent)
    return path


def _check_address(url: str, local: bool = True) -> None:
    """Raise ValueError for an address that is neither https nor, if `local`, here."""
    parts = urllib.parse.urlsplit(url)
    own = local and parts.scheme == "http" and parts.hostname in OWN_MACHINE
    if parts.scheme != "https" and not own:
        raise ValueError(
            f"{url} is not asked, because what does not come over https can be changed "
            "on its way. Name an address that begins with https://."
        )


class _Redirects(urllib.request.HTTPRedirectHandler):
    """Goes where a server sends to only if `_check_address` lets it."""

    def redirect_request(
        self, req: urllib.request.Request, fp: Any, code: int, msg: str, *rest: Any
    ) -> urllib.request.Request | None:
        _check_address(rest[-1], local=req.type == "http")
        return super().redirect_request(req, fp, code, msg, *rest)


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
    check: Callable[[Path], None],
    progress: Callable[[int, int], None],
) -> None:
    """Download what is missing, and check the whole; see `download`."""
    try:
        _try(url, part, progress)
        check(part)
    except ValueError:
        part.unlink(missing_ok=True)  # the next attempt must not go on from it
        raise


def _try(url: str, part: Path, progress: Callable[[int, int], None]) -> None:
    """Download what is missing; ConnectionError says how to continue."""
    try:
        _continue(url, part, progress)
    except (OSError, http.client.HTTPException) as error:
        have = part.stat().st_size if part.exists() else 0
        raise ConnectionError(
            f"downloading {url} stopped after {have} bytes ({error}). Run it again to "
            f"continue, or download it by other means to {part.with_suffix('')}."
        ) from error


def _continue(url: str, part: Path, progress: Callable[[int, int], None]) -> None:
    """Append to `part` what it lacks of `url`, or start over if ranges are refused."""
    have = part.stat().st_size if part.exists() else 0
    headers = {"Range": f"bytes={have}-"} if have else {}
    request = urllib.request.Request(url, headers=headers)
    ask = urllib.request.build_opener(_Redirects).open
    try:
        response = ask(request, timeout=TIMEOUT)
    except urllib.error.HTTPError as error:
        if error.code != http.HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE:
            raise
        error.close()
        # The part is not a beginning of this file, or is all of it: do not guess.
        part.unlink()
        response = ask(url, timeout=TIMEOUT)
    with response:
        resumed = response.status == http.HTTPStatus.PARTIAL_CONTENT
        have = have if resumed else 0
        length = response.headers.get("Content-Length")  # GitHub's archives have none
        total = have + int(length) if length else 0
        _check_size(url, total)
        with open(part, "ab" if resumed else "wb") as file:
            while chunk := response.read(CHUNK):
                have += len(chunk)
                _check_size(url, have)
                file.write(chunk)
                progress(have, total)
            file.flush()
            os.fsync(file.fileno())
    if have < total:
        raise ConnectionError(f"{have} of {total} bytes arrived")


def _check_size(url: str, count: int) -> None:
    """Raise ValueError if a server sends, or says it will, more than any file has."""
    if count > MAX_BYTES:
        raise ValueError(
            f"{url} sends more than {MAX_BYTES} bytes: that is not the file that is "
            "wanted, and nothing of it is kept. Ask for it again later."
        )


def _show(have: int, total: int) -> None:
    """Write one line of progress over the last one."""
    end = "\n" if have == total else ""
    of = f" of {total / 1e6:.1f}" if total else ""
    print(f"\r{have / 1e6:.1f}{of} MB", end=end, flush=True)
