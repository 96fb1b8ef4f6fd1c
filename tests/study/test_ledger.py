"""The ledger: every run is kept, of one network and one set of images."""

import errno
import os
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from mrcnn.files import sha256
from mrcnn.study import ledger as ledgers
from mrcnn.study.ledger import Ledger
from mrcnn.study.results import DENSE_KEY
from mrcnn.study.study import check_checkpoint, check_images

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def ledger(tmp_path):
    return Ledger(tmp_path / "study.jsonl")


def test_what_is_added_comes_back(ledger):
    ledger.add("one", {"box": 0.5})
    ledger.add("two", {"box": 0.25})
    ledger.add("one", {"box": 0.75})  # done anew: the later one counts
    again = Ledger(ledger.path)
    assert again.results == ledger.results
    assert again.results["one"] == {"key": "one", "box": 0.75}
    assert again.missing(["two", "new"]) == ["new"]


def test_two_studies_keep_every_run(tmp_path):
    """Each read the file when it was empty."""
    one, two = Ledger(tmp_path / "study.jsonl"), Ledger(tmp_path / "study.jsonl")
    for i in range(2):
        one.add(f"one {i}", {})
        two.add(f"two {i}", {})
    assert set(Ledger(one.path).results) == {"one 0", "two 0", "one 1", "two 1"}
    one.read()
    assert not one.missing(["two 0", "two 1"])


ADDS = """
    import sys
    from mrcnn.study.ledger import Ledger
    ledger = Ledger(sys.argv[1])
    sys.stdin.read(1)
    for i in range(100):
        ledger.add(f"{sys.argv[2]} {i}", {"text": "x" * 5000})
"""


def test_two_processes_keep_every_run(tmp_path):
    path = tmp_path / "study.jsonl"
    command = [sys.executable, "-c", textwrap.dedent(ADDS), str(path)]
    both = [
        subprocess.Popen([*command, name], cwd=ROOT, stdin=subprocess.PIPE)
        for name in ("one", "two")
    ]
    for process in both:
        process.stdin.close()
    assert [process.wait(timeout=120) for process in both] == [0, 0]
    wanted = {f"{name} {i}" for name in ("one", "two") for i in range(100)}
    assert set(Ledger(path).results) == wanted
    assert len(path.read_text().splitlines()) == 200
    assert os.listdir(tmp_path) == ["study.jsonl"]


@pytest.mark.parametrize(
    "half", [b'{"key": "half', b'{"key": "h\xc3', b"\0" * 40, b'{"no key": 1}'[:-1]]
)
def test_a_line_that_a_crash_cut_off_is_dropped_with_a_word(ledger, half, capsys):
    ledger.add("one", {})
    with ledger.path.open("ab") as file:
        file.write(half)
    again = Ledger(ledger.path)
    assert set(again.results) == {"one"}
    assert (
        "study.jsonl: the last line was not written to its end"
        in capsys.readouterr().out
    )
    again.add("two", {})
    assert ledger.path.read_text() == '{"key": "one"}\n{"key": "two"}\n'
    assert set(Ledger(ledger.path).results) == {"one", "two"}
    assert capsys.readouterr().out == ""


def test_a_whole_last_line_needs_no_end(ledger):
    ledger.path.write_text('{"key": "one"}')  # as an editor may leave it
    assert set(Ledger(ledger.path).results) == {"one"}
    ledger.read()
    ledger.add("two", {})
    assert ledger.path.read_text() == '{"key": "one"}\n{"key": "two"}\n'


@pytest.mark.parametrize(
    "line",
    [b'{"key": "half', b"[" * 100_000, b'{"a":' * 100_000, b'["key"]', b"{}", b"\xff"],
)
def test_a_broken_line_is_named(ledger, line):
    ledger.path.write_bytes(b'{"key": "one"}\n' + line + b"\n")
    with pytest.raises(ValueError, match=r"study\.jsonl, line 2 is no result"):
        Ledger(ledger.path)
    ledger.path.write_bytes(line + b'\n{"key": "one"}\n')
    with pytest.raises(ValueError, match=r"study\.jsonl, line 1 is no result"):
        ledger.add("two", {})
    assert ledger.path.read_bytes() == line + b'\n{"key": "one"}\n'


