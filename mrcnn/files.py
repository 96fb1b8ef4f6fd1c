"""Writing files whole or not at all, one process at a time, and what is in them."""

import glob
import hashlib
import json
import os
import secrets
import signal
import stat
import threading
import time
import warnings
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import IO, Any

try:
    import fcntl
except ImportError:  # Windows
    fcntl = None
    import msvcrt

LOCKED_BYTE = 1 << 30
"""Which byte stands for a file on Windows: what is locked there, nobody else can read,
so it lies far behind the content."""


@contextmanager
def atomic_path(path: str | Path) -> Iterator[Path]:
    """Yield a temporary path beside `path`; move it there when the block ends well.

    A reader sees the old file or the new one, never half of either, after a loss of
    power too. If the block raises, or the process is asked to stop (`tidy_stop`), the
    temporary file is removed and `path` keeps what it had; only a process that is
    killed outright leaves it, under a name that begins with a dot.

    A new file has the mode that `open` gives; one that was there keeps its mode, and
    its owner as far as the system allows. If `path` is a link, the file that it points
    to is written. The suffix is kept, because writers such as Matplotlib choose their
    format by it.

    Raises:
        PermissionError: before the block, if `path` is protected against writing.
        OSError: before the block, if `path` is a folder, a device or the like; after
            it, if the file cannot be written, such as on a full disk.
    """
    given, path = Path(path), Path(os.path.realpath(path))
    old = _replaceable(given)
    path.parent.mkdir(parents=True, exist_ok=True)
    # A name has 255 bytes at most, and a letter up to 4.
    name = f".{given.stem[:40]}-{secrets.token_hex(8)}{given.suffix}"
    temporary = path.with_name(name)
    with tidy_stop():
        try:
            flags = os.O_CREAT | os.O_EXCL | os.O_RDWR
            # What is private is so while it is being written, too.
            os.close(os.open(temporary, flags, 0o600 if old else 0o666))
            yield temporary
            _settle(temporary, old)
            os.replace(temporary, path)
        except OSError as error:
            if error.errno and error.filename is None:  # as of a failed write
                error.filename = str(given)
            raise
        finally:
            temporary.unlink(missing_ok=True)
    sync_folder(path.parent)


def remove_leftovers(path: str | Path) -> None:
    """Remove what processes that were killed have left of `atomic_path(path)`.

    Only while nobody else writes `path`, such as within `locked`.
    """
    stem, suffix = (glob.escape(s) for s in (Path(path).stem[:40], Path(path).suffix))
    folder = Path(os.path.realpath(path)).parent
    for left in folder.glob(f".{stem}-{'[0-9a-f]' * 16}{suffix}"):
        left.unlink(missing_ok=True)


def _replaceable(path: Path) -> os.stat_result | None:
    """Return what is known of a file that may be replaced; None if it is a new one."""
    try:
        old = os.stat(path)
    except FileNotFoundError:
        return None
    if not stat.S_ISREG(old.st_mode):
        raise OSError(f"{path} is no plain file: choose another name.")
    if not os.access(path, os.W_OK):
        raise PermissionError(f"{path} is protected against writing: free it first.")
    return old


def _settle(path: Path, old: os.stat_result | None) -> None:
    """Bring a file to the disk, with the mode and owner of the one it replaces."""
    with open(path, "rb+") as file:
        if old:
            for owner in ((-1, old.st_gid), (old.st_uid, -1)):
                # Windows has none; only root may give files to another user.
                with suppress(AttributeError, OSError):
                    os.chown(path, *owner)
            os.chmod(path, stat.S_IMODE(old.st_mode))
        os.fsync(file.fileno())


def sync_folder(folder: Path) -> None:
    """Bring the names in a folder to the disk, so that a loss of power keeps them.

    Without effect on Windows, and on file systems that know no such request.
    """
    if os.name != "posix":
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        with suppress(OSError):
            os.fsync(handle)
    finally:
        os.close(handle)


@contextmanager
def tidy_stop() -> Iterator[None]:
    """Let a request to stop (SIGTERM, SIGHUP) leave the block before it ends Python.

    By default such a signal ends Python on the spot, and no `finally` removes what is
    half done. Within the block it raises SystemExit; after it, it does what it would
    have done. Only in the main thread, which alone takes signals, and only where the
    program does not treat the signal itself.
    """
    caught: list[int] = []

    def stop(number: int, _: Any) -> None:
        caught.append(number)
        if len(caught) == 1:  # a second one must not disturb the tidying
            raise SystemExit(128 + number)

    numbers = [signal.SIGTERM, getattr(signal, "SIGHUP", signal.SIGTERM)]
    if threading.current_thread() is not threading.main_thread():
        numbers = []
    numbers = [n for n in numbers if signal.getsignal(n) is signal.SIG_DFL]
    for number in numbers:
        signal.signal(number, stop)
    try:
        yield
    finally:
        for number in numbers:
            signal.signal(number, signal.SIG_DFL)
        if caught:
            os.kill(os.getpid(), caught[0])


