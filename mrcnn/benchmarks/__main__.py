"""Measure speed and memory: `make bench`, or

    python -m mrcnn.benchmarks [--only NAME ...] [--precision POLICY ...] [--out FILE]

Every row runs in a process of its own, so that peak memory and the first call are its
own, and measures the machine's convolutions last: `of limit` is the time that the
row's arithmetic would take at that speed, divided by the time it took.
"""

import argparse
import json
import sys
from pathlib import Path

from mrcnn.benchmarks.rows import measure_apart, write
from mrcnn.processes import end_with_parent

POLICIES = ("float32", "mixed_bfloat16")
REPEATS = 9


def run_row(name: str, policy: str, repeats: int) -> dict[str, object]:
    """Measure one workload in this process."""
    from mrcnn.benchmarks import timing, workloads

    before = timing.peak_memory()
    job = workloads.WORKLOADS[name](policy)
    taken = timing.measure(job.call, warm_up=2, repeats=repeats)
    peak = timing.peak_memory()  # before the yardstick adds its own
    throughput = timing.convolution_throughput(policy)
    flops, about = job.work()
    theirs = workloads.MATTERPORT_SECONDS.get(name)
    return {
        "name": name,
        "precision": policy,
        "about": about,
        **taken._asdict(),
        "gflop": flops / 1e9,
        "convolution_gflops": throughput / 1e9,
        "of_limit": flops / throughput / taken.median,
        "peak_memory_mb": peak / 1e6,
        "memory_before_mb": before / 1e6,
        "matterport_seconds": theirs,
        "environment": timing.environment(),
    }


def table(rows: list[dict]) -> str:
    """Return the rows as a Markdown table."""
    lines = [
        "| work | type | median s | fastest | first call | GFLOP | conv. GFLOP/s | "
        "of limit | peak MB | Matterport s | |",
        "|" + "---|" * 11,
    ]
    for row in rows:
        theirs = row["matterport_seconds"] or ""
        limit = f"{row['of_limit']:.0%}" if row["gflop"] else ""
        lines.append(
            f"| {row['name']} | {row['precision']} | {row['median']:.3f} | "
            f"{row['fastest']:.3f} | {row['first']:.1f} | {row['gflop']:.0f} | "
            f"{row['convolution_gflops']:.0f} | {limit} | "
            f"{row['peak_memory_mb']:.0f} | {theirs} | {row['about']} |"
        )
    return "\n".join(lines)


def main() -> None:
    """Run the rows asked for, each in a new process, and print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--only", nargs="+", help="names of rows, or parts of them")
    parser.add_argument("--precision", nargs="+", default=list(POLICIES))
    parser.add_argument("--repeats", type=int, default=REPEATS)
    parser.add_argument("--out", type=Path, help="a JSON file for the rows")
    parser.add_argument("--row", nargs=2, help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.row:
        end_with_parent()
        print(json.dumps(run_row(*args.row, args.repeats)))
        return

    from mrcnn.benchmarks.workloads import WORKLOADS

    rows = []
    for name in WORKLOADS:
        if args.only and not any(part in name for part in args.only):
            continue
        for policy in args.precision:
            print(f"measuring {name}, {policy}", file=sys.stderr, flush=True)
            rows.append(measure_apart("mrcnn.benchmarks", (name, policy), args.repeats))
            write(rows, args.out)
    print(table(rows))


if __name__ == "__main__":
    main()
