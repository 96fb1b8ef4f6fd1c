"""The table of the frontier by hand, and where its models lie."""

import json
import os

import numpy as np
import pytest

from mrcnn.benchmarks import frontier, frontier_models, frontier_rows
from mrcnn.benchmarks.frontier_models import Entry
from mrcnn.benchmarks.frontier_results import places, table
from mrcnn.cost import layer_costs, layer_memory, total
from mrcnn.study.subjects import checkpoint_path


def row(entry: Entry, form: str, times: float, box: float, mask: float) -> dict:
    """Return a row that took 60 ms, as the machine was then."""
    seconds = {"median": 0.06, "fastest": 0.01, "slowest": 0.09}
    return {
        "model": str(entry),
        **entry._asdict(),
        "format": form,
        **{"parameters": 2_440_000, "macs": 301_000_000, "held": 310_000},
        "times_as_fast": times,
        "seconds": seconds,
        "images_per_second": 133.3,
        "bytes": 1_500_000,
        "memory": 30_000_000,
        "agreement": 0.987,
        "metrics": {"box": box, "class": 0.99, "mask": mask},
    }


ROWS = [
    row(Entry(1.0), "Keras float32", 1.0, 0.8, 0.9),
    row(Entry(0.25), "OpenVINO int8", 8.0, 0.784, 0.9),
    row(Entry(0.25, control=True), "Keras float32", 2.0, 0.8, 0.72),
    row(Entry(1.0, control=True), "Keras float32", 0.9, 0.7, 0.9),
    row(Entry(0.25, control=True), "OpenVINO int8", 7.5, 0.76, 0.9),
]


def test_changes_are_relative_to_the_first_row():
    _, _, dense, pruned, *_ = table(ROWS).splitlines()
    cells = [cell.strip() for cell in pruned.split("|")[1:-1]]
    assert cells[:2] == ["pruned to 0.25", "OpenVINO int8"]
    assert cells[2:5] == ["2.44 M", "301.00 M", "0.31 M"]
    assert cells[5:9] == ["60.0", "10.0", "90.0", "8.0"]
    assert cells[9:13] == ["133", "1.50", "30", "98.7"]
    assert cells[13:] == ["0.784", "0.990", "0.900", "-2.0"]
    assert "| 1.0 |" in dense
    assert dense.endswith("| +0.0 |")


def test_a_line_joins_what_one_program_runs_and_controls_have_their_own():
    found = places(ROWS)
    assert found["Keras"] == {"float32": {"dense": (60.0, 0.0)}}
    (model, place), *others = found["OpenVINO"]["int8"].items()
    assert (model, others) == ("25% of the work", [])
    assert place == pytest.approx((7.5, -2.0))  # an eighth of the first row's 60 ms
    # Of the other control, which is no other network, there is nothing to place.
    control = found["Keras from scratch"]["float32"]
    assert control == {model: pytest.approx((30.0, -20.0))}
    control = found["OpenVINO from scratch"]["int8"]
    assert control == {model: pytest.approx((8.0, -5.0))}


def test_every_model_has_files_of_its_own_but_the_dense_weights_are_shipped():
    entries = [Entry(*what) for what in ((1.0,), (0.25,), (0.25, True), (1.0, True))]
    assert len({entry.saved("model.onnx") for entry in entries}) == len(entries)
    assert [str(entry) for entry in entries] == [
        *("dense", "pruned to 0.25", "from scratch at 0.25", "dense, trained on"),
    ]
    assert entries[0].weights == checkpoint_path()
    assert all(entry.weights == entry.saved("model.h5") for entry in entries[1:])


@pytest.fixture
def elsewhere(monkeypatch, tmp_path):
    """Let models lie in a folder of the test's own."""
    frontier_models.folder.cache_clear()
    monkeypatch.chdir(tmp_path)
    yield tmp_path
    frontier_models.folder.cache_clear()


