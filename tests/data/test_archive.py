"""Unpacking: all or nothing, and nothing outside the folder."""

import errno
import shutil
import stat
import threading
import zipfile
from pathlib import Path

import pytest

from mrcnn.data.archive import MARKER, extract
from mrcnn.files import sha256


def make(path, members, **options):
    with zipfile.ZipFile(path, "w", **options) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return path


@pytest.fixture
def good(tmp_path):
    members = {"set/train/a.txt": "one", "set/val/b.txt": "two", "other/c.txt": "three"}
    return make(tmp_path / "good.zip", members)


def files(folder):
    return {
        p.relative_to(folder).as_posix(): p.read_text()
        for p in folder.rglob("*")
        if p.is_file() and p.name != MARKER
    }


def test_extracts_everything_or_one_root(tmp_path, good):
    everything = extract(good, tmp_path / "all")
    assert files(everything) == {
        "set/train/a.txt": "one",
        "set/val/b.txt": "two",
        "other/c.txt": "three",
    }
    part = extract(good, tmp_path / "deep" / "part", root="set")
    assert files(part) == {"train/a.txt": "one", "val/b.txt": "two"}


def test_second_time_does_nothing(tmp_path, good):
    folder = extract(good, tmp_path / "out")
    (folder / "other" / "c.txt").write_text("edited")
    extract(good, folder)
    assert files(folder)["other/c.txt"] == "edited"


def test_a_new_archive_replaces_the_old_one(tmp_path, good):
    folder = extract(good, tmp_path / "out")
    extract(make(tmp_path / "new.zip", {"d.txt": "four"}), folder)
    assert files(folder) == {"d.txt": "four"}
    assert {p.name for p in tmp_path.iterdir()} == {"good.zip", "new.zip", "out"}


def test_own_files_are_not_overwritten(tmp_path, good):
    (tmp_path / "mine").mkdir()
    extract(good, tmp_path / "mine")  # Empty, so free to use.
    (tmp_path / "yours").mkdir()
    (tmp_path / "yours" / "thesis.tex").write_text("precious")
    with pytest.raises(FileExistsError, match="did not come from an archive"):
        extract(good, tmp_path / "yours")
    assert files(tmp_path / "yours") == {"thesis.tex": "precious"}


@pytest.mark.parametrize(
    "name",
    [
        "../up.txt",
        "a/../../up.txt",
        "/etc/up.txt",
        "C:/up.txt",
        "a\\..\\up.txt",
        "a\0b",
    ],
)
def test_paths_that_leave_the_folder_are_refused(tmp_path, name):
    info = zipfile.ZipInfo("placeholder")
    info.filename = name  # Past ZipInfo's own cleaning.
    path = make(tmp_path / "bad.zip", {"fine.txt": "x", info: "y"})
    with pytest.raises(ValueError, match=r"bad\.zip: refused.*outside the folder"):
        extract(path, tmp_path / "out")
    assert [p.name for p in tmp_path.iterdir()] == ["bad.zip"]


def test_links_are_refused(tmp_path):
    info = zipfile.ZipInfo("link")
    info.external_attr = (stat.S_IFLNK | 0o777) << 16
    path = make(tmp_path / "bad.zip", {info: "/etc/passwd"})
    with pytest.raises(ValueError, match="'link' is a link"):
        extract(path, tmp_path / "out")


def test_encrypted_members_are_refused(tmp_path):
    path = make(tmp_path / "bad.zip", {"a.txt": "secret"})
    content = bytearray(path.read_bytes())
    central = content.index(b"PK\x01\x02")
    content[6] |= 1
    content[central + 8] |= 1
    path.write_bytes(content)
    with pytest.raises(ValueError, match=r"'a\.txt' is encrypted"):
        extract(path, tmp_path / "out")


def test_names_that_differ_in_case_only_are_refused(tmp_path):
    path = make(tmp_path / "bad.zip", {"a.txt": "1", "A.TXT": "2"})
    with pytest.raises(ValueError, match="two members of the same name"):
        extract(path, tmp_path / "out")


