"""The clock, the yardstick and the table."""

import pytest

from mrcnn.benchmarks import timing
from mrcnn.benchmarks.__main__ import table


def test_timing_calls_as_often_as_it_says():
    calls = []
    found = timing.measure(lambda: calls.append(None), warm_up=2, repeats=5)
    assert len(calls) == 1 + 2 + 5
    assert 0 <= found.fastest <= found.median <= found.slowest


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