def test_models_lie_apart_by_what_they_are_made_from(monkeypatch, elsewhere):
    def folder():
        frontier_models.folder.cache_clear()
        return frontier_models.folder()

    class Sure(type(frontier_models.DEPLOYED)):
        DETECTION_MIN_CONFIDENCE = 0.9

    (elsewhere / "other.h5").write_bytes(b"other weights")
    found = [folder()]
    for name, value in (
        ("STEPS", 7),
        ("DEPLOYED", Sure()),
        ("checkpoint_path", lambda: elsewhere / "other.h5"),
    ):
        with monkeypatch.context() as changed:
            changed.setattr(frontier_models, name, value)
            found.append(folder())
    assert len(set(found)) == 4
    assert folder() == found[0]


def test_a_control_is_made_again_when_the_widths_that_it_follows_are_newer(elsewhere):
    pruned, control = Entry(0.25), Entry(0.25, control=True)
    assert not pruned.made
    assert not control.made
    for path in (pruned.saved("plan.json"), pruned.weights, control.weights):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    assert pruned.made
    assert control.made
    later = control.weights.stat().st_mtime + 10
    for path in (pruned.saved("plan.json"), pruned.weights):
        os.utime(path, (later, later))
    assert pruned.made
    assert not control.made
    assert Entry(1.0).made


@pytest.mark.parametrize("there", [True, False])
def test_a_format_that_would_be_another_is_left_out(there, monkeypatch, capsys):
    monkeypatch.setattr(frontier.runtimes, "openvino_has_bfloat16", lambda: there)
    asked = ["OpenVINO bfloat16", "OpenVINO int8"]
    expected = ["Keras float32", *asked[0 if there else 1 :]]
    assert frontier.formats_here(asked) == expected
    assert frontier.formats_here(["LiteRT float32", "Keras float32"]) == [
        *("Keras float32", "LiteRT float32"),
    ]
    assert ("OpenVINO bfloat16" in capsys.readouterr().err) != there


def test_times_as_fast_by_a_clock_of_its_own(monkeypatch):
    now, images, seen = [0.0], ["a", "b", "c"], {"dense": [], "found": []}

    def call(name, image, seconds):
        seen[name].append(image)
        now[0] += seconds

    monkeypatch.setattr(frontier.timing.time, "perf_counter", lambda: now[0])
    monkeypatch.setattr(Entry, "load", lambda entry: str(entry))
    monkeypatch.setattr(
        frontier, "detect", lambda model, batch: call(model, *batch, 0.5)
    )
    taken = iter([9.0, *[0.1] * 6, *[0.2] * 6, *[0.125] * 6])  # the first one traces

    def find(image):
        call("found", image, next(taken))

    assert frontier.times_as_fast(find, images, repeats=3) == pytest.approx(0.5 / 0.125)
    assert seen["dense"] == seen["found"] == [*"abc" * 6, "a"]


def test_an_interrupted_run_goes_on_where_it_may(monkeypatch, elsewhere):
    wanted = [(Entry(0.5), "Keras float32"), (Entry(0.5), "LiteRT float32")]
    Entry(0.5).weights.parent.mkdir(parents=True)
    Entry(0.5).weights.touch()
    progress = frontier_models.folder() / "rows.json"
    asked = []

    def measure(module, arguments, repeats):
        if asked:
            raise KeyboardInterrupt
        asked.append(arguments)
        part, control, form = arguments
        what = {"part": float(part), "control": control == "True", "format": form}
        return what | {"environment": frontier_rows.timing.environment()}

    monkeypatch.setattr(frontier_rows, "measure_apart", measure)
    with pytest.raises(KeyboardInterrupt):
        frontier_rows.measure_rows(wanted, 7, progress)
    before = json.loads(progress.read_text())
    assert [row["format"] for row in before] == ["Keras float32"]

    def goes_on(others=wanted):
        return frontier_rows.begun(others, progress) == before

    assert goes_on()
    assert goes_on([*wanted, (Entry(0.5), "OpenVINO int8")])
    assert not goes_on([])
    assert not goes_on(wanted[::-1])
    assert not goes_on([(Entry(0.5, control=True), form) for _, form in wanted])
    with monkeypatch.context() as moved:
        moved.setattr(frontier_rows.timing, "device_name", lambda: "another machine")
        assert not goes_on()
    made = Entry(0.5).weights.stat().st_mtime
    later = progress.stat().st_mtime + 10
    os.utime(Entry(0.5).weights, (later, later))
    assert not goes_on()
    os.utime(Entry(0.5).weights, (made, made))

    asked.clear()
    rows = frontier_rows.measure_rows(wanted, 7, progress)
    assert asked == [("0.5", "False", "LiteRT float32")]
    assert [row["format"] for row in rows] == [form for _, form in wanted]
    assert rows == json.loads(progress.read_text())


