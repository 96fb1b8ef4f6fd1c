"""Figures for print: their size, their letters, and what is in the files."""

import base64
import io
import re
import xml.etree.ElementTree as ElementTree
import zlib
from pathlib import Path

import numpy as np
import pytest
from matplotlib import pyplot as plt
from matplotlib.collections import LineCollection
from matplotlib.figure import Figure
from matplotlib.text import Text
from PIL import Image

from mrcnn import visualize
from mrcnn.visualize.instances import draw_instances
from mrcnn.visualize.labels import LabelLayer

NAMES = ["BG", "square", "circle", "triangle"]
SVG = "{http://www.w3.org/2000/svg}"
LINK = "{http://www.w3.org/1999/xlink}href"
EACH_WIDTH = pytest.mark.parametrize("width", [88.0, 176.0])


@pytest.fixture
def figure(shapes: tuple) -> Figure:
    """Return instances with labels, a legend and titles, at the size of a screen."""
    image, boxes, masks, class_ids = shapes

    def draw(ax: plt.Axes, i: int) -> None:
        draw_instances(ax, image, boxes, masks, class_ids, NAMES, title=f"panel {i}")

    return visualize.grid(2, draw, columns=2, title="instances")


def parsed(path: Path) -> ElementTree.Element:
    """Return the root of an SVG."""
    return ElementTree.fromstring(path.read_text())


def letters(root: ElementTree.Element) -> list[float]:
    """Return the sizes of all texts of an SVG."""
    styles = [text.get("style", "") for text in root.iter(f"{SVG}text")]
    found = [re.search(r"(?:font-size|font):[^;]*?([\d.]+)px", s) for s in styles]
    return [float(match[1]) for match in found if match]


def pictures(root: ElementTree.Element) -> list[tuple[str, Image.Image]]:
    """Return kind and content of the pictures inside an SVG."""
    links = [image.get(LINK) for image in root.iter(f"{SVG}image")]
    parts = [re.match(r"data:image/(\w+);base64,(.*)", link, re.S) for link in links]
    return [(p[1], Image.open(io.BytesIO(base64.b64decode(p[2])))) for p in parts]


@EACH_WIDTH
def test_an_svg_is_a_column_wide_with_letters_of_6_to_8_points(figure, tmp_path, width):
    written = visualize.save_print(figure, tmp_path / "a.svg", width=width)
    root = parsed(written.path)
    points = float(root.get("width").removesuffix("pt"))
    assert points / 72 * 25.4 == pytest.approx(width, abs=0.01) == written.width
    tall = float(root.get("height").removesuffix("pt")) / 72 * 25.4
    assert tall == pytest.approx(written.height, abs=0.01)
    sizes = letters(root)
    assert len(sizes) >= 3
    assert min(sizes) >= 6 and max(sizes) <= 8


def test_outlines_are_paths_over_photographs_of_300_dots_an_inch(
    figure, tmp_path, shapes
):
    _, _, masks, _ = shapes
    written = visualize.save_print(figure, tmp_path / "a.svg", width=176)
    root = parsed(written.path)
    lines = [line for i in range(masks.shape[-1]) for line in outlines_of(masks, i)]
    drawn = [path.get("d", "") for path in root.iter(f"{SVG}path")]
    longest = max(len(line) for line in lines)
    corners = [len(re.findall("[ML]", d)) for d in drawn]
    assert sum(count >= 4 for count in corners) >= 2 * len(lines)
    assert longest - 1 <= max(corners)
    found = pictures(root)
    assert found
    for kind, picture in found:
        assert kind == "jpeg"
        assert picture.info["dpi"] == (300, 300)
    # Both panels, or one picture of both, fill the width but for the margins.
    across = sum(picture.width for _, picture in found)
    assert across == pytest.approx(176 / 25.4 * 300, rel=0.1)


def outlines_of(masks: np.ndarray, i: int) -> list[np.ndarray]:
    """Return the outlines of one mask."""
    return visualize.outlines(masks[..., i])


