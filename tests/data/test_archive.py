"""Unpacking: all or nothing, and nothing outside the folder."""

import stat
import zipfile

import pytest

from mrcnn.data.archive import MARKER, extract


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
