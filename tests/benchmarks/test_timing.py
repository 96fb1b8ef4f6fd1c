"""The clock, the yardstick and the table."""

from functools import partial

import numpy as np
import pytest

from mrcnn.benchmarks import timing
from mrcnn.benchmarks.__main__ import table


def test_timing_calls_as_often_as_it_says():
    calls = []
    found = timing.measure(lambda: calls.append(None), warm_up=2, repeats=5)
    assert len(calls) == 1 + 2 + 5
    assert 0 <= found.fastest <= found.median <= found.slowest


def test_calls_have_their_turns(monkeypatch):
    order, clock = [], [0.0]
    monkeypatch.setattr(timing.time, "perf_counter", lambda: clock[0])

    def call(name, usual, seconds):
        order.append(name)
        clock[0] += next(seconds, usual)

    # The first call traces. In the second round something else slows both down.
    a = [9.0, *(1.0, 1.0, 3.0), *(4.0, 4.0, 4.0)]
    b = [9.0, *(2.0, 2.0, 2.0), *(8.0, 8.0, 8.0)]
    calls = {
        "a": partial(call, "a", 1.0, iter(a)),
        "b": partial(call, "b", 2.0, iter(b)),
    }
    found = timing.in_turn(calls, rounds=3, repeats=2)
    assert "".join(order) == "ab" + 3 * ("aaa" + "bbb")
    assert found == {"a": 2.0, "b": 2.0}


def test_a_row_of_the_table_says_how_far_from_the_limit():
    row = {
        "name": "train",
        "precision": "float32",
        "about": "a step",
        "first": 10.0,
        "median": 2.0,
        "fastest": 1.5,
        "slowest": 2.5,
        "gflop": 300.0,
        "convolution_gflops": 200.0,
        "of_limit": 0.75,
        "peak_memory_mb": 2000.0,
        "matterport_seconds": 6.0,
    }
    line = table([row]).splitlines()[-1]
    for part in ("train", "float32", "2.000", "1.500", "75", "2000", "6.0"):
        assert part in line, part


def test_the_yardstick_counts_its_own_work():
    assert timing.convolution_throughput("float32", repeats=1) > 1e8
    assert timing.peak_memory() > 1e6


@pytest.mark.parametrize("field", ["device", "python", "keras", "backend"])
def test_the_environment_is_named(field):
    assert timing.environment()[field]


def test_a_peak_can_be_forgotten():
    def hold(megabytes: int) -> None:
        assert bytearray(megabytes << 20)[-1] == 0  # zeroed, so really held

    hold(400)
    peak, before = timing.peak_memory(), timing.restart_peak_memory()
    if timing.peak_memory() == peak:
        pytest.skip("this system remembers its peak")
    hold(100)
    assert timing.peak_memory() - before == pytest.approx(100 << 20, rel=0.2)


def test_versions_of_what_is_installed_are_named(monkeypatch):
    monkeypatch.setattr(timing, "PACKAGES", ("numpy", "no-such-package"))
    found = timing.environment()
    assert found["numpy"] == np.__version__
    assert "no-such-package" not in found
