"""Published weights: fetched, checked and kept. (`data.fetch` is tested apart.)"""

import hashlib
from pathlib import Path

import pytest

from mrcnn import utils
from mrcnn.matterport import download

CONTENT = b"weights"


@pytest.fixture
def release(monkeypatch):
    """Return a release whose download writes `CONTENT`, and counts its calls."""
    calls = []

    def fake(url: str, path: Path) -> Path:
        calls.append(url)
        path.write_bytes(CONTENT)
        return path

    monkeypatch.setattr(download, "download", fake)
    digest = hashlib.md5(CONTENT).hexdigest()
    return download.Release("https://example.org/w.h5", digest), calls


def test_once_and_checked(release, tmp_path):
    published, calls = release
    for _ in range(2):
        found = download.fetch(published, tmp_path / "w.h5")
        assert found.read_bytes() == CONTENT
    assert calls == [published.url]


def test_a_wrong_download_is_removed(release, tmp_path):
    wrong = release[0]._replace(md5="0" * 32)
    with pytest.raises(ValueError, match=r"w\.h5 is not the file published at https"):
        download.fetch(wrong, tmp_path / "w.h5")
    assert not (tmp_path / "w.h5").exists()


def test_a_users_own_file_is_refused_but_kept(release, tmp_path):
    own = tmp_path / "w.h5"
    own.write_bytes(b"something else")
    with pytest.raises(ValueError, match="Move it away and fetch it again"):
        download.fetch(release[0], own)
    assert own.read_bytes() == b"something else"
    assert release[1] == []


def test_coco_weights_by_matterports_name(monkeypatch, tmp_path, capsys):
    asked = []
    monkeypatch.setattr(download, "fetch", lambda *arguments: asked.append(arguments))
    utils.download_trained_weights(tmp_path / "coco.h5", verbose=0)
    assert capsys.readouterr().out == ""
    utils.download_trained_weights(tmp_path / "coco.h5")
    assert "coco.h5" in capsys.readouterr().out
    assert asked == [(download.COCO, tmp_path / "coco.h5")] * 2
    assert utils.COCO_MODEL_URL.endswith("/v2.0/mask_rcnn_coco.h5")
    assert len(download.COCO.md5) == 32
    assert download.imagenet_path().suffix == ".h5"
