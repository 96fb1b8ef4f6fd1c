"""What is kept back to measure on."""

import numpy as np
import pytest

from mrcnn.data.shapes import ShapesDataset
from mrcnn.data.splitting import Part, hold_out, spread


@pytest.mark.parametrize(
    ("count", "kept"), [(2, [1]), (4, [3]), (5, [4]), (9, [4]), (10, [4, 9])]
)
def test_each_fifth_is_kept_and_one_at_least(count, kept):
    whole = ShapesDataset(count, seed=1)
    learnt, measured = hold_out(whole)
    assert [info["id"] for info in measured.image_info] == kept
    assert measured.num_images + learnt.num_images == count
    ids = {info["id"] for one in (learnt, measured) for info in one.image_info}
    assert ids == {info["id"] for info in whole.image_info}


def test_a_part_shows_what_the_whole_shows():
    whole = ShapesDataset(6, seed=1)
    some = Part(whole, [4, 1])
    assert some.class_names == whole.class_names
    for i, j in enumerate([4, 1]):
        assert np.array_equal(some.load_image(i), whole.load_image(j))
        for one, other in zip(some.load_mask(i), whole.load_mask(j), strict=True):
            assert np.array_equal(one, other)
        assert some.image_reference(i) == whole.image_reference(j)
    assert whole.num_images == 6
    assert list(some.image_ids) == [0, 1]


@pytest.mark.parametrize("count", [0, 1])
def test_too_few_to_keep_any(count):
    with pytest.raises(ValueError, match=f"has {count} images, too few"):
        hold_out(Part(ShapesDataset(2, seed=1), range(count)))


@pytest.mark.parametrize(
    ("count", "most", "expected"),
    [(0, 3, []), (2, 3, [0, 1]), (6, 3, [0, 2, 4]), (10, 3, [0, 3, 6])],
)
def test_numbers_spread_evenly(count, most, expected):
    assert spread(count, most) == expected
