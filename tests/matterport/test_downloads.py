"""The COCO weights, from a server on this machine."""

import functools
import hashlib
import threading
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer

import pytest

from mrcnn.matterport import downloads
from mrcnn.matterport.downloads import download_trained_weights

CONTENT = bytes(range(256)) * 30


class Handler(SimpleHTTPRequestHandler):
    def log_message(self, *arguments):
        pass


@pytest.fixture
def published(tmp_path, monkeypatch):
    """Serve a small file as if it were the published one; return its path."""
    folder = tmp_path / "server"
    folder.mkdir()
    source = folder / "weights.h5"
    source.write_bytes(CONTENT)
    handler = functools.partial(Handler, directory=folder)
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        url = f"http://127.0.0.1:{server.server_port}/weights.h5"
        digest = hashlib.md5(CONTENT).hexdigest()
        monkeypatch.setattr(downloads, "COCO", downloads.Release(url, digest))
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield source
        server.shutdown()
        thread.join()


def test_fetches_verifies_and_then_has_nothing_to_do(tmp_path, published, capsys):
    path = tmp_path / "new" / "mask_rcnn_coco.h5"
    assert download_trained_weights(str(path)) is None
    assert path.read_bytes() == CONTENT
    assert str(path) in capsys.readouterr().out
    published.unlink()  # a second call asks for nothing
    download_trained_weights(path, verbose=0)
    assert [file.name for file in path.parent.iterdir()] == [path.name]


def test_silence(tmp_path, published, capsys):
    download_trained_weights(tmp_path / "w.h5", verbose=0)
    assert capsys.readouterr() == ("", "")


@pytest.mark.parametrize("content", [b"<html>", CONTENT[::-1]])
def test_another_file_is_refused_and_not_kept(tmp_path, published, content):
    published.write_bytes(content)
    path = tmp_path / "new" / "w.h5"
    found = hashlib.md5(content).hexdigest()
    with pytest.raises(ValueError, match=rf"MD5 is {found}.*http://127.0.0.1.*ts\.h5"):
        download_trained_weights(path, verbose=0)
    assert list(path.parent.iterdir()) == []


def test_a_wrong_file_that_is_there_is_named_and_left_alone(tmp_path, published):
    path = tmp_path / "w.h5"
    path.write_bytes(CONTENT[:100])  # as an interrupted download of old left it
    with pytest.raises(ValueError, match=r"w\.h5 is not the published.*Move it away"):
        download_trained_weights(path)
    assert path.read_bytes() == CONTENT[:100]


def test_no_connection_is_one_clear_error(tmp_path, monkeypatch):
    url = "http://127.0.0.1:1/mask_rcnn_coco.h5"
    monkeypatch.setattr(downloads, "COCO", downloads.COCO._replace(url=url))
    path = tmp_path / "w.h5"
    with pytest.raises(ConnectionError, match=rf"{url} stopped.*other means to .*w.h5"):
        download_trained_weights(path, verbose=0)
    assert not path.exists()


def test_the_published_files_are_named():
    assert downloads.COCO.url.endswith("/releases/download/v2.0/mask_rcnn_coco.h5")
    assert downloads.imagenet_path().name.endswith("_kernels_notop.h5")
    assert all(len(file.md5) == 32 for file in (downloads.COCO, downloads.IMAGENET))
