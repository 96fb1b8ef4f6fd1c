"""The proof-reading of built pages, on pages of a line."""

import pytest

import proof

GOOD = """<html><body><article><h1 id="top">Title</h1><h2>Part</h2><h3>Section</h3>
<img src="cat.png" alt="A cat on a mat."><a href="#top">up</a>
<a href="two.html#end">on</a>
<a href="https://example.org/paper.pdf">a paper</a></article></body></html>"""


@pytest.fixture
def folder(tmp_path):
    """A site of two pages without a fault."""
    (tmp_path / "one.html").write_text(GOOD)
    (tmp_path / "two.html").write_text('<article><h1 id="end">Two</h1></article>')
    (tmp_path / "cat.png").write_text("")
    (tmp_path / "_static").mkdir()
    (tmp_path / "_static" / "macros.html").write_text("<h6>the theme's own</h6>")
    return tmp_path


def found(folder, page: str = "") -> list[str]:
    """Return what is wrong with a site, with another first page if one is given."""
    if page:
        (folder / "one.html").write_text(f"<h1>Title</h1>{page}")
    proof.read.cache_clear()
    proof.fetched_by.cache_clear()
    return proof.problems(proof.Site(folder, root=folder))


def test_a_good_site_passes_and_an_empty_folder_does_not(folder, tmp_path, monkeypatch):
    assert found(folder) == []
    (tmp_path / "empty").mkdir()
    monkeypatch.setattr("sys.argv", ["proof.py", str(tmp_path / "empty")])
    assert proof.main() == 1


@pytest.mark.parametrize(
    "alt", ["", 'alt=""', 'alt="cat.png"', 'alt="my_cat"', 'alt="cat.PNG"']
)
def test_a_picture_needs_words(folder, alt):
    (line,) = found(folder, f'<img src="cat.png" {alt}>')
    assert "cat.png is described as" in line


@pytest.mark.parametrize(
    ("page", "line"),
    [
        ("<h3>Deep</h3>", "a heading of level 3 follows one of level 1"),
        ("<h1>Another</h1>", "2 headings of level 1"),
        ('<a href="three.html">on</a>', "three.html, which is not there"),
        ('<a href="two.html#start">on</a>', "no such anchor"),
        ('<a href="#nowhere">on</a>', "no such anchor"),
        ("<pre>Traceback (most recent call last)</pre>", "shows an error"),
    ],
)
def test_outline_links_and_errors(folder, page, line):
    (wrong,) = found(folder, page)
    assert line in wrong


@pytest.mark.parametrize(
    "page",
    [
        '<img src="https://else.where/a.svg" alt="Open in Colab">',
        '<img src="cat.png" srcset="cat.png 1x, //else.where/a.png 2x" alt="A cat.">',
        '<script src="https://else.where/mathjax.js"></script>',
        '<link rel="stylesheet" href="https://else.where/font.css">',
        '<style>@import "https://else.where/font.css";</style>',
        '<p style="background: url(https://else.where/a.png)">x</p>',
        '<script>load("https://else.where/lib/index.js")</script>',
        '<iframe src="https://else.where/"></iframe>',
    ],
)
def test_nothing_is_fetched_from_another_machine(folder, page):
    (line,) = found(folder, page)
    assert "else.where" in line
    assert "from another machine" in line


def test_what_a_page_links_to_is_not_fetched(folder):
    page = (
        '<link rel="next" href="https://else.where"><a href="https://else.where">x</a>'
    )
    assert found(folder, page) == []
    assert found(folder, "<script>open('https://else.where/docs')</script>") == []


def test_files_of_a_page_are_read_too(folder):
    static = folder / "_static"
    (static / "a.css").write_text(
        "@import 'b.css'; p {background: url(data:image/png;base64,x)}"
    )
    (static / "b.css").write_text("p {background: url('../gone.woff2?v=1')}")
    (static / "a.js").write_text('import("https://else.where/thebe.js")')
    page = '<link rel="stylesheet" href="_static/a.css?v=2">'
    page += '<script src="_static/a.js"></script>'
    gone, elsewhere = sorted(found(folder, page), key=lambda line: "gone" not in line)
    assert "b.css fetches ../gone.woff2?v=1, which is not there" in gone
    assert "a.js fetches https://else.where/thebe.js from another machine" in elsewhere


def test_colab_opens_the_notebook_of_the_page(folder):
    address = "https://colab.research.google.com/github/me/book/blob/main/notebooks"
    (folder / "notebooks").mkdir()
    (folder / "notebooks" / "other.ipynb").write_text("")
    page = folder / "notebooks" / "story.html"
    lines = []
    for link in ("", f"{address}/story.ipynb", f"{address}/other.ipynb"):
        page.write_text(f'<h1>Story</h1><a href="{link or "../one.html"}">open</a>')
        lines += found(folder)
    assert "no link opens it in Colab" in lines[0]
    assert "notebooks/story.ipynb, which the repository has not" in lines[1]
    assert "which is another notebook" in lines[2]
    page.write_text(page.read_text().replace("other", "story"))
    (folder / "notebooks" / "story.ipynb").write_text("")
    assert found(folder) == []


def test_a_page_that_only_refers_to_another_needs_no_title(folder):
    refer = '<meta http-equiv="Refresh" content="0; url={}">'
    (folder / "index.html").write_text(refer.format("one.html"))
    assert found(folder) == []
    (folder / "index.html").write_text(refer.format("none.html"))
    assert "none.html, which is not there" in found(folder)[0]
