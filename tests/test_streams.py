"""Streams of pictures through a model: every source, bounded memory, what is written.

The network is one that finds bright rectangles (`Seer` of the tests of tiles).
"""

import gc
import re
import weakref
from itertools import islice

import numpy as np
import pytest
from PIL import Image

from mrcnn import streams
from mrcnn.data import films
from mrcnn.data.sources import frames, rate_of
from mrcnn.detection import detect
from mrcnn.ops.rle import decode
from mrcnn.streams import annotate, detect_stream, write
from mrcnn.structures import Preprocessing
from mrcnn.views import Views
from tests.test_detection_tiled import Seer

NAMES = ["BG", "odd", "even"]
SQUARE = Preprocessing("square", 64, 64, 0, (0.0, 0.0, 0.0))


@pytest.fixture
def seer():
    """Return a model that sees pictures of 64 pixels as they are."""
    return Seer(SQUARE)


def picture(number=0, shape=(64, 64)):
    """Return grey RGB with one rectangle that moves with the number."""
    image = np.zeros((*shape, 3), np.uint8)
    image[8:20, 10 + number % 20 : 30 + number % 20] = 200
    return image


def film(path, count=12, rate=10):
    """Write a film of pictures."""
    with films.written(path, rate) as add:
        for i in range(count):
            add(picture(i))
    return path


def folder(place, names):
    """Write pictures of these names; return the folder."""
    for i, name in enumerate(names):
        (place / name).parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(picture(i)).save(place / name)
    return place


# --- What comes in


def test_a_folder_comes_in_the_order_of_its_numbers(tmp_path):
    place = folder(tmp_path / "in", ["9.png", "10.png", "b/1.png", "a.png"])
    (place / "notes.txt").write_text("no picture")
    found = list(frames(place))
    assert [name for name, _ in found] == ["9.png", "10.png", "a.png", "b/1.png"]
    np.testing.assert_array_equal(found[1][1], picture(1))


def test_one_picture_of_a_folder(tmp_path):
    place = folder(tmp_path, ["a.png", "b.png"])
    ((name, image),) = frames(place / "b.png")
    assert name == "b.png"
    np.testing.assert_array_equal(image, picture(1))


def test_a_film_is_known_by_its_content(tmp_path):
    path = film(tmp_path / "a.mp4").rename(tmp_path / "street.dat")
    found = list(frames(str(path)))
    assert [name for name, _ in found][::11] == ["street_000000", "street_000011"]
    assert np.abs(found[3][1].astype(int) - picture(3)).mean() < 8
    assert rate_of(path) == 10


def test_arrays_a_list_or_a_generator():
    for source in ([picture(0)[..., 0], picture(1)], (picture(i) for i in range(2))):
        found = list(frames(source))
        assert [name for name, _ in found] == ["000000", "000001"]
        assert {image.shape for _, image in found} == {(64, 64, 3)}
    assert rate_of([]) == 25


