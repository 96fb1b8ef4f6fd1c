"""Sphinx extension: mends what the theme and other extensions get wrong in every page.

`_config.yml` turns it on. `make browser` shows what is left to mend; a repair whose
text no longer occurs does nothing and can go.
"""

from pathlib import Path
from typing import Any

# What pages hold, and what they should. axe-core finds these; who listens to a page
# needs them mended.
REPAIRS = {
    # A name that lacks the visible words ("Show source") cannot be spoken to.
    '<summary aria-label="Toggle hidden content">': "<summary>",
    # The button is named by its text; the keys are a hint for eyes.
    'search-button__button pst-js-only" title="Search" aria-label="Search" '
    'data-bs-placement="bottom" data-bs-toggle="tooltip">\n '
    '<i class="fa-solid fa-magnifying-glass"></i>': (
        'search-button__button pst-js-only" data-bs-placement="bottom">\n '
        '<i class="fa-solid fa-magnifying-glass"></i>'
    ),
    '<span class="search-button__kbd-shortcut">': (
        '<span class="search-button__kbd-shortcut" aria-hidden="true">'
    ),
    # Titles of the icons would be read with the name of the button that holds them.
    'data-mode="light" title="Light"': 'data-mode="light"',
    'data-mode="dark"  title="Dark"': 'data-mode="dark"',
    'data-mode="auto"  title="System Settings"': 'data-mode="auto"',
    # Children of a list are its items.
    'role="doc-biblioentry"': 'role="listitem"',
}


def leave_out_thebe(
    app: Any, name: str, template: str, context: dict[str, Any], doctree: Any
) -> None:
    """Drop the scripts that run cells on a server: the book offers none.

    Besides, Sphinx includes them twice, and the second copy is an error.
    """
    for kind in ("script_files", "css_files"):
        files = context.get(kind, [])
        texts = (f"{file} {getattr(file, 'attributes', '')}" for file in files)
        context[kind] = [
            file
            for file, text in zip(files, texts, strict=True)
            if "thebe" not in text.lower()
        ]


def repair(app: Any, error: Exception | None) -> None:
    """Mend the finished pages."""
    for path in Path(app.outdir).rglob("*.html"):
        text = mended = path.read_text(encoding="utf-8")
        for wrong, right in REPAIRS.items():
            mended = mended.replace(wrong, right)
        if mended != text:
            path.write_text(mended, encoding="utf-8")


def setup(app: Any) -> dict[str, bool]:
    """Have every page mended."""
    # Late, when the extensions and the theme have added their files.
    app.connect("html-page-context", leave_out_thebe, priority=900)
    app.connect("build-finished", repair)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
