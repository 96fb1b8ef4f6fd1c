"""Deep and odd pixels: eight bits come out of them right, or one error says why not."""

import warnings

import numpy as np
import pytest
import tifffile
from PIL import Image

from mrcnn import notices
from mrcnn.data.arrays import check_image, fit_channels
from mrcnn.data.dataset import Dataset, read_image
from mrcnn.data.levels import PictureError, to_bytes
from mrcnn.data.pipeline import load_annotated

RAMP = np.arange(64, dtype=np.uint16).reshape(8, 8)
TWELVE = (RAMP * 65).astype(np.uint16)  # 0 to 4095
SIXTEEN = (RAMP * 1040).astype(np.uint16)  # 0 to 65520


@pytest.fixture(autouse=True)
def nothing_said_yet(monkeypatch):
    monkeypatch.setattr(notices, "_said", set())


def pnm(path, pixels, white, plain=False):
    kind = {(2, False): 5, (3, False): 6, (2, True): 2, (3, True): 3}[
        pixels.ndim, plain
    ]
    head = f"P{kind}\n# made by hand\n{pixels.shape[1]} {pixels.shape[0]}\n{white}\n"
    text = " ".join(map(str, pixels.ravel())).encode()
    body = text if plain else pixels.astype(">u2").tobytes()
    path.write_bytes(head.encode() + body)


def sixteen_bit_png(path, pixels):
    """Write 16-bit RGB or RGBA, which Pillow reads and cannot write."""
    import struct
    import zlib

    def chunk(kind, data):
        body = kind + data
        return struct.pack(">I", len(data)) + body + struct.pack(">I", zlib.crc32(body))

    height, width, count = pixels.shape
    colour = {1: 0, 2: 4, 3: 2, 4: 6}[count]
    head = struct.pack(">IIBBBBB", width, height, 16, colour, 0, 0, 0)
    rows = b"".join(b"\0" + row.astype(">u2").tobytes() for row in pixels)
    chunks = chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(rows))
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + chunks + chunk(b"IEND", b""))


def write(path, pixels):
    """Write whole numbers of 16 bits or more in the format that the name says."""
    if path.suffix in (".pgm", ".ppm"):
        pnm(path, pixels, 65535)
    elif path.suffix == ".png":
        sixteen_bit_png(path, pixels.reshape(*pixels.shape[:2], -1))
    else:
        tifffile.imwrite(path, pixels, photometric="rgb" if pixels.ndim == 3 else None)


DEEP = [("a.pgm", 0), ("a.ppm", 3), ("a.png", 0), ("a.png", 3), ("a.png", 4)]
DEEP += [("a.tif", 0), ("a.tif", 3), ("a.tif", 4)]


@pytest.mark.parametrize(("name", "count"), DEEP)
def test_sixteen_bits_of_every_format(tmp_path, capsys, name, count):
    """Full range, 12 bits and stated levels, against scikit-image's v / 257 rounded."""
    expand = (lambda a: np.dstack([a] * count)) if count else (lambda a: a)
    path = tmp_path / name
    write(path, expand(SIXTEEN))
    expected = np.rint(SIXTEEN / 257).astype(np.uint8)
    for _ in range(2):
        np.testing.assert_array_equal(read_image(path)[..., 1], expected)
    said = capsys.readouterr().out
    assert said == "Pictures of 16 bits: 0..65535 becomes 0..255 (else state levels).\n"
    write(path, expand(TWELVE))
    with pytest.raises(PictureError, match=r"from 0 to 4095.*levels=\(0, 4095\)"):
        read_image(path)
    image = read_image(path, 4 if count == 4 else 3, levels=(0, 4095))
    np.testing.assert_array_equal(image[..., 0], np.rint(TWELVE / 4095 * 255))
    assert len(np.unique(image[..., 0])) == 64
    write(path, expand(TWELVE * 0))
    assert not read_image(path).any()  # a black picture of any depth is black


@pytest.mark.parametrize("plain", [False, True])
def test_a_white_that_the_file_states_is_believed(tmp_path, plain):
    for pixels in (TWELVE, np.dstack([TWELVE] * 3)):
        pnm(tmp_path / "a.pnm", pixels, 4095, plain)
        image = read_image(tmp_path / "a.pnm")
        np.testing.assert_array_equal(image[..., 2], np.rint(TWELVE / 4095 * 255))
        image = read_image(tmp_path / "a.pnm", levels=(0, 8190))
        np.testing.assert_array_equal(image[..., 0], np.rint(TWELVE / 8190 * 255))