def test_a_run_is_on_the_disk_when_it_is_added(ledger, monkeypatch):
    seen, real = [], os.fsync
    monkeypatch.setattr(
        ledgers.os,
        "fsync",
        lambda handle: seen.append(os.fstat(handle).st_size) or real(handle),
    )
    ledger.add("one", {})
    assert len('{"key": "one"}\n') in seen


def test_a_ledger_can_be_read_where_nothing_can_be_written(ledger):
    ledger.add("one", {})
    ledger.path.chmod(0o444)
    ledger.path.parent.chmod(0o555)
    try:
        assert set(Ledger(ledger.path).results) == {"one"}
    finally:
        ledger.path.parent.chmod(0o755)
    assert os.listdir(ledger.path.parent) == ["study.jsonl"]


# --- One network, one set of images


@pytest.fixture
def weights(tmp_path):
    path = tmp_path / "dense.h5"
    path.write_bytes(b"one network")
    return path


def test_runs_of_two_dense_networks_are_not_mixed(ledger, weights):
    check_checkpoint(ledger, weights)  # nothing was run yet
    ledger.add(DENSE_KEY, {"checkpoint": sha256(weights), "images": "test"})
    check_checkpoint(Ledger(ledger.path), weights)
    weights.write_bytes(b"another")
    with pytest.raises(ValueError, match=r"study\.jsonl did not start from .*dense"):
        check_checkpoint(ledger, weights)


def test_the_runs_say_where_they_started_if_the_dense_entry_is_lost(ledger, weights):
    ledger.add("LAMP", {"checkpoint": sha256(weights), "images": "test"})
    check_checkpoint(ledger, weights)
    weights.write_bytes(b"another")
    with pytest.raises(ValueError, match=r"study\.jsonl did not start from .*dense"):
        check_checkpoint(ledger, weights)


def test_runs_of_which_nobody_knows_where_they_started_are_refused(ledger, weights):
    ledger.add("LAMP", {"images": "test"})
    with pytest.raises(ValueError, match=r"study\.jsonl lacks .*'dense checkpoint'"):
        check_checkpoint(ledger, weights)


def test_weights_that_are_lost_are_asked_for(ledger, weights):
    ledger.add("LAMP", {"checkpoint": sha256(weights), "images": "test"})
    weights.unlink()
    with pytest.raises(ValueError, match=r"no file .*dense\.h5.*--checkpoint"):
        check_checkpoint(ledger, weights)


def test_runs_on_two_sets_of_images_are_not_mixed(ledger):
    ledger.add("LAMP", {"images": "validation"})
    with pytest.raises(ValueError, match="measured on validation images, not on test"):
        check_images(ledger, "test")


@pytest.mark.parametrize("field", ["images", "checkpoint"])
def test_what_another_study_began_meanwhile_is_not_mixed(tmp_path, field):
    """Both found the ledger empty."""
    one, two = Ledger(tmp_path / "study.jsonl"), Ledger(tmp_path / "study.jsonl")
    one.add("one", {field: "a"})
    with pytest.raises(ValueError, match=rf"study\.jsonl .*{field}.* a, not b"):
        two.add("two", {field: "b"})
    assert set(Ledger(one.path).results) == {"one"}
    two.add("two", {field: "a"})


def test_a_full_disk_is_an_error_that_names_the_ledger(tmp_path, monkeypatch):
    """Issue 30: what had been written before is there, and the next run is added."""
    ledger = Ledger(tmp_path / "study.jsonl")
    ledger.add("a", {"box": 1})

    def full(_):
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", full)
        with pytest.raises(OSError, match=r"No space left.*study\.jsonl"):
            ledger.add("b", {"box": 2})
    ledger.add("c", {"box": 3})
    assert Ledger(ledger.path).results["c"] == {"key": "c", "box": 3}
