"""What is measured of drawn and photographed balloons, checked by hand."""

import numpy as np
import pytest

from mrcnn.benchmarks import drawing
from mrcnn.data.drawn import DrawnBalloons


def two_squares():
    """Return white on black: two squares of 20 pixels, 40 apart, one at the border."""
    masks = np.zeros((100, 100, 2), bool)
    masks[0:20, 10:30, 0] = masks[40:60, 10:30, 1] = True
    image = np.repeat(masks.any(axis=-1)[..., None], 3, axis=-1) * np.uint8(255)
    return image, masks


def test_numbers_of_two_squares():
    numbers = drawing.measured(*two_squares())
    assert numbers["balloons"] == 2
    assert numbers["diameter / side"] == pytest.approx(0.2)
    diameter = np.sqrt(4 / np.pi * 400)
    assert numbers["nearest / diameter"] == pytest.approx(40 / diameter)
    assert numbers["touching the border"] == 0.5
    assert numbers["balloons: brightness"] == pytest.approx(1)
    assert numbers["balloons: white"] == 1 and numbers["background: white"] == 0
    assert numbers["background: detail"] == 0  # The outlines are left out.
    assert numbers["contrast at outlines"] == pytest.approx(np.sqrt(3))


def test_one_balloon_has_no_neighbour():
    image, masks = two_squares()
    numbers = drawing.measured(image, masks[..., :1])
    assert np.isnan(numbers["nearest / diameter"])


def test_table_of_a_set_against_itself_and_another():
    dataset = DrawnBalloons(5, size=96)
    ours = drawing.measure(dataset, dataset.image_ids)
    darker = {name: values - 1000 for name, values in ours.items()}
    text = drawing.table(ours, {"same": ours, "other": darker})
    *_, last = text.splitlines()
    assert last.endswith("**0.00** | **1.00** |")
    assert len(text.splitlines()) == 2 + len(ours) + 1
