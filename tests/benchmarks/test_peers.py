"""torchvision's rows run where it is installed, and are left out where it is not."""

import importlib.util

import pytest

from mrcnn.benchmarks import peers


def test_rows_are_offered_only_where_torchvision_is():
    assert peers.available() == bool(importlib.util.find_spec("torchvision"))


@pytest.mark.parametrize("name", [n for n in peers.WORKLOADS if "128" in n])
def test_a_row_runs(name):
    pytest.importorskip("torchvision")
    job = peers.WORKLOADS[name]()
    job.call()
    assert job.work()[1]