def test_as_many_channels_as_a_model_takes(tmp_path):
    place = folder(tmp_path / "in", ["1.png"])
    Image.fromarray(picture()[..., 0]).save(place / "2.png")
    Image.fromarray(picture() // np.array([1, 2, 3], np.uint8)).save(place / "3.png")
    stream = frames(place, channels=1)
    assert [next(stream)[1].shape for _ in range(2)] == [(64, 64, 1)] * 2
    with pytest.raises(ValueError, match=r"3\.png: 3 channels, but the model takes 1"):
        next(stream)
    grey = Seer(SQUARE._replace(mean_pixel=(0.0,)))
    grey.backbone.input_shape = (None, None, None, 1)
    for source in (place / "2.png", [picture()[..., 0]]):
        ((_, image, found),) = detect_stream(grey, source, progress=False)
        assert image.shape == (64, 64, 1)
        assert found["rois"].tolist() == [[8, 10, 20, 30]]


def test_a_camera_is_a_number(monkeypatch):
    def pictures(number):
        while True:
            yield picture(number)

    monkeypatch.setattr(films, "pictures", pictures)
    monkeypatch.setattr(films, "about", lambda number: films.Film(30.0, 0))
    assert rate_of(np.int64(1)) == 30
    found = list(islice(frames(1), 2))
    assert [name for name, _ in found] == ["camera_000000", "camera_000001"]
    np.testing.assert_array_equal(found[0][1], picture(1))


@pytest.mark.parametrize(
    ("source", "error", "message"),
    [
        ("nowhere", FileNotFoundError, "source is nowhere, where nothing is"),
        (picture(), TypeError, "one array of shape"),
        (None, TypeError, "source is None: give a folder"),
        (True, TypeError, "source is True: give a folder"),
        (-1, TypeError, "source is -1: give a folder"),
        (1.5, TypeError, "source is 1.5: give a folder"),
        ({"a": 1}, TypeError, "source is .*: give a folder"),
    ],
)
def test_what_is_no_source_is_one_error_at_once(source, error, message):
    with pytest.raises(error, match=message):
        frames(source)


def test_an_empty_folder_and_broken_pictures(tmp_path):
    with pytest.raises(FileNotFoundError, match="holds no picture"):
        frames(tmp_path)
    place = folder(tmp_path / "in", ["1.png", "2.png"])
    (place / "2.png").write_bytes((place / "2.png").read_bytes()[:60])
    stream = frames(place)
    assert next(stream)[0] == "1.png"
    with pytest.raises(ValueError, match=r"2\.png"):
        next(stream)
    with pytest.raises(ValueError, match="image 1"):
        list(frames(iter([picture(), np.zeros(3)])))


# --- Through a model


@pytest.mark.parametrize("options", [{}, {"batch_size": 3}, {"masks": "rle"}])
def test_is_what_detect_finds(seer, options):
    images = [picture(i) for i in range(7)]
    stream = list(detect_stream(seer, iter(images), progress=False, **options))
    assert [name for name, *_ in stream] == [f"{i:06d}" for i in range(7)]
    for (_, image, ours), given in zip(stream, images, strict=True):
        (alone,) = detect(seer, [given])
        np.testing.assert_array_equal(image, given)
        np.testing.assert_array_equal(ours["rois"], alone["rois"])
        masks = ours["masks"]
        masks = masks if isinstance(masks, np.ndarray) else decode(masks, (64, 64))
        np.testing.assert_array_equal(masks, alone["masks"])
        assert len(ours["scores"]) == 1


def test_batches_are_as_large_as_is_asked(seer):
    images = (picture(i) for i in range(7))
    list(detect_stream(seer, images, batch_size=3, progress=False))
    assert [shape[0] for shape in seer.batches] == [3, 3, 1]


def test_pictures_of_several_sizes_and_tiles(seer):
    images = [picture(), picture(1, (64, 160)), picture(2, (40, 40))]
    stream = detect_stream(seer, images, tile=64, batch_size=4, progress=False)
    found = [found["rois"].tolist() for *_, found in stream]
    assert found == [d["rois"].tolist() for d in detect(seer, images, tile=64)]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"batch_size": 0}, "batch_size"),
        ({"tile": -1}, "tile"),
        ({"views": True}, "views is True"),
        ({"views": Views(True), "tile": 64}, "tile is given too"),
        ({"masks": "png"}, "masks"),
        ({"overlap": 3}, "overlap"),
    ],
)
def test_wrong_options_are_told_before_a_picture_is_read(seer, options, message):
    def never():
        raise AssertionError
        yield

    with pytest.raises(ValueError, match=message):
        detect_stream(seer, never(), **options)


@pytest.mark.parametrize("length", [20, 200])
@pytest.mark.parametrize("batch_size", [1, 4])
def test_no_more_pictures_live_than_a_batch(seer, length, batch_size):
    made = []

    class Picture(np.ndarray):
        pass

    def given():
        for i in range(length):
            image = picture(i).view(Picture)
            made.append(weakref.ref(image))
            yield image
            del image

    most = 0
    for _ in detect_stream(seer, given(), batch_size=batch_size, progress=False):
        most = max(most, sum(image() is not None for image in made))
    assert 0 < most <= batch_size + 1


def test_closing_early_closes_what_it_reads_from(seer):
    closed = []

    def given():
        try:
            while True:
                yield picture()
        finally:
            closed.append(True)

    stream = detect_stream(seer, given())
    next(stream)
    stream.close()
    gc.collect()
    assert closed


def test_progress_says_how_far_it_is(seer, capsys, monkeypatch):
    monkeypatch.setattr(streams, "EVERY", 0)
    list(detect_stream(seer, [picture()] * 3))
    said = capsys.readouterr()
    assert said.out == ""
    lines = [line.strip() for line in said.err.split("\r")[1:]]
    assert re.fullmatch(r"1 of 3 pictures, \S+ a second, \d+ s left", lines[0])
    assert re.fullmatch(r"3 of 3 pictures, \S+ a second", lines[-1])
    assert said.err.endswith("\n")
    list(detect_stream(seer, iter([picture()])))
    assert "\r1 pictures, " in capsys.readouterr().err
    list(detect_stream(seer, [picture()], progress=False))
    assert capsys.readouterr().err == ""


