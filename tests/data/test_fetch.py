"""Fetching, against a server on this machine: resuming, refusing, verifying."""

import errno
import hashlib
import threading
import zipfile
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from mrcnn.data import download as downloading
from mrcnn.data import fetch
from mrcnn.data.balloon import ANNOTATIONS

MEMBERS = {
    f"balloon/train/{ANNOTATIONS}": b"{}",
    "balloon/train/a.jpg": bytes(range(256)) * 40,
    f"balloon/val/{ANNOTATIONS}": b"{ }",
    "__MACOSX/balloon/._a.jpg": b"junk",
}


class Server(ThreadingHTTPServer):
    """Serves `content`; `ranges` and `limit` (bytes per answer) make it misbehave."""

    content = b""
    ranges = True
    limit = None
    pause = None  # an event: half is sent, then the rest when it is set


class Handler(BaseHTTPRequestHandler):
    def do_GET(self):
        self.server.asked.append(self.headers.get("Range"))
        start = 0
        if self.server.ranges and self.headers.get("Range"):
            start = int(self.headers["Range"].removeprefix("bytes=").rstrip("-"))
        if start >= len(self.server.content):
            self.send_error(416)
            return
        body = self.server.content[start:]
        self.send_response(206 if start else 200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        body = body[: self.server.limit]
        if self.server.pause:
            self.wfile.write(body[: len(body) // 2])
            self.wfile.flush()
            self.server.pause.wait(30)
            body = body[len(body) // 2 :]
        self.wfile.write(body)

    def log_message(self, *arguments):
        pass


@pytest.fixture
def server(tmp_path):
    with zipfile.ZipFile(tmp_path / "source.zip", "w") as archive:
        for name, content in MEMBERS.items():
            archive.writestr(name, content)
    with Server(("127.0.0.1", 0), Handler) as server:
        server.content = (tmp_path / "source.zip").read_bytes()
        server.asked = []
        server.url = f"http://127.0.0.1:{server.server_port}/balloon.zip"
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield server
        server.shutdown()
        thread.join()


@pytest.fixture
def sums(tmp_path):
    lines = [
        f"{hashlib.sha256(content).hexdigest()}  {name.removeprefix('balloon/')}\n"
        for name, content in MEMBERS.items()
        if name.startswith("balloon/")
    ]
    path = tmp_path / "sums.sha256"
    path.write_text("".join(lines))
    return path


def whole(server):
    """Return a check that takes all that the server has, and nothing else."""

    def check(path):
        if path.read_bytes() != server.content:
            raise ValueError("another file")

    return check


def test_fetches_verifies_and_then_has_nothing_to_do(tmp_path, server, sums):
    folder = tmp_path / "data" / "balloon"
    for _ in range(2):
        assert fetch.fetch(folder, url=server.url, sums=sums) == folder
    assert (folder / "train" / "a.jpg").read_bytes() == MEMBERS["balloon/train/a.jpg"]
    assert [path.name for path in folder.parent.iterdir()] == ["balloon"]
    assert server.asked == [None]


def test_interrupted_download_continues(tmp_path, server, capsys):
    path = tmp_path / "b.zip"
    server.limit = 4000
    for have in (4000, 8000):
        with pytest.raises(ConnectionError, match=f"after {have} bytes.*Run it again"):
            fetch.download(server.url, path, check=whole(server))
        assert not path.exists()
    server.limit = None
    fetch.download(server.url, path, check=whole(server))
    assert path.read_bytes() == server.content
    assert server.asked == [None, "bytes=4000-", "bytes=8000-"]
    assert capsys.readouterr().out.endswith("0.0 of 0.0 MB\n")


def test_a_server_without_ranges_starts_over(tmp_path, server):
    path = tmp_path / "b.zip"
    server.ranges = False
    (tmp_path / "b.zip.part").write_bytes(b"x" * 500)
    fetch.download(server.url, path, check=whole(server))
    assert path.read_bytes() == server.content


def test_a_part_longer_than_the_file_is_dropped(tmp_path, server):
    path = tmp_path / "b.zip"
    (tmp_path / "b.zip.part").write_bytes(b"x" * (len(server.content) + 1))
    fetch.download(server.url, path, check=whole(server))
    assert path.read_bytes() == server.content


def test_no_connection_is_one_clear_error(tmp_path, server):
    with pytest.raises(
        ConnectionError, match=r"http://127.0.0.1:1/b.zip stopped after 0"
    ):
        fetch.download(
            "http://127.0.0.1:1/b.zip", tmp_path / "b.zip", check=whole(server)
        )


def test_a_download_is_checked_before_it_gets_its_name(tmp_path, server):
    path = tmp_path / "new" / "b.zip"
    seen = []

    def check(part):
        assert not path.exists()
        seen.append(part.read_bytes())
        raise ValueError("not this one")

    with pytest.raises(ValueError, match="not this one"):
        fetch.download(server.url, path, check=check)
    assert seen == [server.content]
    assert list(path.parent.iterdir()) == []


def test_progress_goes_where_the_caller_wants(tmp_path, server, capsys):
    told = []
    fetch.download(
        server.url,
        tmp_path / "b.zip",
        check=whole(server),
        progress=lambda *bytes_: told.append(bytes_),
    )
    assert told[-1] == (len(server.content),) * 2
    assert capsys.readouterr().out == ""


def test_wrong_content_leaves_nothing_behind(tmp_path, server, sums):
    folder = tmp_path / "data" / "balloon"
    sums.write_text("0" * 64 + "  train/a.jpg\n")
    with pytest.raises(ValueError, match=r"balloon\.zip .*train/a\.jpg \(changed\)"):
        fetch.fetch(folder, url=server.url, sums=sums)
    assert list(folder.parent.iterdir()) == []
    server.content = b"<html>not here</html>"
    with pytest.raises(ValueError, match="corrupt"):
        fetch.fetch(folder, url=server.url, sums=sums)
    assert list(folder.parent.iterdir()) == []


# --- Whose file it is


@pytest.mark.parametrize(
    "error", [KeyboardInterrupt, OSError(errno.ENOSPC, "No space left on device")]
)
def test_a_complete_archive_outlives_an_interruption(
    tmp_path, server, sums, monkeypatch, error
):
    folder = tmp_path / "data" / "balloon"

    def fails(*_, **__):
        raise error

    with monkeypatch.context() as patch, pytest.raises((KeyboardInterrupt, OSError)):
        patch.setattr(fetch, "extract", fails)
        fetch.fetch(folder, url=server.url, sums=sums)
    (left,) = folder.parent.iterdir()
    assert left.read_bytes() == server.content
    assert fetch.fetch(folder, url=server.url, sums=sums) == folder
    assert server.asked == [None]  # the second time nothing came over the net
    assert [path.name for path in folder.parent.iterdir()] == ["balloon"]


def test_a_users_own_archive_of_that_name_is_left_alone(tmp_path, server, sums):
    own = tmp_path / "data" / "balloon.zip"
    own.parent.mkdir()
    own.write_bytes(b"the holiday pictures")
    fetch.fetch(tmp_path / "data" / "balloon", url=server.url, sums=sums)
    assert own.read_bytes() == b"the holiday pictures"
    assert server.asked == [None]


def test_an_archive_that_came_by_other_means_is_used_and_kept(tmp_path, server, sums):
    """Where it goes is said when there is no connection."""
    folder = tmp_path / "balloon"
    with pytest.raises(ConnectionError, match="other means") as caught:
        fetch.fetch(folder, url="http://127.0.0.1:1/b.zip", sums=sums)
    brought = tmp_path / "balloon-download.zip"
    assert f"to {brought}." in str(caught.value)
    brought.write_bytes(server.content)
    assert fetch.fetch(folder, url="http://127.0.0.1:1/b.zip", sums=sums) == folder
    assert brought.read_bytes() == server.content


def test_a_wrong_archive_that_came_by_other_means_is_kept(tmp_path, server, sums):
    brought = tmp_path / "balloon-download.zip"
    brought.write_bytes(b"something else")
    with pytest.raises(ValueError, match=r"balloon-download\.zip is corrupt"):
        fetch.fetch(tmp_path / "balloon", url=server.url, sums=sums)
    assert brought.read_bytes() == b"something else"
    assert not server.asked


def test_an_archive_whose_list_is_damaged_is_one_error(tmp_path, server, sums):
    content = bytearray(server.content)
    content[content.index(b"PK\x01\x02")] ^= 0xFF
    server.content = bytes(content)
    with pytest.raises(ValueError, match="is corrupt"):
        fetch.fetch(tmp_path / "balloon", url=server.url, sums=sums)
    assert {p.name for p in tmp_path.iterdir()} == {"source.zip", "sums.sha256"}


# --- Two at once


def test_a_complete_part_is_taken_up_without_the_net(tmp_path, server):
    part = tmp_path / "b.zip.part"
    part.write_bytes(server.content)
    check = whole(server)
    fetch.download("http://127.0.0.1:1/b.zip", tmp_path / "b.zip", check=check)
    assert (tmp_path / "b.zip").read_bytes() == server.content
    part.write_bytes(server.content[:4000])  # not complete: goes on
    fetch.download(server.url, tmp_path / "c.zip", check=check)
    part.rename(tmp_path / "d.zip.part")
    fetch.download(server.url, tmp_path / "d.zip", check=check)
    assert server.asked == [None, "bytes=4000-"]


def test_two_downloads_of_one_file_take_turns(tmp_path, server):
    """The first is half done when the second begins."""
    path, found, begun = tmp_path / "b.zip", [], threading.Event()
    server.pause = threading.Event()

    def download():
        def progress(*_):
            begun.set()

        fetch.download(server.url, path, check=whole(server), progress=progress)
        found.append(path.read_bytes())

    first, second = (threading.Thread(target=download) for _ in range(2))
    with patched(downloading, CHUNK=100):
        first.start()
        assert begun.wait(30)
        second.start()
        second.join(0.5)
        assert second.is_alive()
        server.pause.set()
        first.join(30)
        second.join(30)
    assert found == [server.content] * 2
    assert path.read_bytes() == server.content
    assert server.asked == [None]
    assert {p.name for p in tmp_path.iterdir()} == {"b.zip", "source.zip"}


@contextmanager
def patched(module, **values):
    with pytest.MonkeyPatch.context() as patch:
        for name, value in values.items():
            patch.setattr(module, name, value)
        yield


def test_two_fetches_at_once_get_one_set(tmp_path, server, sums):
    folder = tmp_path / "data" / "balloon"
    with ThreadPoolExecutor(4) as pool:
        calls = [
            pool.submit(fetch.fetch, folder, url=server.url, sums=sums)
            for _ in range(4)
        ]
        assert {call.result() for call in calls} == {folder}
    assert server.asked == [None]
    assert [path.name for path in folder.parent.iterdir()] == ["balloon"]


def test_verify_lists_what_differs(tmp_path, server, sums):
    folder = fetch.fetch(tmp_path / "balloon", url=server.url, sums=sums)
    fetch.verify(folder, sums=sums)
    (folder / "train" / "a.jpg").write_bytes(b"other")
    (folder / "val" / ANNOTATIONS).unlink()
    with pytest.raises(
        ValueError, match=r"2 files differ.*a\.jpg \(changed\).*missing"
    ):
        fetch.verify(folder, sums=sums)
    with pytest.raises(ValueError, match="Move the folder away"):
        fetch.fetch(folder, url=server.url, sums=sums)
    with pytest.raises(FileNotFoundError, match=r"gone\.sha256 is missing"):
        fetch.verify(folder, sums=tmp_path / "gone.sha256")


def test_committed_sums_name_the_real_set():
    lines = [line.split(maxsplit=1) for line in fetch.SUMS.read_text().splitlines()]
    names = [name for _, name in lines]
    assert all(len(digest) == 64 for digest, _ in lines)
    assert sum(n.startswith("train/") and n.endswith(".jpg") for n in names) == 61
    assert sum(n.startswith("val/") and n.endswith(".jpg") for n in names) == 13
    assert {f"train/{ANNOTATIONS}", f"val/{ANNOTATIONS}"} < set(names)


def test_command_line_reports_errors(tmp_path, capsys):
    url = "http://127.0.0.1:1/b.zip"
    assert fetch.main([str(tmp_path / "balloon"), "--url", url]) == 1
    assert "error: downloading" in capsys.readouterr().err