@contextmanager
def locked(path: str | Path) -> Iterator[None]:
    """Hold `path` against other processes and threads for as long as the block lasts.

    Who comes second is told, and waits. What is locked is a file `.NAME.lock` beside
    `path`, which may so be replaced meanwhile. It goes with the block; that of a
    process that was killed may stay, and holds nobody up. `hold` says where it binds.
    """
    path = Path(os.path.realpath(path))
    path.parent.mkdir(parents=True, exist_ok=True)
    name = path.with_name(f".{path.name}.lock")
    with tidy_stop():
        file = _held(name, path)
        try:
            yield
        finally:
            if os.name == "posix":
                name.unlink(missing_ok=True)  # who waits for it sees that it is gone
            file.close()
            if os.name != "posix":
                with suppress(OSError):  # another has it open: that one removes it
                    name.unlink()


def _held(name: Path, what: Path) -> IO[bytes]:
    """Return a lock file that is held, and is the one that has the name."""
    while True:
        with ExitStack() as stack:
            file = stack.enter_context(open(name, "ab"))
            try:
                hold(file, wait=False)
            except BlockingIOError:
                print(f"Another process holds {what}: waiting for it.", flush=True)
                hold(file)
            with suppress(FileNotFoundError):  # its last holder removed it: once more
                if os.path.samestat(os.fstat(file.fileno()), os.stat(name)):
                    stack.pop_all()
                    return file


def hold(file: IO[bytes], *, shared: bool = False, wait: bool = True) -> None:
    """Hold an open file until it is closed, as soon as no other process does.

    It binds those who ask for it too, not other programs: processes and threads of one
    machine, and of several as far as their network file system passes locks on (NFS 4
    does). A warning tells of a file system without locks, where nothing is held.

    Args:
        file: on the disk.
        shared: with others that hold it so, as readers do; not on Windows.
        wait: for another; without it, BlockingIOError if there is one.
    """
    if fcntl is None:
        _hold_on_windows(file, wait)
        return
    kind = fcntl.LOCK_SH if shared else fcntl.LOCK_EX
    try:
        fcntl.flock(file, kind | (0 if wait else fcntl.LOCK_NB))
    except BlockingIOError:
        raise
    except OSError as error:
        warnings.warn(
            f"{file.name} cannot be locked ({error.strerror}): let no more than one "
            "process write there at a time.",
            RuntimeWarning,
            stacklevel=2,
        )


def _hold_on_windows(file: IO[bytes], wait: bool) -> None:
    handle = file.fileno()
    while True:
        place = os.lseek(handle, 0, os.SEEK_CUR)
        os.lseek(handle, LOCKED_BYTE, os.SEEK_SET)
        try:
            msvcrt.locking(handle, msvcrt.LK_NBLCK, 1)
            return
        except OSError:
            if not wait:
                raise BlockingIOError from None
        finally:
            os.lseek(handle, place, os.SEEK_SET)
        time.sleep(0.1)


def read_json(path: str | Path) -> Any:
    """Return what a JSON file holds.

    Raises:
        FileNotFoundError: if there is no such file.
        ValueError: names the file and what is wrong with it.
    """
    try:
        return json.loads(Path(path).read_text(encoding="utf-8"))
    except RecursionError:
        raise ValueError(f"{path} is not JSON (it is nested too deeply).") from None
    except ValueError as error:
        raise ValueError(f"{path} is not JSON ({error}).") from error


def sha256(path: str | Path) -> str:
    """Return the SHA-256 of a file's bytes as 64 hexadecimal digits."""
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def md5(path: str | Path) -> str:
    """Return the MD5 of a file's bytes as 32 hexadecimal digits.

    For files whose publisher names no better sum: it tells a damaged or another file,
    though not one that its own author made to collide.
    """
    with open(path, "rb") as file:
        # Not for security: systems that forbid MD5 for that allow it so.
        digest = hashlib.file_digest(file, lambda: hashlib.md5(usedforsecurity=False))
    return digest.hexdigest()