@pytest.mark.parametrize(
    ("pixels", "match"),
    [
        (TWELVE.astype(np.int32), r"0 to 4095 \(32 bits.*levels=\(0, 4095\)"),
        (TWELVE.astype(np.uint32), r"0 to 4095 \(32 bits.*levels=\(0, 4095\)"),
        (RAMP.astype(np.int32), r"0 to 63 .*levels=\(0, 255\)"),
        (TWELVE.astype(np.int16) - 1024, r"-1024 to 3071 \(.*sign.*\(-1024, 3071\)"),
        (RAMP.astype(np.int8) - 32, r"-32 to 31 .*sign"),
        (RAMP + np.uint16(32000), r"32000 to 32063 .*levels=\(32000, 32063\)"),
        (RAMP.astype(np.float32), r"0 to 63 \(floats beyond.*levels=\(0, 255\)"),
        (RAMP.astype(np.float64) - 9, r"-9 to 54 .*levels=\(-9, 54\)"),
    ],
)
def test_other_ranges_ask_for_levels(tmp_path, pixels, match):
    tifffile.imwrite(tmp_path / "scan.tif", pixels)
    with pytest.raises(PictureError, match=r"scan\.tif holds values from .*" + match):
        read_image(tmp_path / "scan.tif")
    low, high = int(pixels.min()), int(pixels.max())
    image = read_image(tmp_path / "scan.tif", 1, levels=(low, high))[..., 0]
    expected = np.rint((pixels.astype(float) - low) / (high - low) * 255)
    np.testing.assert_array_equal(image, expected)


@pytest.mark.parametrize("kind", [np.float16, np.float32, np.float64])
def test_floats_from_zero_to_one(tmp_path, kind):
    tifffile.imwrite(tmp_path / "a.tif", (RAMP / 64).astype(kind))
    image = read_image(tmp_path / "a.tif")
    assert abs(image[..., 0] - RAMP / 64 * 255).max() <= 0.5 + 0.07


def test_unsigned_numbers_of_32_bits_stay_unsigned(tmp_path):
    pixels = np.array([[0, 2**31, 2**32 - 1]], np.uint32)
    tifffile.imwrite(tmp_path / "a.tif", pixels)
    assert read_image(tmp_path / "a.tif")[0, :, 0].tolist() == [0, 128, 255]


def test_levels_cut_what_lies_beyond_and_leave_eight_bits_alone():
    cut = to_bytes(np.array([-9, 0, 50, 100, 999]), (0, 100), "x")
    assert cut.tolist() == [0, 0, 128, 255, 255]
    eight = np.arange(256, dtype=np.uint8)
    assert to_bytes(eight, (0, 9), "x") is eight
    assert to_bytes(np.array([True, False]), (0, 9), "x").tolist() == [255, 0]
    for wrong in ((5, 5), (9, 0), 7, (0, np.nan), ("a", "b"), (1, 2, 3)):
        with pytest.raises(ValueError, match="levels is"):
            Dataset(levels=wrong)
    with pytest.raises(PictureError, match="complex128"):
        to_bytes(np.ones(2, complex), None, "x")


def test_a_data_set_states_its_levels(tmp_path):
    write(tmp_path / "a.png", TWELVE)
    dataset = Dataset(levels=(0, 4095))
    dataset.add_image("own", 0, tmp_path / "a.png")
    dataset.prepare()
    assert dataset.load_image(0).max() == 255


def bands(rng, count):
    return rng.integers(0, 256, (5, 6, count), np.uint8)


@pytest.mark.parametrize("how", ["contig", "separate", "array", "pages"])
def test_seven_bands_of_every_layout(tmp_path, rng, how):
    pixels, path = bands(rng, 7), tmp_path / "seven.tif"
    first = np.moveaxis(pixels, -1, 0)
    if how == "array":  # as `skimage.io.imsave` and `tifffile.imwrite` take it
        tifffile.imwrite(path, pixels)
    elif how == "pages":
        tifffile.imwrite(path, first)
    else:
        array = pixels if how == "contig" else first
        tifffile.imwrite(path, array, planarconfig=how, photometric="minisblack")
    np.testing.assert_array_equal(read_image(path, 7), pixels)
    with pytest.raises(ValueError, match=r"seven\.tif.*(7 channels|pages)"):
        read_image(path)
    with pytest.raises(ValueError, match=r"seven\.tif"):
        read_image(path, 8)


def test_bands_beside_colours_are_not_lost_in_silence(tmp_path, rng, capsys):
    pixels = bands(rng, 5)
    tifffile.imwrite(tmp_path / "5.tif", pixels, photometric="rgb")
    with pytest.raises(ValueError, match=r"5\.tif: 5 channels.*takes 3"):
        read_image(tmp_path / "5.tif")
    four = pixels[..., :4]
    tifffile.imwrite(tmp_path / "4.tif", four, photometric="rgb", extrasamples=(0,))
    np.testing.assert_array_equal(read_image(tmp_path / "4.tif"), four[..., :3])
    assert "fourth band" in capsys.readouterr().out
    np.testing.assert_array_equal(read_image(tmp_path / "4.tif", 4), four)
    two = pixels[..., :2]
    tifffile.imwrite(tmp_path / "2.tif", two, planarconfig="contig")
    np.testing.assert_array_equal(read_image(tmp_path / "2.tif", 2), two)