# --- What goes out


def test_a_folder_of_drawn_pictures(tmp_path, seer):
    place = folder(tmp_path / "in", ["1.png", "sub/2.jpg", "3.tif"])
    out = annotate(seer, place, tmp_path / "out", NAMES, progress=False)
    names = sorted(p.relative_to(out).as_posix() for p in out.rglob("*.*"))
    assert names == ["1.png", "3.tif.png", "sub/2.jpg"]
    with Image.open(out / "1.png") as drawn:
        changed = (np.array(drawn) != picture(0)).any(axis=-1)
    assert changed[9:19, 11:29].all() and not changed[40:].any()


def test_a_film_keeps_its_rate_and_number(tmp_path, seer):
    path = film(tmp_path / "a.mp4", rate=7.5)
    out = annotate(seer, path, tmp_path / "b.avi", NAMES, progress=False)
    assert films.about(out) == (7.5, 12)
    assert {p.name for p in tmp_path.iterdir()} == {"a.mp4", "b.avi"}


def test_a_picture_that_is_there_is_never_replaced(tmp_path, seer):
    place = folder(tmp_path, ["1.png"])
    before = (place / "1.png").read_bytes()
    with pytest.raises(FileExistsError, match=r"1\.png is there"):
        write(frames(place), place)
    path = film(tmp_path / "a.mp4")
    for source in (place, path):
        with pytest.raises(ValueError, match="path is the source"):
            annotate(seer, source, source, NAMES)
    assert (place / "1.png").read_bytes() == before
    assert films.about(path).count == 12


@pytest.mark.parametrize("name", ["out", "out.mp4"])
def test_no_picture_is_nothing(tmp_path, name):
    with pytest.raises(ValueError, match="no picture came"):
        write(iter([]), tmp_path / name)
    assert not list(tmp_path.iterdir())


def test_a_broken_film_is_one_error_and_the_beginning_is_kept(tmp_path, seer, capsys):
    path = film(tmp_path / "a.avi", count=60)
    content = path.read_bytes()
    path.write_bytes(content[: len(content) // 2])
    with pytest.raises(ValueError, match=r"a\.avi breaks off at picture") as caught:
        annotate(seer, path, tmp_path / "b.mp4", NAMES)
    kept = films.about(tmp_path / "b.part.mp4").count
    assert f"at picture {kept}, of 60" in str(caught.value)
    assert f"b.part.mp4 holds the {kept} pictures so far." in capsys.readouterr().err
    assert {p.name for p in tmp_path.iterdir()} == {"a.avi", "b.part.mp4"}


def test_an_endless_stream_can_be_cut(tmp_path, seer):
    def forever():
        while True:
            yield picture()

    found = detect_stream(seer, forever(), progress=False)
    out = write(islice(((n, im) for n, im, _ in found), 5), tmp_path / "out")
    assert len(list(out.iterdir())) == 5


@pytest.mark.parametrize("name", ["../x", "a/../../x.png", "/x"])
def test_a_name_does_not_lead_out_of_the_folder(tmp_path, name):
    name = str(tmp_path / "x") if name == "/x" else name
    with pytest.raises(ValueError, match=r"x.*' would lie outside .*: name it anew"):
        write([(name, picture())], tmp_path / "out")
    assert not list(tmp_path.rglob("*.png"))
    write([("a/../b/x", picture())], tmp_path / "out")
    assert [p.name for p in tmp_path.rglob("*.png")] == ["x.png"]


@pytest.mark.parametrize("place", ["found.avi", "found"])
def test_pictures_of_any_kind_are_written_and_others_refused(tmp_path, place):
    """Grey, with alpha, or floats; of what is none, nothing is begun."""
    grey, alpha = picture()[..., 0], np.dstack([picture(), picture()[..., 0]])
    kinds = enumerate([grey, grey[..., None], alpha, picture().astype(float)])
    out = write(((f"{i}.jpg", each) for i, each in kinds), tmp_path / place)
    for _, image in frames(out):
        assert image.shape == (64, 64, 3)
        assert np.abs(image.astype(int) - picture()).mean() < 4
    (tmp_path / "new").mkdir()
    for wrong in (picture() / 255, np.zeros((4, 4, 5)), None, np.zeros((0, 4, 3))):
        with pytest.raises(ValueError, match=r"^one"):
            write([("one", wrong)], tmp_path / "new" / place)
    assert not [p for p in (tmp_path / "new").rglob("*") if p.is_file()]
