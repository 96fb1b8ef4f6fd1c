"""Charts of pruning say what they were given."""

import numpy as np

from mrcnn import visualize


def test_every_cell_of_a_heat_map_shows_its_number():
    values = np.array([[-1.0, -50.2], [0.0, np.nan]])
    figure = visualize.plot_heat_maps(
        {"box": values, "mask": values / 2}, ["a", "b"], ["50", "90"], label="%"
    )
    box, mask = figure.axes[:2]
    assert [t.get_text() for t in box.texts] == ["-1", "-50", "0"]
    assert [t.get_text() for t in mask.texts] == ["0", "-25", "0"]
    assert [t.get_text() for t in box.get_yticklabels()] == ["a", "b"]


def test_sparsity_grows_to_the_right_as_the_rest_is_halved():
    points = {0.8: (-1.0, 0.5), 0.9: (-2.0, 0.5), 0.95: (-9.0, 1.0)}
    figure = visualize.plot_over_sparsity({"box": {"LAMP": points}}, ylabel="%")
    (ax,) = figure.axes
    place = [ax.transData.transform((1 - s, 0))[0] for s in points]
    assert np.isclose(place[1] - place[0], place[2] - place[1])
    assert place[0] < place[1]
    labels = [t.get_text() for t in ax.get_xticklabels()]
    assert labels == ["80 %", "90 %", "95 %"]
    curve, _, _ = ax.containers[0].lines
    np.testing.assert_allclose(np.asarray(curve.get_ydata(), float), [-1, -2, -9])


def test_the_best_is_on_top_and_intervals_end_where_they_should():
    first = {"a": (-3.0, -4.0, -2.5), "b": (-1.0, -1.2, 0.0), "c": (-2.0, -2.0, -2.0)}
    second = {name: (2 * v, 2 * v, 2 * v) for name, (v, _, _) in first.items()}
    figure = visualize.plot_intervals(
        {"one": first, "two": second}, xlabel="%", highlight="c"
    )
    left, _ = figure.axes
    labels = left.get_yticklabels()
    assert [t.get_text() for t in labels] == ["a", "c", "b"]
    assert [t.get_fontweight() for t in labels] == ["normal", "bold", "normal"]
    (bar,) = left.containers[0].lines[2]
    np.testing.assert_allclose(bar.get_segments()[0][:, 0], [-4.0, -2.5])


def test_what_lies_off_the_chart_is_an_arrow_at_its_edge():
    values = {"near": (-3.0, -4.0, -2.0), "far": (-90.0, -95.0, -85.0)}
    figure = visualize.plot_intervals({"": values}, xlabel="%", lowest=-20)
    (ax,) = figure.axes
    assert ax.get_xlim()[0] == -20
    arrows = [line for line in ax.lines if line.get_marker() == "<"]
    assert [list(arrow.get_xdata()) for arrow in arrows] == [[-20]]
    assert len(ax.containers) == 1
