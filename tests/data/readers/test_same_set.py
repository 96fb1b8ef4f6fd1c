"""One set in seven formats is one data set, and none of them is taken for another."""

import json
import random
import shutil
import time

import numpy as np
import pytest

from mrcnn.data.dataset import load_objects
from mrcnn.data.readers import cvat, labelme, mask_folder, via3, voc, yolo
from tests.data.readers import written

FORMATS = {
    "labelme": (labelme, written.as_labelme),
    "yolo": (yolo, written.as_yolo),
    "cvat": (cvat, written.as_cvat),
    "voc": (voc, written.as_voc),
    "via3": (via3, written.as_via3),
    "masks": (mask_folder, written.as_masks),
    "files": (mask_folder, written.as_files),
}
PIECES = (b"null", b"-1", b"[]", b'"x"', b"1e999", b"../../x", b"\xff\xfe", b"9" * 30)
PIECES += (b"NaN", b"\\ud800", b"{}", b'{"a": [1]}', b"true")
each_format = pytest.mark.parametrize("name", FORMATS)


@each_format
def test_the_objects_are_those_that_were_drawn(name, tmp_path, capsys):
    reader, write = FORMATS[name]
    path = write(tmp_path)
    dataset = reader.read(path)
    found = written.objects(dataset)
    assert found.keys() == written.SET.keys()
    one_class = reader is mask_folder
    for stem, drawn in written.SET.items():
        assert len(found[stem]) == len(drawn)
        for (label, pixels), (wanted, points) in zip(found[stem], drawn, strict=True):
            assert label == ("object" if one_class else wanted)
            np.testing.assert_array_equal(pixels, written.mask(points))
    for i in dataset.image_ids:
        image = dataset.load_image(i)
        load_objects(dataset, i, image.shape[:2])


@each_format
def test_a_format_is_known_by_its_content_alone(name, tmp_path):
    path = FORMATS[name][1](tmp_path)
    knowing = {n for n, (reader, _) in FORMATS.items() if reader.fits(path)}
    assert knowing == ({"masks", "files"} if name in ("masks", "files") else {name})


@pytest.mark.parametrize("reader", dict.fromkeys(r for r, _ in FORMATS.values()))
def test_what_is_of_no_format_fits_none(reader, tmp_path):
    (tmp_path / "empty.json").write_text("")
    (tmp_path / "coco.json").write_text('{"images": [], "annotations": []}')
    (tmp_path / "list.json").write_text("[1]")
    (tmp_path / "page.xml").write_text("<html></html>")
    (tmp_path / "mkdocs.yaml").write_text("site_name: train")
    assert not reader.fits(tmp_path)
    assert not any(reader.fits(file) for file in tmp_path.iterdir())
    assert not reader.fits(tmp_path / "absent")


@each_format
def test_a_split_that_is_not_there_is_named(name, tmp_path):
    reader, write = FORMATS[name]
    with pytest.raises(ValueError, match="split is 'night'"):
        reader.read(write(tmp_path), "night")


def texts(path):
    """Return the files of a set that a mutation may change."""
    ends = (".json", ".txt", ".xml", ".yaml", ".png")
    return sorted(file for file in path.rglob("*") if file.suffix in ends)


VALUES = (None, True, -1, 0, 2.5, 1e300, 10**400, "", "x", "\ud800", [], [[]], {}, [1])


def change_field(data, rng):
    """Return JSON of which one field is removed or of another type."""
    content = json.loads(data)
    places = []
    left = [content]
    for node in left:
        keys = list(node) if isinstance(node, dict) else list(range(len(node)))
        places += [(node, key) for key in keys]
        left += [node[key] for key in keys if isinstance(node[key], dict | list)]
    node, key = rng.choice(places)
    if rng.random() < 0.3:
        del node[key]
    else:
        node[key] = rng.choice(VALUES)
    return json.dumps(content).encode()


def mutate(data, rng):
    """Return bytes that are cut, or have a piece removed, doubled or replaced."""
    if data[:1] == b"{" and rng.random() < 0.6:
        return change_field(data, rng)
    start = rng.randrange(len(data) + 1)
    end = min(len(data), start + rng.choice([1, 1, 2, 5, 20, 80]))
    others = (b"", data[start:end] * 2, bytes([rng.randrange(256)]), *PIECES)
    other = rng.choice(others)
    return data[:start] if rng.random() < 0.2 else data[:start] + other + data[end:]


@each_format
def test_a_changed_set_is_read_or_refused_in_one_error_of_ours(name, tmp_path, capsys):
    fuzz(*FORMATS[name], tmp_path, seed=0, count=100)


def fuzz(reader, write, folder, seed, count):
    """Change one file of a set, so often; everything is ours, or a data set."""
    good = write(folder / "good")
    rng = random.Random(seed)
    before = sorted(folder.rglob("*"))
    for step in range(count):
        file = rng.choice(texts(good))
        kept = file.read_bytes()
        file.write_bytes(mutate(kept, rng))
        start = time.monotonic()
        try:
            reader.fits(good)
            dataset = reader.read(good)
            for i in dataset.image_ids:
                load_objects(dataset, i, dataset.load_image(i).shape[:2])
        except (ValueError, FileNotFoundError) as error:
            assert type(error) is not UnicodeDecodeError, (step, file, error)
            assert str(good) in str(error), (step, file, error)
        assert time.monotonic() - start < 1, (step, file)
        file.write_bytes(kept)
        assert sorted(folder.rglob("*")) == before
    shutil.rmtree(good)
