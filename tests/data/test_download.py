"""What a server may not do: send elsewhere, or send without end."""

import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from mrcnn.data import download as downloading
from mrcnn.data.download import download


class Handler(BaseHTTPRequestHandler):
    """Sends `elsewhere`, or 5,000 bytes, and says how many if the server is `frank`."""

    def do_GET(self):
        self.server.asked.append(self.path)
        if self.server.elsewhere and self.path == "/a":
            self.send_response(302)
            self.send_header("Location", self.server.elsewhere)
            self.end_headers()
            return
        self.send_response(200)
        if self.server.frank:
            self.send_header("Content-Length", "5000")
        self.end_headers()
        self.wfile.write(b"x" * 5000)

    def log_message(self, *arguments):
        pass


@pytest.fixture
def server():
    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        server.asked, server.elsewhere, server.frank = [], "", True
        server.url = f"http://127.0.0.1:{server.server_port}"
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield server
        server.shutdown()
        thread.join()


def any_file(path):
    """Take what came."""


@pytest.mark.parametrize(
    "url",
    [
        "http://192.0.2.1/a.zip",
        "http://127.0.0.1.example.org/a.zip",
        "http://localhost@192.0.2.1/a.zip",
        "ftp://127.0.0.1/a.zip",
        "file:///etc/hostname",
        "HTTP://192.0.2.1/a.zip",
        "//192.0.2.1/a.zip",
        "a.zip",
        "",
    ],
)
def test_only_https_is_asked_and_this_machine(tmp_path, url):
    with pytest.raises(ValueError, match=r"not asked.*https://"):
        download(url, tmp_path / "a.zip", check=any_file)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "url", ["http://192.0.2.1/b", "ftp://192.0.2.1/b", "file:///etc/hostname"]
)
def test_a_server_cannot_send_to_what_is_not_https(tmp_path, server, url):
    server.elsewhere = url
    with pytest.raises((ValueError, ConnectionError)):
        download(f"{server.url}/a", tmp_path / "a", check=any_file)
    assert server.asked == ["/a"]
    assert list(tmp_path.iterdir()) == []


def test_nor_from_https_to_this_machine():
    request = downloading.urllib.request.Request("https://192.0.2.1/a")
    follow = downloading._Redirects().redirect_request
    with pytest.raises(ValueError, match="not asked"):
        follow(request, None, 302, "", {}, "http://127.0.0.1/b")
    assert follow(request, None, 302, "", {}, "https://192.0.2.2/b").type == "https"


def test_it_can_send_on_within_the_same_machine(tmp_path, server):
    server.elsewhere = f"{server.url}/b"
    path = download(f"{server.url}/a", tmp_path / "a", check=any_file)
    assert path.read_bytes() == b"x" * 5000
    assert server.asked == ["/a", "/b"]


@pytest.mark.parametrize("frank", [True, False])
@pytest.mark.parametrize("limit", [4999, 5000])
def test_no_more_is_taken_than_any_file_has(
    tmp_path, server, monkeypatch, frank, limit
):
    server.frank = frank
    monkeypatch.setattr(downloading, "MAX_BYTES", limit)
    monkeypatch.setattr(downloading, "CHUNK", 1000)
    if limit == 5000:
        assert download(server.url, tmp_path / "a", check=any_file).is_file()
        return
    with pytest.raises(ValueError, match="more than 4999 bytes"):
        download(server.url, tmp_path / "a", check=any_file)
    assert list(tmp_path.iterdir()) == []


def test_nothing_is_downloaded_without_a_check(tmp_path):
    with pytest.raises(TypeError, match="check"):
        download("https://192.0.2.1/a", tmp_path / "a")