def test_grey_and_alpha_are_what_the_model_takes(tmp_path, rng):
    grey, path = bands(rng, 1), tmp_path / "a.png"
    Image.fromarray(grey[..., 0]).save(path)
    np.testing.assert_array_equal(read_image(path, 1), grey)
    with pytest.raises(ValueError, match=r"1 channels, but the model takes 4"):
        read_image(path, 4)
    rgba = bands(rng, 4)
    Image.fromarray(rgba).save(path)
    np.testing.assert_array_equal(read_image(path, 4), rgba)
    np.testing.assert_array_equal(read_image(path), rgba[..., :3])
    with pytest.raises(ValueError, match=r"a\.png: 4 channels.*takes 1.*make it grey"):
        read_image(path, 1)
    Image.fromarray(np.dstack([grey] * 3)).save(path)  # grey, stored as colour
    np.testing.assert_array_equal(read_image(path, 1), grey)


@pytest.mark.parametrize("channels", [1, 3, 4])
def test_a_data_set_reads_what_its_model_takes(tmp_path, rng, channels):
    pixels = bands(rng, channels)
    Image.fromarray(pixels[..., 0] if channels == 1 else pixels).save(
        tmp_path / "a.png"
    )

    class Own(Dataset):
        def load_mask(self, image_id):
            return np.ones((5, 6, 1), bool), np.ones(1, np.int32)

    class Reads(Own):
        def load_image(self, image_id):
            return np.zeros((5, 6, channels), np.uint8)

    for kind, expected in ((Own, pixels), (Reads, pixels * 0)):
        dataset = kind()
        dataset.add_class("own", 1, "thing")
        dataset.add_image("own", 0, tmp_path / "a.png")
        dataset.prepare()
        image = load_annotated(dataset, 0, channels)[0]
        np.testing.assert_array_equal(image, expected)
    assert Own.load_image(dataset, 0).shape == (5, 6, 3)


@pytest.mark.parametrize("mode", ["LA", "PA", "P", "1", "CMYK", "YCbCr", "LAB"])
def test_modes_of_pillow(tmp_path, mode):
    picture = Image.new("RGB", (4, 2), (255, 255, 255))
    if mode == "PA":
        picture = picture.convert("P")
    if mode == "LAB":
        picture = Image.new("LAB", (4, 2), (255, 128, 128))
    picture.convert(mode).save(tmp_path / "a.tif")
    assert (read_image(tmp_path / "a.tif") > 250).all()


def test_palettes_with_transparency(tmp_path):
    picture = Image.new("P", (2, 1))
    picture.putpalette([10, 20, 30, 40, 50, 60])
    picture.putpixel((1, 0), 1)
    picture.save(tmp_path / "a.png", transparency=b"\x00\x80")
    assert read_image(tmp_path / "a.png").tolist() == [[[10, 20, 30], [40, 50, 60]]]
    assert read_image(tmp_path / "a.png", 4)[0, :, 3].tolist() == [0, 128]


@pytest.mark.parametrize("kind", ["gif", "webp", "png", "tif"])
def test_several_frames_are_refused(tmp_path, kind):
    path = tmp_path / f"film.{kind}"
    first, *rest = (Image.new("RGB", (9, 8), (v, v, v)) for v in (0, 90, 200))
    first.save(path, save_all=True, append_images=rest)
    with pytest.raises(PictureError, match=rf"film\.{kind} has 3 (frames|pages)"):
        read_image(path)
    first.save(path)
    assert not read_image(path).any()


def test_a_camera_s_preview_and_a_thumbnail_are_no_frames(tmp_path, rng):
    first, small = Image.new("RGB", (16, 8), (9, 9, 9)), Image.new("RGB", (4, 2))
    first.save(tmp_path / "a.mpo", save_all=True, append_images=[small])
    assert (read_image(tmp_path / "a.mpo") == 9).all()
    pixels = bands(rng, 3)
    with tifffile.TiffWriter(tmp_path / "a.tif") as file:
        file.write(pixels, photometric="rgb")
        file.write(pixels[::2, ::2], photometric="rgb", subfiletype=1)
    np.testing.assert_array_equal(read_image(tmp_path / "a.tif"), pixels)


