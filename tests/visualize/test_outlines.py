"""Outlines that lose nothing of a mask, and what is cut out along them."""

import numpy as np
import pytest
from matplotlib.path import Path
from scipy.ndimage import distance_transform_edt, gaussian_filter

from mrcnn import visualize
from mrcnn.visualize.outlines import TOLERANCE

SIDE = 48


def disc(y: float, x: float, radius: float, side: int = SIDE) -> np.ndarray:
    """Return a disc's pixels."""
    rows, columns = np.mgrid[:side, :side]
    return (rows - y) ** 2 + (columns - x) ** 2 <= radius**2


def masks_of_every_kind() -> dict[str, np.ndarray]:
    """Return masks (48, 48) that are hard to outline."""
    rng = np.random.default_rng(0)
    ring = disc(20, 20, 15) & ~disc(22, 18, 6)
    line = np.zeros((SIDE, SIDE), bool)
    line[10, 3:40] = True
    pixel = np.zeros((SIDE, SIDE), bool)
    pixel[40, 7] = True
    stairs = np.tri(SIDE, dtype=bool)
    noise = gaussian_filter(rng.normal(size=(SIDE, SIDE)), 2) > 0
    return {
        "disc": disc(24.3, 23.8, 17.2),
        "ring": ring,
        "pieces": disc(10, 10, 7) | disc(33, 30, 9) | pixel,
        "line": line,
        "string": disc(15, 20, 11) | np.roll(line.T, 9, axis=1),
        "pixel": pixel,
        "stairs": stairs,
        "all": np.ones((SIDE, SIDE), bool),
        "cut by two borders": disc(2, 45, 20),
        "blobs": noise,
        "grains": rng.random((SIDE, SIDE)) < 0.5,
        "chess": np.indices((SIDE, SIDE)).sum(axis=0) % 2 == 0,
    }


EACH = pytest.mark.parametrize("name", list(masks_of_every_kind()))


def filled(lines: list[np.ndarray], scale: int = 1) -> np.ndarray:
    """Return what polygons enclose by the even-odd rule, at each pixel's centre."""
    centres = (np.arange(SIDE * scale) + 0.5) / scale - 0.5
    points = np.stack(np.meshgrid(centres, centres), axis=-1).reshape(-1, 2)
    inside = np.zeros(len(points), bool)
    for line in lines:
        inside ^= Path(line).contains_points(points)
    return inside.reshape(SIDE * scale, SIDE * scale)


@EACH
def test_filled_outlines_are_the_mask_again(name):
    mask = masks_of_every_kind()[name]
    np.testing.assert_array_equal(filled(visualize.outlines(mask)), mask)


@EACH
def test_no_outline_is_half_a_pixel_from_the_edge_of_the_mask(name):
    mask = masks_of_every_kind()[name]
    fine = 20  # the distances are measured on a grid of so many points a pixel
    large = np.kron(np.pad(mask, 2), np.ones((fine, fine), bool))
    away = distance_transform_edt(~large) + distance_transform_edt(large) - 1
    for line in visualize.outlines(mask):
        steps = np.linspace(line[:-1], line[1:], 50).reshape(-1, 2)
        columns, rows = np.floor((steps + 2.5) * fine).astype(int).T
        assert away[rows, columns].max() / fine <= 0.5


def test_an_outline_has_no_stairs():
    radius = 17.2
    mask = disc(24.3, 23.8, radius)
    (line,) = visualize.outlines(mask)
    from_middle = np.hypot(*(line - (23.8, 24.3)).T)
    # The pixels' own edges are up to 0.7 away from the circle.
    assert abs(from_middle - radius).max() < 0.4
    steps = np.diff(line, axis=0)
    assert np.hypot(*steps.T).sum() == pytest.approx(2 * np.pi * radius, rel=0.02)
    # Along the pixels' edges it would be 8 radii.
    assert len(line) < 80


