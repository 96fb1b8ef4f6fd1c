"""Proof-read the built pages, without a browser: python book/proof.py _build/html

Pictures have words, headings follow each other, links and anchors lead somewhere, a
page fetches nothing from another machine, and the Colab button opens a notebook that
the repository has.
"""

import re
import sys
from collections.abc import Iterator
from functools import cache
from html.parser import HTMLParser
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple
from urllib.parse import unquote, urldefrag, urlsplit

ROOT = Path(__file__).resolve().parents[1]
COLAB = re.compile(r"https://colab\.research\.google\.com/github/[^/]+/[^/]+/blob/")
# What a browser fetches as soon as it has read a tag.
FETCHED = {
    "audio": ("src",),
    "embed": ("src",),
    "iframe": ("src",),
    "image": ("href", "xlink:href"),
    "img": ("src", "srcset"),
    "input": ("src",),
    "object": ("data",),
    "script": ("src",),
    "source": ("src", "srcset"),
    "track": ("src",),
    "use": ("href", "xlink:href"),
    "video": ("src", "poster"),
}
# Links of these kinds are fetched; others, as to the next page, are for the reader.
FETCHED_LINKS = {
    "icon",
    "manifest",
    "modulepreload",
    "prefetch",
    "preload",
    "stylesheet",
}
# An address in a script is taken for one that it fetches if a file of these is there.
IN_SCRIPT = re.compile(
    r"""["'`]((?:https?:)?//[^"'`\s]+\.(?:m?js|css|woff2?|ttf|png|jpe?g|svg|gif))\b"""
)
IN_STYLE = re.compile(
    r"""url\(\s*["']?([^"')]+)["']?\s*\)|@import\s+["']([^"']+)["']"""
)
A_FILE = re.compile(r"\S+\.(png|jpe?g|svg|gif|webp)", re.IGNORECASE)


