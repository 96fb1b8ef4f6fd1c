"""Programs that take turns, and torchvision's among them where it is installed."""

import importlib.util

import numpy as np
import pytest

from mrcnn.benchmarks import peers, peers_ours, peers_results, peers_torchvision
from mrcnn.benchmarks.peers import PROGRAMS, Turns
from mrcnn.benchmarks.peers_results import OURS
from mrcnn.benchmarks.peers_work import WORKS, Work

SERVED = """
import sys
from types import SimpleNamespace
sys.path.insert(0, {turns!r})
import turns

clock, usual, calls = [0.0], {usual}, []
turns.time.perf_counter = lambda: clock[0]


def work():
    calls.append(None)
    if len(calls) == {fails}:
        sys.exit("it broke")
    clock[0] += 9.0 if len(calls) == 1 else usual


turns.serve(lambda: SimpleNamespace(call=work, work=lambda: (0.0, "did it")))
"""


def command(usual, fails=0):
    folder = str(peers.__file__).rpartition("/")[0]
    return ["-c", SERVED.format(turns=folder, usual=usual, fails=fails)]


def test_all_take_turns_and_one_that_fails_says_why(tmp_path):
    commands = {
        OURS: command(0.5),
        "fast": command(0.25),
        "never": ["-c", "raise SystemExit('no such thing')"],
        "once": command(1.0, fails=3),
    }
    found = Turns(commands, tmp_path).run(rounds=3, turn=0.1)
    assert found[OURS]["seconds"] == [0.5] * 3
    assert found["fast"]["first"] == 9.0 and found["fast"]["about"] == "did it"
    assert found["fast"]["peak"] > 1e6
    assert found["never"] == {"error": "no such thing"}
    assert found["once"] == {"error": "it broke"}
    found = peers_results.with_ratios(found)
    assert found["fast"]["ratios"] == [2.0] * 3
    assert found["never"] == {"error": "no such thing"}


def test_the_table_has_a_line_for_each_program():
    of = {"first": 2.0, "peak": 3e6, "about": "did it"}
    programs = {
        OURS: {"seconds": [1.0, 1.0, 1.0], **of},
        "fast": {"seconds": [0.5, 0.25, 1.0], **of},
        "broken": {"error": "why"},
    }
    programs = peers_results.with_ratios(programs)
    lines = peers_results.table([{"work": "w", "programs": programs}]).splitlines()
    assert lines[3] == ("| w | fast | 0.500 | 2.00 | 1.50 to 3.00 | 2.0 | 3 | did it |")
    assert lines[4] == "| w | broken | why |  |  |  |  |  |"


def test_masks_are_pasted_into_their_boxes():
    masks = np.ones((3, 4, 4), np.float32)
    boxes = np.array([[1, 2, 4, 6], [-3, 0, 2, 9], [5, 5, 5, 8]], np.float32)
    pasted = peers_torchvision.paste(masks, boxes, 8)
    assert pasted.sum((1, 2)).tolist() == [3 * 4, 2 * 8, 0]
    assert pasted[0, 2:6, 1:4].all()


def test_without_ours_there_is_no_ratio():
    row = {"seconds": [1.0], "first": 2.0, "peak": 3e6, "about": ""}
    for of_ours in ({}, {OURS: {"error": "why"}}):
        programs = peers_results.with_ratios({**of_ours, "fast": row})
        cells = peers_results.cells({"work": "w", "programs": programs})
        assert cells[-1] == ("fast", "1.000", "", "", "2.0", "3", "")


def test_ours_is_among_the_programs_and_every_work_has_a_side():
    assert next(iter(PROGRAMS)) == OURS
    assert {work.side for work in WORKS.values()} == {128, 1024}
    assert {p.whose for p in PROGRAMS.values()} == {"ours", "torchvision"}


def test_exported_networks_are_not_trained(monkeypatch):
    asked = {}
    monkeypatch.setattr(
        Turns, "run", lambda self, **_: asked.update(self._commands) or {}
    )
    monkeypatch.setattr(peers, "_python", lambda *_: pytest.fail("exports"))
    peers.measure("train R50 128", list(PROGRAMS), rounds=1, turn=0.1)
    assert asked and not any(PROGRAMS[n].runs_in in peers.EXPORTED for n in asked)


# In a process of its own: it must not share one with TensorFlow.
TORCHVISION = """
import sys
import numpy as np
from mrcnn.benchmarks import peers_torchvision, turns
from mrcnn.benchmarks.peers_work import Work

work = Work({work})
given = dict(np.load({file!r}))
turns.serve(lambda: peers_torchvision.job(work, {numbers!r}, given))
assert "tensorflow" not in sys.modules
"""


@pytest.mark.skipif(
    not importlib.util.find_spec("torchvision"), reason="torchvision is not installed"
)
def test_torchvision_does_as_much_as_is_asked_for(tmp_path):
    works = {
        "float32": Work(64, 3, 5),
        "bfloat16": Work(64, 3, 5),
        "training": Work(64, 4, 5, training=True),
    }
    commands = {}
    for name, work in works.items():
        file = str(tmp_path / f"{name}.npz")
        np.savez(file, **peers_ours.inputs(work))
        numbers = name if name != "training" else "float32"
        fields = ", ".join(map(str, work))
        script = TORCHVISION.format(work=fields, file=file, numbers=numbers)
        commands[name] = ["-c", script]
    found = Turns(commands, tmp_path).run(rounds=1, turn=0.1)
    assert found["training"]["about"] == "batch 8, 32 RoIs"
    for numbers in ("float32", "bfloat16"):
        proposals, detections = found[numbers]["about"].split(", ")
        assert detections == "5 found" and int(proposals.split()[0]) > 100
