"""Nuclei: a tiny set in the published layout, fetched, converted and verified."""

import hashlib
import threading
import zipfile
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import numpy as np
import pytest
from PIL import Image

from mrcnn.data import nuclei, open_dataset

TOP = "fixes-master/stage1_train"
IDS = {"train": ["a" * 64, "b" * 64], "val": ["c" * 64]}


class Handler(BaseHTTPRequestHandler):
    """Sends in chunks and without a length, and knows no ranges, as GitHub does."""

    protocol_version = "HTTP/1.1"

    def do_GET(self):
        self.server.asked += 1
        self.send_response(200)
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        body = self.server.content[: self.server.limit]
        self.wfile.write(b"%x\r\n%s\r\n" % (len(body), body))
        if self.server.limit is None:
            self.wfile.write(b"0\r\n\r\n")
        self.close_connection = True

    def log_message(self, *arguments):
        pass


def upstream(folder, rng):
    """Write pictures, each with two objects in files of their own; return them."""
    made = {}
    for ids in (*IDS.values(), ["d" * 64]):  # the last is of no split
        for number in ids:
            grey = rng.integers(0, 90, (20, 24), np.uint8)
            rgba = np.dstack([grey, grey, grey, np.full_like(grey, 255)])
            place = folder / TOP / number
            for part in ("images", "masks"):
                (place / part).mkdir(parents=True)
            Image.fromarray(rgba).save(place / "images" / f"{number}.png")
            masks = np.zeros((2, 20, 24), np.uint8)
            masks[0, 10:15, 3:9] = masks[1, 2:6, 12:20] = 255  # the second comes first
            for name, mask in zip("pq", masks, strict=True):
                Image.fromarray(mask).save(place / "masks" / f"{name}.png")
            made[number] = grey
    (folder / "fixes-master" / "README.rst").write_text("fixes")
    return made


def pack(folder, archive):
    """Write a zip archive of all files below a folder."""
    with zipfile.ZipFile(archive, "w") as content:
        for path in sorted(p for p in folder.rglob("*") if p.is_file()):
            content.write(path, path.relative_to(folder).as_posix())


def labels():
    """Return the numbers that both masks become: in the order of first pixels."""
    numbers = np.zeros((20, 24), np.uint16)
    numbers[2:6, 12:20], numbers[10:15, 3:9] = 1, 2
    return numbers


@pytest.fixture
def published(tmp_path, rng):
    """Serve an archive; return the server, with `sums` worked out independently."""
    source = tmp_path / "source"
    made = upstream(source, rng)
    lines = []
    for subset, ids in IDS.items():
        for number in ids:
            for part, pixels in (("images", made[number]), ("masks", labels())):
                name = f"{subset}/{part}/{number[:12]}.png"
                digest = hashlib.sha256(pixels.tobytes()).hexdigest()
                lines.append(f"{digest}  {name}\n")
    pack(source, tmp_path / "source.zip")
    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        server.content = (tmp_path / "source.zip").read_bytes()
        server.limit, server.asked, server.made = None, 0, made
        server.source, server.sums = source, tmp_path / "sums.sha256"
        server.sums.write_text("".join(lines))
        server.url = f"http://127.0.0.1:{server.server_port}/master.zip"
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield server
        server.shutdown()
        thread.join()


@pytest.fixture
def get(tmp_path, published):
    """Return what fetches into the only folder of a new one."""

    def fetch():
        return nuclei.fetch_nuclei(
            tmp_path / "data" / "nuclei", url=published.url, sums=published.sums
        )

    return fetch


def repack(published):
    """Let the server send what the source has now."""
    archive = published.sums.with_name("again.zip")
    pack(published.source, archive)
    published.content = archive.read_bytes()


