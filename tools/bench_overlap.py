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
from itertools import product
from pathlib import Path
from typing import Any

from tests.support.gateway import running_gateway
from tests.support.recorder import Recorder
from tools.bench import Bench, Cost, Floor, models
from tools.command import run_tool

AT_ONCE = 10
# After each measurement we wait until every worker has noticed that all rows are deleted.
ENVIRONMENT = {"PROXY_CONFIG_RELOAD_INTERVAL_SECONDS": "10"}


def measure(
    bench: Bench, declared: dict[str, Any], url: str, connections: list[int], runs: int
) -> None:
    """Measure all numbers of connections against one gateway, and print a line of the table."""

    def converge(number: int) -> Callable[[], Cost]:
        def run() -> Cost:
            bench.declare(declared, url, connections=number)
            cost = bench.call("state.apply", "managed")
            if f"All {len(declared)} models were created" not in bench.told:
                raise SystemExit(bench.told)
            return cost

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
    parser.add_argument("--workers", default="1,3", help="numbers of workers of the gateway")
    parser.add_argument("--latencies", default="0,50", help="ms that each request takes longer")
    parser.add_argument("--runs", type=int, default=3)
    options = parser.parse_args()
    connections = numbers(options.connections)
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
    for latency, workers in product(numbers(options.latencies), numbers(options.workers)):
        root = Path(tempfile.mkdtemp(prefix="litellm-bench-"))
        try:
            with (
                running_gateway(workers=workers, environment=ENVIRONMENT) as gateway,
                ExitStack() as stack,
            ):
                bench, url = Bench(gateway, root), gateway.url
                if latency:
                    recorder = stack.enter_context(Recorder(url))
                    recorder.fault(delay=latency / 1000)
                    url = recorder.url
                bench.declare(declared, url)
                bench.call("state.apply", "managed")  # the first run on a new gateway is slower
                print(f"| {workers} worker{'s' * (workers > 1)}, {latency} ms |", end=" ")
                measure(bench, declared, url, connections, options.runs)
        finally:
            shutil.rmtree(root)


def numbers(given: str) -> list[int]:
    """The numbers of an option."""
    return [int(number) for number in given.split(",")]


if __name__ == "__main__":
    run_tool(main)
