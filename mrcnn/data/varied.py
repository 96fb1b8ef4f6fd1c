"""Balloons as on holiday photographs: held, bunched, strung up, half hidden.

The second kind of drawn scene, beside the plain one of `mrcnn.data.synthetic`. Numbers,
sizes and distances follow the 61 training photographs (`datasets/README.md`).
"""

import numpy as np

from mrcnn.data.drawing.backdrops import backdrop
from mrcnn.data.drawing.camera import blurred, photographed
from mrcnn.data.drawing.figures import Point, Stage, arm, somebody
from mrcnn.data.drawing.layers import Scene
from mrcnn.data.drawing.moods import Mood, mood
from mrcnn.data.drawing.rubber import Rubber, Shape, drawn, egg, foil
from mrcnn.data.drawing.staging import draw_bystanders, draw_string, hide, stand

PART = 2
"""Beside the seed and the number of an image: 0 and 1 are the plain subsets'."""
COUNTS = ((1, 1), (2, 3), (4, 7), (8, 30))
COUNT_SHARES = (0.44, 0.25, 0.16, 0.15)
SIZES = ((0.225, 0.7), (0.245, 0.45), (0.185, 0.4), (0.135, 0.4))
"""For each range of counts, the median diameter over the root of the image's area, and
the deviation of its logarithm from image to image."""
LAYOUTS = ("free", "held", "bunch", "garland", "pile")
LAYOUT_SHARES = (
    (0.5, 0.5, 0, 0, 0),
    (0.35, 0.25, 0.4, 0, 0),
    (0.25, 0.15, 0.4, 0.1, 0.1),
    (0.1, 0.1, 0.4, 0.2, 0.2),
)
"""For each range of counts."""


def draw(seed: int | list[int], size: int) -> tuple[np.ndarray, np.ndarray]:
    """Draw one image whose longer side is `size` pixels; the arguments alone decide.

    Returns uint8 RGB (h, w, 3), and which balloon each pixel shows most of, int16
    (h, w), 0 for none.
    """
    image, scene = _scene(seed, size)
    return image, scene.owner()


def render(
    seed: int | list[int], size: int
) -> tuple[np.ndarray, list[list[tuple[float, float]]]]:
    """Draw the image of `draw`.

    Returns it and one polygon per balloon, the outline of what is seen of it as (x, y)
    pixel corners.
    """
    image, scene = _scene(seed, size)
    return image, scene.outlines()


def _scene(seed: int | list[int], size: int) -> tuple[np.ndarray, Scene]:
    rng = np.random.default_rng(seed)
    ratio = (1.0, 3 / 4, 2 / 3)[rng.choice(3, p=(0.1, 0.45, 0.45))]
    sides = [size, round(size * ratio)]
    width, height = sides if rng.random() < 0.7 else sides[::-1]
    scene = Scene(backdrop(height, width, rng))
    shared = mood(scene.picture, rng)
    stage = Stage(shared.lamps, scene.picture.shape)
    if rng.random() < 0.35:
        draw_bystanders(scene, stage, rng)
    if rng.random() < 0.35:  # Out of focus, as behind a near object.
        sigma = size * np.exp(rng.uniform(np.log(0.001), np.log(0.012)))
        scene.picture[:] = blurred(scene.picture, sigma)
    if rng.random() < 0.08:  # Colour is left to the balloons.
        scene.picture[:] = scene.picture.mean(axis=2, keepdims=True)
    _arrange(scene, rng.choice(4, p=COUNT_SHARES), shared, rng)
    while not scene.seen:
        centre = rng.uniform(0.2, 0.8, 2) * (height, width)
        _balloon(scene, centre, size * rng.uniform(0.02, 0.2), shared, rng)
    if rng.random() < 0.3:
        hide(scene, stage, rng)
    return photographed(scene.picture, rng), scene


def _arrange(scene: Scene, group: int, shared: Mood, rng: np.random.Generator) -> None:
    """Draw as many balloons as the group says, and who holds them."""
    shape = scene.picture.shape[:2]
    low, high = COUNTS[group]
    count = int(np.exp(rng.uniform(np.log(low), np.log(high + 0.99))))
    median, deviation = SIZES[group]
    diameter = min(median * np.exp(deviation * rng.normal()), 0.85)
    diameter *= np.sqrt(shape[0] * shape[1])
    layout = rng.choice(LAYOUTS, p=LAYOUT_SHARES[group])
    places = _places(layout, count, diameter, shape, rng)
    grip = holder = None
    if layout in ("held", "bunch"):
        down, right = rng.uniform(0.8, 3), rng.normal(0, 0.5)
        below = np.array([places[:, 0].max(), places[:, 1].mean()])
        grip = below + diameter * np.array([down, right])
    if layout == "held":
        stage = Stage(shared.lamps, scene.picture.shape)
        who = somebody(diameter * rng.uniform(3, 6.5), rng)
        holder = stand(scene, grip, who, stage, rng), grip, who, stage
    spread = 0.3 if layout == "free" else 0.15
    for centre in places:
        radius = diameter * np.exp(rng.normal(0, spread)) / 2
        _balloon(scene, centre, radius, shared, rng, grip)
    if holder:
        scene.put(arm(*holder, rng))