def test_bombs_are_refused(tmp_path):
    members = {"zeros": bytes(1_000_000)}
    path = make(tmp_path / "bomb.zip", members, compression=zipfile.ZIP_DEFLATED)
    assert path.stat().st_size < 2000
    with pytest.raises(ValueError, match="1000000 bytes in 1 files"):
        extract(path, tmp_path / "out", max_bytes=999_999)
    extract(path, tmp_path / "out", max_bytes=1_000_000)


def test_damage_is_found_and_leaves_nothing(tmp_path, good):
    content = bytearray(good.read_bytes())
    content[content.index(b"two")] ^= 1  # The CRC no longer fits.
    good.write_bytes(content)
    with pytest.raises(ValueError, match=r"good\.zip is corrupt.*CRC"):
        extract(good, tmp_path / "out")
    good.write_bytes(content[:60])
    with pytest.raises(ValueError, match=r"good\.zip is corrupt.*delete it"):
        extract(good, tmp_path / "out")
    good.write_bytes(b"")
    with pytest.raises(ValueError, match=r"good\.zip is corrupt"):
        extract(good, tmp_path / "out")
    assert [p.name for p in tmp_path.iterdir()] == ["good.zip"]
    good.unlink()
    with pytest.raises(FileNotFoundError, match=r"good\.zip is missing"):
        extract(good, tmp_path / "out")


# --- What the user made of the folder


@pytest.fixture
def other(tmp_path):
    return make(tmp_path / "new.zip", {"d.txt": "four"})


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("labels.json", "precious"),  # added
        ("set/train/mine.txt", "precious"),
        ("set/train/a.txt", "corrected"),  # edited
    ],
)
def test_what_the_user_put_there_outlives_another_archive(
    tmp_path, good, other, name, content
):
    folder = extract(good, tmp_path / "out")
    (folder / name).write_text(content)
    before = files(folder)
    with pytest.raises(FileExistsError, match=rf"out holds .*{name}.*new\.zip"):
        extract(other, folder)
    assert files(folder) == before
    assert {p.name for p in tmp_path.iterdir()} == {"good.zip", "new.zip", "out"}


def test_a_link_that_the_user_put_there_counts_too(tmp_path, good, other):
    folder = extract(good, tmp_path / "out")
    (tmp_path / "disk").mkdir()
    (folder / "pictures").symlink_to(tmp_path / "disk")
    with pytest.raises(FileExistsError, match="pictures"):
        extract(other, folder)
    assert (folder / "pictures").is_symlink()


def test_many_files_of_the_user_are_counted(tmp_path, good, other):
    folder = extract(good, tmp_path / "out")
    for i in range(10):
        (folder / f"mine {i}").touch()
    with pytest.raises(FileExistsError, match=r"10 files.*mine 0, mine 1, mine 2"):
        extract(other, folder)


def test_files_that_the_user_took_away_are_no_obstacle(tmp_path, good, other):
    folder = extract(good, tmp_path / "out")
    (folder / "set" / "train" / "a.txt").unlink()
    assert files(extract(other, folder)) == {"d.txt": "four"}


def test_a_folder_of_which_only_the_archive_is_known_is_kept(tmp_path, good, other):
    """Earlier versions did not note which files they wrote."""
    folder = extract(good, tmp_path / "out")
    (folder / MARKER).write_text(sha256(good))
    assert extract(good, folder) == folder
    before = files(folder)
    with pytest.raises(FileExistsError, match="3 files"):
        extract(other, folder)
    assert files(folder) == before


def test_a_file_in_the_place_of_the_folder_is_kept(tmp_path, good):
    (tmp_path / "out").write_text("precious")
    with pytest.raises(FileExistsError, match="out is no folder"):
        extract(good, tmp_path / "out")
    assert (tmp_path / "out").read_text() == "precious"


def test_a_folder_that_is_a_link_stays_one(tmp_path, good, other):
    (tmp_path / "disk").mkdir()
    (tmp_path / "out").symlink_to("disk")
    assert files(extract(good, tmp_path / "out"))
    assert files(extract(other, tmp_path / "out")) == {"d.txt": "four"}
    assert (tmp_path / "out").is_symlink()
    assert files(tmp_path / "disk") == {"d.txt": "four"}


