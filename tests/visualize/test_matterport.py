"""Scripts written for Matterport's `visualize.py` find what they call."""

import inspect
from collections.abc import Callable
from types import SimpleNamespace

import matplotlib
import numpy as np
import pytest
from matplotlib import pyplot as plt

from mrcnn import visualize
from mrcnn.visualize import style

NAMES = ["BG", "square", "circle", "triangle"]
REQUIRED = inspect.Parameter.empty
SIGNATURES: dict[str, dict[str, object]] = {
    "display_images": {
        "images": REQUIRED,
        "titles": None,
        "cols": 4,
        "cmap": None,
        "norm": None,
        "interpolation": None,
    },
    "random_colors": {"N": REQUIRED, "bright": True},
    "apply_mask": {
        "image": REQUIRED,
        "mask": REQUIRED,
        "color": REQUIRED,
        "alpha": 0.5,
    },
    "display_instances": {
        **dict.fromkeys(("image", "boxes", "masks", "class_ids"), REQUIRED),
        "class_names": REQUIRED,
        "scores": None,
        "title": "",
        "figsize": (16, 16),
        "ax": None,
        "show_mask": True,
        "show_bbox": True,
        "colors": None,
        "captions": None,
    },
    "display_differences": {
        **dict.fromkeys(("image", "gt_box", "gt_class_id", "gt_mask"), REQUIRED),
        **dict.fromkeys(("pred_box", "pred_class_id", "pred_score"), REQUIRED),
        **dict.fromkeys(("pred_mask", "class_names"), REQUIRED),
        "title": "",
        "ax": None,
        "show_mask": True,
        "show_box": True,
        "iou_threshold": 0.5,
        "score_threshold": 0.5,
    },
    "draw_rois": {
        **dict.fromkeys(("image", "rois", "refined_rois", "mask"), REQUIRED),
        **dict.fromkeys(("class_ids", "class_names"), REQUIRED),
        "limit": 10,
    },
    "draw_box": dict.fromkeys(("image", "box", "color"), REQUIRED),
    "display_top_masks": {
        **dict.fromkeys(("image", "mask", "class_ids", "class_names"), REQUIRED),
        "limit": 4,
    },
    "plot_precision_recall": dict.fromkeys(("AP", "precisions", "recalls"), REQUIRED),
    "plot_overlaps": {
        **dict.fromkeys(("gt_class_ids", "pred_class_ids", "pred_scores"), REQUIRED),
        **dict.fromkeys(("overlaps", "class_names"), REQUIRED),
        "threshold": 0.5,
    },
    "draw_boxes": {
        "image": REQUIRED,
        **dict.fromkeys(("boxes", "refined_boxes", "masks"), None),
        **dict.fromkeys(("captions", "visibilities"), None),
        "title": "",
        "ax": None,
    },
    "display_table": {"table": REQUIRED},
    "display_weight_stats": {"model": REQUIRED},
}
"""Matterport's names, in order, with their defaults."""


@pytest.mark.parametrize("name", SIGNATURES)
def test_arguments_come_in_the_same_order_with_the_same_defaults(name: str) -> None:
    parameters = inspect.signature(getattr(visualize, name)).parameters
    ours = [(p.name, p.default) for p in parameters.values()]
    theirs = list(SIGNATURES[name].items())
    assert ours[: len(theirs)] == theirs
    more = [parameters[key].default for key, _ in ours[len(theirs) :]]
    assert REQUIRED not in more
    assert name in visualize.__all__


def result(shapes: tuple) -> dict[str, np.ndarray]:
    """Return instances as `MaskRCNN.detect` of Matterport's returns them."""
    _, boxes, masks, class_ids = shapes
    scores = np.linspace(0.99, 0.6, len(boxes))
    return {"rois": boxes, "masks": masks, "class_ids": class_ids, "scores": scores}


CALLS: dict[str, Callable[[np.ndarray, dict], object]] = {
    "instances": lambda image, r: visualize.display_instances(
        image,
        r["rois"],
        r["masks"],
        r["class_ids"],
        NAMES,
        r["scores"],
        ax=plt.subplots(1, figsize=(8, 8))[1],
        figsize=(8, 8),
    ),
    "images": lambda image, r: visualize.display_images(
        [image] + [r["masks"][..., i] for i in range(2)],
        cmap="Blues",
        titles=np.array(["image", "one", "two"]),
    ),
    "array of images": lambda image, r: visualize.display_images(
        np.transpose(r["masks"], [2, 0, 1]), cmap=plt.cm.Blues, interpolation="none"
    ),
    "boxes": lambda image, r: visualize.draw_boxes(
        image,
        boxes=r["rois"],
        refined_boxes=r["rois"] + 1.5,
        masks=r["masks"],
        captions=np.array(["a"] * len(r["rois"])),
        visibilities=np.where(r["scores"] > 0.8, 1, 0),
        title="before and after",
        ax=plt.subplots()[1],
    ),
    "rois": lambda image, r: visualize.draw_rois(
        image,
        r["rois"],
        r["rois"].astype(np.float32),
        np.ones((len(r["rois"]), 28, 28), np.float32),
        r["class_ids"],
        NAMES,
    ),
    "differences": lambda image, r: visualize.display_differences(
        image,
        np.pad(r["rois"], ((0, 3), (0, 0))),
        np.pad(r["class_ids"], (0, 3)),
        np.pad(r["masks"], ((0, 0), (0, 0), (0, 3))),
        *(r[key] for key in ("rois", "class_ids", "scores", "masks")),
        NAMES,
        "padded truth",
    ),
    "overlaps": lambda image, r: visualize.plot_overlaps(
        np.pad(r["class_ids"], (0, 3)),
        np.pad(r["class_ids"], (0, 2)),
        np.pad(r["scores"], (0, 2)),
        np.eye(len(r["rois"]), dtype=np.float32),
        NAMES,
        threshold=0.4,
    ),
}