def test_a_large_picture_names_the_limit(tmp_path, monkeypatch):
    Image.new("L", (60, 50)).save(tmp_path / "wide.png")
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 1400)
    match = r"wide\.png.*3000 pixels.*MAX_IMAGE_PIXELS, now 1400"
    with pytest.raises(PictureError, match=match):
        read_image(tmp_path / "wide.png")
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 2000)  # between limit and twice it
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", Image.DecompressionBombWarning)
        assert read_image(tmp_path / "wide.png").shape == (50, 60, 3)


@pytest.mark.parametrize("kind", ["png", "jpg", "tif", "gif", "webp", "bmp"])
def test_broken_files_are_named(tmp_path, rng, kind):
    path = tmp_path / f"cut.{kind}"
    Image.fromarray(rng.integers(0, 256, (40, 50, 3), np.uint8)).save(path)
    whole = path.read_bytes()
    for size in (len(whole) // 2, 20, 3, 0):
        path.write_bytes(whole[:size])
        with pytest.raises(ValueError, match=rf"cut\.{kind} cannot be read"):
            read_image(path)


@pytest.mark.parametrize(
    ("image", "match"),
    [
        (np.linspace(0, 1, 48).reshape(4, 4, 3), r"parts of one.*image \* 255"),
        (np.full((4, 4, 3), -123.7), r"less its mean.*mold_image.*original image"),
        (np.linspace(-1, 1, 48).reshape(4, 4, 3), r"less its mean"),
        (np.full((4, 4, 3), 4095, np.uint16), r"pixels from 4095.*scale them"),
        (np.ones((4, 4, 3), bool), r"True and False.*\* 255"),
        (np.ones((4, 4, 3), complex), r"complex128 instead of numbers"),
        (np.full((4, 4, 3), "a"), r"<U1 instead of numbers"),
        (np.full((4, 4, 3), None), r"object instead of numbers"),
        (np.zeros((3, 48, 64), np.uint8), r"channels come last.*moveaxis"),
        (np.zeros((4, 4, 7), np.uint8), r"7 channels, but the model takes 3"),
        (Image.new("P", (4, 4)), r"mode P.*convert"),
    ],
)
def test_arrays_that_are_no_images_say_what_would_be(image, match):
    with pytest.raises(ValueError, match=r"^pic: .*" + match):
        check_image(image, "pic")


def test_arrays_that_are_images():
    for black in (np.zeros((4, 4, 3)), np.ones((4, 4, 3)), np.zeros((4, 4), np.int64)):
        assert check_image(black, "pic").max() <= 1
    image = np.full((4, 4, 3), 200, np.uint16)
    assert (check_image(image, "pic") == 200).all()
    eight = image.astype(np.uint8)
    assert check_image(eight, "pic") is eight
    assert check_image(Image.new("L", (5, 4)), "pic").shape == (4, 5, 3)


@pytest.mark.parametrize(("count", "channels"), [(7, 5), (3, 2), (2, 3), (3, 4)])
def test_channels_that_are_no_alpha_are_not_dropped(count, channels):
    with pytest.raises(ValueError, match=rf"{count} channels.*takes {channels}"):
        fit_channels(np.zeros((4, 4, count), np.uint8), channels, "pic")


def test_a_last_band_that_may_be_alpha_is_not_left_out_in_silence(capsys):
    image = np.arange(28, dtype=np.uint8).reshape(2, 2, 7)
    for _ in range(2):
        assert fit_channels(image, 6, "pic").tolist() == image[..., :6].tolist()
    said = capsys.readouterr().out
    assert said.count("7 channels") == 1 and "IMAGE_CHANNEL_COUNT = 7 keeps" in said


@pytest.mark.parametrize("kind", ["separate", "miniswhite"])
def test_layouts_of_16_bits_that_pillow_mixes_up(tmp_path, kind):
    path = tmp_path / "a.tif"
    if kind == "separate":
        colours = np.stack([SIXTEEN, SIXTEEN.T, SIXTEEN[::-1]])
        tifffile.imwrite(path, colours, photometric="rgb", planarconfig=kind)
        expected = np.moveaxis(colours, 0, -1)
    else:
        tifffile.imwrite(path, SIXTEEN, photometric=kind)
        expected = np.dstack([65535 - SIXTEEN] * 3)
    np.testing.assert_array_equal(read_image(path), np.rint(expected / 257))


@pytest.mark.parametrize("channels", [3, 5])
def test_pages_that_the_file_calls_channels(tmp_path, rng, channels):
    pixels = bands(rng, channels)
    planes = np.moveaxis(pixels, -1, 0)
    tifffile.imwrite(tmp_path / "a.tif", planes, imagej=True, metadata={"axes": "CYX"})
    np.testing.assert_array_equal(read_image(tmp_path / "a.tif", channels), pixels)