@EACH_WIDTH
def test_a_pdf_is_a_column_wide(figure, tmp_path, width):
    written = visualize.save_print(figure, tmp_path / "a.pdf", width=width)
    content = written.path.read_bytes()
    box = re.search(rb"/MediaBox \[ ?0 0 ([\d.]+) ([\d.]+) ?\]", content)
    wide, tall = (float(side) / 72 * 25.4 for side in box.groups())
    assert wide == pytest.approx(width, abs=0.05)
    assert tall == pytest.approx(written.height, abs=0.05)
    streams = re.findall(rb"stream\r?\n(.*?)endstream", content, re.S)
    page = max((inflated(s) for s in streams), key=lambda s: s.count(b" l\n"))
    assert page.count(b" l\n") > 100  # straight pieces of outlines


def inflated(stream: bytes) -> bytes:
    """Return a compressed stream's content, b"" of what is none."""
    try:
        return zlib.decompress(stream)
    except zlib.error:
        return b""


@pytest.mark.parametrize("suffix", ["svg", "pdf"])
def test_the_same_figure_gives_the_same_bytes_and_stays_as_it_is(
    figure, tmp_path, suffix
):
    def state() -> list:
        lines = [line.get_linewidths() for line in figure.findobj(LineCollection)]
        texts = [text.get_fontsize() for text in figure.findobj(Text)]
        layers = [layer.most for layer in figure.findobj(LabelLayer)]
        return [figure.get_size_inches().tolist(), lines, texts, layers]

    before = repr(state())
    first = visualize.save_print(figure, tmp_path / f"a.{suffix}")
    second = visualize.save_print(figure, tmp_path / f"b.{suffix}")
    assert first.path.read_bytes() == second.path.read_bytes()
    assert first.bytes == len(first.path.read_bytes())
    assert repr(state()) == before
    assert sorted(p.name for p in tmp_path.iterdir()) == [f"a.{suffix}", f"b.{suffix}"]


def test_lines_shrink_with_the_figure_and_their_rims_with_them(tmp_path):
    figure, axes = visualize.new_figure(size=(8, 8))
    mask = np.zeros((64, 64), bool)
    mask[16:48, 16:48] = True
    image = np.zeros((64, 64, 3), np.uint8)
    boxes = np.array([(16, 16, 48, 48)])
    draw_instances(axes[0, 0], image, boxes, mask[..., None], np.array([1]), NAMES)
    written = visualize.save_print(figure, tmp_path / "a.svg", width=88)
    styles = re.findall(r"stroke-width: ([\d.]+)", written.path.read_text())
    factor = 88 / 25.4 / 8
    widths = {float(style) for style in styles}
    for expected in (1.8 * factor, 1.8 * 1.8 * factor):
        assert any(width == pytest.approx(expected, abs=0.01) for width in widths)


def test_what_is_transparent_stays_so(tmp_path):
    cut = np.zeros((20, 10, 4), np.uint8)
    cut[5:15, 2:8] = (200, 10, 10, 255)
    figure = visualize.cut_out_gallery([cut])
    written = visualize.save_print(figure, tmp_path / "a.svg")
    ((kind, picture),) = pictures(parsed(written.path))
    assert kind == "png" and picture.mode == "RGBA"


@pytest.mark.parametrize("name", ["a.png", "a", "a.SVGZ"])
def test_another_suffix_is_named(tmp_path, name):
    figure, _ = visualize.new_figure(size=(2, 2))
    with pytest.raises(ValueError, match=r"one of \.svg, \.pdf"):
        visualize.save_print(figure, tmp_path / name)


@pytest.mark.parametrize("width", [0, -88.0, float("nan"), float("inf")])
def test_a_width_of_no_size_is_named(tmp_path, width):
    figure, _ = visualize.new_figure(size=(2, 2))
    with pytest.raises(ValueError, match=r"width is .* mm: give one above 0"):
        visualize.save_print(figure, tmp_path / "a.svg", width=width)
    assert not list(tmp_path.iterdir())


def test_a_print_says_its_name_and_sizes():
    text = str(visualize.Print(Path("x/first.pdf"), 88.0, 61.4, 1_234_567))
    assert text.split() == ["first.pdf", "88", "x", "61", "mm", "1,235", "kB"]
