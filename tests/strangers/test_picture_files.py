"""Files in the place of pictures are named for what they are; deep ones get levels."""

import gzip
import io
import re

import numpy as np
import pytest
import tifffile
from PIL import Image

from mrcnn import notices
from mrcnn.data.file_kinds import kind_of
from mrcnn.data.levels import PictureError
from mrcnn.data.pictures import examine, read_image

NIFTI = b"\x5c\x01\0\0" + bytes(340) + b"n+1\0" + bytes(8)


@pytest.fixture(autouse=True)
def nothing_said_yet(monkeypatch):
    monkeypatch.setattr(notices, "_said", set())


def numpy_file() -> bytes:
    file = io.BytesIO()
    np.save(file, np.zeros((4, 4, 3), np.uint8))
    return file.getvalue()


def boxes(brand: bytes) -> bytes:
    return b"\0\0\0\x18ftyp" + brand + bytes(40)


OTHERS = [
    (b"version https://git-lfs.github.com/spec/v1\noid sha256:0\n", "git lfs pull"),
    (b"<!DOCTYPE html>\n<html><body>Not found</body></html>", "a web page"),
    (b"\n  <html lang='en'>", "a web page"),
    (b'<?xml version="1.0"?>\n<svg xmlns="http://www.w3.org/2000/svg"/>', "an SVG"),
    (b"<svg width='4'></svg>", "an SVG"),
    (b"<?xml version='1.0'?><annotation/>", "a Pascal VOC file"),
    (b'{"message": "not found"}', "a JSON file"),
    (boxes(b"heic"), "a HEIC picture; save it as PNG"),
    (boxes(b"mif1"), "a HEIC picture"),
    (boxes(b"isom"), "a film"),
    (boxes(b"crx "), "a camera's raw file"),
    (bytes(128) + b"DICM" + bytes(90), "a DICOM file; load it in a `load_image`"),
    (NIFTI, "a NIfTI file; load it"),
    (gzip.compress(NIFTI, mtime=0), "a NIfTI file that is compressed; load it"),
    (gzip.compress(b"whatever", mtime=0), "compressed; unpack it"),
    (b"\x1f\x8b broken", "broken compressed file"),
    (numpy_file(), "an array of NumPy"),
    (b"PK\x03\x04rest", "a ZIP archive"),
    (b"%PDF-1.7\n", "a PDF file"),
    (b"\0\x05\x16\x07\0\x02", "macOS keeps"),
    (b"", "empty"),
    (bytes(999), "empty or zeros alone; fetch it again"),
]


@pytest.mark.parametrize(("data", "kind"), OTHERS)
@pytest.mark.parametrize("read", [read_image, examine])
def test_other_files_are_named_with_a_way_out(tmp_path, read, data, kind):
    path = tmp_path / "one.jpg"
    path.write_bytes(data)
    match = rf"one\.jpg cannot be read: it is .*{re.escape(kind)}"
    with pytest.raises(ValueError, match=match):
        read(path)


@pytest.mark.parametrize("data", [b"nothing known", b"\x01\x02\x03\x04\x05"])
def test_a_file_of_no_known_kind_shows_how_it_begins(tmp_path, data):
    path = tmp_path / "one.png"
    path.write_bytes(data)
    with pytest.raises(ValueError, match="knows no picture that begins with") as raised:
        read_image(path)
    assert repr(data[:4]) in str(raised.value)
    assert "BufferedReader" not in str(raised.value)


@pytest.mark.parametrize("kind", ["png", "jpg", "tif", "gif", "webp", "bmp"])
def test_pictures_are_no_other_kind(tmp_path, rng, kind):
    path = tmp_path / f"a.{kind}"
    Image.fromarray(rng.integers(0, 256, (9, 9, 3), np.uint8)).save(path)
    assert kind_of(path) is None


@pytest.mark.parametrize("path", [None, 5, "", ["a.png"]])
@pytest.mark.parametrize("read", [read_image, examine])
def test_what_is_no_path_is_named(read, path):
    kind = ValueError if path == "" else TypeError
    with pytest.raises(kind, match=r"an image file is .*: give (the|a) path"):
        read(path)


def test_a_name_that_begins_like_a_home_directory(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Image.new("L", (3, 2)).save("~nobody.png")
    assert read_image("~nobody.png").shape == (2, 3, 3)


RAMP = np.arange(64).reshape(8, 8)


@pytest.mark.parametrize(
    ("pixels", "match"),
    [
        ((RAMP % 2).astype(np.uint16), r"0 to 1 \(16 bits; .*numbers.*\(0, 1\)"),
        ((RAMP % 4).astype(np.int32), r"0 to 3 \(32 bits; .*numbers.*\(0, 3\)"),
        ((RAMP % 4).astype(np.int8), r"0 to 3 \(8 bits; .*numbers.*\(0, 3\)"),
        ((RAMP % 1 + 7).astype(np.uint32), r"7 to 7 \(32 bits; .*\(0, 7\)"),
        ((RAMP % 16).astype(np.uint16), r"0 to 15 .*\(0, 15\)"),
        ((RAMP % 17).astype(np.uint16), r"0 to 16 .*fills few.*\(0, 255\)"),
        ((RAMP % 4).astype(np.float32), r"0 to 3 \(floats.*\(0, 3\)"),
        ((RAMP / 62.5).astype(np.float64), r"0 to 1\.008 \(floats.*\(0, 1\.008\)"),
        ((RAMP * 20).astype(np.int16), r"0 to 1260 \(16 bits.*\(0, 4095\)"),
        ((RAMP * 0 - 5).astype(np.int16), r"-5 to -5 .*\(-5, 0\)"),
        ((RAMP * 0 + 300).astype(np.float32), r"300 to 300 .*\(0, 300\)"),
    ],
)
def test_levels_that_are_proposed_show_the_picture(tmp_path, pixels, match):
    path = tmp_path / "a.tif"
    tifffile.imwrite(path, pixels)
    with pytest.raises(PictureError, match=match) as raised:
        read_image(path)
    low, high = re.findall(r"levels=\((.*), (.*)\)", str(raised.value))[0]
    image = read_image(path, 1, levels=(float(low), float(high)))
    assert len(np.unique(image)) == len(np.unique(pixels))


@pytest.mark.parametrize("tag", [1, 6])
def test_sixteen_bits_with_a_sign_have_their_own_range(tmp_path, capsys, tag):
    pixels = (RAMP * 520).astype(np.int16)  # 0 to 32760 of 32767
    path = tmp_path / "a.tif"
    tifffile.imwrite(path, pixels, extratags=[(274, "H", 1, tag, True)])
    expected = np.rint(pixels / 32767 * 255).astype(np.uint8)
    stored = read_image(path, orientation="stored")[..., 0]
    np.testing.assert_array_equal(stored, expected)
    turned = np.rot90(expected, -1) if tag == 6 else expected
    np.testing.assert_array_equal(read_image(path)[..., 0], turned)
    assert "Pictures of 16 bits: 0..32767 becomes" in capsys.readouterr().out
