"""The pages on how things work: their pictures, their numbers, their words."""

import re
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import pictures
import stages
from mathml import mathml

BOOK = Path(__file__).resolve().parents[1] / "book"
PAGES = {
    BOOK / "how-it-works.md": stages.OF_NETWORK,
    BOOK / "how-pruning-works.md": stages.OF_PRUNING,
}
NUMBER = re.compile(r"\d[\d,]*(?:\.\d+)?")
each_page = pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)


@each_page
def test_every_picture_is_shown_once_and_described(page):
    figure = r"^```\{figure\} stages/(\w+)\.png\n:name: [\w-]+\n:alt: (.+)\n\n(.+)"
    shown = re.findall(figure, page.read_text(), re.M)
    assert [name for name, *_ in shown] == sorted(
        PAGES[page], key=[name for name, *_ in shown].index
    )
    for name, alt, caption in shown:
        assert len(alt) > 60, name
        assert len(caption) > 40, name


def test_pictures_are_small_and_all_of_them_are_drawn():
    files = list((BOOK / "stages").iterdir())
    names = {name for drawn in PAGES.values() for name in drawn}
    assert {file.name for file in files} == {f"{name}.png" for name in names}
    sizes = [file.stat().st_size for file in files]
    assert max(sizes) < 150_000
    assert sum(sizes) < 1_000_000


def test_nothing_is_cut_at_the_edge_of_a_picture():
    for file in (BOOK / "stages").iterdir():
        pixels = np.asarray(Image.open(file).convert("L"))
        edges = pixels[0], pixels[-1], pixels[:, 0], pixels[:, -1]
        assert min(edge.min() for edge in edges) > 200, file.name


@each_page
def test_a_page_shows_every_number_that_it_has(page):
    text = page.read_text()
    used = set(re.findall(r"\{\{ (\w+) \}\}", text))
    assert used == set(pictures.numbers_of(page))


def test_writing_numbers_leaves_the_text(tmp_path):
    page = tmp_path / "page.md"
    page.write_text("# Title\n\n{{ one }}\n")
    numbers = {"one": "1,000", "table": "| a |\n| --- |\n| 1 |\n"}
    for _ in range(2):
        pictures.write_numbers(page, numbers, "a script")
        assert pictures.numbers_of(page) == numbers
        assert page.read_text().endswith("---\n\n# Title\n\n{{ one }}\n")


def test_equations_need_no_script():
    assert "<mfrac>" in mathml(r"\frac{a}{b}", display=False)
    assert 'display="block"' in mathml("a < b", display=True)


def test_the_glossary_explains_each_word_once():
    _, entries = (BOOK / "glossary.md").read_text().split(":sorted:\n\n")
    words = re.findall(r"^(\w.*)$", entries, re.M)
    assert len(words) == len({word.lower() for word in words})
    for entry in entries.removesuffix("```\n").strip().split("\n\n"):
        assert re.fullmatch(r"(?:\w.*\n)+(?:  .+\n?)+", entry), entry
        assert entry.endswith(".")


@pytest.fixture(scope="module")
def walk():
    """The image that both pages follow, and the weights."""
    followed = stages.Walk()
    return followed, stages.Weights(followed)


def close(shown: str, fresh: str) -> bool:
    """Say whether texts agree, numbers apart that another processor rounds."""
    if NUMBER.sub("#", shown) != NUMBER.sub("#", fresh):
        return False
    pairs = zip(NUMBER.findall(shown), NUMBER.findall(fresh), strict=True)
    for one, two in pairs:
        digits = len(one.partition(".")[2])
        old, new = (float(number.replace(",", "")) for number in (one, two))
        slack = 0.03 * old + 1.01 * 10**-digits if digits or old > 9 else 0
        if abs(old - new) > slack:
            return False
    return True


@pytest.mark.slow
@each_page
def test_numbers_are_those_of_the_model(page, walk):
    fresh = stages.numbers(*walk)[page.stem]
    shown = pictures.numbers_of(page)
    assert list(fresh) == list(shown)
    assert [name for name in fresh if not close(shown[name], fresh[name])] == []


@pytest.mark.slow
def test_pictures_can_be_drawn(walk):
    for name, draw in stages.pictures(*walk).items():
        figure = draw()
        figure.canvas.draw()
        assert figure.axes, name
        figure.clear()
