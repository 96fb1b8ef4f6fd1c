"""Small files that ask for much: one error of ours each, before memory is taken.

Their neighbours: weight files in `tests/test_hdf5.py` and `test_weight_files.py`, zip
archives in `tests/data/test_archive.py`, JSON documents in `test_documents.py`.
"""

import json
import struct
import tracemalloc
import zlib
from itertools import pairwise

import numpy as np
import pytest
import skimage.draw
from PIL import Image

from mrcnn.data import deep, via
from mrcnn.data.levels import PictureError
from mrcnn.data.pictures import examine, header, read_image
from mrcnn.data.regions import Region
from mrcnn.data.via_dataset import load_via


def peak_of(call) -> float:
    """Return the most memory that was taken at a time, MB."""
    tracemalloc.start()
    try:
        call()
        return tracemalloc.get_traced_memory()[1] / 2**20
    finally:
        tracemalloc.stop()


# --- Regions


def drawn(points, name, outline=False):
    x, y = np.asarray(points, float).T
    return Region(name, {"all_points_x": x, "all_points_y": y}, {}, "here", outline)


def pixels(region, height, width) -> np.ndarray:
    """Return a region's mask; one without a pixel where it has none."""
    try:
        return region.mask(height, width)
    except ValueError:
        return np.zeros((height, width), bool)


def test_a_line_of_24_points_takes_no_more_than_its_image():
    """Issue 26, 19: points a million pixels outside took 1.4 GB."""
    points = [((-1) ** i * 1e6, 20 + 10 * i) for i in range(24)]
    line = drawn(points, "polyline")
    assert peak_of(lambda: line.mask(300, 400)) < 1
    assert line.mask(300, 400).sum() == 23 * 400  # each side crosses it, a row a column


@pytest.mark.parametrize("spread", [5, 60, 3000])
def test_lines_are_those_of_scikit_image(rng, spread):
    for _ in range(300):
        points = rng.integers(-spread, spread, (int(rng.integers(2, 5)), 2)) + 15
        expected = np.zeros((30, 37), bool)
        for (c0, r0), (c1, r1) in pairwise(points):
            rows, columns = skimage.draw.line(r0, c0, r1, c1)
            seen = (rows >= 0) & (rows < 30) & (columns >= 0) & (columns < 37)
            expected[rows[seen], columns[seen]] = True
        np.testing.assert_array_equal(
            pixels(drawn(points, "polyline"), 30, 37), expected
        )


def test_a_point_is_one_pixel_or_none():
    for place, count in [((3, 4), 1), ((36, 29), 1), ((37, 4), 0), ((3, -1), 0)]:
        numbers = {"cx": np.array([place[0] * 1.0]), "cy": np.array([place[1] * 1.0])}
        assert pixels(Region("point", numbers, {}, "here"), 30, 37).sum() == count


@pytest.mark.parametrize("block", [1, 100, 2**18])
def test_polygons_are_those_of_scikit_image(rng, monkeypatch, block):
    monkeypatch.setattr("mrcnn.data.regions.BLOCK", block)
    for turn in range(400):
        points = rng.integers(-10, 45, (int(rng.integers(3, 9)), 2)) * 1.0
        points += (0, rng.choice([0, 0.5, 0.25], points.shape), rng.random())[turn % 3]
        expected = np.zeros((30, 37), bool)
        expected[skimage.draw.polygon(*points.T[::-1], expected.shape)] = True
        found = pixels(drawn(points, "polygon"), 30, 37)
        np.testing.assert_array_equal(found, expected)


@pytest.mark.parametrize("far", [0, 1e6])
def test_a_polygon_takes_little_more_than_its_image(far):
    corners = [(-far, -far), (1999 + far, -far), (1999 + far, 999 + far), (-far, 999)]
    polygon = drawn(corners, "polygon")
    assert peak_of(lambda: polygon.mask(1000, 2000)) < 40  # 160 as lists


def annotated(folder, shape: str, attributes: str = "{}"):
    """Write a VIA file of one region, given as JSON, and its picture."""
    Image.new("RGB", (30, 20)).save(folder / "a.png")
    region = f'{{"shape_attributes": {shape}, "region_attributes": {attributes}}}'
    path = folder / "via.json"
    path.write_text(f'{{"a": {{"filename": "a.png", "regions": [{region}]}}}}')
    return path


