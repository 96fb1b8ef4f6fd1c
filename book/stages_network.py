"""The diagram of the whole network, with the shape of every array."""

from matplotlib.axes import Axes

from mrcnn.visualize.style import INK, OKABE_ITO, Figure, look, new_figure

from pictures import arrow, block, canvas
from stages_walk import Walk

BACKBONE, PYRAMID, PROPOSALS, BOXES, MASKS = OKABE_ITO[0], *OKABE_ITO[2:6]
STEP, WIDTH = 2.45, 2.15
"""Of the six columns of the diagram: from one to the next, and how wide."""


@look()
def network(walk: Walk) -> Figure:
    """Draw every stage as a block, from the image to the masks."""
    figure, axes = new_figure(size=(6.6, 6.2))
    ax = axes[0, 0]
    canvas(ax, 6 * STEP, 13.6)
    ax.set_xlim(-0.15, 6 * STEP - 0.15)
    _features(ax, walk)
    _proposals(ax, walk)
    _heads(ax, walk)
    return figure


def _features(ax: Axes, walk: Walk) -> None:
    """Draw image, backbone and pyramid: a column for each level."""
    _block(ax, 0, 12.0, "image", walk.inputs["images"].shape[1:])
    for i, features in enumerate(walk.backbone_maps, start=1):
        _block(ax, i, 12.0, f"C{i + 1}", features.shape[1:], BACKBONE)
        arrow(ax, (i * STEP - STEP + WIDTH, 12.7), (i * STEP, 12.7), INK)
    for i, features in enumerate(walk.pyramid_maps, start=1):
        _block(ax, i, 9.8, f"P{i + 1}", features.shape[1:], PYRAMID)
        if i < 5:
            arrow(ax, (i * STEP + WIDTH / 2, 12.0), (i * STEP + WIDTH / 2, 11.2), INK)
        start, end = i * STEP, i * STEP - STEP + WIDTH
        if i == 5:
            arrow(ax, (end, 10.5), (start, 10.5), INK)
        elif i > 1:
            arrow(ax, (start, 10.5), (end, 10.5), INK)


def _proposals(ax: Axes, walk: Walk) -> None:
    """Draw what says where something is."""
    place = (STEP, 7.5, 4 * STEP + WIDTH, 1.3)
    shape = _shape((len(walk.anchors), 2)), _shape((len(walk.anchors), 4))
    text = (
        f"proposal network, on every level\nobject or not {shape[0]}, moves {shape[1]}"
    )
    block(ax, place, text, colour=PROPOSALS, size=9)
    for i in range(1, 6):
        arrow(ax, (i * STEP + WIDTH / 2, 9.8), (i * STEP + WIDTH / 2, 8.8), INK)
    slots = walk.stages.proposals.boxes.shape[1:]
    place = (STEP, 5.5, 4 * STEP + WIDTH, 1.1)
    text = f"the most probable, moved, without duplicates: proposals {_shape(slots)}"
    block(ax, place, text, colour=PROPOSALS, size=9)
    arrow(ax, (3 * STEP + WIDTH / 2, 7.5), (3 * STEP + WIDTH / 2, 6.6), INK)


def _heads(ax: Axes, walk: Walk) -> None:
    """Draw the two heads, each after its crops of the pyramid."""
    s, depth = walk.model.settings, walk.pyramid_maps[0].shape[-1]
    stages = walk.stages
    rows = (
        (3.2, s.pool_size, "box head", "classes", stages.class_probabilities, BOXES),
        (0.4, s.mask_pool_size, "mask head", "masks", stages.masks, MASKS),
    )
    for y, size, head, what, found, colour in rows:
        crop = f"crops of P2 to P5\n{_shape((size, size, depth))} each"
        block(ax, (STEP, y, 3.6, 1.4), crop, colour=PYRAMID, size=9)
        block(ax, (STEP + 4.4, y, 2.6, 1.4), head, colour=colour, size=10)
        text = f"{what} {_shape(found.shape[1:])}"
        if head == "box head":
            text += f"\nboxes {_shape(stages.box_deltas.shape[1:])}"
        block(ax, (STEP + 7.8, y, 4.15, 1.4), text, colour=colour, size=9)
        arrow(ax, (STEP + 3.6, y + 0.7), (STEP + 4.4, y + 0.7), INK)
        arrow(ax, (STEP + 7.0, y + 0.7), (STEP + 7.8, y + 0.7), INK)
    arrow(ax, (STEP + 1.8, 5.5), (STEP + 1.8, 4.6), INK)
    # Detections, and from the pyramid along the left edge to both crops.
    x, y = STEP + 9.9, 3.2
    ax.plot([x, x, STEP + 1.8], [y, 2.5, 2.5], color=INK, linewidth=1.3)
    arrow(ax, (STEP + 1.8, 2.5), (STEP + 1.8, 1.8), INK)
    slots = stages.detections.boxes.shape[1:]
    text = f"detections {_shape(slots)}: best class, moved, without duplicates"
    ax.text(STEP + 2.0, 2.6, text, color=INK, fontsize=8.5, va="bottom")
    ax.plot([STEP, 1.2, 1.2], [10.5, 10.5, 1.1], color=PYRAMID, linewidth=1.3)
    for y in (3.9, 1.1):
        arrow(ax, (1.2, y), (STEP, y), PYRAMID)


def _block(
    ax: Axes, column: int, y: float, name: str, shape: tuple, colour: str = INK
) -> None:
    place = (column * STEP, y, WIDTH, 1.4)
    block(ax, place, f"{name}\n{_shape(shape)}", colour=colour, size=8.5)


def _shape(shape: tuple[int, ...]) -> str:
    return " x ".join(map(str, shape))
