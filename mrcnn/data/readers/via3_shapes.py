"""The shapes of VIA 3 as regions."""

from typing import Any

import numpy as np

from mrcnn.data.regions import Region
from mrcnn.data.via import FIELDS, coordinates, shaped
from mrcnn.notices import quoted

SHAPES = {
    1: ("point", 2),
    2: ("rect", 4),
    3: ("circle", 3),
    4: ("ellipse", 4),
    5: ("polyline", 4),
    6: ("polyline", None),
    7: ("polygon", None),
    8: ("extreme rectangle", 8),
    9: ("extreme circle", 6),
}
"""What the numbers stand for, and how many coordinates follow; None: any even number.
The extremes of a rectangle are four points, those of a circle three on its rim."""


def shape_of(xy: list[Any], said: dict[str, Any], where: str) -> Region:
    """Return a region from the number of its shape and its coordinates."""
    number, *values = xy
    known = isinstance(number, int) and not isinstance(number, bool)
    if not known or number not in SHAPES:
        raise ValueError(
            f"{where}: field 'xy' begins with {quoted(number)}: expected the number "
            f"of a shape, 1 to {max(SHAPES)}."
        )
    name, count = SHAPES[number]
    if (len(values) != count) if count else len(values) % 2:
        raise ValueError(
            f"{where}: field 'xy' has {len(values)} coordinates: a {name} has "
            f"{count or 'an even number'}."
        )
    points = coordinates(values, f"{where}: field 'xy'")
    x, y = points[::2], points[1::2]
    if count and number < 5:
        numbers = dict(zip(FIELDS[name], np.split(points, len(points)), strict=True))
        if name == "ellipse":
            numbers["theta"] = np.zeros(1)
        return shaped(name, numbers, where, said)
    if number == 8:
        sides = x.min(), y.min(), np.ptp(x), np.ptp(y)
        numbers = dict(zip(FIELDS["rect"], map(np.atleast_1d, sides), strict=True))
        return shaped("rect", numbers, where, said)
    if number == 9:
        return shaped("circle", _circle(x, y, where), where, said)
    return shaped(name, {"all_points_x": x, "all_points_y": y}, where, said)


def _circle(x: np.ndarray, y: np.ndarray, where: str) -> dict[str, np.ndarray]:
    """Return the circle through three points."""
    # Its middle is as far from each: two linear equations, from the first point on.
    sides = np.stack([x[1:] - x[0], y[1:] - y[0]], axis=1)
    if abs(np.linalg.det(sides)) < 1e-9:
        raise ValueError(
            f"{where}: the three points of the circle lie on one line: draw it again."
        )
    dx, dy = np.linalg.solve(sides, (sides**2).sum(axis=1) / 2)
    middle = {"cx": x[:1] + dx, "cy": y[:1] + dy}
    return middle | {"r": np.array([np.hypot(dx, dy)])}
