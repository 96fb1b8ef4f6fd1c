"""The bars of a report's sizes are its numbers."""

from types import SimpleNamespace

from mrcnn import visualize

NAN = float("nan")
REPORT = SimpleNamespace(
    box=SimpleNamespace(by_size={"small": 0.25, "medium": 0.5, "large": NAN}),
    mask=SimpleNamespace(by_size={"small": 0.0, "medium": 1.0, "large": NAN}),
)


def test_ap_by_size() -> None:
    (ax,) = visualize.plot_ap_by_size(REPORT).axes
    assert [bar.get_height() for bar in ax.patches] == [0.25, 0.5, 0.0, 0.0, 1.0, 0.0]
    texts = [text.get_text() for text in ax.texts]
    # Nothing found and nothing there are told apart.
    assert texts == ["0.250", "0.500", "no data", "0.000", "1.000", "no data"]
    names = [label.get_text().split("\n")[0] for label in ax.get_xticklabels()]
    assert names == ["small", "medium", "large"]
    legend = [text.get_text() for text in ax.get_legend().get_texts()]
    assert legend == ["box AP", "mask AP"]


def test_on_given_axes() -> None:
    _, axes = visualize.new_figure(size=(4, 3))
    assert visualize.plot_ap_by_size(REPORT, ax=axes[0, 0]) is axes[0, 0]