@pytest.mark.parametrize("call", CALLS)
def test_calls_of_matterports_notebooks(call: str, shapes: tuple) -> None:
    CALLS[call](shapes[0], result(shapes))
    (number,) = plt.get_fignums()
    plt.figure(number).canvas.draw()


def test_no_instances_are_announced(capsys: pytest.CaptureFixture[str]) -> None:
    image = np.zeros((8, 8, 3), np.uint8)
    none = np.zeros((0, 4), int), np.zeros((8, 8, 0), bool), np.zeros(0, int)
    figure = visualize.display_instances(image, *none, NAMES, np.zeros(0))
    assert capsys.readouterr().out == "*** No instances to display ***\n"
    assert [text.get_text() for text in figure.axes[0].texts] == ["no instances"]
    found = dict(zip(("rois", "masks", "class_ids"), none, strict=True))
    visualize.instance_gallery([image], [found], NAMES)
    assert capsys.readouterr().out == ""


def test_padding_is_not_drawn(shapes: tuple) -> None:
    image, boxes, masks, class_ids = shapes
    gone = boxes.copy()
    gone[0] = 0
    ax = plt.subplots()[1]
    visualize.display_instances(image, gone, masks, class_ids, NAMES, ax=ax)
    assert len(ax.patches) == len(ax.collections) == len(boxes) - 1


def test_padded_truth_is_not_missed(drawn_labels: Callable, shapes: tuple) -> None:
    figure = CALLS["differences"](shapes[0], result(shapes))
    texts = [text.get_text() for text in drawn_labels(figure.axes[0]).texts]
    assert not any("missed" in text for text in texts)


@pytest.mark.parametrize("kind", [np.uint8, np.float32, np.float64, np.int64])
def test_images_of_any_number_type_look_the_same(kind: type, shapes: tuple) -> None:
    image, *instances = shapes
    (panel,) = visualize.display_images([image.astype(kind)]).axes
    np.testing.assert_array_equal(panel.images[0].get_array(), image)
    ax = plt.subplots()[1]
    visualize.display_instances(
        image.astype(kind), *instances, NAMES, ax=ax, show_mask=False
    )
    np.testing.assert_array_equal(ax.images[0].get_array(), image)


def test_figures_have_the_size_asked_for(shapes: tuple) -> None:
    arguments = (*shapes, NAMES)
    assert tuple(visualize.display_instances(*arguments).get_size_inches()) == (16, 16)
    figure = visualize.display_instances(*arguments, figsize=(5, 4))
    assert tuple(figure.get_size_inches()) == (5, 4)


def test_short_lists_and_masks_of_another_size_are_refused(shapes: tuple) -> None:
    image, boxes, masks, class_ids = shapes
    count = len(boxes)
    with pytest.raises(ValueError, match=f"1 scores for {count} instances"):
        visualize.display_instances(
            image, boxes, masks, class_ids, NAMES, np.array([0.5])
        )
    with pytest.raises(ValueError, match="56 x 56 pixels, the image 128 x 128"):
        visualize.display_instances(
            image, boxes, masks[:56, :56], class_ids, NAMES, colors=[(1, 0, 0)] * 99
        )


SHOWING: dict[str, Callable[[tuple], object]] = {
    "display_images": lambda s: visualize.display_images([s[0]]),
    "display_instances": lambda s: visualize.display_instances(*s, NAMES),
    "display_top_masks": lambda s: visualize.display_top_masks(
        s[0], *s[2:], NAMES, limit=2
    ),
    "display_differences": lambda s: CALLS["differences"](s[0], result(s)),
}


@pytest.mark.parametrize("name", SHOWING)
@pytest.mark.parametrize(
    ("backend", "shell", "times"),
    [
        ("tkagg", None, 1),
        ("agg", None, 0),
        ("tkagg", SimpleNamespace(), 1),  # the terminal's IPython
        ("inline", SimpleNamespace(kernel=object()), 0),
    ],
)
def test_scripts_open_a_window_and_notebooks_show_the_figure_themselves(
    name: str,
    backend: str,
    shell: object,
    times: int,
    shapes: tuple,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    shown: list[int] = []
    monkeypatch.setattr(plt, "show", lambda: shown.append(1))
    monkeypatch.setattr(matplotlib, "get_backend", lambda: backend)
    monkeypatch.setattr(style, "ipython", lambda: shell)
    SHOWING[name](shapes)
    assert len(shown) == times


def test_axes_that_are_given_are_not_shown(
    shapes: tuple, monkeypatch: pytest.MonkeyPatch
) -> None:
    ax = plt.subplots()[1]
    monkeypatch.setattr(plt, "show", lambda: pytest.fail("a window was opened"))
    monkeypatch.setattr(matplotlib, "get_backend", lambda: "tkagg")
    assert visualize.display_instances(*shapes, NAMES, ax=ax) is ax


def test_instances_of_a_class_can_be_told_apart_in_top_masks() -> None:
    masks = np.zeros((4, 4, 3), bool)
    masks[0, :, 0] = masks[1, :, 1] = masks[3, 0, 2] = True
    figure = visualize.display_top_masks(
        np.zeros((4, 4, 3), np.uint8), masks, np.array([2, 2, 1]), NAMES, limit=1
    )
    image, panel = (ax for ax in figure.axes if ax.images)
    assert image.get_title(loc="left") == "4 x 4"
    assert panel.get_title(loc="left") == "circle (2)"
    rows = panel.images[0].get_array()[:, 0]
    assert len({tuple(colour) for colour in rows.tolist()}) == 3  # two and the ground