def _places(
    layout: str,
    count: int,
    diameter: float,
    shape: tuple[int, int],
    rng: np.random.Generator,
) -> np.ndarray:
    """Return centres (count, 2), those at the back first."""
    middle = rng.uniform((0.15, 0.15), (0.75, 0.85)) * shape
    if layout in ("free", "pile"):
        piled = layout == "pile"
        low, high = (0.45, 0.05), (1.05 if piled else 0.9, 0.95)
        places = rng.uniform(low if piled else (0, 0.05), high, (count, 2)) * shape
        return places[np.argsort(places[:, 0])]
    if layout == "garland":
        return middle + _along_a_curve(count, diameter, rng)
    return middle + _cluster(count, diameter, rng)


def _cluster(count: int, diameter: float, rng: np.random.Generator) -> np.ndarray:
    """Return places (count, 2) round 0 that touch each other, the outer ones first."""
    places = [np.zeros(2)]
    tight = rng.uniform(0.6, 1)
    while len(places) < count:
        tried = []
        for _ in range(4):
            angle = rng.uniform(0, 2 * np.pi)
            step = diameter * tight * rng.uniform(0.85, 1.15)
            away = step * np.array([np.sin(angle), np.cos(angle)])
            place = places[rng.integers(len(places))] + away
            nearest = np.hypot(*(place - np.array(places)).T).min()
            tried.append((nearest < 0.55 * diameter, np.hypot(*place), place))
        places.append(min(tried, key=lambda found: found[:2])[2])
    return (np.array(places) - np.mean(places, axis=0))[::-1]


def _along_a_curve(count: int, diameter: float, rng: np.random.Generator) -> np.ndarray:
    """Return places (count, 2) along an arch or a column, up to three abreast."""
    abreast = rng.integers(1, 4)
    along = np.arange(count) // abreast - count / abreast / 2
    bend, turn = rng.uniform(0, 0.25), rng.uniform(0, np.pi)
    heading = turn + bend * along
    steps = 0.85 * diameter * np.stack([np.sin(heading), np.cos(heading)], axis=1)
    across = np.stack([np.cos(heading), -np.sin(heading)], axis=1)
    offset = (np.arange(count) % abreast - (abreast - 1) / 2) * 0.75 * diameter
    line = np.cumsum(steps / abreast, axis=0)
    shaken = rng.normal(0, 0.06 * diameter, (count, 2))
    return line - line.mean(axis=0) + across * offset[:, None] + shaken


def _balloon(
    scene: Scene,
    centre: np.ndarray,
    radius: float,
    shared: Mood,
    rng: np.random.Generator,
    grip: Point | None = None,
) -> None:
    """Draw a balloon with its string, if it hides no other one."""
    turn = rng.normal(0, shared.upright)
    if grip is not None and rng.random() < 0.85:
        away = centre - grip
        turn = np.arctan2(away[1], -away[0]) * rng.uniform(0.6, 1)
        turn += rng.normal(0, 0.15)
    flat = rng.random() < shared.foil
    outline, knot = (foil(rng), 0.0) if flat else egg(rng)
    rubber = _rubber(flat, shared, rng)
    shape = Shape(*centre, radius, outline, knot, turn)
    layer, shadow = drawn(shape, rubber, shared.lamps, scene.picture.shape, rng)
    if not scene.put([layer], balloon=True, shadow=0.45 * shadow):
        return
    if rng.random() < (0.95 if grip is not None else 0.5):
        below = max(knot, 1.0) * radius * 1.1
        start = centre + below * np.array([np.cos(turn), -np.sin(turn)])
        end = grip
        if end is None:
            end = start + radius * np.array([rng.uniform(1, 8), rng.normal(0, 0.8)])
        draw_string(scene, start, end, radius, shared.string, rng)


def _rubber(flat: bool, shared: Mood, rng: np.random.Generator) -> Rubber:
    """Choose colour and print of one balloon."""
    albedo = shared.albedos[rng.integers(len(shared.albedos))]
    albedo = np.clip(albedo + rng.normal(0, 0.02, 3), 0, 1)
    ink = None
    if rng.random() < shared.printed:
        ink = np.full(3, 0.95 if albedo.mean() < 0.6 else 0.1)
        if rng.random() >= 0.7:
            ink = rng.random(3)
    return Rubber(
        albedo,
        opacity=1.0 if flat else shared.opacity,
        sheen=1.0 if flat else shared.sheen,
        gloss=shared.gloss,
        mirror=0.45 if flat else 0.06 * shared.gloss,
        print=ink,
        flat=flat,
    )
