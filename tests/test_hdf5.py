"""HDF5 files: written whole on a full disk too, and no file takes more than its due."""

import errno
import subprocess
import sys
import textwrap
from contextlib import contextmanager
from pathlib import Path

import h5py
import numpy as np
import pytest

from mrcnn.hdf5 import (
    WeightFileError,
    inside,
    numbers,
    open_hdf5,
    plain_dataset,
    reading,
    walk,
    write_hdf5,
)

resource = pytest.importorskip("resource")  # POSIX
ROOT = Path(__file__).resolve().parents[1]


@pytest.fixture
def path(tmp_path):
    return tmp_path / "file.h5"


# --- Writing


def test_what_is_written_comes_back(path):
    with write_hdf5(path) as file:
        file.create_group("group").create_dataset("ones", data=np.ones([2, 3]))
        file.attrs["name"] = "x"
        assert not path.exists()
    with h5py.File(path) as file:
        assert file.attrs["name"] == "x"
        np.testing.assert_array_equal(file["group/ones"], np.ones([2, 3]))


def test_an_error_while_writing_keeps_the_old_file(path):
    path.write_bytes(b"old")
    with pytest.raises(ZeroDivisionError), write_hdf5(path) as file:
        file["one"] = 1 / 0
    assert path.read_bytes() == b"old"
    assert list(path.parent.iterdir()) == [path]


FILLS = """
    import resource, sys
    resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, resource.RLIM_INFINITY))
    import numpy as np
    from mrcnn.hdf5 import write_hdf5
    try:
        with write_hdf5(sys.argv[1]) as file:
            for i in range(200):
                file.create_dataset(f"group_{i}/values", data=np.ones(1000))
    except OSError as error:
        print(error.errno, error)
    print("goes on")
"""


