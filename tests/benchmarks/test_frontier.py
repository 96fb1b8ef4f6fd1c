"""The table of the frontier by hand, and where its models lie."""

import pytest

from mrcnn.benchmarks import frontier_models
from mrcnn.benchmarks.frontier_models import Entry
from mrcnn.benchmarks.frontier_results import places, table
from mrcnn.study.subjects import checkpoint_path


def row(entry: Entry, form: str, milliseconds: float, box: float, mask: float) -> dict:
    seconds = {"first": 9.0, "fastest": 0.01, "slowest": 0.09}
    return {
        "model": str(entry),
        **entry._asdict(),
        "format": form,
        "parameters": 2_440_000,
        "seconds": {**seconds, "median": milliseconds / 1000},
        "images_per_second": 1000 / milliseconds,
        "bytes": 1_500_000,
        "memory": 30_000_000,
        "metrics": {"box": box, "class": 0.99, "mask": mask},
    }


ROWS = [
    row(Entry(1.0), "Keras float32", 60.0, 0.8, 0.9),
    row(Entry(0.25), "OpenVINO int8", 7.5, 0.784, 0.9),
    row(Entry(0.25, control=True), "Keras float32", 30.0, 0.8, 0.72),
]


def test_times_and_changes_are_relative_to_the_first_row():
    *_, dense, pruned, _ = table(ROWS).splitlines()
    cells = [cell.strip() for cell in pruned.split("|")[1:-1]]
    assert cells[:3] == ["pruned to 0.25", "OpenVINO int8", "2.44 M"]
    assert cells[3:7] == ["7.5", "10.0", "90.0", "8.0"]
    assert cells[7:10] == ["133", "1.50", "30"]
    assert cells[10:] == ["0.784", "0.990", "0.900", "-2.0"]
    assert "| 1.0 |" in dense
    assert dense.endswith("| +0.0 |")


def test_a_line_joins_what_one_program_runs_and_controls_have_their_own():
    found = places(ROWS)
    assert found["Keras"] == {"float32": {"dense": (60.0, 0.0)}}
    (model, place), *others = found["OpenVINO"]["int8"].items()
    assert (model, others) == ("25% of the work", [])
    assert place == pytest.approx((7.5, -2.0))
    control = found["Keras from scratch"]["float32"]
    assert control == {model: pytest.approx((30.0, -20.0))}


def test_every_model_has_files_of_its_own_but_the_dense_weights_are_shipped():
    entries = [Entry(1.0), Entry(0.5), Entry(0.25), Entry(0.25, control=True)]
    assert len({entry.saved("model.onnx") for entry in entries}) == len(entries)
    assert [str(entry) for entry in entries[2:]] == [
        "pruned to 0.25",
        "from scratch at 0.25",
    ]
    assert entries[0].weights == checkpoint_path()
    assert entries[1].weights == entries[1].saved("model.h5")


def test_work_is_counted_with_the_slots_that_are_measured(monkeypatch, tmp_path):
    class Asked(Exception):
        """Ends the making of a model where its channels would be pruned."""

    def ask(config, *args, **options):
        raise Asked(config)

    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(frontier_models, "prune_channels", ask)
    with pytest.raises(Asked) as asked:
        frontier_models.make(Entry(0.5))
    (counted,), measured = asked.value.args, Entry(1.0).config
    for slots in ("POST_NMS_ROIS_INFERENCE", "DETECTION_MAX_INSTANCES"):
        assert getattr(counted, slots) == getattr(measured, slots)
