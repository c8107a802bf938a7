"""Measures whole commands beside litellm-as-code, the nearest peer. ``make bench`` runs it.

Both make one gateway hold the same models: from nothing, with nothing to do, and after a price has
changed. That is a value that both compare. The two take turns. A bare ``salt-call`` is beside them.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import shutil
import subprocess
import sys
import tempfile
from itertools import count
from pathlib import Path
from typing import Any

from tests.support.gateway import running_gateway
from tests.support.recorder import Recorder
from tools.bench import Bench, Cost, models, run_measured
from tools.command import run_tool

PEER = "litellm-as-code==0.5.0"
UV = str(Path(sys.executable).with_name("uv"))
PRICE = "input_cost_per_million_tokens"


class Peer:
    """An installed litellm-as-code, and its spec."""

    def __init__(self, bench: Bench, root: Path) -> None:
        self.gateway, self.spec = bench.gateway, root / "spec.yml"
        self._program = str(root / "venv/bin/litellm-as-code")
        self.told, self.code = "", 0
        for arguments in (
            ["venv", "--python", sys.executable, str(root / "venv")],
            ["pip", "install", "--python", str(root / "venv/bin/python"), PEER],
        ):
            subprocess.run([UV, "--quiet", "--system-certs", *arguments], check=True)

    def declare(self, declared: dict[str, Any]) -> None:
        """Write the spec. JSON is YAML."""
        entries = [spec_entry(name, arguments) for name, arguments in declared.items()]
        self.spec.write_text(json.dumps({"models": entries}))

    def apply(self, url: str | None = None) -> Cost:
        """Run it once. What it prints and its exit code are kept."""
        login = ["--base-url", url or self.gateway.url, "--api-key", self.gateway.key]
        cost, self.told, self.code = run_measured([self._program, *login, str(self.spec)])
        return cost

    def ending(self) -> str:
        """The last line that it printed, with its exit code."""
        last = self.told.strip().splitlines()[-1]
        return f"exit {self.code}: {last[:200]}"


def spec_entry(name: str, arguments: dict[str, Any]) -> dict[str, Any]:
    """The same deployment in its own words."""
    provider, base_model = arguments["custom_llm_provider"], arguments["base_model"]
    params = {"model": f"{provider}/{base_model}", "custom_llm_provider": provider}
    params |= {"api_key": arguments["model_api_key"], **arguments["litellm_params"]}
    params |= {key: arguments[key] for key in ("rpm", "tpm")}
    info = {key: arguments[key] for key in ("tier", "mode", "base_model", PRICE)}
    return {
        "model_name": name,
        "litellm_params": params,
        "model_info": {**info, **arguments["model_info"]},
    }


class Sides:
    """Both tools, with the same declared."""

    def __init__(self, bench: Bench, peer: Peer, number: int) -> None:
        self.bench, self.peer, self.declared = bench, peer, models(number)
        self._prices = count(1)

    def declare(self) -> None:
        self.bench.declare(self.declared)
        self.peer.declare(self.declared)

    def change(self) -> None:
        """Change a price, to a new value each time."""
        changed = {**self.declared["model-0003"], PRICE: next(self._prices) * 100.0}
        self.declared = {**self.declared, "model-0003": changed}
        self.declare()

    def row(self, what: str, before: Any, runs: int) -> None:
        """Measure both, and print a line of the table."""
        costs = self.bench.medians(
            {"ours": self.bench.apply("managed"), "theirs": self.peer.apply}, runs, before
        )
        before()
        ours = self.bench.counted(self.declared, "managed")[0]
        before()
        with Recorder(self.bench.gateway.url) as recorder:
            self.peer.apply(recorder.url)
            theirs = len(recorder.requests)
        cells = [f"{costs[side].wall:.2f} | {costs[side].cpu:.2f}" for side in ("ours", "theirs")]
        print(f"| {what} | {cells[0]} | {ours} | {cells[1]} | {theirs} |", flush=True)


def measure(bench: Bench, peer: Peer, number: int, runs: int) -> None:
    """Measure all figures for one number of models."""
    sides = Sides(bench, peer, number)
    sides.declare()
    bare = bench.medians({"bare": bench.bare}, runs)["bare"]
    print(f"\n{number} models; a bare salt-call takes {bare.wall:.2f} s, {bare.cpu:.2f} s of CPU\n")
    print("| what | s | CPU s | requests | litellm-as-code: s | CPU s | requests |")
    print("| --- | --- | --- | --- | --- | --- | --- |", flush=True)
    sides.row("create", bench.empty, 1)
    sides.row("nothing to do", sides.declare, runs)
    sides.row("one price changed", sides.change, runs)
    print(f"\nlitellm-as-code ends with {peer.ending()}")


def main() -> None:
    """Start a gateway, measure both tools, and print it as Markdown."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--counts", default="100,300", help="numbers of models")
    parser.add_argument("--runs", type=int, default=5, help="runs, but for creates")
    options = parser.parse_args()
    root = Path(tempfile.mkdtemp(prefix="litellm-bench-"))
    try:
        with running_gateway() as gateway:
            bench = Bench(gateway, root)
            peer = Peer(bench, root)
            bench.declare({})
            bench.bare()
            version = gateway.request("GET", "/public/model_hub/info").json()["litellm_version"]
            print(f"LiteLLM {version}, Python {platform.python_version()}, {os.cpu_count()} cores,")
            print(f"{PEER}; medians of {options.runs} runs, one of creates")
            for number in map(int, options.counts.split(",")):
                measure(bench, peer, number, options.runs)
    finally:
        shutil.rmtree(root)


if __name__ == "__main__":
    run_tool(main)
