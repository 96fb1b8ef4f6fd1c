"""Sphinx extension: equations as MathML, which browsers draw without script or network.

A page that loads a script for its equations from elsewhere shows their source instead
when it is read offline. `_config.yml` turns this on.
"""

from html import escape
from typing import Any, NoReturn

from docutils import nodes
from docutils.utils.math import MathError
from docutils.utils.math.latex2mathml import tex2mathml
from sphinx.util import logging

LOGGER = logging.getLogger(__name__)
# The theme lets boxes of this class scroll, and lets the keyboard reach those that do.
WIDE = (
    '<div class="pst-scrollable-table-container" style="margin: 1em 0">'
    '<div style="min-width: max-content">'
)


def mathml(source: str, *, display: bool, node: nodes.Node | None = None) -> str:
    """Return an equation as MathML; as code, with a warning, if that fails.

    Args:
        source: LaTeX.
        display: whether in lines of its own.
        node: where it stands, for the warning.
    """
    try:
        return tex2mathml(source, as_block=display)
    except MathError as error:
        LOGGER.warning("no equation: %s in %s", error, source, location=node)
        return f"<code>{escape(source)}</code>"


def inline(writer: Any, node: nodes.math) -> NoReturn:
    """Write an equation within a line."""
    writer.body.append(mathml(node.astext(), display=False, node=node))
    raise nodes.SkipNode


def block(writer: Any, node: nodes.math_block) -> NoReturn:
    """Write an equation in lines of its own; a wide one can be scrolled."""
    writer.body.append(WIDE + mathml(node.astext(), display=True, node=node))
    writer.body.append("</div></div>\n")
    raise nodes.SkipNode


def setup(app: Any) -> dict[str, bool]:
    """Offer the renderer to Sphinx as "mathml"."""
    app.add_html_math_renderer("mathml", (inline, None), (block, None))
    return {"parallel_read_safe": True, "parallel_write_safe": True}
