"""What comes into a notebook and what it gives back."""

import sys
import zipfile
from types import ModuleType, SimpleNamespace

import pytest

from mrcnn import notebook_files
from mrcnn.notebook_files import bring, hand_over, in_colab, open_drive, pack


@pytest.fixture
def colab(monkeypatch):
    """Be in Colab, whose user has the files `given` and asks for nothing else."""
    calls = SimpleNamespace(given={}, downloads=[], mounted=[])
    package = ModuleType("google.colab")
    package.files = SimpleNamespace(
        upload=lambda: calls.given, download=calls.downloads.append
    )
    package.drive = SimpleNamespace(mount=calls.mounted.append)
    google = ModuleType("google")
    google.colab = package
    monkeypatch.setitem(sys.modules, "google", google)
    monkeypatch.setitem(sys.modules, "google.colab", package)
    return calls


def archive(path, members):
    with zipfile.ZipFile(path, "w") as packed:
        for name, content in members.items():
            packed.writestr(name, content)
    return path


def files(folder):
    return {
        path.relative_to(folder).as_posix(): path.read_text()
        for path in folder.rglob("*")
        if path.is_file() and path.name[0] != "."
    }


def test_a_folder_or_file_is_taken_as_it_is(tmp_path):
    (tmp_path / "a.json").write_text("{}")
    for place in (tmp_path, tmp_path / "a.json"):
        assert bring(f" {place} ", tmp_path / "new", "DATA") == place
    assert not (tmp_path / "new").exists()


def test_the_folder_that_an_archive_is_about(tmp_path):
    """Below one folder, or two in each other, or none; beside what a system adds."""
    inside = {"train.json": "1", "images/a.png": "2"}
    for name, above in (("flat", ""), ("one", "cells/"), ("two", "x/cells/")):
        members = {above + file: content for file, content in inside.items()}
        members |= {"__MACOSX/._train.json": "litter"} if above else {}
        path = archive(tmp_path / f"{name}.zip", members)
        place = bring(str(path), tmp_path / name, "DATA")
        assert files(place) == inside
        assert bring(str(path), tmp_path / name, "DATA") == place  # run again


def test_an_archive_by_content_not_by_name(tmp_path):
    path = archive(tmp_path / "export.data", {"a.json": "{}"})
    assert files(bring(str(path), tmp_path / "out" / "new", "DATA")) == {"a.json": "{}"}


@pytest.mark.parametrize("where", ["nowhere.zip", "", "  ", "no/such/folder"])
def test_where_nothing_is(where, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(FileNotFoundError, match=r"^VAL is '.*', where nothing is: g"):
        bring(where, tmp_path / "new", "VAL")


def test_what_is_no_archive(tmp_path):
    (tmp_path / "a.zip").write_text("nothing")
    with pytest.raises(ValueError, match=r"^DATA is .*a.zip, which is no zip archive"):
        bring(str(tmp_path / "a.zip"), tmp_path / "new", "DATA")


def test_nothing_is_uploaded_outside_colab(tmp_path):
    assert not in_colab()
    with pytest.raises(ValueError, match=r'^DATA is "upload", which only Colab can do'):
        bring("upload", tmp_path / "new", "DATA")


def test_an_upload_of_an_archive_and_of_files(colab, tmp_path):
    path = archive(tmp_path / "cells.zip", {"cells/a.json": "{}"})
    colab.given = {"cells.zip": path.read_bytes()}
    assert files(bring("Upload", tmp_path / "new", "DATA")) == {"a.json": "{}"}
    colab.given = {"a.png": b"1", "folder/b.png": b"2"}
    found = bring("upload", tmp_path / "pictures", "PICTURES")
    assert files(found) == {"a.png": "1", "b.png": "2"}
    colab.given = {}
    with pytest.raises(FileNotFoundError, match="DATA: nothing was uploaded"):
        bring("upload", tmp_path / "new", "DATA")


def test_an_upload_replaces_the_one_before(colab, tmp_path):
    for name in ("a", "b"):
        colab.given = {f"{name}.png": b"1", f"{name}.json": b"2"}
        found = bring("upload", tmp_path / "new", "DATA")
        assert set(files(found)) == {f"{name}.png", f"{name}.json"}


def test_the_drive_is_opened_if_it_is_needed(colab, monkeypatch):
    open_drive("outputs/run", "", "upload")
    assert not colab.mounted
    open_drive("outputs/run", f"{notebook_files.DRIVE}/MyDrive/cells.zip")
    assert colab.mounted == [notebook_files.DRIVE]
    monkeypatch.delitem(sys.modules, "google.colab")
    open_drive(f"{notebook_files.DRIVE}/MyDrive/cells.zip")
    assert len(colab.mounted) == 1


def test_an_archive_of_what_is_named(tmp_path):
    folder = tmp_path / "out"
    for name in ("run/model.h5", "run/checkpoint.h5", "found/a/1.png", "found/.x"):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(name)
    packed = pack(tmp_path / "mine.zip", folder, ["run/model.h5", "found"])
    with zipfile.ZipFile(packed) as opened:
        assert opened.namelist() == ["mine/run/model.h5", "mine/found/a/1.png"]
        assert opened.read("mine/found/a/1.png") == b"found/a/1.png"
    with pytest.raises(FileNotFoundError, match=r"report.json is missing: run the ce"):
        pack(tmp_path / "mine.zip", folder, ["report.json"])
    assert zipfile.is_zipfile(packed)  # the one before


def test_a_file_is_handed_over(colab, tmp_path, capsys):
    (tmp_path / "a.zip").write_bytes(bytes(1_500_000))
    hand_over(tmp_path / "a.zip")
    assert colab.downloads == [str(tmp_path / "a.zip")]
    assert capsys.readouterr().out == f"a.zip, 1.5 MB, is in {tmp_path}\n"


def test_outside_colab_its_place_is_said(tmp_path, capsys):
    (tmp_path / "a.zip").write_bytes(b"")
    hand_over(tmp_path / "a.zip")
    assert f"a.zip, 0.0 MB, is in {tmp_path}" in capsys.readouterr().out
