"""Pages of pictures: objects cut out in rows, and the hardest pictures."""

import itertools

import numpy as np
import pytest

from mrcnn import visualize
from mrcnn.evaluation import failures, with_merges
from mrcnn.evaluation.scenes import Scene, annotated, detected
from mrcnn.visualize.galleries import _in_rows
from mrcnn.visualize.labels import LabelLayer

SIZES = [[(9, 7)], [(40, 30)] * 7, [(50, 20), (30, 90), (10, 10), (3, 200), (1, 1)]]


@pytest.mark.parametrize("sizes", SIZES)
def test_rows_fill_the_width_and_nothing_overlaps(sizes):
    places, height = _in_rows(sizes, row=0.2, gap=0.02)
    for (h, w), (x, y, wide, tall) in zip(sizes, places, strict=True):
        assert w / h == pytest.approx(wide / tall)
        assert x >= 0 and x + wide <= 1 + 1e-9 and y + tall <= height + 1e-9
    rows = {}
    for x, y, wide, tall in places:
        rows.setdefault(round(y, 9), []).append((x, x + wide, tall))
    for line in rows.values():
        assert len({round(tall, 9) for *_, tall in line}) == 1
        for (_, end, _), (start, _, _) in itertools.pairwise(line):
            assert start == pytest.approx(end + 0.02)
    *full, last = (rows[y] for y in sorted(rows))
    assert all(line[-1][1] == pytest.approx(1) for line in full)
    assert max(tall for line in rows.values() for *_, tall in line) <= 0.4
    if full:
        assert last[0][2] <= full[-1][0][2] + 1e-9


def test_a_gallery_of_cut_outs_shows_each_once_the_tallest_first():
    cuts = [np.full((h, 8, 4), h, np.uint8) for h in (5, 30, 12)]
    figure = visualize.cut_out_gallery(cuts)
    (ax,) = figure.axes
    assert [image.get_array().shape[0] for image in ax.images] == [30, 12, 5]
    empty = visualize.cut_out_gallery([])
    assert [text.get_text() for text in empty.axes[0].texts] == ["nothing to show"]


def test_the_hardest_pictures_carry_the_names_of_what_failed():
    rows, columns = np.mgrid[:64, :64]
    left, right = columns < 20, (columns >= 20) & (columns < 32)
    both, apart = left | right, (rows > 40) & (columns > 44)
    strip = rows < 30
    truth = np.stack([left & strip, right & strip, (rows > 50) & left], axis=-1)
    found = np.stack([both & strip, apart], axis=-1)
    image = np.zeros((64, 64, 3), np.uint8)
    boxes = np.array([(0, 0, 30, 32), (41, 45, 64, 64)], np.int32)
    detection = {
        "rois": boxes,
        "class_ids": np.ones(2, np.int32),
        "scores": np.array([0.9, 0.8], np.float32),
        "masks": found,
    }
    scene = Scene(
        3, annotated(np.ones(3), truth), detected(detection), np.zeros((0, 4))
    )
    listed = with_merges(failures([scene]), [scene])
    figure = visualize.hardest_gallery(
        [scene], listed, lambda i: image + i, titles=["picture 3"]
    )
    (ax,) = figure.axes
    assert (ax.images[0].get_array() == 3).all()
    (layer,) = (a for a in ax.artists if isinstance(a, LabelLayer))
    names = sorted(label.text for label in layer.labels)
    assert names == ["false alarm", "missed", "poor mask", "two as one"]
    title = ax.get_title(loc="left").split(", ")
    assert title[0] == "picture 3"
    assert sorted(title[1:]) == [f"{name} 1" for name in names]
    assert visualize.hardest_gallery([], [], lambda i: image).axes[0].texts
