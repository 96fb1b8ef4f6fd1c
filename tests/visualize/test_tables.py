"""Tables as text and as HTML; weights that look wrong are marked."""

from types import SimpleNamespace

import keras
import numpy as np
import pytest

from mrcnn import visualize
from mrcnn.visualize import tables

TABLE = [["weight", "shape"], ["conv1/kernel", (3, 3)], ["<b>"]]


def test_a_table_is_printed_in_columns(capsys: pytest.CaptureFixture[str]) -> None:
    visualize.display_table(TABLE)
    assert capsys.readouterr().out == (
        "weight        shape\nconv1/kernel  (3, 3)\n<b>\n"
    )
    visualize.display_table([])
    assert capsys.readouterr().out == "\n"


def test_in_ipython_a_table_is_html_as_well(monkeypatch: pytest.MonkeyPatch) -> None:
    shown: list[dict] = []
    monkeypatch.setattr(
        "IPython.display.display", lambda formats, raw: shown.append(formats)
    )
    monkeypatch.setattr(tables, "ipython", lambda: object())
    visualize.display_table(TABLE, marked=[2])
    (formats,) = shown
    assert formats["text/plain"].startswith("weight        shape\n")
    assert formats["text/html"] == (
        "<table><tr><td>weight</td><td>shape</td></tr>"
        "<tr><td>conv1/kernel</td><td>(3, 3)</td></tr>"
        '<tr style="color: #D55E00; font-weight: bold"><td>&lt;b&gt;</td></tr></table>'
    )


def stats(
    layers: list[keras.layers.Layer], capsys: pytest.CaptureFixture[str]
) -> dict[str, str]:
    """Return the printed rows below the header by the name of their weight."""
    visualize.display_weight_stats(SimpleNamespace(get_trainable_layers=lambda: layers))
    header, *rows = capsys.readouterr().out.splitlines()
    assert header.split() == ["weight", "name", "shape", "min", "max", "std"]
    return {row.split()[0]: row for row in rows}


def test_statistics_of_a_dense_layer(capsys: pytest.CaptureFixture[str]) -> None:
    layer = keras.layers.Dense(2, name="fc")
    layer.build((None, 2))
    layer.set_weights([np.array([[1.0, -3.0], [5.0, 1.0]]), np.zeros(2)])
    rows = stats([layer], capsys)
    # The mean is 1, so the deviations are 0, -4, 4 and 0.
    assert rows["fc/kernel"].split() == (
        ["fc/kernel", "(2,", "2)", "-3.0000", "+5.0000", "+2.8284"]
    )
    assert "***" not in rows["fc/bias"]  # a bias may stay zero


@pytest.mark.parametrize(
    ("value", "mark"),
    [(0.0, "dead?"), (0.5, "dead?"), (2000.0, "overflow?"), (np.nan, "overflow?")],
)
def test_dead_and_exploding_weights_are_marked(
    value: float, mark: str, capsys: pytest.CaptureFixture[str]
) -> None:
    layer = keras.layers.Conv2D(3, 1, name="conv")
    layer.build((None, None, None, 2))
    layer.set_weights([np.full((1, 1, 2, 3), value), np.zeros(3)])
    rows = stats([layer], capsys)
    assert f"conv/kernel *** {mark}" in rows["conv/kernel"]
    assert "***" not in rows["conv/bias"]


def test_a_fresh_normalisation_and_a_large_variance_are_in_order(
    capsys: pytest.CaptureFixture[str],
) -> None:
    layer = keras.layers.BatchNormalization(name="bn")
    layer.build((None, 4))
    names = [f"bn/{n}" for n in ("gamma", "beta", "moving_mean", "moving_variance")]
    rows = stats([layer], capsys)
    assert list(rows) == names
    assert "***" not in "".join(rows.values())
    layer.moving_variance.assign(np.full(4, 9e5))
    assert "***" not in "".join(stats([layer], capsys).values())
    layer.moving_variance.assign(np.full(4, 2e6))
    assert "*** overflow?" in stats([layer], capsys)["bn/moving_variance"]


def test_weights_of_one_number_and_of_layers_in_layers(
    capsys: pytest.CaptureFixture[str],
) -> None:
    inner = keras.layers.Dense(1, use_bias=False, name="inner")
    outer = keras.Sequential([keras.Input((1,)), inner], name="outer")
    inner.set_weights([np.array([[0.25]])])
    rows = stats([outer], capsys)
    assert list(rows) == ["inner/kernel"] and "***" not in rows["inner/kernel"]
    inner.set_weights([np.array([[0.0]])])
    assert "*** dead?" in stats([outer], capsys)["inner/kernel"]
