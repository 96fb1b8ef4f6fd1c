"""Two backends are timed by turns on one tree."""

from mrcnn.benchmarks import backends

# Its clock moves only while the row works; one backend takes three times as long.
WORKLOADS = """
import os
import time
from types import SimpleNamespace

clock, slow = [0.0], os.environ["KERAS_BACKEND"] == "jax"
time.perf_counter = lambda: clock[0]


def work():
    clock[0] += 0.75 if slow else 0.25


WORKLOADS = {"row": lambda policy: SimpleNamespace(call=work)}
"""


def test_the_ratio_is_that_of_a_backend_to_tensorflow(tmp_path):
    package = tmp_path / "mrcnn" / "benchmarks"
    package.mkdir(parents=True)
    for place in (package, package.parent):
        (place / "__init__.py").touch()
    (package / "workloads.py").write_text(WORKLOADS)
    options = {"rounds": 3, "turn": 1.0, "tree": tmp_path}
    row = backends.compare("jax", "row", "float32", **options)
    assert row["ratios"] == [3.0, 3.0, 3.0]
    assert (row["jax"], row["tensorflow"]) == (0.75, 0.25)
    (line,) = backends.table([row]).splitlines()[2:]
    assert "| jax | 0.7500 | 0.2500 | 3.00 | 3.00 to 3.00 |" in line