def instances(*squares: tuple[int, int, int, float]) -> dict[str, np.ndarray]:
    """Return squares of 10 pixels at (column, row), of a class, with a score."""
    masks = np.zeros((40, 40, len(squares)), bool)
    for i, (x, y, _, _) in enumerate(squares):
        masks[y : y + 10, x : x + 10, i] = True
    return {
        "masks": masks,
        "class_ids": np.array([square[2] for square in squares], int),
        "scores": np.array([square[3] for square in squares], float),
    }


NOTHING = instances()
ONE = instances((5, 5, 1, 0.9))


@pytest.mark.parametrize(
    ("found", "expected", "part"),
    [
        ([], [], 1.0),
        ([NOTHING], [NOTHING], 1.0),
        ([ONE], [NOTHING], 1.0),
        ([NOTHING], [ONE], 0.0),
        ([instances((5, 5, 1, 0.2))], [ONE], 1.0),  # less sure, but there
        ([instances((5, 5, 2, 0.9))], [ONE], 0.0),  # of another class
        ([instances((6, 5, 1, 0.9))], [ONE], 0.0),  # 90 of 110 pixels
        ([ONE], [instances((5, 5, 1, 0.9), (20, 5, 1, 0.8))], 0.5),
        ([ONE], [instances((5, 5, 1, 0.9), (20, 5, 1, 0.4))], 1.0),  # unsure
        ([ONE], [instances((5, 5, 1, 0.9), (5, 5, 1, 0.8))], 0.5),  # one for two
        ([ONE, NOTHING], [ONE, ONE], 0.5),
        ([ONE, NOTHING], [ONE], 1.0),  # no more images were asked for
    ],
)
def test_agreement_by_hand(found, expected, part):
    assert frontier.agreement(found, expected) == part


def test_a_file_that_is_another_model_is_refused(monkeypatch, tiny_config, tiny_model):
    monkeypatch.setattr(Entry, "load", lambda entry: tiny_model)
    monkeypatch.setattr(frontier, "HELD_TO_KERAS", 2)
    monkeypatch.setattr(frontier, "detect", lambda model, images: [ONE, ONE])
    asked = []

    def detector(entry, form, reference):
        asked.append(form)
        return (lambda image: NOTHING if "LiteRT" in form else ONE), 0

    monkeypatch.setattr(frontier, "detector", detector)
    with pytest.raises(ValueError, match=r"dense in LiteRT float32 finds 0\.0%"):
        frontier.hold_to_keras(Entry(1.0))
    assert asked == ["ONNX Runtime float32", "OpenVINO float32", "LiteRT float32"]


def test_on_paper_all_slots_count(tiny_model):
    slots = {
        "rois": tiny_model.settings.proposals_inference,
        "masks": tiny_model.settings.detections,
    }
    found = frontier.on_paper(tiny_model, (64, 64))
    parts = layer_costs(tiny_model, (64, 64), **slots).values()
    everything = total({str(i): total(layers) for i, layers in enumerate(parts)})
    memory = layer_memory(tiny_model, (64, 64), **slots)
    held = max(n for layers in memory.values() for n in layers.values())
    assert found == {**everything._asdict(), "held": held}


def test_work_is_counted_with_the_slots_that_are_measured(monkeypatch, elsewhere):
    class Asked(Exception):
        """Ends the making of a model where its channels would be pruned."""

    def ask(config, *args, **options):
        raise Asked(config)

    monkeypatch.setattr(frontier_models, "prune_channels", ask)
    with pytest.raises(Asked) as asked:
        frontier_models.make(Entry(0.5))
    (counted,), measured = asked.value.args, Entry(1.0).config
    for slots in ("POST_NMS_ROIS_INFERENCE", "DETECTION_MAX_INSTANCES"):
        assert getattr(counted, slots) == getattr(measured, slots)
