"""Files are written whole or not at all, and one process waits for another."""

import ast
import errno
import hashlib
import os
import re
import signal
import stat
import subprocess
import sys
import textwrap
import threading
import time
from contextlib import ExitStack
from pathlib import Path

import pytest

from mrcnn import files
from mrcnn.files import (
    atomic_path,
    hold,
    locked,
    md5,
    read_json,
    remove_leftovers,
    sha256,
)

ROOT = Path(__file__).resolve().parents[1]
posix = pytest.mark.skipif(os.name != "posix", reason="modes and signals are POSIX")


def mode(path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


@pytest.fixture
def umask():
    """Set the umask for a test."""
    before = os.umask(0o022)
    yield os.umask
    os.umask(before)


def test_a_new_file_appears_with_its_folder(tmp_path):
    target = tmp_path / "a" / "b" / "result.json"
    with atomic_path(target) as path:
        assert path.suffix == ".json"
        assert path.parent == target.parent  # one file system: the move is atomic
        path.write_text("new")
        assert not target.exists()
    assert target.read_text() == "new"
    assert list(target.parent.iterdir()) == [target]


@pytest.mark.parametrize("error", [RuntimeError, KeyboardInterrupt])
def test_a_failure_keeps_the_old_file(tmp_path, error):
    target = tmp_path / "result.json"
    target.write_text("old")
    with pytest.raises(error), atomic_path(target) as path:
        path.write_text("half of the n")
        raise error
    assert target.read_text() == "old"
    assert list(tmp_path.iterdir()) == [target]


# --- What the file may be, and for whom


@posix
@pytest.mark.parametrize(
    ("mask", "expected"), [(0o022, 0o644), (0o077, 0o600), (0o002, 0o664)]
)
def test_a_new_file_has_the_mode_that_open_gives(tmp_path, umask, mask, expected):
    umask(mask)
    with atomic_path(tmp_path / "new") as path:
        path.write_text("new")
    assert mode(tmp_path / "new") == expected


@posix
@pytest.mark.parametrize("old", [0o600, 0o660, 0o640, 0o664, 0o755])
def test_an_existing_file_keeps_its_mode(tmp_path, umask, old):
    target = tmp_path / "old"
    target.write_text("old")
    target.chmod(old)
    with atomic_path(target) as path:
        path.write_text("new")
        assert not mode(path) & ~old & 0o077  # nor is the half shown to others
    assert target.read_text() == "new"
    assert mode(target) == old


@pytest.mark.skipif(os.name != "posix" or os.geteuid() != 0, reason="root only may")
def test_an_existing_file_keeps_its_owner(tmp_path):
    target = tmp_path / "old"
    target.write_text("old")
    os.chown(target, 1234, 4321)
    with atomic_path(target) as path:
        path.write_text("new")
    assert (target.stat().st_uid, target.stat().st_gid) == (1234, 4321)


@posix
def test_the_mode_holds_where_a_writer_makes_the_file_anew(tmp_path, umask):
    target = tmp_path / "old"
    target.write_text("old")
    target.chmod(0o600)
    with atomic_path(target) as path:
        path.unlink()
        path.write_text("new")
    assert mode(target) == 0o600


@posix
def test_a_link_stays_one(tmp_path):
    (tmp_path / "store").mkdir()
    (tmp_path / "store" / "blob").write_text("old")
    link = tmp_path / "latest.h5"
    link.symlink_to("store/blob")
    with atomic_path(link) as path:
        assert path.suffix == ".h5"
        assert path.parent == tmp_path / "store"  # perhaps another file system
        path.write_text("new")
    assert link.is_symlink()
    assert (tmp_path / "store" / "blob").read_text() == "new"
    assert sorted(p.name for p in tmp_path.rglob("*")) == ["blob", "latest.h5", "store"]


@posix
def test_a_link_to_nothing_yet_is_filled(tmp_path):
    link = tmp_path / "latest"
    link.symlink_to(tmp_path / "there" / "file")
    with atomic_path(link) as path:
        path.write_text("new")
    assert link.is_symlink()
    assert (tmp_path / "there" / "file").read_text() == "new"


@posix
def test_what_is_no_file_is_not_replaced(tmp_path):
    (tmp_path / "folder").mkdir()
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "round").symlink_to("round")
    for name in ("folder", "pipe", "round"):
        with pytest.raises(OSError, match=name), atomic_path(tmp_path / name):
            pytest.fail("the work has begun")
    assert sorted(p.name for p in tmp_path.iterdir()) == ["folder", "pipe", "round"]
    assert stat.S_ISFIFO((tmp_path / "pipe").stat().st_mode)


@posix
@pytest.mark.skipif(os.name != "posix" or os.geteuid() == 0, reason="root may all")
def test_a_file_that_is_protected_stays(tmp_path):
    target = tmp_path / "best"
    target.write_text("best")
    target.chmod(0o444)
    with pytest.raises(PermissionError, match="best"), atomic_path(target):
        pytest.fail("the work has begun")


