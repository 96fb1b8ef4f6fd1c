"""The book: its table of contents, its executed copies, and a strict build."""

import re
import shutil
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest
import yaml
from nbformat.v4 import new_output

import copies
import proof
import render
import repairs

ROOT = Path(__file__).resolve().parents[1]
BOOK = render.Book()
PIXEL = (
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAQAAAC1HAwCAAAAC0lEQVR42mNk+A8AAQUBAScY42YAAAAA"
    "SUVORK5CYII="
)


def pages() -> list[str]:
    """Return the pages that the table of contents lists, without suffixes."""
    toc = yaml.safe_load((ROOT / "book" / "_toc.yml").read_text())
    chapters = [c["file"] for part in toc["parts"] for c in part["chapters"]]
    return [toc["root"], *chapters]


def test_every_notebook_is_a_page_and_every_page_has_a_source():
    notebooks = [page for page in pages() if page.startswith("notebooks/")]
    assert sorted(f"notebooks/{name}" for name in BOOK.names()) == sorted(notebooks)
    for page in set(pages()) - set(notebooks):
        assert (ROOT / "book" / f"{page}.md").exists()


def test_every_text_is_a_page():
    texts = {path.stem for path in (ROOT / "book").glob("*.md")}
    assert texts <= set(pages())


def test_executed_copies_show_what_the_sources_say():
    assert [text for urgent, text in render.stale(BOOK) if urgent] == []


def test_executed_copies_begin_with_the_facts_of_their_run():
    for name, entry in BOOK.entries().items():
        copy = nbformat.read(BOOK.copy(name), as_version=4)
        source = nbformat.read(BOOK.source(name), as_version=4)
        values = copies.parameters(copy)
        first = copies.head(source.cells[0].source, values, entry)
        assert copy.cells[0].source == first, "`make html` renews it"


def test_the_gallery_shows_what_matterports_users_draw():
    text = (ROOT / "book" / "gallery.md").read_text()
    shown = re.findall(r"^```\{figure\} gallery/(\w+)\.png\n:alt: .{40,}", text, re.M)
    assert sorted(shown) == sorted(p.stem for p in (ROOT / "book/gallery").glob("*"))
    arrays_and_tables = {"random_colors", "display_table", "display_weight_stats"}
    from tests.matterport.test_signatures import VISUALIZE

    names = {line.partition("(")[0] for line in VISUALIZE.strip().splitlines()}
    assert set(shown) == names - arrays_and_tables


def test_executed_copies_are_fit_to_publish():
    for name, entry in BOOK.entries().items():
        assert entry["stderr"] == [], f"{name} warned its reader"
        assert entry["parameters"]["PROFILE"] != "smoke", name
        undefined = [k for k, value in entry["metrics"].items() if value is None]
        assert undefined == [], name
        assert BOOK.copy(name).stat().st_size <= render.LARGEST_COPY


def test_the_address_of_the_repository_is_in_one_place():
    address = yaml.safe_load((ROOT / "_config.yml").read_text())["repository"]["url"]
    owner = address.removeprefix("https://github.com/")
    texts = [*ROOT.glob("*.md"), *ROOT.glob("*.toml"), *ROOT.glob("*.cff")]
    texts += [
        *(ROOT / "book").glob("*.md"),
        *(ROOT / "book").glob("*.py"),
        *(ROOT / "mrcnn").rglob("*.py"),
    ]
    assert not [path.name for path in texts if owner in path.read_text()]


@pytest.fixture(scope="module")
def site(tmp_path_factory) -> Path:
    """Build the book strictly, with a pixel for each figure that is not there yet."""
    root = tmp_path_factory.mktemp("site")
    shutil.copy(ROOT / "_config.yml", root)
    ignore = shutil.ignore_patterns("__pycache__", "notebooks")
    shutil.copytree(ROOT / "book", root / "book", ignore=ignore)
    (root / "book" / "notebooks").mkdir()
    for name in BOOK.names():
        executed = BOOK.copy(name)
        notebook = nbformat.read(
            executed if executed.exists() else BOOK.source(name), as_version=4
        )
        for cell in notebook.cells:
            if "mystnb" in cell.metadata and not cell.outputs:
                cell.outputs = [new_output("display_data", {"image/png": PIXEL})]
        nbformat.write(notebook, root / "book" / "notebooks" / f"{name}.ipynb")
    tool = Path(sys.executable).with_name("jupyter-book")
    done = subprocess.run(
        [str(tool), "build", "book", "-W", "-n", "--keep-going"],
        cwd=root,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return root / "_build" / "html"


@pytest.mark.slow
def test_the_built_pages_pass_the_proof(site):
    pages_read = {
        path.relative_to(site).as_posix() for path in proof.Site(site).pages()
    }
    assert {f"{page}.html" for page in pages()} <= pages_read
    assert proof.problems(proof.Site(site)) == []


@pytest.mark.slow
def test_every_repair_still_mends_something(site):
    text = "".join(path.read_text() for path in proof.Site(site).pages())
    for wrong, right in repairs.REPAIRS.items():
        assert wrong not in text
        assert right in text, "the theme has changed: what became of it?"
    assert "THEBE_JS_URL" not in text
    assert "sphinx-thebe" not in text


@pytest.mark.slow
def test_the_launch_button_opens_the_clean_source(site):
    for name in BOOK.names():
        text = (site / "notebooks" / f"{name}.html").read_text()
        target = re.search(r"colab\.research\.google\.com/github/[^\"]+", text)
        assert target
        assert target[0].endswith(f"/blob/main/notebooks/{name}.ipynb")
