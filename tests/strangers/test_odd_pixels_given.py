"""Overshooting floats, black pictures, encoded bytes: none is taken in silence."""

import base64
import io

import numpy as np
import pytest
from PIL import Image

from mrcnn import notices
from mrcnn.data.arrays import check_image
from mrcnn.data.given import checked_images
from mrcnn.notices import LONGEST, quoted

RAMP = np.linspace(0, 1, 6 * 5 * 3).reshape(6, 5, 3)


def between(low, high):
    return low + (high - low) * RAMP


@pytest.mark.parametrize(
    ("image", "match"),
    [
        (between(0, 1), r"0 to 1 are parts of one.*; pass image \* 255"),
        (between(0, 1.02), r"beyond 0\.\.1, as .*np\.clip\(image, 0, 1\) \* 255\."),
        (between(0, 1.2), r"0 to 1\.2 are parts of one.* np\.clip\(image, 0, 1\) \*"),
        (between(0, 1.9).astype(np.float16), r"are parts of one"),
        (between(-0.02, 1.03), r"-0\.02 to 1\.03 go a little beyond 0\.\.1, as"),
        (between(-2, 255), r"-2 to 255 .*0\.\.255, .* np\.clip\(image, 0, 255\)\."),
        (between(0, 258.5), r"beyond 0\.\.255, .* np\.clip\(image, 0, 255\)\."),
        (between(-3, 257).astype(np.int16), r"-3 to 257 .* np\.clip\(image, 0, 255\)"),
        (between(-1, 1), "-1 to 1: an image less its mean"),
        (between(-120, 150), "an image less its mean"),
        (between(0, 4095), "scale them to 0..255"),
    ],
)
def test_numbers_beyond_black_and_white(image, match):
    with pytest.raises(ValueError, match=match):
        check_image(image, "image 7")


@pytest.mark.parametrize("way_out", ["np.clip(image, 0, 255)", "np.clip(image, 0, 1)"])
def test_the_way_out_is_one(way_out):
    scale = 255 if "255" in way_out else 1
    factor = 255 // scale
    image = between(-0.02 * scale, 1.03 * scale)
    with pytest.raises(ValueError, match=r"np\.clip"):
        check_image(image, "x")
    taken = check_image(eval(way_out) * factor, "x")
    assert (taken.min(), taken.max()) == (0, 255)


@pytest.mark.parametrize("kind", [np.uint8, np.float32, np.float64, np.int64])
def test_a_picture_as_good_as_black_is_said_once(kind, monkeypatch, capsys):
    monkeypatch.setattr(notices, "_said", set())
    black, bright = np.zeros((4, 4, 3), kind), np.full((4, 4, 3), 2, kind)
    check_image(black, "x")
    check_image(bright, "x")
    assert capsys.readouterr().out == ""
    dim = np.eye(4, dtype=kind)
    for name in "ab":
        assert check_image(dim, name).max() == 1
    said = capsys.readouterr().out
    assert said.startswith("An image has no pixel above 1, and is as good as black")
    assert said.count("\n") == 1


def jpeg():
    file = io.BytesIO()
    pixels = np.random.default_rng(0).integers(0, 256, (90, 90, 3), np.uint8)
    Image.fromarray(pixels).save(file, "JPEG")
    return file.getvalue()


@pytest.mark.parametrize("make", [bytes, bytearray, memoryview, io.BytesIO])
def test_encoded_pictures_are_told_how_to_be_decoded(make):
    for given in (make(jpeg()), [make(jpeg())]):
        with pytest.raises((TypeError, ValueError), match="is an encoded picture") as e:
            list(checked_images(given, 3))
        assert len(str(e.value)) < 300
    file = io.BytesIO(jpeg())
    import PIL.Image

    decoded = np.asarray(PIL.Image.open(file).convert("RGB"))  # as it says
    assert check_image(decoded, "x").shape == (90, 90, 3)


def test_long_text_is_cut():
    text = base64.b64encode(jpeg()).decode()
    for given in (text, [text], [text, text]):
        with pytest.raises((TypeError, ValueError), match=r"the path '/9j/.*\.\.") as e:
            list(checked_images(given, 3))
        assert len(str(e.value)) < 500
    assert quoted("a" * 9) == repr("a" * 9)
    assert len(quoted("a" * 999)) == LONGEST
    assert quoted(np.ones((2, 2))) == "array([[1., 1.], [1., 1.]])"


@pytest.mark.parametrize(
    ("images", "match"),
    [
        (np.zeros((100, 80, 3, 1), np.uint8), r"axis too many: give \[image\["),
        (np.zeros((100, 80, 4, 1), np.uint8), "an axis too many"),
        (np.frombuffer(jpeg(), np.uint8), "and no pictures: decode"),
        (np.array([jpeg()]), "and no pictures: decode"),
        (np.array(["a.png", "b.png"]), "and no pictures"),
    ],
)
def test_arrays_that_are_no_list_of_images(images, match):
    with pytest.raises(TypeError, match=match):
        checked_images(images, 3)


def test_grey_images_in_an_array_are_still_taken():
    assert len(list(checked_images(np.zeros((2, 6, 5, 1), np.uint8), 3))) == 2
