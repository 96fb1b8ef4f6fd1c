"""Films out of files and into files: colours, sizes, rates, counts, and broken ones.

What is read was written by OpenCV itself, and what is written is read by it; rotation
and uneven times are put into the boxes of MP4 files by hand (ISO/IEC 14496-12).
"""

import os
import struct
import sys
from pathlib import Path

import numpy as np
import pytest

from mrcnn import notices
from mrcnn.data import films

cv2 = pytest.importorskip("cv2")


def picture(number, shape=(48, 64)):
    """Return RGB: red on the left, blue on the right, green that grows below."""
    image = np.zeros((*shape, 3), np.uint8)
    image[:, : shape[1] // 2, 0] = 200
    image[:, shape[1] // 2 :, 2] = 200
    image[shape[0] // 2 :, :, 1] = 4 * (number % 60)
    return image


def film(path, count=20, rate=10.0, shape=(48, 64)):
    """Write a film with OpenCV; return its path."""
    code = cv2.VideoWriter_fourcc(*("MJPG" if path.suffix == ".avi" else "mp4v"))
    writer = cv2.VideoWriter(str(path), code, rate, shape[::-1])
    for i in range(count):
        writer.write(picture(i, shape)[..., ::-1])
    writer.release()
    return path


def read_by_opencv(path):
    """Return rate and pictures, RGB."""
    capture, found = cv2.VideoCapture(str(path)), []
    while (one := capture.read()[1]) is not None:
        found.append(one[..., ::-1])
    rate = capture.get(cv2.CAP_PROP_FPS)
    capture.release()
    return rate, found


def near(a, b):
    """Compare pictures that a codec has changed a little, away from their edges."""
    assert a.shape == b.shape
    assert np.abs(a.astype(int) - b).mean() < 12


@pytest.mark.parametrize("suffix", [".mp4", ".avi"])
def test_every_picture_comes_once_in_rgb(tmp_path, suffix):
    path = film(tmp_path / f"a{suffix}")
    found = list(films.pictures(path))
    assert len(found) == films.about(path).count == 20
    assert films.about(path).rate == 10
    for i in (0, 7, 19):
        near(found[i], picture(i))


@pytest.mark.parametrize("suffix", sorted(films.CODECS))
@pytest.mark.parametrize("rate", [1, 7.5, 24000 / 1001, 25, 30000 / 1001, 60, 120])
def test_what_is_written_keeps_rate_count_and_colours(tmp_path, suffix, rate):
    path = tmp_path / f"out{suffix}"
    with films.written(path, rate) as add:
        for i in range(12):
            add(picture(i))
        assert not path.exists()
    there, found = read_by_opencv(path)
    assert there == pytest.approx(rate, rel=2e-4)
    assert len(found) == 12
    near(found[5], picture(5))
    assert [p.name for p in tmp_path.iterdir()] == [path.name]


@pytest.mark.parametrize("suffix", sorted(films.CODECS))
@pytest.mark.parametrize("shape", [(1, 1), (3, 2), (47, 64), (48, 65), (47, 63)])
def test_odd_sizes_lose_nothing(tmp_path, suffix, shape):
    path = tmp_path / f"out{suffix}"
    with films.written(path, 10) as add:
        for _ in range(3):
            add(picture(20, shape))
    found = read_by_opencv(path)[1]
    assert len(found) == 3
    whole = tuple(side + side % 2 for side in shape)
    assert found[0].shape == (*whole, 3)
    if min(shape) > 10:
        near(found[0][: shape[0], : shape[1]], picture(20, shape))


def test_pictures_of_two_sizes_are_one_error_and_the_rest_is_kept(tmp_path, capsys):
    path = tmp_path / "out.avi"
    path.write_bytes(b"the old one")
    with (
        pytest.raises(
            ValueError, match=r"picture 2 for .*out\.avi is 9 x 8, .* 48 x 64"
        ),
        films.written(path, 10) as add,
    ):
        add(picture(0))
        add(picture(1))
        add(picture(2, (9, 8)))
    assert path.read_bytes() == b"the old one"
    part = tmp_path / "out.part.avi"
    assert len(read_by_opencv(part)[1]) == 2
    assert f"{part} holds the 2 pictures so far." in capsys.readouterr().err
    assert len(list(tmp_path.iterdir())) == 2


@pytest.mark.parametrize("error", [KeyboardInterrupt, ZeroDivisionError])
def test_an_interruption_leaves_a_whole_film_of_another_name(tmp_path, error):
    path = tmp_path / "out.mp4"
    with pytest.raises(error), films.written(path, 10) as add:
        for i in range(5):
            add(picture(i))
        raise error
    assert [p.name for p in tmp_path.iterdir()] == ["out.part.mp4"]
    assert len(read_by_opencv(tmp_path / "out.part.mp4")[1]) == 5


def test_no_picture_is_no_film(tmp_path):
    with (
        pytest.raises(ValueError, match="no picture came"),
        films.written(tmp_path / "out.mp4", 10),
    ):
        pass
    with pytest.raises(ZeroDivisionError), films.written(tmp_path / "out.mp4", 10):
        raise ZeroDivisionError
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("rate", [0, -1, float("nan"), float("inf"), "25", 5000])
def test_rates_that_are_none(tmp_path, rate):
    with (
        pytest.raises(ValueError, match="rate is"),
        films.written(tmp_path / "out.mp4", rate),
    ):
        pass


def test_what_did_not_get_to_the_disk_is_an_error(tmp_path, monkeypatch):
    real = films.about
    monkeypatch.setattr(films, "about", lambda path: real(path)._replace(count=1))
    path = tmp_path / "out.mp4"
    with (
        pytest.raises(OSError, match="holds 1 of 2 pictures"),
        films.written(path, 10) as add,
    ):
        add(picture(0))
        add(picture(1))
    assert not path.exists()


# --- Boxes of MP4


def boxes(data, start, end):
    """Yield the kind, beginning and end of the boxes in a part of a file."""
    while start < end:
        size, kind = struct.unpack_from(">I4s", data, start)
        yield kind, start, start + size
        start += size


def find(data, *kinds):
    """Return where boxes begin and end, each inside the one before."""
    found, start, end = [], 0, len(data)
    for kind in kinds:
        here = next((s, e) for k, s, e in boxes(data, start, end) if k == kind)
        found.append(here)
        start, end = here[0] + 8, here[1]
    return found


def rotate(path, degrees):
    """Let players turn a film clockwise: the matrix of its track (8.3.2)."""
    data = bytearray(path.read_bytes())
    start = find(data, b"moov", b"trak", b"tkhd")[-1][0]
    one = 1 << 16
    turns = {90: (0, one, -one, 0), 180: (-one, 0, 0, -one), 270: (0, -one, one, 0)}
    a, b, c, d = turns[degrees]
    struct.pack_into(">9i", data, start + 48, a, b, 0, c, d, 0, 0, 0, 1 << 30)
    path.write_bytes(data)


def slow_down(path, after, factor):
    """Let the pictures after some last longer: the table of times (8.6.1.2)."""
    data = bytearray(path.read_bytes())
    way = find(data, b"moov", b"trak", b"mdia", b"minf", b"stbl", b"stts")
    start = way[-1][0]
    _, entries, count, delta = struct.unpack_from(">4I", data, start + 8)
    assert entries == 1 and way[0][1] == len(data)  # nothing that follows moves
    table = struct.pack(">6I", 0, 2, after, delta, count - after, factor * delta)
    data[start + 8 : way[-1][1]] = table
    for begin, end in way:
        struct.pack_into(">I", data, begin, end - begin + 8)
    path.write_bytes(data)
    trim(path, (after + factor * (count - after)) / count)


def trim(path, share):
    """Let players show a share of the length of a film: its list of edits (8.6.6)."""
    data = bytearray(path.read_bytes())
    start = find(data, b"moov", b"trak", b"edts", b"elst")[-1][0]
    (length,) = struct.unpack_from(">I", data, start + 16)
    struct.pack_into(">I", data, start + 16, round(share * length))
    path.write_bytes(data)


@pytest.mark.parametrize(("degrees", "turns"), [(90, -1), (180, 2), (270, 1)])
def test_a_film_that_is_to_be_turned_comes_upright(tmp_path, degrees, turns):
    path = film(tmp_path / "a.mp4")
    rotate(path, degrees)
    found = list(films.pictures(path))
    assert len(found) == 20
    near(found[10], np.rot90(picture(10), turns))


def test_uneven_times_are_said_once_and_no_picture_is_lost(
    tmp_path, capsys, monkeypatch
):
    monkeypatch.setattr(notices, "_said", set())
    path = film(tmp_path / "a.mp4")
    assert len(list(films.pictures(path))) == 20
    assert capsys.readouterr().out == ""
    slow_down(path, after=10, factor=3)
    assert len(list(films.pictures(path))) == 20
    said = capsys.readouterr().out
    assert said.count("has no constant rate") == 1 and str(path) in said
    # 10 pictures of 0.1 s and 10 of 0.3 s: written evenly, they last as long.
    assert films.about(path).rate == pytest.approx(20 / 4, rel=0.06)


# --- What is broken, and what is none


@pytest.mark.filterwarnings("error")
def test_a_film_that_breaks_off_names_file_and_picture(tmp_path):
    path = film(tmp_path / "a.avi", count=60)
    content = path.read_bytes()
    path.write_bytes(content[: len(content) // 2])
    found = []
    with pytest.raises(ValueError, match=r"a\.avi breaks off at picture") as caught:
        found.extend(films.pictures(path))
    assert f"at picture {len(found)}, of 60" in str(caught.value)
    assert 20 < len(found) < 40


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"#EXTM3U\nhttp://127.0.0.1/a.ts\n",
        b"#EXTM3U\n#\0\nother.ts\n",
        "ffconcat ä".encode(),
        bytes(range(256)) * 20,
    ],
)
def test_what_is_no_film_is_one_error(tmp_path, content):
    path = tmp_path / "a.mp4"
    path.write_bytes(content)
    with pytest.raises(ValueError, match=r"a\.mp4 is no film"):
        next(films.pictures(path))
    with pytest.raises(ValueError, match=r"a\.mp4 is no film"):
        films.about(path)


@pytest.mark.parametrize("byte", [0, 255])
def test_damage_in_the_middle_names_file_and_picture(tmp_path, byte):
    """OpenCV stops there as at the end, though more would follow."""
    path = film(tmp_path / "a.mp4", count=60)
    content = bytearray(path.read_bytes())
    middle = slice(4 * len(content) // 10, 6 * len(content) // 10)
    content[middle] = bytes([byte]) * len(content[middle])
    path.write_bytes(content)
    found = []
    with pytest.raises(ValueError, match=r"a\.mp4 is damaged at picture") as caught:
        found.extend(films.pictures(path))
    assert f"at picture {len(found)}, of 60" in str(caught.value)
    assert 10 < len(found) < 40


def test_a_trimmed_film_is_what_players_show(tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(notices, "_said", set())
    path = film(tmp_path / "a.mp4", count=60)
    trim(path, 0.5)
    assert len(list(films.pictures(path))) == 30
    assert "30 of the 60 pictures" in capsys.readouterr().out


def test_a_film_whose_index_comes_first_and_that_is_cut_breaks_off(tmp_path):
    """As a download that stopped: the index is there, and the pictures are not."""
    data = bytearray(film(tmp_path / "b.mp4", count=60).read_bytes())
    (start, end), *_ = found = find(data, b"moov", b"trak", b"mdia", b"minf", b"stbl")
    assert end == len(data) and len(found) == 5
    first = len(data[: find(data, b"mdat")[0][0]])
    places = find(data, b"moov", b"trak", b"mdia", b"minf", b"stbl", b"stco")[-1][0]
    (count,) = struct.unpack_from(">I", data, places + 12)
    for i in range(count):  # places of pictures from the beginning of the file
        (place,) = struct.unpack_from(">I", data, places + 16 + 4 * i)
        struct.pack_into(">I", data, places + 16 + 4 * i, place + end - start)
    path = tmp_path / "a.mp4"
    path.write_bytes(data[:first] + data[start:end] + data[first : start // 2])
    with pytest.raises(ValueError, match=r"a\.mp4 (breaks off|is damaged) at picture"):
        list(films.pictures(path))


def test_a_film_without_its_end_cannot_be_opened(tmp_path):
    path = film(tmp_path / "a.mp4")
    path.write_bytes(path.read_bytes()[:-200])
    with pytest.raises(ValueError, match="cut short"):
        next(films.pictures(path))


def test_a_camera_that_is_not_there(capfd):
    with pytest.raises(OSError, match="camera 97 cannot be opened"):
        next(films.pictures(97))


def test_a_camera_that_stops_says_so(monkeypatch):
    class Camera:
        left = 3

        def __init__(self, number):
            assert number == 1

        def isOpened(self):
            return True

        def set(self, *_):
            pass

        def get(self, key):
            return 0.0

        def read(self):
            self.left -= 1
            return self.left >= 0, picture(0) if self.left >= 0 else None

        def release(self):
            self.closed = True

    monkeypatch.setattr(cv2, "VideoCapture", Camera)
    assert films.about(1) == (25, 0)
    found = []
    with pytest.raises(OSError, match="camera 1 gives no more pictures after 3"):
        found.extend(films.pictures(1))
    np.testing.assert_array_equal(found[0], picture(0)[..., ::-1])


@pytest.mark.skipif(not Path("/proc/self/fd").is_dir(), reason="no /proc")
def test_closing_early_frees_the_file(tmp_path):
    path = film(tmp_path / "a.mp4")

    def held():
        links = [Path("/proc/self/fd", name) for name in os.listdir("/proc/self/fd")]
        return path in [link.readlink() for link in links if link.is_symlink()]

    pictures = films.pictures(path)
    next(pictures)
    assert held()
    pictures.close()
    assert not held()


def test_without_opencv_it_is_said_what_to_install(tmp_path, monkeypatch):
    path = film(tmp_path / "a.mp4")
    monkeypatch.setitem(sys.modules, "cv2", None)
    with pytest.raises(ImportError, match="pip install opencv-python-headless"):
        next(films.pictures(path))
    with (
        pytest.raises(ImportError, match="opencv-python-headless"),
        films.written(tmp_path / "b.mp4", 10),
    ):
        pass
