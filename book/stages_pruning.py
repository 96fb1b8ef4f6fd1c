"""Pictures of what pruning removes, where, when, and which channels hang together."""

from functools import cached_property

import numpy as np
from matplotlib.ticker import PercentFormatter

from mrcnn import build
from mrcnn.cost import Cost, by_stage, layer_costs, layer_memory, total
from mrcnn.nn.channels import channel_groups
from mrcnn.pruning import allocation, criteria
from mrcnn.pruning.prunable import GROUPS, Arrays, group_of, kernels, prunable_layers
from mrcnn.pruning.schedules import Schedule
from mrcnn.pruning.selection import Work
from mrcnn.visualize.curves import LINES
from mrcnn.visualize.style import (
    BAD,
    INK,
    MUTED,
    OKABE_ITO,
    Figure,
    look,
    new_figure,
)

from stages_features import caption
from stages_walk import Walk

SPARSITY = 0.8
"""Of the examples."""

EXAMPLE = "res2b_branch2a"
"""A layer of 1 x 1 kernels, so that its weights are one small table."""

SCHEDULE = Schedule(target=SPARSITY, start=100, end=600, updates=10)
STEPS = 1000
"""A training of which the schedule is a part, in steps."""


class Weights:
    """The weights of the trained model that may be pruned, and its groups."""

    def __init__(self, walk: Walk) -> None:
        """Take the model of a walk."""
        self.walk = walk
        self.layers = prunable_layers(walk.model)
        self.arrays: Arrays = kernels(self.layers)
        self.groups = channel_groups(walk.config.BACKBONE)
        self.widths = build.layer_widths(walk.config)

    @cached_property
    def size(self) -> int:
        """How many may be pruned."""
        return sum(array.size for array in self.arrays.values())

    @cached_property
    def threshold(self) -> float:
        """Size below which `SPARSITY` of all of them lie."""
        every = np.concatenate([np.abs(a).ravel() for a in self.arrays.values()])
        return float(np.quantile(every, SPARSITY))

    def of_group(self, group: str) -> np.ndarray:
        """Return the weights of a part of the network, (n,)."""
        arrays = (a.ravel() for n, a in self.arrays.items() if group_of(n) == group)
        return np.concatenate(list(arrays))

    def below(self) -> dict[str, float]:
        """Return which share of each part lies below the threshold."""
        return {
            group: float((np.abs(self.of_group(group)) < self.threshold).mean())
            for group in GROUPS
        }

    def densities(self) -> dict[str, dict[str, float]]:
        """Return by allocation and layer which share of the weights stays."""
        sizes = criteria.magnitude(self.arrays)
        ways = {
            "uniform": allocation.uniform(sizes, SPARSITY),
            "ERK": allocation.erdos_renyi_kernel(sizes, SPARSITY),
            "global, by size": allocation.everywhere(sizes, SPARSITY),
            "global, by LAMP": allocation.everywhere(
                criteria.lamp(self.arrays), SPARSITY
            ),
        }
        return {
            way: {name: float(mask.mean()) for name, mask in masks.items()}
            for way, masks in ways.items()
        }

    def arithmetic(self) -> Work:
        """Return the multiply-accumulates of an image at any widths."""
        return Work(self.walk.model, self.groups, self.walk.shape, weights=0)

    def work(self) -> Work:
        """Return the work at any widths."""
        return Work(self.walk.model, self.groups, self.walk.shape)

    def stages(self) -> dict[str, tuple[Cost, int]]:
        """Return what each stage costs for an image, and the most that it holds."""
        s = self.walk.model.settings
        slots = {"rois": s.proposals_inference, "masks": s.detections}
        costs, memory = (
            by_stage(count(self.walk.model, self.walk.shape, **slots))
            for count in (layer_costs, layer_memory)
        )
        return {
            stage: (total(layers), max(memory[stage].values()))
            for stage, layers in costs.items()
        }

    def costs(self) -> dict[str, Cost]:
        """Return what the parts cost, without their sum."""
        costs = dict(self.walk.costs())
        costs.pop("total")
        return costs


