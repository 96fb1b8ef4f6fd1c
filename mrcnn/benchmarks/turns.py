"""Does one row's work whenever it is told to: one of two processes of `against`.

    python -P turns.py ROW POLICY

It runs by its path, with another commit's package on Python's path, and so imports
nothing of the package but `workloads.WORKLOADS`. It answers each line on its input, for
how many seconds to call, with the calls' median in seconds, and the end of the input
with the most bytes it held. Its first answer is the seconds of the first call.
"""

import json
import os
import resource
import statistics
import sys
import time
from collections.abc import Callable


def median_seconds(call: Callable[[], object], budget: float) -> float:
    """Return the median time of calls that together take at least `budget` seconds."""
    taken: list[float] = []
    while not taken or sum(taken) < budget:
        started = time.perf_counter()
        call()
        taken.append(time.perf_counter() - started)
    return statistics.median(taken)


def main() -> None:
    """Answer until nothing more is asked."""
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # what libraries print is no answer
    from mrcnn.benchmarks.workloads import WORKLOADS

    def answer(value: float) -> None:
        print(json.dumps(value), file=answers, flush=True)

    name, policy = sys.argv[1:]
    call = WORKLOADS[name](policy).call
    answer(median_seconds(call, 0.0))
    for line in sys.stdin:
        answer(median_seconds(call, float(line)))
    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    answer(most if sys.platform == "darwin" else most * 1024)


if __name__ == "__main__":
    main()
