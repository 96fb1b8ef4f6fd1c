"""Plans, reports and ledgers that are damaged or made to hurt are one error each."""

import threading

import pytest

from mrcnn.benchmarks import accuracy
from mrcnn.evaluation.report import TaskReport
from mrcnn.pruning.surgery import load_plan
from mrcnn.study.ledger import Ledger

READERS = {"plan": load_plan, "report": TaskReport.from_json, "ledger": Ledger}

BAD = {
    "deep lists": b"[" * 100_000,
    "deep objects": b'{"a":' * 100_000,
    "as deep as Python reads": b"[" * 900 + b"]" * 900,
    "deep inside": b'{"version": 1, "kept": {"a": ' + b"[" * 800 + b"]" * 800 + b"}}",
    "no text": b"\xff\xfe\x00",
    "a number without end": b"9" * 10_000,
    "another thing": b'{"key": [1]}',
    "half": b'{"version": 1, "ke',
}


@pytest.mark.parametrize("reader", READERS)
@pytest.mark.parametrize("bad", BAD)
def test_one_error_that_names_the_file(tmp_path, reader, bad):
    path = tmp_path / "odd.json"
    path.write_bytes(BAD[bad] + b"\n")
    with pytest.raises(ValueError, match=r"odd\.json") as caught:
        READERS[reader](path)
    assert type(caught.value) is ValueError
    assert len(str(caught.value)) < 2000


def test_two_benchmarks_keep_every_run(tmp_path):
    path, keys = tmp_path / "runs.json", ("box_ap", "mask_ap", "seconds")

    def add(name):
        for seed in range(5):
            run = {"name": name, "seed": seed, **dict.fromkeys(keys, 0.5)}
            accuracy._append(path, run)

    both = [threading.Thread(target=add, args=(name,)) for name in ("one", "two")]
    for thread in both:
        thread.start()
    for thread in both:
        thread.join()
    assert len(accuracy._read(path)["runs"]) == 10
