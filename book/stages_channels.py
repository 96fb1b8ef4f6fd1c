"""The diagram of the channels that hang together, and with what."""

from matplotlib.axes import Axes

from mrcnn.nn.channels import ChannelGroup
from mrcnn.visualize.style import INK, MUTED, OKABE_ITO, Figure, look, new_figure

from pictures import arrow, block, canvas
from stages_pruning import Weights

LEFT, STEP, WIDTH = 2.45, 3.0, 2.7
"""Of the four columns of the diagram, one for each stage: first, next, how wide."""


@look()
def channels(weights: Weights) -> Figure:
    """Draw the groups of coupled channels from the image to the outputs."""
    figure, axes = new_figure(size=(5.9, 4.6))
    ax = axes[0, 0]
    canvas(ax, 14.5, 11.1)
    groups = {group.name: group for group in weights.groups}
    _backbone(ax, weights, groups)
    _coupled(ax, 6.35, groups["laterals"], weights, OKABE_ITO[2])
    _coupled(ax, 3.95, groups["pyramid"], weights, OKABE_ITO[3])
    for i in range(4):
        x = LEFT + STEP * i + WIDTH / 2
        arrow(ax, (x, 8.55), (x, 7.6))
        arrow(ax, (x, 6.6), (x, 5.2))
        if i:  # from the top of the pyramid down
            arrow(ax, (x - WIDTH / 2, 7.1), (x - STEP + WIDTH / 2, 7.1), INK)
            ax.text(x - STEP / 2, 7.25, "+", ha="center", color=INK, fontsize=11)
    _heads(ax, weights, groups)
    return figure


def _backbone(ax: Axes, weights: Weights, groups: dict[str, ChannelGroup]) -> None:
    """Draw stem and stages, each a group, with the groups inside the blocks."""
    stem = weights.widths["conv1"]
    block(ax, (0.05, 8.6, 2.05, 2.3), f"stem\n1 layer\n{stem} channels", size=8.5)
    arrow(ax, (2.1, 9.75), (LEFT, 9.75))
    for i in range(4):
        group, x = groups[f"stage {i + 2}"], LEFT + STEP * i
        inner = [n for n in groups if n.startswith(f"block {i + 2}")]
        wide = weights.widths[group.makers[0]]
        text = f"{group.name}\n{len(group.makers)} layers\n{wide} channels"
        block(ax, (x, 8.6, WIDTH, 2.3), colour=OKABE_ITO[0])
        style = {"ha": "center", "va": "center", "color": INK, "fontsize": 9}
        ax.text(x + WIDTH / 2, 10.1, text, **style)
        place = (x + 0.2, 8.75, WIDTH - 0.4, 0.55)
        block(ax, place, f"+ {len(inner)} free groups", size=8)
        if i < 3:
            arrow(ax, (x + WIDTH, 9.75), (x + STEP, 9.75))


def _coupled(
    ax: Axes, y: float, group: ChannelGroup, weights: Weights, colour: str
) -> None:
    """Draw four layers that share their channels as one band."""
    wide = weights.widths[group.makers[0]]
    end = LEFT + 3 * STEP + WIDTH + 0.15
    block(ax, (0.05, y, end - 0.05, 1.5), colour=colour)
    text = f"{group.name}\n{len(group.makers)} layers\n{wide} channels"
    style = {"ha": "center", "va": "center", "color": INK, "fontsize": 9}
    ax.text(1.1, y + 0.75, text, **style)
    for i, name in enumerate(group.makers):
        place = (LEFT + STEP * i, y + 0.25, WIDTH, 1.0)
        block(ax, place, colour="white", fill=1)
        block(ax, place, name, colour=colour, fill=0, size=9.5)


def _heads(ax: Axes, weights: Weights, groups: dict[str, ChannelGroup]) -> None:
    """Draw what reads the pyramid: each head with its free groups."""
    for i, name in enumerate(("proposals", "box head", "mask head")):
        members = [g for n, g in groups.items() if n.startswith(name)]
        wide = [weights.widths[g.makers[0]] for g in members]
        count = f"{len(wide)} free group" + "s" * (len(wide) > 1)
        x = 0.9 + 4.6 * i
        each = " each" * (len(wide) > 1)
        text = f"{name}\n{count}\n{wide[0]} channels{each}"
        block(ax, (x, 0.9, 3.9, 1.9), text, size=9)
        arrow(ax, (x + 1.95, 3.95), (x + 1.95, 2.8), OKABE_ITO[3])
    keys = (("coupled layers", OKABE_ITO[0]), ("free: one layer makes it", MUTED))
    for i, (text, colour) in enumerate(keys):
        block(ax, (0.9 + 4.6 * i, 0.1, 0.5, 0.4), colour=colour)
        style = {"va": "center", "color": INK, "fontsize": 9}
        ax.text(1.6 + 4.6 * i, 0.3, text, **style)