@look()
def patterns(weights: Weights) -> Figure:
    """Draw the weights of a layer: all, fewer of them, and fewer filters."""
    table = np.abs(weights.arrays[EXAMPLE][0, 0].T)  # filters by inputs
    filters = table.sum(axis=1)
    strong = np.sort(np.argsort(-filters)[: len(filters) // 2])
    masked = np.where(allocation.top_mask(table, round(0.2 * table.size)), table, 0)
    silent = np.where(np.isin(np.arange(len(table)), strong)[:, None], table, 0)
    panels = {
        f"{EXAMPLE}: {len(table)} filters": table,
        f"{SPARSITY:.0%} of the weights are zero": masked,
        "half of the filters are zero": silent,
        "the same, without them": table[strong],
    }
    figure, axes = new_figure(2, 2, size=(5.8, 3.8))
    for ax, (title, values) in zip(axes.flat, panels.items(), strict=True):
        shown = np.ma.masked_equal(values, 0)
        ax.imshow(shown, cmap="viridis", vmin=0, vmax=np.quantile(table, 0.99))
        ax.set(xlim=(-0.5, table.shape[1] - 0.5), ylim=(len(table) - 0.5, -0.5))
        ax.set_xticks([])
        ax.set_yticks([])
        ax.grid(False)
        ax.spines[:].set_visible(False)
        caption(ax, title)
    for ax in axes[:, 0]:
        ax.set_ylabel("filters", fontsize=9.5)
    for ax in axes[1]:
        ax.set_xlabel("inputs", fontsize=9.5)
    return figure


@look()
def sizes(weights: Weights) -> Figure:
    """Draw how large the weights of each part are, and one threshold for all."""
    figure, axes = new_figure(4, 2, size=(5.8, 5.8), sharex=True)
    bins = np.linspace(-5, 0, 61)
    for ax, (group, share) in zip(axes.flat, weights.below().items(), strict=True):
        values = np.log10(np.maximum(np.abs(weights.of_group(group)), 1e-9))
        counts, _ = np.histogram(values, bins)
        below = bins[:-1] < np.log10(weights.threshold)
        for part, colour in ((below, "#C9C9C9"), (~below, OKABE_ITO[0])):
            ax.bar(bins[:-1][part], counts[part], np.diff(bins)[0], 0, color=colour)
        ax.axvline(np.log10(weights.threshold), color=BAD, linewidth=1.6)
        ax.set_yticks([])
        ax.grid(False)
        ax.spines["left"].set_visible(False)
        caption(ax, f"{group}: {share:.0%} below")
    ticks = range(-5, 1)
    for ax in axes[-1]:
        ax.set_xticks(ticks, [rf"$10^{{{t}}}$" for t in ticks])
        ax.set_xlabel("size of a weight")
    return figure


@look()
def densities(weights: Weights) -> Figure:
    """Draw which share of each layer stays under four ways to share out."""
    figure, axes = new_figure(size=(5.8, 4.2))
    ax = axes[0, 0]
    names = list(weights.arrays)
    for i, (way, shares) in enumerate(weights.densities().items()):
        ax.step(
            np.arange(len(names) + 1) - 0.5,
            [*(shares[n] for n in names), shares[names[-1]]],
            where="post",
            label=way,
            color=(INK, *OKABE_ITO[:2], BAD)[i],
            linestyle=LINES[(2, 1, 3, 0)[i]],
            linewidth=1.8,
        )
    groups = [group_of(name) for name in names]
    middles = {g: np.mean([i for i, x in enumerate(groups) if x == g]) for g in GROUPS}
    for i in range(1, len(groups)):
        if groups[i] != groups[i - 1]:
            ax.axvline(i - 0.5, color=MUTED, linewidth=0.8)
    ax.set_xticks(
        list(middles.values()), list(middles), rotation=60, ha="right", color=INK
    )
    for label in ax.get_xticklabels():
        label.set_rotation_mode("anchor")
    ax.tick_params(axis="x", length=0)
    ax.grid(False, axis="x")
    ax.set(xlim=(-0.5, len(names) - 0.5), ylim=(0, 1.03), ylabel="weights that stay")
    ax.yaxis.set_major_formatter(PercentFormatter(1))
    place = {"loc": "lower left", "bbox_to_anchor": (0, 1.0)}
    ax.legend(ncols=2, borderpad=0, **place)
    return figure


@look()
def schedule(weights: Weights) -> Figure:
    """Draw the ramp of sparsity, and the choices of weights on it."""
    del weights  # a schedule knows of none
    figure, axes = new_figure(size=(5.8, 3.1))
    ax = axes[0, 0]
    steps = np.arange(STEPS)
    due = SCHEDULE.steps()
    ax.plot(
        steps,
        [SCHEDULE.sparsity(k) for k in steps],
        color=MUTED,
        linestyle="--",
        linewidth=1.4,
        label="cubic ramp",
    )
    edges, levels = [0, *due, STEPS], [0.0, *(SCHEDULE.sparsity(k) for k in due)]
    style = {"color": OKABE_ITO[0], "linewidth": 2, "label": "zeros in force"}
    ax.stairs(levels, edges, baseline=None, **style)
    ax.plot(due, levels[1:], "o", color=OKABE_ITO[0], markersize=5)
    parts = {"dense": (0, SCHEDULE.start), "ramp": (SCHEDULE.start, SCHEDULE.end)}
    parts["masks stay"] = (SCHEDULE.end, STEPS)
    for name, (start, end) in parts.items():
        middle = (start + end) / 2
        ax.text(middle, 0.93, name, ha="center", color=INK, fontsize=10)
        if end < STEPS:
            ax.axvline(end, color=MUTED, linewidth=0.8)
    ax.set(xlim=(0, STEPS), ylim=(0, 1), xlabel="training step", ylabel="sparsity")
    ax.yaxis.set_major_formatter(PercentFormatter(1))
    ax.grid(False, axis="x")
    ax.legend(loc="lower right")
    return figure


@look()
def shares(weights: Weights) -> Figure:
    """Draw each part's share of the parameters beside that of the arithmetic."""
    costs = weights.costs()
    figure, axes = new_figure(size=(5.8, 3.6))
    ax = axes[0, 0]
    places = np.arange(len(costs))
    for k, (name, colour, hatch) in enumerate(
        (("parameters", OKABE_ITO[0], ""), ("macs", OKABE_ITO[1], "//"))
    ):
        values = np.array([getattr(cost, name) for cost in costs.values()], float)
        values /= values.sum()
        label = {"parameters": "parameters", "macs": "multiply-accumulates"}[name]
        style = {"color": colour, "hatch": hatch, "edgecolor": "white", "label": label}
        ax.barh(places + 0.4 * (k - 0.5), values, 0.38, **style)
        for place, value in zip(places, values, strict=True):
            text = {"va": "center", "fontsize": 10, "color": INK}
            ax.text(value + 0.008, place + 0.4 * (k - 0.5), f"{value:.0%}", **text)
    names = {"fpn": "pyramid", "rpn": "proposals"}
    ax.set_yticks(places, [names.get(part, part) for part in costs], color=INK)
    ax.invert_yaxis()
    ax.grid(False, axis="y")
    ax.tick_params(axis="y", length=0)
    ax.xaxis.set_major_formatter(PercentFormatter(1))
    ax.set(xlim=(0, 0.75), xlabel="share of the whole network")
    ax.legend(loc="upper right")
    return figure
