"""Files are written whole or not at all."""

import hashlib

import pytest

from mrcnn.files import atomic_path, md5, sha256


def test_a_new_file_appears_with_its_folder(tmp_path):
    target = tmp_path / "a" / "b" / "result.json"
    with atomic_path(target) as path:
        assert path.suffix == ".json"
        assert path.parent == target.parent  # one file system: the move is atomic
        path.write_text("new")
        assert not target.exists()
    assert target.read_text() == "new"
    assert target.stat().st_mode & 0o777 == 0o644
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


@pytest.mark.parametrize("content", [b"", b"abc", b"x" * 3_000_000])
def test_sums(tmp_path, content):
    (tmp_path / "file").write_bytes(content)
    assert md5(tmp_path / "file") == hashlib.md5(content).hexdigest()
    assert sha256(tmp_path / "file") == hashlib.sha256(content).hexdigest()