def test_becomes_pictures_and_numbered_masks(published, get, capsys):
    folder = get()
    names = {p.relative_to(folder).as_posix() for p in folder.rglob("*.png")}
    assert names == {
        f"{subset}/{part}/{number[:12]}.png"
        for subset, ids in IDS.items()
        for number in ids
        for part in ("images", "masks")
    }
    for number in IDS["train"]:
        with Image.open(folder / "train" / "images" / f"{number[:12]}.png") as picture:
            np.testing.assert_array_equal(picture, published.made[number])
        with Image.open(folder / "train" / "masks" / f"{number[:12]}.png") as picture:
            np.testing.assert_array_equal(picture, labels())
    assert [p.name for p in folder.parent.iterdir()] == ["nuclei"]
    assert " of 0.0 MB" not in capsys.readouterr().out  # nobody says how much it is


def test_is_read_as_a_data_set_of_one_class(get):
    folder = get()
    train, val = (nuclei.load_nuclei(folder, subset) for subset in ("train", "val"))
    assert train.class_names == ["BG", "nucleus"]
    assert len(train.image_ids) == 2 and len(val.image_ids) == 1
    masks, class_ids = val.load_mask(0)
    assert class_ids.tolist() == [1, 1]
    np.testing.assert_array_equal(masks @ [1, 2], labels())
    same = open_dataset(folder, "val")
    np.testing.assert_array_equal(same.load_image(0), val.load_image(0))


def test_a_set_that_is_there_is_verified_and_not_fetched(published, get):
    get()
    get()
    assert published.asked == 1


@pytest.mark.parametrize("part", ["images", "masks"])
def test_a_changed_pixel_is_named(get, part):
    file = get() / "train" / part / f"{'b' * 12}.png"
    with Image.open(file) as picture:
        pixels = np.array(picture)
    pixels[3, 13] ^= 1
    Image.fromarray(pixels).save(file)
    with pytest.raises(ValueError, match=rf"1 files differ.*train/{part}/b+\.png \(ch"):
        get()
    file.write_bytes(b"\x89PNG no more")
    with pytest.raises(ValueError, match=rf"train/{part}/b+\.png \(changed\)"):
        get()


def test_other_numbers_and_other_files_of_the_same_pixels_pass(get):
    file = get() / "val" / "masks" / f"{'c' * 12}.png"
    Image.fromarray(labels() * np.uint16(1000)).save(file, compress_level=0)
    get()


@pytest.mark.parametrize("part", ["images", "masks"])
def test_another_set_leaves_nothing(tmp_path, published, get, part):
    (place,) = (published.source / TOP / ("c" * 64) / part).glob("[cp]*.png")
    with Image.open(place) as picture:
        pixels = np.array(picture)
    pixels[12, 4] = 77 if part == "images" else 0
    Image.fromarray(pixels).save(place)
    repack(published)
    with pytest.raises(ValueError, match=rf"master\.zip is not the pub.*val/{part}/c+"):
        get()
    assert list((tmp_path / "data").iterdir()) == []


def test_what_the_archive_lacks_is_named(published, get):
    for path in sorted((published.source / TOP / ("a" * 64)).rglob("*"), reverse=True):
        path.rmdir() if path.is_dir() else path.unlink()
    repack(published)
    with pytest.raises(ValueError, match=r"2 files differ.*train/images/a+\.png \(mis"):
        get()


@pytest.mark.parametrize("winner", ["first", "last"])
def test_of_overlapping_masks_the_sums_say_whose_pixels_are(published, get, winner):
    place = published.source / TOP / ("c" * 64) / "masks" / "q.png"
    mask = np.zeros((20, 24), np.uint8)
    mask[12:18, 5:12] = 255  # over p, which is 10:15, 3:9 and comes first
    Image.fromarray(mask).save(place)
    repack(published)
    expected = np.zeros((20, 24), np.uint16)
    expected[10:15, 3:9] = 1
    expected[(mask > 0) & ((expected == 0) | (winner == "last"))] = 2
    digest = hashlib.sha256(expected.tobytes()).hexdigest()
    *lines, _ = published.sums.read_text().splitlines()
    lines.append(f"{digest}  val/masks/{'c' * 12}.png")
    published.sums.write_text("\n".join(lines))
    with Image.open(get() / "val" / "masks" / f"{'c' * 12}.png") as picture:
        np.testing.assert_array_equal(picture, expected)