DEEP = "[" * 900 + "]" * 900
NUMBERS = ["1" + "0" * 400, "-1" + "0" * 400, "1e999", "-1e999", "NaN", "1e9", "true"]


@pytest.mark.parametrize("number", [*NUMBERS, DEEP, '"1"', "null", "{}"])
@pytest.mark.parametrize("name", ["circle", "ellipse", "rect", "polygon"])
def test_numbers_that_are_no_place_are_one_short_error(tmp_path, name, number):
    fields = {}
    for field in via.FIELDS[name]:
        several = field.startswith("all")
        fields[field] = f"[1, 5, {number}]" if several else number
    fields = ", ".join(f'"{key}": {value}' for key, value in fields.items())
    path = annotated(tmp_path, f'{{"name": "{name}", {fields}}}')
    with pytest.raises(ValueError, match=r"via\.json: image a\.png: region 0") as fault:
        load_via(path, "leaf")
    assert type(fault.value) is ValueError
    assert len(str(fault.value)) < 500


def test_what_is_deep_is_told_shortly(tmp_path, capsys):
    with pytest.raises(ValueError, match="unknown") as fault:
        load_via(annotated(tmp_path, f'{{"name": {DEEP}}}'), "leaf")
    assert len(str(fault.value)) < 500
    shape = '{"name": "rect", "x": 1, "y": 1, "width": 3, "height": 3}'
    path = annotated(tmp_path, shape, f'{{"class": {DEEP}}}')
    load_via(path, "leaf")
    with pytest.raises(ValueError, match="class") as fault:
        load_via(path, class_key="class", classes=["leaf"])
    assert len(str(fault.value)) < 500
    assert len(capsys.readouterr().out) < 500


@pytest.mark.parametrize("text", ["[" * 200_000, '{"a":' * 200_000, "9" * 10_000])
def test_json_that_python_cannot_read_is_one_error(tmp_path, text):
    (tmp_path / "via.json").write_text(text)
    with pytest.raises(ValueError, match=r"via\.json is not valid JSON"):
        via.read(tmp_path / "via.json")


def test_what_a_file_says_of_its_pictures_size_is_not_believed(tmp_path):
    Image.new("RGB", (30, 20)).save(tmp_path / "a.png")
    shape = {"name": "rect", "x": 1, "y": 1, "width": 3, "height": 3}
    entry = {"filename": "a.png", "size": 10**18, "width": 10**9, "height": 10**9}
    entry["regions"] = [{"shape_attributes": shape}]
    (tmp_path / "via.json").write_text(json.dumps({"a": entry}))
    assert load_via(tmp_path, "leaf").load_mask(0)[0].shape == (20, 30, 1)


# --- Pictures


def refused(path, match, error=ValueError) -> None:
    """Every reader refuses a file with one error that names it, and takes no memory."""

    def read():
        for reader in (read_image, examine):
            with pytest.raises(error, match=rf"{path.name} {match}"):
                reader(path)
        header(path)

    assert peak_of(read) < 10


def png(*chunks: tuple[bytes, bytes]) -> bytes:
    """Return a picture of 4 x 4 with more chunks."""

    def chunk(kind, data):
        check = struct.pack(">I", zlib.crc32(kind + data))
        return struct.pack(">I", len(data)) + kind + data + check

    head = chunk(b"IHDR", struct.pack(">IIBBBBB", 4, 4, 8, 2, 0, 0, 0))
    body = chunk(b"IDAT", zlib.compress(bytes(4 * 13)))
    more = b"".join(chunk(*each) for each in chunks)
    return b"\x89PNG\r\n\x1a\n" + head + more + body + chunk(b"IEND", b"")


@pytest.mark.parametrize(
    "kind", [(b"iCCP", b"x\0\0"), (b"zTXt", b"x\0\0"), (b"iTXt", b"x\0\1\0\0\0")]
)
def test_texts_of_a_png_are_not_unpacked_to_the_end(tmp_path, kind):
    (tmp_path / "fine.png").write_bytes(png((kind[0], kind[1] + zlib.compress(b"x"))))
    assert read_image(tmp_path / "fine.png").shape == (4, 4, 3)
    large = zlib.compress(bytes(50 * 2**20))
    (tmp_path / "large.png").write_bytes(png((kind[0], kind[1] + large)))
    refused(tmp_path / "large.png", r"cannot be read \(Decompressed data too large")