class Page(HTMLParser):
    """What a page holds that can be right or wrong."""

    def __init__(self, path: Path) -> None:
        """Read a file."""
        super().__init__()
        self.path = path
        self.images: list[dict[str, str]] = []
        self.headings: list[int] = []
        self.links: list[str] = []
        self.fetched: list[str] = []
        self.anchors: set[str] = set()
        self.refers = False  # to another page, and is none itself
        self._paper = False  # the theme repeats title and contents for printing
        self._inside = ""
        self.text = path.read_text(encoding="utf-8")
        self.feed(self.text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Keep what a tag names, shows, links to or fetches."""
        values = {name: value or "" for name, value in attrs}
        self.anchors |= {values[key] for key in ("id", "name") if values.get(key)}
        if values.get("id") == "jb-print-docs-body" or tag == "article":
            self._paper = tag != "article"
        if not self._paper and re.fullmatch("h[1-6]", tag):
            self.headings.append(int(tag[1]))
        if tag == "img":
            self.images.append(values)
        if tag == "a" and "href" in values:
            self.links.append(values["href"])
        if tag == "meta" and values.get("http-equiv", "").lower() == "refresh":
            self.refers = True
            self.links.append(values["content"].partition("url=")[2])
        if tag == "link" and FETCHED_LINKS & set(values.get("rel", "").split()):
            self.fetched.append(values.get("href", ""))
        for name in FETCHED.get(tag, ()):
            for address in values.get(name, "").split(","):
                self.fetched += address.split()[:1]
        self.fetched += in_style(values.get("style", ""))
        self._inside = tag if tag in ("script", "style") else ""

    def handle_data(self, data: str) -> None:
        """Look for addresses in a script or a style within the page."""
        if self._inside == "script":
            self.fetched += IN_SCRIPT.findall(data)
        elif self._inside == "style":
            self.fetched += in_style(data)

    def handle_endtag(self, tag: str) -> None:
        """Leave a script or a style."""
        self._inside = ""


class Site(NamedTuple):
    """A folder of pages, and the repository that they were built from."""

    folder: Path
    root: Path = ROOT

    def pages(self) -> list[Path]:
        """Every page, without what the theme keeps among its own files."""
        found = self.folder.rglob("*.html")
        inside = ((path.relative_to(self.folder), path) for path in found)
        return sorted(p for name, p in inside if not name.parts[0].startswith("_"))


def in_style(text: str) -> list[str]:
    """Return the addresses that a style sheet fetches."""
    found = (quoted or imported for quoted, imported in IN_STYLE.findall(text))
    return [address for address in found if not address.startswith("data:")]


@cache
def read(path: Path) -> Page:
    """Read a page, once."""
    return Page(path)


def wordless(page: Page) -> Iterator[str]:
    """Yield the pictures that somebody who cannot see them learns nothing of."""
    for image in page.images:
        alt = image.get("alt", "").strip()
        if " " not in alt or A_FILE.fullmatch(alt) or alt == image.get("src"):
            yield f"the picture {image.get('src')} is described as {alt!r}"


def misnumbered(page: Page) -> Iterator[str]:
    """Yield what is wrong with the outline."""
    if page.headings.count(1) != 1 and not page.refers:
        yield f"it has {page.headings.count(1)} headings of level 1"
    for upper, lower in pairwise(page.headings):
        if lower > upper + 1:
            yield f"a heading of level {lower} follows one of level {upper}"


def local(address: str, base: Path) -> tuple[Path, str] | None:
    """Return the file and the anchor of an address, or None if it leads elsewhere."""
    whole, anchor = urldefrag(address)
    parts = urlsplit(whole)
    if parts.scheme or parts.netloc:
        return None
    file = (base.parent / unquote(parts.path)).resolve() if parts.path else base
    return file, unquote(anchor)


def dead_links(page: Page) -> Iterator[str]:
    """Yield the links within the book that lead nowhere."""
    for address in sorted(set(page.links)):
        target = local(address, page.path)
        if target is None:
            continue
        file, anchor = target
        if not file.is_file():
            yield f"a link leads to {address}, which is not there"
        elif anchor and file.suffix == ".html" and anchor not in read(file).anchors:
            yield f"a link leads to {address}, but the page has no such anchor"


@cache
def fetched_by(path: Path) -> list[str]:
    """Return the addresses that a file of a page fetches in its turn."""
    if path.suffix == ".css":
        return in_style(path.read_text(encoding="utf-8", errors="replace"))
    if path.suffix in (".js", ".mjs"):
        return IN_SCRIPT.findall(path.read_text(encoding="utf-8", errors="replace"))
    return []


def leaving(page: Page) -> Iterator[str]:
    """Yield what a browser would fetch from elsewhere, or in vain."""
    waiting = [(address, page.path) for address in page.fetched]
    seen: set[Path] = set()
    while waiting:
        address, base = waiting.pop()
        if address.startswith(("data:", "blob:")):
            continue
        target = local(address, base)
        if target is None:
            yield f"{base.name} fetches {address} from another machine"
        elif not target[0].is_file():
            yield f"{base.name} fetches {address}, which is not there"
        elif target[0] not in seen:
            seen.add(target[0])
            waiting += [(inner, target[0]) for inner in fetched_by(target[0])]


def unopened(page: Page, root: Path) -> Iterator[str]:
    """Yield what is wrong with a notebook's links to Colab."""
    found = [link for link in page.links if COLAB.match(link)]
    if page.path.parent.name == "notebooks" and not found:
        yield "no link opens it in Colab"
    for link in found:
        _, _, file = COLAB.sub("", link).partition("/")
        if not (root / unquote(file)).is_file():
            yield f"Colab is asked for {file}, which the repository has not"
        elif Path(file).stem != page.path.stem:
            yield f"Colab opens {file}, which is another notebook"


def problems(site: Site) -> list[str]:
    """Return all that is wrong, a line each."""
    found = []
    for path in site.pages():
        page = read(path)
        checks = (wordless, misnumbered, dead_links, leaving)
        wrong = [line for check in checks for line in check(page)]
        wrong += unopened(page, site.root)
        if "Traceback (most recent call last)" in page.text:
            wrong.append("it shows an error")
        found += [f"{path.relative_to(site.folder)}: {line}" for line in wrong]
    return found


def main() -> int:
    """Read the pages of the folder that the command line names."""
    site = Site(Path(sys.argv[1]).resolve())
    found = problems(site)
    print("\n".join(found) or f"{len(site.pages())} pages read, nothing found amiss.")
    return int(bool(found) or not site.pages())


if __name__ == "__main__":
    sys.exit(main())