def test_a_failed_replacement_puts_the_old_folder_back(
    tmp_path, good, other, monkeypatch
):
    folder = extract(good, tmp_path / "out")
    before = files(folder)
    rename = Path.rename

    def fails(self, target):
        if self.name == "fresh":
            raise KeyboardInterrupt
        return rename(self, target)

    monkeypatch.setattr(Path, "rename", fails)
    with pytest.raises(KeyboardInterrupt):
        extract(other, folder)
    assert files(folder) == before
    assert {p.name for p in tmp_path.iterdir()} == {"good.zip", "new.zip", "out"}


def test_a_private_folder_stays_private(tmp_path, good):
    (tmp_path / "out").mkdir(mode=0o700)
    assert extract(good, tmp_path / "out").stat().st_mode & 0o777 == 0o700


def test_two_at_once_unpack_once(tmp_path, good):
    threads = [
        threading.Thread(target=extract, args=(good, tmp_path / "out"))
        for _ in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(files(tmp_path / "out")) == 3
    assert {p.name for p in tmp_path.iterdir()} == {"good.zip", "out"}


# --- Damage


@pytest.mark.parametrize(
    "compression", [zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA]
)
def test_a_damaged_member_is_one_error(tmp_path, compression):
    text = "".join(chr(33 + i * i % 89) for i in range(3000))
    path = make(tmp_path / "bad.zip", {"a.txt": text}, compression=compression)
    assert files(extract(path, tmp_path / "fine")) == {"a.txt": text}
    whole = path.read_bytes()
    end = whole.index(b"PK\x01\x02")
    for place in range(60, end, 29):
        content = bytearray(whole)
        content[place] ^= 0xFF
        path.write_bytes(content)
        with pytest.raises(ValueError, match=r"bad\.zip is corrupt.*again"):
            extract(path, tmp_path / "out")
    assert {p.name for p in tmp_path.iterdir()} == {"bad.zip", "fine"}


def test_a_damaged_list_of_members_is_one_error(tmp_path, good):
    whole = good.read_bytes()
    for place in range(whole.index(b"PK\x01\x02"), len(whole)):
        content = bytearray(whole)
        content[place] ^= 0xFF
        good.write_bytes(content)
        try:
            extract(good, tmp_path / "out")
        except ValueError as error:
            assert "good.zip" in str(error)
        shutil.rmtree(tmp_path / "out", ignore_errors=True)


def test_a_full_disk_is_not_the_archives_fault(tmp_path, good, monkeypatch):
    def full(*_):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("mrcnn.data.archive.shutil.copyfileobj", full)
    with pytest.raises(OSError, match=f"No space left.*{tmp_path}"):
        extract(good, tmp_path / "out")
    assert [p.name for p in tmp_path.iterdir()] == ["good.zip"]


@pytest.mark.parametrize(
    "name", ["nar\u202frow.png", "Größe 1.png", "a\u2028b", "\x85"]
)
def test_names_of_any_language_are_known_again(tmp_path, other, name):
    folder = extract(
        make(tmp_path / "odd.zip", {name: "1", "b": "2"}), tmp_path / "out"
    )
    assert files(folder) == {name: "1", "b": "2"}
    assert files(extract(other, folder)) == {"d.txt": "four"}


def test_names_of_several_lines_are_refused(tmp_path):
    path = make(tmp_path / "bad.zip", {"a\nb": "1"})
    with pytest.raises(ValueError, match="line break"):
        extract(path, tmp_path / "out")


def test_a_file_cannot_be_a_folder_too(tmp_path):
    path = make(tmp_path / "bad.zip", {"a": "1", "a/b.txt": "2"})
    with pytest.raises(ValueError, match="'a' is a file and a folder"):
        extract(path, tmp_path / "out")
    assert [p.name for p in tmp_path.iterdir()] == ["bad.zip"]


def test_a_folder_that_vanishes_is_an_error_and_not_half_a_set(
    tmp_path, good, monkeypatch
):
    """Issue 30: what came after was unpacked alone, and taken for all."""
    copy, place, calls = shutil.copyfileobj, tmp_path / "place", []

    def taken_away(source, sink):
        copy(source, sink)
        calls.append(sink.name)
        if len(calls) == 1:
            place.rename(tmp_path / "elsewhere")

    place.mkdir()
    monkeypatch.setattr(shutil, "copyfileobj", taken_away)
    with pytest.raises(FileNotFoundError):
        extract(good, place / "set")
    assert not place.exists()
