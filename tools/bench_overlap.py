"""Measures first converges whose writes overlap. ``make bench-overlap`` runs it.

The floors are bare creates: on one session, and over ten sessions at once. All take turns.
"""

from __future__ import annotations

import argparse
import os
import platform
import shutil
import tempfile
from collections.abc import Callable
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from typing import Any

from tests.support.gateway import running_gateway
from tests.support.recorder import Recorder
from tools.bench import Bench, Cost, Floor, models
from tools.command import run_tool

SECONDS = 0.05  # of latency
AT_ONCE = 10


def measure(
    bench: Bench, declared: dict[str, Any], url: str, connections: list[int], runs: int
) -> None:
    """Measure all numbers of connections against one gateway, and print a line of the table."""

    def converge(number: int) -> Callable[[], Cost]:
        def run() -> Cost:
            bench.declare(declared, url, connections=number)
            return bench.call("state.apply", "managed")

        return run

    floor = Floor(bench, declared, url)
    actions: dict[str, Callable[[], Cost]] = {
        str(number): converge(number) for number in connections
    }
    actions |= {"one": floor.create_all, "ten": partial(floor.create_at_once, AT_ONCE)}
    actions["bare"] = bench.bare
    costs = {what: cost.wall for what, cost in bench.medians(actions, runs, bench.empty).items()}
    bare = costs.pop("bare")
    for what in ("one", "ten"):
        costs[what] += bare
    print(" | ".join(f"{wall:.2f}" for wall in costs.values()), "|", flush=True)


def main() -> None:
    """Start the gateways, one after the other, and print the table as Markdown."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--number", type=int, default=200, help="how many deployments")
    parser.add_argument("--connections", default="1,2,4,8", help="numbers of connections")
    parser.add_argument("--runs", type=int, default=3)
    options = parser.parse_args()
    connections = [int(number) for number in options.connections.split(",")]
    declared = models(options.number)
    print(f"Python {platform.python_version()}, {os.cpu_count()} cores, {options.number} creates,")
    print(f"medians of {options.runs} runs, seconds\n")
    heads = [
        *(f"{number} at once" for number in connections),
        "bare POSTs",
        "ten bare POSTs at once",
    ]
    print("| gateway |", " | ".join(heads), "|")
    print("| --- |", " | ".join("---" for _ in heads), "|", flush=True)
    for workers, latency in ((1, 0.0), (3, 0.0), (1, SECONDS), (3, SECONDS)):
        root = Path(tempfile.mkdtemp(prefix="litellm-bench-"))
        try:
            with running_gateway(workers=workers) as gateway, ExitStack() as stack:
                bench, url = Bench(gateway, root), gateway.url
                if latency:
                    recorder = stack.enter_context(Recorder(url))
                    recorder.fault(delay=latency)
                    url = recorder.url
                bench.declare({})
                print(f"| {workers} workers, {latency * 1000:.0f} ms |", end=" ")
                measure(bench, declared, url, connections, options.runs)
        finally:
            shutil.rmtree(root)


if __name__ == "__main__":
    run_tool(main)