def tiff(pages: int = 1, *, next_page: int = 0, **tags: int) -> bytes:
    """Return a grey picture of 4 x 4 in so many pages; the last says what comes next.

    Args:
        pages: how many.
        next_page: place in the file of the page after the last; 0 for none.
        tags: in place of its own, by their numbers.
    """
    own = {256: 4, 257: 4, 258: 8, 259: 1, 262: 1, 273: 8, 277: 1, 278: 4, 279: 16}
    own |= {int(name[1:]): value for name, value in tags.items()}
    table = b"".join(struct.pack("<HHII", tag, 4, 1, v) for tag, v in own.items())
    size, start = 6 + len(table), 24
    data = b"II*\0" + struct.pack("<I", start) + bytes(16)
    for page in range(1, pages + 1):
        after = start + page * size if page < pages else next_page
        data += struct.pack("<H", len(own)) + table + struct.pack("<I", after)
    return data


def test_pages_that_go_round_in_a_circle_come_to_an_end(tmp_path, monkeypatch):
    """Without a bound this reads until the memory ends."""
    monkeypatch.setattr(deep, "MAX_PAGES", 20)
    path = tmp_path / "a.tif"
    path.write_bytes(tiff())
    assert read_image(path).shape == (4, 4, 3)
    for pages in (1, 2, 3):
        path.write_bytes(tiff(pages, next_page=24))
        refused(path, "has more than 20 pages, or they go round", PictureError)


def test_pages_without_number(tmp_path):
    path = tmp_path / "a.tif"
    path.write_bytes(tiff(deep.MAX_PAGES))
    with pytest.raises(PictureError, match="has 1000 pages"):
        read_image(path)
    path.write_bytes(tiff(deep.MAX_PAGES + 1))
    with pytest.raises(PictureError, match="has more than 1000 pages"):
        read_image(path)


@pytest.mark.parametrize(
    "tags",
    [
        {"t256": 60_000, "t257": 60_000, "t258": 16, "t277": 7},  # 50 GB in 150 bytes
        {"t256": 60_000, "t257": 60_000, "t258": 16, "t259": 8},  # packed
        {"t256": 30_000, "t257": 30_000, "t258": 16, "t277": 7, "t273": 0, "t279": 0},
        {"t256": 2000, "t257": 2000, "t277": 60_000},  # bands
    ],
)
def test_a_tiff_above_the_limit_of_pillow(tmp_path, tags):
    path = tmp_path / "a.tif"
    path.write_bytes(tiff(**tags))
    refused(path, "is larger than Pillow reads unasked", PictureError)


def test_the_limit_of_bands_can_be_lifted(tmp_path, monkeypatch):
    path = tmp_path / "a.tif"
    Image.new("I;16", (100, 100)).save(path)
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 1000)
    refused(path, "is larger than Pillow reads unasked.*now 1000", PictureError)
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", None)
    assert read_image(path).shape == (100, 100, 3)


@pytest.mark.parametrize(
    "data",
    [
        b"P5 100000 100000 65535\n",
        b"P6 100000 100000 255\n",
        b"GIF89a\xff\xff\xff\xff\0\0\0,\0\0\0\0\1\0\1\0\0\2\2D\1\0;",
        png().replace(struct.pack(">II", 4, 4), struct.pack(">II", 2**20, 2**20)),
    ],
    ids=["pgm", "ppm", "gif", "png"],
)
def test_sizes_that_are_claimed(tmp_path, data):
    if data.startswith(b"\x89PNG"):  # its header has a check sum
        data = data[:29] + struct.pack(">I", zlib.crc32(data[12:29])) + data[33:]
    (tmp_path / "a.png").write_bytes(data)
    refused(tmp_path / "a.png", "is larger than Pillow reads unasked", PictureError)


@pytest.mark.parametrize("data", [b"P5 9000 9000 60000\n", b"P3 9000 9000 60000\n1 1"])
def test_deep_files_that_lack_what_they_claim(tmp_path, data):
    (tmp_path / "a.ppm").write_bytes(data)
    refused(tmp_path / "a.ppm", "cannot be read")


def test_an_array_that_claims_a_shape_is_never_loaded(tmp_path):
    head = b"{'descr': '<f8', 'fortran_order': False, 'shape': (10000000000,), }"
    start = b"\x93NUMPY\x01\x00" + struct.pack("<H", len(head) + 1)
    (tmp_path / "a.png").write_bytes(start + head + b"\n")
    refused(tmp_path / "a.png", "cannot be read: it is an array of NumPy")
