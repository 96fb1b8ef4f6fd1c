"""What is round the balloons of a varied scene: holders, bystanders, strings."""

import numpy as np
from PIL import Image, ImageDraw

from mrcnn.data.drawing.canvas import picture_of
from mrcnn.data.drawing.figures import (
    Person,
    Point,
    Stage,
    arm,
    body,
    hand,
    limb,
    somebody,
)
from mrcnn.data.drawing.layers import Layer, Scene, softened


def draw_string(
    scene: Scene,
    start: Point,
    end: Point,
    radius: float,
    colour: np.ndarray,
    rng: np.random.Generator,
) -> None:
    """Draw a string or a curled ribbon; what is behind it still counts as seen."""
    t = np.linspace(0, 1, 40)[:, None]
    bend = (start + end) / 2 + np.hypot(*(end - start)) * rng.normal(0, 0.12, 2)
    points = start * (1 - t) ** 2 + 2 * bend * t * (1 - t) + end * t**2
    if rng.random() < 0.15:
        points[:, 1] += 0.07 * radius * np.sin(np.linspace(0, rng.uniform(20, 60), 40))
    low = np.maximum(np.floor(points.min(axis=0)) - 2, 0).astype(int)
    high = np.minimum(np.ceil(points.max(axis=0)) + 3, scene.picture.shape[:2])
    high = high.astype(int)
    if (high <= low).any():
        return
    mask = Image.new("L", tuple((2 * (high - low)[::-1]).tolist()))
    flat = (2 * (points - low) + 1)[:, ::-1].ravel().tolist()
    width = int(np.clip(rng.uniform(0.01, 0.04) * radius * 2, 1, 8))
    ImageDraw.Draw(mask).line(flat, fill=255, width=width, joint="curve")
    window = slice(low[0], high[0]), slice(low[1], high[1])
    scene.mark(Layer(window, picture_of(mask.reduce(2)), colour, 0.8))


def stand(
    scene: Scene, grip: Point, who: Person, stage: Stage, rng: np.random.Generator
) -> Point:
    """Draw somebody who reaches the grip; return the shoulder that is nearer to it."""
    side = rng.choice((-1, 1))
    reach = np.array([rng.uniform(-0.1, 0.25), side * rng.uniform(0.05, 0.3)])
    foot = grip + who.height * (reach + np.array([0.78, side * 0.11]))
    layers, left, right = body(foot, who, stage, rng)
    scene.put(layers)
    return left if side > 0 else right


def draw_bystanders(scene: Scene, stage: Stage, rng: np.random.Generator) -> None:
    """Draw some people with hanging, stretched or raised arms, anywhere."""
    height, width = scene.picture.shape[:2]
    usual = height * np.exp(rng.uniform(np.log(0.2), np.log(0.9)))
    for _ in range(rng.integers(1, 7)):
        tall = usual * rng.uniform(0.7, 1.3)
        who = somebody(tall, rng)
        low = height * rng.uniform(0.6, 1.0) + 0.4 * tall * rng.random()
        foot = np.array([low, rng.uniform(0, width)])
        layers, *shoulders = body(foot, who, stage, rng)
        for shoulder in shoulders:
            angle = rng.choice((0.2, 1.2, 2.8)) * rng.uniform(0.5, 1.2)
            away = np.array([np.cos(angle), np.sin(angle) * rng.choice((-1, 1))])
            layers += arm(shoulder, shoulder + 0.3 * tall * away, who, stage, rng)
        scene.put(layers)


def hide(scene: Scene, stage: Stage, rng: np.random.Generator) -> None:
    """Put a head, an arm, a hand or a bar before a balloon, perhaps out of focus."""
    seen = scene.seen[rng.integers(len(scene.seen))]
    places = np.argwhere(seen.share > 0.5)
    if not len(places):
        return
    corner = np.array([side.start for side in seen.window])
    place = places[rng.integers(len(places))] + corner.astype(float)
    across = np.sqrt(seen.whole)
    who = somebody(across * rng.uniform(3, 7), rng)
    kind = rng.choice(("head", "arm", "hand", "bar"), p=(0.35, 0.25, 0.3, 0.1))
    if kind == "head":
        layers = body(place + np.array([0.96 * who.height, 0]), who, stage, rng)[0]
    elif kind == "arm":
        angle = rng.uniform(0, 2 * np.pi)
        away = 0.35 * who.height * np.array([np.sin(angle), np.cos(angle)])
        layers = arm(place + away, place, who, stage, rng)
    elif kind == "hand":
        layers = hand(place, across * rng.uniform(0.08, 0.2), who, stage, rng)
    else:
        away = 3 * across * rng.normal(0, 1, 2)
        radius = across * rng.uniform(0.02, 0.1)
        ends = place + away, place - away
        layers = [limb(ends, (radius, radius), who.shirt, stage)]
    if rng.random() < 0.3:
        layers = [softened(layer, 0.004 * max(stage.size)) for layer in layers]
    scene.put(layers)