def test_a_full_disk_is_one_error(path):
    path.write_bytes(b"old")
    command = [sys.executable, "-c", textwrap.dedent(FILLS), str(path)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0
    assert done.stderr == ""
    said, goes_on = done.stdout.splitlines()
    assert said.startswith(f"{errno.EFBIG} ")
    assert str(path) in said
    assert goes_on == "goes on"
    assert path.read_bytes() == b"old"
    assert list(path.parent.iterdir()) == [path]


# --- Reading what anyone may have made


@contextmanager
def made(path):
    """Open a new file for writing, as another program would."""
    with h5py.File(path, "w") as file:
        yield file


def refused(path, match, read=plain_dataset):
    with pytest.raises(WeightFileError, match=match) as caught, open_hdf5(path) as file:
        read(file, "x", path)
    assert str(path) in str(caught.value)


@pytest.mark.parametrize("kind", ["f2", "f4", "f8", "i1", "i8", "u4", "?"])
def test_numbers_are_read(path, kind):
    values = np.array([[0, 1], [1, 0]], kind)
    with made(path) as file:
        file["group/x"] = values
    with open_hdf5(path) as file:
        found = numbers(plain_dataset(file, "group/x", path), path)
    assert found.dtype == kind
    np.testing.assert_array_equal(found, values)


@pytest.mark.parametrize(
    "kind",
    [
        np.dtype("c8"),
        np.dtype("c16"),
        np.dtype("S500000"),
        np.dtype("V500000"),
        np.dtype([("a", "f4"), ("b", "f4")]),
        np.dtype(("f4", (125_000,))),
        h5py.string_dtype(),
        h5py.vlen_dtype("f4"),
        h5py.ref_dtype,
        np.dtype("f16"),
    ],
    ids=str,
)
def test_what_is_no_number_is_refused_unread(path, kind, monkeypatch):
    """A file of 2 kB is enough for types of any size: nothing of it is written."""
    with made(path) as file:
        file.create_dataset("x", [1000], kind)
    monkeypatch.setattr(h5py.Dataset, "__getitem__", lambda *_: pytest.fail("read"))
    refused(path, "/x .*holds no numbers")


def test_types_that_numpy_lacks_are_refused(path):
    with made(path) as file:
        space = h5py.h5s.create_simple((4,))
        h5py.h5d.create(file.id, b"x", h5py.h5t.UNIX_D32LE, space)
    refused(path, "/x .*holds no numbers")


def test_chunks_larger_than_what_they_hold_are_refused(path):
    """Read whole, each: 8 MB for 24 numbers here, and up to 4 GB."""
    with made(path) as file:
        file.create_dataset(
            "x", [24], "f8", maxshape=[None], chunks=(2**20,), compression="gzip"
        )
    refused(path, r"/x lies in chunks of 8388608 bytes")


def test_chunks_as_libraries_choose_them_are_read(path):
    values = np.arange(1_000_000.0).reshape(1000, 1000)
    with made(path) as file:
        for name, maxshape in (("x", None), ("y", (None, None))):
            file.create_dataset(
                name, data=values, maxshape=maxshape, compression="gzip", chunks=True
            )
        file.create_dataset("z", data=values[:2, :2], maxshape=[None] * 2, chunks=True)
    with open_hdf5(path) as file:
        for name in ("x", "y"):
            found = numbers(plain_dataset(file, name, path), path)
            np.testing.assert_array_equal(found, values)
        assert numbers(plain_dataset(file, "z", path), path).shape == (2, 2)


def test_a_damaged_chunk_is_one_error(path):
    with made(path) as file:
        data = np.arange(1000.0)
        file.create_dataset("x", data=data, chunks=(1000,), fletcher32=True)
        place = file["x"].id.get_chunk_info(0).byte_offset
    content = bytearray(path.read_bytes())
    content[place + 100] ^= 1
    path.write_bytes(content)
    refused(path, "/x is damaged", lambda *a: numbers(plain_dataset(*a), a[-1]))


@pytest.mark.parametrize("name", ["x/y", "x/y/z", "", "/", "a//x", "type/y"])
def test_what_is_no_group_has_nothing_inside(path, name):
    with made(path) as file:
        file["x"] = np.ones(3)
        file.create_group("a")
        file["type"] = np.dtype("f4")
    refused(path, "is missing", lambda file, _, path: inside(file, name, path))


# --- A whole tree


def test_a_tree_by_hand(path):
    with made(path) as file:
        file["a/x"], file["a/b/y"], file["z"] = [1.0], [2, 3], 4
        file.create_group("empty")
    with open_hdf5(path) as file:
        found = {name: numbers(each, path).tolist() for name, each in walk(file, path)}
        part = [name for name, _ in walk(file["a"], path)]
    assert found == {"a/x": [1.0], "a/b/y": [2, 3], "z": 4}
    assert sorted(part) == ["b/y", "x"]


def loop(file):
    file["a/b"] = file["a"]


def long_loop(file):
    file.create_group("a/b/c")["d"] = file["a"]


def root_loop(file):
    file["a/b"] = file["/"]


def twice(file):
    """Thirty groups of two links each make a tree of 2 ** 30 paths."""
    place = file
    for _ in range(30):
        new = place.create_group("left")
        place["right"] = new
        place = new


@pytest.mark.parametrize("make", [loop, long_loop, root_loop, twice])
def test_links_that_lead_to_one_place_twice_are_refused(path, make):
    with made(path) as file:
        file.create_group("a")
        make(file)
    read = lambda file, _, path: list(walk(file, path))  # noqa: E731
    refused(path, r"/\w+ .*more than one link", read)


def test_a_deep_tree_is_no_trouble(path):
    with made(path) as file:
        place = file
        for _ in range(3000):
            place = place.create_group("g")
        place["x"] = 1.0
    with open_hdf5(path) as file:
        ((name, _),) = walk(file, path)
    assert name == "g/" * 3000 + "x"


def test_a_tree_of_other_things_is_refused(path):
    with made(path) as file:
        file["type"] = np.dtype("f4")
    refused(path, "/type", lambda file, _, path: list(walk(file, path)))


@pytest.mark.parametrize("shape", [(250_000_000,), (1000, 1000, 250)])
def test_values_that_the_file_does_not_hold_are_refused(path, shape):
    """A gigabyte of zeros, in 2 kB: never written, or packed."""
    with made(path) as file:
        file.create_dataset("x", shape, "f4")
    assert path.stat().st_size < 10_000
    refused(path, "/x .*1000000000 bytes", lambda f, _, p: list(walk(f, p)))
    with made(path) as file:
        file.create_dataset("x", shape, "f4", chunks=True, compression="gzip")
    refused(path, "/x .*1000000000 bytes", lambda f, _, p: list(walk(f, p)))


def test_a_file_with_a_flipped_byte_is_read_or_refused(path):
    with made(path) as file:
        for i in range(3):
            file[f"g{i}/x"] = np.arange(4.0)
            file[f"g{i}"].attrs["name"] = "abc"
    whole = path.read_bytes()
    for place in range(0, len(whole), 41):
        content = bytearray(whole)
        content[place] ^= 0xFF
        path.write_bytes(content)
        try:
            with reading(path) as file:
                assert len(set(file)) < 10
                for _, each in walk(file, path):
                    numbers(each, path)
        except WeightFileError as error:
            assert str(path) in str(error)


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere in other units")
def test_reading_takes_no_more_memory_than_the_file_is_worth(path):
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with made(path) as file:
        file.create_dataset("x", [1244], "S500000", compression="gzip")
    refused(path, "no numbers")
    after = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    assert after - before < 50_000  # kB, of 622 MB
