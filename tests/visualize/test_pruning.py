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


def test_panels_with_an_edge_have_one_scale_that_runs_forwards():
    panels = {"": {"a": (-3.0, -4.0, -2.0)}, "b": {"a": (-9.0, -9.5, -8.0)}}
    one, other = visualize.plot_intervals(panels, xlabel="%", lowest=-20).axes
    assert one.get_xlim() == other.get_xlim()
    far = {"": {"a": (-90.0, -95.0, -85.0)}}
    (ax,) = visualize.plot_intervals(far, xlabel="%", lowest=-20).axes
    left, right = ax.get_xlim()
    assert left == -20 < right


def test_settings_of_one_method_are_joined_and_equal_losses_lie_on_the_diagonal():
    points = {
        "a": ((-2.0, 0.1), (-4.0, 0.2)),
        "b": ((-3.0, 0.1), (-3.0, 0.2)),
        "c": ((-5.0, 0.1), (-1.0, 0.2)),
    }
    figure = visualize.plot_trade_off(points, xlabel="x", ylabel="y", joined=["c", "a"])
    (ax,) = figure.axes
    plain = [line for line in ax.lines if len(line.get_xdata()) == 2]
    joined, diagonal = (np.column_stack(line.get_data()) for line in plain)
    np.testing.assert_array_equal(joined, [[-5, -1], [-2, -4]])
    np.testing.assert_array_equal(diagonal[:, 0], diagonal[:, 1])
    assert ax.get_xlim() == ax.get_ylim()
    labels = [t.get_text() for t in ax.get_legend().get_texts()]
    assert labels == ["a", "b", "c"]


def test_programs_have_colours_formats_kinds_of_lines_and_models_markers():
    programs = {
        "A": {
            "float32": {"dense": (40.0, 0.0), "half": (20.0, -1.0)},
            "int8": {"dense": (30.0, -0.2), "half": (15.0, -1.5)},
        },
        "B": {"int8": {"dense": (10.0, -0.5), "half": (5.0, -2.0)}},
    }
    figure = visualize.plot_frontier(programs, xlabel="ms", ylabel="%")
    (ax,) = figure.axes
    drawn = {line.get_label(): line for line in ax.lines}
    a, b = drawn["A int8"], drawn["B int8"]
    assert a.get_linestyle() == b.get_linestyle() != drawn["A float32"].get_linestyle()
    assert a.get_color() == drawn["A float32"].get_color() != b.get_color()
    marks = {
        tuple(line.get_xydata()[0]): line.get_marker()
        for line in ax.lines
        if len(line.get_xdata()) == 1
    }
    places = [points for formats in programs.values() for points in formats.values()]
    (dense,) = {marks[points["dense"]] for points in places}
    (half,) = {marks[points["half"]] for points in places}
    assert dense != half
    names = [text.get_text() for text in ax.get_legend().get_texts()]
    assert names == ["A float32", "A int8", "B int8", "dense", "half"]
    assert [t.get_text() for t in ax.get_xticklabels()] == ["5", "10", "20"]