def test_a_long_name_has_a_temporary_one_too(tmp_path):
    target = tmp_path / ("ä" * 120 + ".json")  # 245 bytes of the 255 that a name has
    with atomic_path(target) as path:
        path.write_text("new")
    assert target.read_text() == "new"


# --- Ends: power loss, a full disk, a request to stop


def test_bytes_are_on_the_disk_before_the_name_is(tmp_path, monkeypatch):
    target, seen = tmp_path / "result", []
    real = os.fsync

    def fsync(handle):
        kind = "folder" if stat.S_ISDIR(os.fstat(handle).st_mode) else "file"
        seen.append((kind, os.fstat(handle).st_size * (kind == "file")))
        seen.append(("named", target.exists()))
        real(handle)

    monkeypatch.setattr(files.os, "fsync", fsync)
    with atomic_path(target) as path:
        path.write_text("new")
    expected = [("file", 3), ("named", False), ("folder", 0), ("named", True)]
    assert seen == expected[: 2 if os.name == "nt" else 4]


def test_an_error_of_the_disk_names_the_file(tmp_path):
    target = tmp_path / "result"
    full = OSError(errno.ENOSPC, "No space left on device")
    told = pytest.raises(OSError, match=r"No space left on device.*result'")
    with told, atomic_path(target):
        raise full
    assert list(tmp_path.iterdir()) == []


@pytest.fixture
def start():
    """Return what starts Python code, which prints a line when it is ready."""
    with ExitStack() as stack:

        def run(code, *arguments):
            command = [sys.executable, "-c", textwrap.dedent(code)]
            process = subprocess.Popen(
                [*command, *map(str, arguments)],
                cwd=ROOT,
                stdout=subprocess.PIPE,
                text=True,
            )
            stack.enter_context(process)
            stack.callback(process.kill)
            assert process.stdout.readline() == "ready\n"
            return process

        yield run


WRITES = """
    import signal, sys, time
    from mrcnn.files import atomic_path, locked
    signal.signal(signal.SIGHUP, signal.SIG_DFL)  # the tests may run under nohup
    try:
        with locked(sys.argv[1]), atomic_path(sys.argv[1]) as path:
            path.write_text("half of the n")
            print("ready", flush=True)
            time.sleep(60)
    finally:
        print("went on", flush=True)
"""


@posix
@pytest.mark.parametrize("name", ["SIGTERM", "SIGHUP"])
def test_a_request_to_stop_leaves_nothing_behind(tmp_path, start, name):
    target, number = tmp_path / "result", getattr(signal, name)
    target.write_text("old")
    process = start(WRITES, target)
    process.send_signal(number)
    out, _ = process.communicate(timeout=30)
    # It ends as it would have, and as soon; only the half-written file is gone.
    assert process.returncode == -number
    assert out == ""
    assert target.read_text() == "old"
    assert list(tmp_path.iterdir()) == [target]


@posix
def test_a_program_that_treats_the_signal_itself_does_so(tmp_path):
    taken = []
    before = signal.signal(signal.SIGTERM, lambda *_: taken.append("taken"))
    try:
        with atomic_path(tmp_path / "result") as path:
            os.kill(os.getpid(), signal.SIGTERM)
            path.write_text("new")
    finally:
        signal.signal(signal.SIGTERM, before)
    assert taken == ["taken"]
    assert (tmp_path / "result").read_text() == "new"


@posix
def test_the_signal_is_what_it_was_afterwards(tmp_path):
    before = signal.getsignal(signal.SIGTERM)
    with atomic_path(tmp_path / "result") as path:
        path.write_text("new")
    assert signal.getsignal(signal.SIGTERM) is before


def test_other_threads_write_too(tmp_path):
    def write():
        with atomic_path(tmp_path / "result") as path:
            path.write_text("new")

    thread = threading.Thread(target=write)
    thread.start()
    thread.join()
    assert (tmp_path / "result").read_text() == "new"


# --- Two at once

COUNTS = """
    import sys, time
    from pathlib import Path
    from mrcnn.files import locked
    path = Path(sys.argv[1])
    print("ready", flush=True)
    for _ in range(50):
        with locked(path):
            count = int(path.read_text())
            path.write_text(str(count + 1))
"""


def test_two_processes_take_turns(tmp_path, start):
    path = tmp_path / "count"
    path.write_text("0")
    both = [start(COUNTS, path) for _ in range(2)]
    for process in both:
        assert process.wait(timeout=60) == 0
    assert path.read_text() == "100"
    assert list(tmp_path.iterdir()) == [path]