def test_a_small_object_keeps_its_size():
    for radius in (2, 3, 5, 9):
        mask = disc(24, 24, radius)
        (line,) = visualize.outlines(mask)
        x, y = line.T
        enclosed = abs((x[:-1] * y[1:] - x[1:] * y[:-1]).sum()) / 2
        assert enclosed == pytest.approx(np.pi * radius**2, rel=0.1)


def test_holes_and_pieces_are_counted():
    every = masks_of_every_kind()
    counts = {name: len(visualize.outlines(every[name])) for name in every}
    assert (counts["disc"], counts["ring"], counts["pieces"]) == (1, 2, 3)
    assert visualize.outlines(np.zeros((3, 3), bool)) == []


def test_a_shifted_mask_has_shifted_outlines():
    mask = disc(20, 18, 11)
    (line,), (moved,) = (
        visualize.outlines(m) for m in (mask, np.roll(mask, (3, 5), (0, 1)))
    )
    np.testing.assert_allclose(moved - line, [(5, 3)] * len(line), atol=1e-9)


@EACH
def test_soft_edges_keep_every_pixel_on_its_side(name):
    mask = masks_of_every_kind()[name]
    covered = visualize.soft_edges(mask[..., None])[..., 0]
    assert covered.dtype == np.float32
    np.testing.assert_array_equal(covered > 0.5, mask)
    assert covered.min() >= 0 and covered.max() <= 1
    if name in ("disc", "ring"):
        assert (covered[distance_transform_edt(mask) > 2.5] == 1).all()
        assert (covered[distance_transform_edt(~mask) > 2.5] == 0).all()


def test_soft_edges_measure_what_is_covered():
    mask = disc(24.3, 23.8, 17.2)
    fine = 16
    covered = filled(visualize.outlines(mask), fine)
    covered = covered.reshape(SIDE, fine, SIDE, fine).mean(axis=(1, 3))
    soft = visualize.soft_edges(mask[..., None])[..., 0]
    assert abs(soft - covered).max() < 0.3
    assert abs(soft - covered).mean() < 0.01


def test_objects_are_cut_out_along_their_edges():
    masks = np.stack([disc(20, 20, 9), np.zeros((SIDE, SIDE), bool)], axis=-1)
    image = np.random.default_rng(0).integers(0, 256, (SIDE, SIDE, 3), np.uint8)
    (cut,) = visualize.cut_outs(image, masks)
    assert cut.dtype == np.uint8 and cut.shape[-1] == 4
    rows, columns = np.nonzero(masks[..., 0])
    # A row of pixels that are covered in part may come with it, at each side.
    top = rows.min() - (cut.shape[0] - np.ptp(rows)) // 2
    left = columns.min() - (cut.shape[1] - np.ptp(columns)) // 2
    assert rows.min() - 1 <= top <= rows.min()
    there = image[top : top + cut.shape[0], left : left + cut.shape[1]]
    np.testing.assert_array_equal(cut[..., :3], there)
    alpha = cut[..., 3]
    assert alpha[0, 0] == 0 and alpha[alpha.shape[0] // 2, alpha.shape[1] // 2] == 255
    edge = (alpha > 0) & (alpha < 255)
    assert 0 < edge.mean() < 0.3
    assert visualize.cut_outs(image, masks[..., :0]) == []


def test_a_splash_of_soft_edges_blends_them():
    image = np.full((1, 3, 3), (200, 0, 0), np.uint8)
    covered = np.array([[0, 0.5, 1]])[..., None]
    splash = visualize.colour_splash(image, covered)
    grey = round(200 * 0.2126)
    assert splash[0, 0].tolist() == [grey] * 3
    assert splash[0, 1].tolist() == [round((200 + grey) / 2), grey // 2 + grey % 2, 22]
    assert splash[0, 2].tolist() == [200, 0, 0]


def test_the_tolerance_is_less_than_what_a_pixel_keeps_to_the_line():
    # The line cuts a corner of the square between four pixel centres at 1/8 or more.
    assert np.sqrt(2) / 16 > TOLERANCE
