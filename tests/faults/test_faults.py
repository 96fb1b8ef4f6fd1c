"""What `make faults` does, in short: nothing is lost, and what is lost is told."""

import random
import sys

import pytest

from mrcnn.study.ledger import Ledger
from tests.faults import __main__ as faults
from tests.faults import damaged, disturbed, steady, troubles

linux = pytest.mark.skipif(sys.platform != "linux", reason="by what Linux tells")


@pytest.fixture(scope="module")
def scratch(tmp_path_factory):
    return tmp_path_factory.mktemp("faults")


@pytest.mark.slow
def test_a_training_that_is_killed_comes_out_as_if_it_never_was(scratch):
    found = disturbed.trial("training", "kill", "3", scratch)
    assert found["faults"] == []
    assert found["killed"] >= 2


@linux
@pytest.mark.slow
@pytest.mark.parametrize("trouble", [*troubles.TROUBLES, "two at once"])
def test_an_archive_is_unpacked_in_spite_of_all_trouble(scratch, trouble):
    found = disturbed.trial("extraction", trouble, "1", scratch)
    assert found["faults"] == []
    assert found["killed"] + found["refused"] + found["done"] >= found["tried"] > 0


@linux
@pytest.mark.slow
@pytest.mark.parametrize("kind", ["ledger", "zip", "coco", "via", "images"])
def test_damaged_files_are_read_or_refused(tmp_path, kind):
    found = damaged.trial(kind, "1", 30, tmp_path / "files")
    assert found["faults"] == []
    assert found["refused"] > 10
    sums = (found[key] for key in ("refused", "same", "otherwise", "died"))
    assert sum(sums) == found["tried"] == 30


# --- That it would tell


def wrong(error):
    def read(path):
        raise error(f"{path} is not to be read")

    return damaged.Kind(dict, read, damaged.flipped)


def test_an_error_that_is_none_of_ours_is_told(tmp_path):
    path = tmp_path / "a"
    assert damaged.tried(wrong(ValueError), path, None) == "refused"
    assert "foreign" in damaged.tried(wrong(IndexError), path, None)
    assert "foreign" in damaged.tried(wrong(MemoryError), path, None)
    assert "slow" in damaged.tried(wrong(TimeoutError), path, None)
    nameless = damaged.Kind(dict, lambda _: int("x"), damaged.flipped)
    assert "names no file" in damaged.tried(nameless, path, None)
    reads = damaged.Kind(dict, lambda path: 1, damaged.flipped)
    assert damaged.tried(reads, path, 1) == "same"
    assert damaged.tried(reads, path, 2) == "otherwise"


def test_damage_is_damage_and_the_same_again():
    whole = bytes(range(256)) * 4
    made = [damaged.flipped(whole, random.Random(i)) for i in range(50)]
    assert made == [damaged.flipped(whole, random.Random(i)) for i in range(50)]
    assert sum(data != whole for data in made) >= 45
    assert damaged.flipped(b"", random.Random(1)) == b""


def test_growth_is_told(monkeypatch):
    row = {"tried": 10, "first": [1000, 5, 3], "most": [1040, 6, 3]}
    monkeypatch.setattr(
        steady.subprocess,
        "run",
        lambda *_, **__: type("Done", (), {"stdout": f"x\n{steady.json.dumps(row)}"}),
    )
    told = steady.trial("detection", 10)["faults"]
    assert told == ["memory grew: 1000 to 1040", "files grew: 5 to 6"]


@pytest.fixture
def rows(monkeypatch):
    """Have two rows, of which one is at fault the third time; return their seeds."""
    asked = []

    def fine(seed, left, scratch):
        asked.append((seed, left))
        return {"tried": 2, "faults": []}

    def faulty(seed, left, scratch):
        return {"tried": 1, "faults": ["lost: a thing"] * seed.endswith("2")}

    made = [
        faults.Row("fine", "kills", "tried", fine),
        faults.Row("faulty", "troubles", "tried", faulty),
    ]
    monkeypatch.setattr(faults, "rows", lambda: made)
    return asked


def test_the_command_goes_on_from_its_ledger(tmp_path, rows, capsys):
    folder = ["--folder", str(tmp_path), "--seed", "5"]
    assert faults.main(["fine", "--kills", "3", *folder]) == 0
    assert rows == [("fine | seed 5 | 0", 3), ("fine | seed 5 | 1", 1)]
    assert faults.main(["fine", "--kills", "4", *folder]) == 0
    assert len(rows) == 2  # four were tried
    assert faults.main(["fine", "--kills", "5", *folder]) == 0
    assert rows[2:] == [("fine | seed 5 | 2", 1)]
    assert "Seed 5" in capsys.readouterr().out


def test_a_fault_is_told_and_the_table_has_it(tmp_path, rows, capsys):
    folder = ["--folder", str(tmp_path), "--troubles", "2"]
    assert faults.main(["faulty", *folder]) == 0
    assert faults.main(["faulty", *folder[:3], "3"]) == 1
    assert faults.main(["faulty", *folder[:3], "3"]) == 1  # also when it was before
    out = capsys.readouterr().out
    assert "faulty | seed 0 | 2: lost: a thing" in out
    assert "| faulty | 3 | 0 | 0 | 0 | 0 | 0 | 0 | 1 | `make faults" in out
    assert len(Ledger(tmp_path / "faults.jsonl").results) == 3
    with pytest.raises(SystemExit):
        faults.main(["none", *folder])


def test_rows_have_names_of_their_own():
    names = [row.name for row in faults.rows()]
    assert len(set(names)) == len(names) > 50