def test_an_interrupted_download_starts_again(tmp_path, published, get):
    published.limit = 1000
    with pytest.raises(ConnectionError, match="Run it again"):
        get()
    assert [p.name for p in (tmp_path / "data").iterdir()] == [
        "nuclei-download.zip.part"
    ]
    published.limit = None
    get()
    assert [p.name for p in (tmp_path / "data").iterdir()] == ["nuclei"]
    assert published.asked == 2


def test_another_archive_that_was_left_is_replaced(tmp_path, published, get):
    """As of a process that was killed while it looked at a whole one."""
    (tmp_path / "data").mkdir()
    part = tmp_path / "data" / "nuclei-download.zip.part"
    with zipfile.ZipFile(part, "w") as content:
        content.writestr(f"{TOP}/{'a' * 64}/README.rst", "of another set")
    get()
    assert published.asked == 1
    assert [p.name for p in part.parent.iterdir()] == ["nuclei"]


@pytest.mark.parametrize("name", ["../../away.png", f"{TOP}/../../../away.png"])
def test_members_that_leave_the_folder_are_refused(tmp_path, published, get, name):
    archive = tmp_path / "evil.zip"
    pack(published.source, archive)
    with zipfile.ZipFile(archive, "a") as content:
        content.writestr(name, b"evil")
    published.content = archive.read_bytes()
    with pytest.raises(ValueError, match="would lie outside the folder"):
        get()
    assert list((tmp_path / "data").iterdir()) == []
    assert not list(tmp_path.rglob("away.png"))


@pytest.mark.parametrize(
    ("content", "message"),
    [(b"no archive", "is corrupt"), (None, "no folder stage1_train")],
)
def test_another_archive_is_one_error(tmp_path, published, get, content, message):
    if content is None:
        (tmp_path / "other").mkdir()
        (tmp_path / "other" / "a.txt").write_text("a")
        pack(tmp_path / "other", tmp_path / "other.zip")
        content = (tmp_path / "other.zip").read_bytes()
    published.content = content
    with pytest.raises(ValueError, match=message):
        get()
    assert list((tmp_path / "data").iterdir()) == []


def test_masks_of_another_size_and_broken_pictures_are_named(published, get):
    place = published.source / TOP / ("a" * 64) / "masks" / "p.png"
    Image.fromarray(np.zeros((5, 5), np.uint8)).save(place)
    repack(published)
    with pytest.raises(ValueError, match=r"mask p\.png has another size"):
        get()
    place.write_bytes(b"no picture")
    repack(published)
    with pytest.raises(ValueError, match=r"p\.png cannot be read"):
        get()


def test_what_is_not_there_says_how_to_get_it(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"mrcnn\.data\.nuclei FOLDER"):
        nuclei.load_nuclei(tmp_path, "val")
    with pytest.raises(ValueError, match="'test' is unknown"):
        nuclei.load_nuclei(tmp_path, "test")


def test_committed_sums_name_the_real_set():
    lines = [line.split() for line in nuclei.SUMS.read_text().splitlines()]
    assert all(len(digest) == 64 for digest, _ in lines)
    parts = [tuple(name.split("/")[:2]) for _, name in lines]
    counts = {subset: parts.count((subset, "images")) for subset in nuclei.SUBSETS}
    assert counts == {"train": 222, "val": 73}
    assert [(s, "masks") for s, part in parts if part == "images"] == [
        pair for pair in parts if pair[1] == "masks"
    ]


def test_command_line_reports_errors(tmp_path, capsys):
    url = "http://127.0.0.1:1/b.zip"
    assert nuclei.main([str(tmp_path / "nuclei"), "--url", url]) == 1
    assert "error: downloading" in capsys.readouterr().err
