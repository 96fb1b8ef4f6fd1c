"""What may go wrong while a work is done, and what has come of it then.

A trouble is brought upon the process that works, before it begins or at a use of a
file. The work must then be killed, refuse in an error of ours, or end; done once more
without trouble it must come out as one that was left alone.
"""

import ctypes
import os
import random
import resource
import shutil
import signal
import sys
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

FILE_EVENTS = {"open", "os.rename", "os.remove", "os.truncate", "os.mkdir"}
DAC_OVERRIDE = 1 << 1 | 1 << 2
"""What lets root write where nobody may (capabilities(7))."""

Trouble = Callable[[Path, random.Random, int], None]


def at_use(folder: Path, count: int, act: Callable[[], object]) -> None:
    """Let something happen before this process uses a file of a folder, once."""
    left = count

    def hook(event: str, arguments: tuple) -> None:
        nonlocal left
        if event in FILE_EVENTS and str(folder) in str(arguments[0]):
            left -= 1
            if not left:
                act()

    sys.addaudithook(hook)


def kill(folder: Path, chance: random.Random, uses: int) -> None:
    """Kill the process before a use of a file."""
    at_use(
        folder, chance.randint(1, uses), partial(os.kill, os.getpid(), signal.SIGKILL)
    )


def full_disk(folder: Path, chance: random.Random, uses: int) -> None:
    """Let no file have more than some bytes, as if the disk were full then."""
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    limit = int(10 ** chance.uniform(0, 5.5))
    resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))


def no_folder(folder: Path, chance: random.Random, uses: int) -> None:
    """Have a file in the place of the folder."""
    if folder.exists():
        folder.rename(folder.with_name(f"{folder.name}.away"))
    folder.write_bytes(b"a file")


def read_only(folder: Path, chance: random.Random, uses: int) -> None:
    """Protect the folder, and what it lies in, against writing, from some use on."""

    def protect() -> None:
        for path in (folder.parent, folder):
            if path.is_dir():
                path.chmod(0o555)

    _obey_modes()
    at_use(folder, chance.randint(1, uses), protect)


def _obey_modes() -> None:
    """Give up what root may do in spite of modes; of no effect for anybody else."""
    header = (ctypes.c_uint32 * 2)(0x20080522, 0)
    data = (ctypes.c_uint32 * 6)()
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.capget(header, data):
        raise OSError(ctypes.get_errno(), "capget")
    data[0] &= ~DAC_OVERRIDE  # what is in effect
    data[1] &= ~DAC_OVERRIDE  # and what could be
    if libc.capset(header, data):
        raise OSError(ctypes.get_errno(), "capset")


def vanishing(folder: Path, chance: random.Random, uses: int) -> None:
    """Take the folder away before a use of a file."""
    gone = folder.with_name(f"{folder.name}.gone")

    def take_away() -> None:
        if folder.exists():
            folder.rename(gone)

    at_use(folder, chance.randint(1, uses), take_away)


def clock(folder: Path, chance: random.Random, uses: int) -> None:
    """Set the clock back by up to a day before a use of a file."""
    now, back = time.time, [0.0]
    time.time = lambda: now() - back[0]
    time.time_ns = lambda: int(time.time() * 1e9)

    def set_back() -> None:
        back[0] = chance.uniform(0, 86_400)

    at_use(folder, chance.randint(1, uses), set_back)


def restore(folder: Path) -> None:
    """Take the trouble away that lies on the disk."""
    folder.parent.chmod(0o755)
    if folder.is_file():
        folder.unlink()
    away = folder.with_name(f"{folder.name}.away")
    if away.exists():
        away.rename(folder)
    if folder.exists():
        folder.chmod(0o755)
    shutil.rmtree(folder.with_name(f"{folder.name}.gone"), ignore_errors=True)


TROUBLES: dict[str, Trouble] = {
    "kill": kill,
    "full disk": full_disk,
    "no folder": no_folder,
    "read-only": read_only,
    "vanishing": vanishing,
    "clock": clock,
}