def test_who_waits_is_told_why(tmp_path, capsys):
    path, order = tmp_path / "file", []

    def other():
        with locked(path):
            order.append("other")

    with locked(path):
        thread = threading.Thread(target=other)
        thread.start()
        while "waiting" not in capsys.readouterr().out:
            time.sleep(0.01)
        order.append("first")
    thread.join()
    assert order == ["first", "other"]


@posix
def test_who_was_killed_holds_nobody_up(tmp_path, start):
    process = start(WRITES, tmp_path / "result")
    process.kill()
    process.communicate()
    with locked(tmp_path / "result"):
        pass
    assert [p.name for p in tmp_path.iterdir() if p.suffix == ".lock"] == []


@posix
def test_a_file_system_without_locks_says_so(tmp_path, monkeypatch):
    def flock(*_):
        raise OSError(errno.ENOLCK, "No locks available")

    monkeypatch.setattr(files.fcntl, "flock", flock)
    told = pytest.warns(RuntimeWarning, match=r"file cannot be .*No locks available")
    with (tmp_path / "file").open("ab") as file, told:
        hold(file)


# --- What is in them


@pytest.mark.parametrize("content", [b"", b"abc", b"x" * 3_000_000])
def test_sums(tmp_path, content):
    (tmp_path / "file").write_bytes(content)
    assert md5(tmp_path / "file") == hashlib.md5(content).hexdigest()
    assert sha256(tmp_path / "file") == hashlib.sha256(content).hexdigest()


def test_json_comes_back(tmp_path):
    (tmp_path / "file").write_bytes('{"ä": [1, null]}'.encode())
    assert read_json(tmp_path / "file") == {"ä": [1, None]}


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "Expecting value"),
        (b'{"a": ', "Expecting value"),
        (b"\xff\xfe", "utf-8"),
        (b"[" * 100_000, "nested too deeply"),
        (b'{"a":' * 100_000, "nested too deeply"),
        (b"1" * 5000, "digits"),
    ],
)
def test_what_is_no_json_is_one_error(tmp_path, content, reason):
    (tmp_path / "bad.json").write_bytes(content)
    with pytest.raises(ValueError, match=rf"bad\.json is not JSON.*{reason}"):
        read_json(tmp_path / "bad.json")


# --- Everything that writes does it so

IN_PLACE = {
    "mrcnn/files.py": "locks hold no content",
    "mrcnn/data/archive.py": "into a folder that gets its name when it is whole",
    "mrcnn/data/download.py": "into a .part",
    "mrcnn/data/nuclei.py": "into a folder that gets its name when it is whole",
    "mrcnn/study/apart.py": "into a temporary folder",
    "mrcnn/study/ledger.py": "appends; a line that is cut off is recognised",
    "mrcnn/benchmarks/nuclei_stardist.py": "beside it, without our package",
    "mrcnn/benchmarks/peers.py": "what programs print, into a temporary folder",
    "mrcnn/benchmarks/timing.py": "to the kernel",
    ".ci/lock.py": "what pip reads, into a temporary folder",
    "book/repairs.py": "into pages that Sphinx is making",
}
"""What writes under the name itself, and why it may."""


def writes(node: ast.AST) -> bool:
    """Return whether a call writes a file by its name."""
    if not isinstance(node, ast.Call):
        return False
    name = getattr(node.func, "attr", getattr(node.func, "id", ""))
    if name in ("write_text", "write_bytes"):
        return True
    given = [*node.args, *(keyword.value for keyword in node.keywords)]
    texts = (each for part in given for each in ast.walk(part))
    return name == "open" and any(
        isinstance(text, ast.Constant)
        and re.fullmatch("[rwaxbt+]*[wax+][rwaxbt+]*", str(text.value))
        for text in texts
    )


def in_place(tree: ast.AST) -> list[int]:
    """Return the lines that write outside a block of `atomic_path`."""
    if isinstance(tree, ast.With) and "atomic_path" in "".join(
        map(ast.unparse, tree.items)
    ):
        return []
    found = [tree.lineno] if writes(tree) else []
    return found + [n for child in ast.iter_child_nodes(tree) for n in in_place(child)]


def test_every_file_is_written_whole_or_known_not_to_be():
    paths = [
        p for part in ("mrcnn", "book", ".ci") for p in (ROOT / part).rglob("*.py")
    ]
    found = {
        path.relative_to(ROOT).as_posix(): lines
        for path in paths
        if (lines := in_place(ast.parse(path.read_text(encoding="utf-8"))))
    }
    assert found.keys() == IN_PLACE.keys(), found


def test_leftovers_go_and_nothing_else(tmp_path):
    path = tmp_path / "c[1].h5"
    others = ["c[1].h5", ".c[1]-00.h5", f".c1-{'0' * 16}.h5", f".c[1]-{'0' * 16}.h5.x"]
    for name in (*others, f".c[1]-{'0a' * 8}.h5"):
        (tmp_path / name).touch()
    remove_leftovers(path)
    assert {each.name for each in tmp_path.iterdir()} == set(others)
