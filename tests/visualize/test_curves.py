"""Charts of plain numbers show these numbers."""

import numpy as np
import pytest

from mrcnn import visualize


def test_series_differ_in_more_than_colour() -> None:
    series = {"a": [1, 2], "b": [2, 1]}
    axes = {"xlabel": "x", "ylabel": "y", "logarithmic": True, "ylim": (0, 3)}
    (ax,) = visualize.plot_series([1, 10], series, **axes).axes
    assert [line.get_ydata().tolist() for line in ax.lines] == [[1, 2], [2, 1]]
    assert len({line.get_linestyle() for line in ax.lines}) == 2
    assert [tick.get_text() for tick in ax.get_xticklabels()] == ["1", "10"]
    assert ax.get_ylim() == (0, 3)


def test_a_value_between_two_gaps_is_marked() -> None:
    values = [0.5] * 30
    values[10] = values[12] = float("nan")
    (ax,) = visualize.plot_series(range(30), {"a": values}, xlabel="x", ylabel="y").axes
    assert ax.lines[0].get_markevery() == [11]


def test_a_long_curve_has_no_marks_in_its_legend_either() -> None:
    both = {"a": [0.5] * 30, "b": [0.4] * 30}
    (ax,) = visualize.plot_series(range(30), both, xlabel="x", ylabel="y").axes
    assert {line.get_marker() for line in ax.get_legend().get_lines()} == {""}


def test_one_series_needs_no_legend() -> None:
    (ax,) = visualize.plot_series([1], {"a": [1]}, xlabel="x", ylabel="y").axes
    assert ax.get_legend() is None


def test_names_and_whole_numbers_get_a_bar_each() -> None:
    samples = {"class": ["b", "a", "b"], "objects": [4, 1, 1]}
    first, second = visualize.plot_histograms(samples, ylabel="count").axes
    assert [bar.get_height() for bar in first.patches] == [1, 2]
    assert [tick.get_text() for tick in second.get_xticklabels()] == ["1", "4"]
    assert [bar.get_height() for bar in second.patches] == [2, 1]


def test_other_numbers_are_counted_in_intervals() -> None:
    values = np.linspace(0, 1, 40)
    figure = visualize.plot_histograms(
        {"IoU": values}, ylabel="objects", bins=4, marks={"good": 0.7}
    )
    (ax,) = figure.axes
    assert [bar.get_height() for bar in ax.patches] == [10] * 4
    assert ax.lines[0].get_xdata()[0] == 0.7
    assert [text.get_text() for text in ax.texts] == ["good"]


@pytest.mark.parametrize("values", [{"a": 3.0, "b": 1.0}, {"a": 0.0, "b": 0.0}])
def test_bars_with_their_shares(values: dict[str, float]) -> None:
    (ax,) = visualize.plot_bars({"parameters": values}).axes
    assert [bar.get_width() for bar in ax.patches] == list(values.values())
    share = "(75%)" if values["a"] else "(0%)"
    assert share in ax.texts[0].get_text()


def test_points() -> None:
    groups = {"box": [0.5, 1.0], "mask": [0.25, 0.0]}
    axes = {"xlabel": "size", "ylabel": "IoU", "ylim": (0, 1)}
    (ax,) = visualize.plot_points([1, 2], groups, **axes).axes
    drawn = [cloud.get_offsets().tolist() for cloud in ax.collections]
    assert drawn == [[[1, 0.5], [2, 1.0]], [[1, 0.25], [2, 0.0]]]


def test_growth_beside_a_line_of_linear_growth() -> None:
    curves = {"a": ([1, 2, 4], [1.0, 1.0, 8.0]), "b": ([1, 2], [3.0, 6.0])}
    figure = visualize.plot_growth(
        {"s": {"pixels": curves, "objects": {"b": curves["b"]}}}
    )
    first, second = figure.axes
    drawn = [line.get_ydata().tolist() for line in first.lines]
    assert drawn == [[1, 1, 8], [3, 6], [2, 4, 8], [3, 6]]
    assert first.get_ylim()[0] < 1 < 8 < first.get_ylim()[1]
    assert {first.get_xscale(), first.get_yscale()} == {"log"}
    assert second.get_xlabel() == "objects" and first.get_ylabel() == "s"
    of_b = [first.lines[1].get_color(), second.lines[0].get_color()]
    assert of_b[0] == of_b[1] != first.lines[0].get_color()
