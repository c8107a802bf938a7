"""What converging costs, beside the floor measured in the same run. Run by ``make bench``.

The floor is what any client must do: bare requests on one keep-alive session, and the start of
``salt-call``. Each figure is the median of several runs; the seed is fixed.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import random
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import Any

import requests

from saltext_litellm.utils import model_set
from saltext_litellm.utils import plan as plans
from saltext_litellm.utils.secrets import Fingerprinter
from tests.support.gateway import Gateway, GatewayError, running_gateway
from tests.support.merge_rules import MergeRules
from tests.support.recorder import Recorder

SALT_CALL = str(Path(sys.executable).with_name("salt-call"))
PROVIDERS = ("openai", "azure", "anthropic", "bedrock", "gemini")
PRESENT = """
{% for name, arguments in pillar["models"].items() %}
{{ name | tojson }}:
  litellm_model.present:
{% for key, value in arguments.items() %}    - {{ key }}: {{ value | tojson }}
{% endfor %}{% endfor %}
"""
MANAGED = "bench:\n  litellm_model.managed:\n    - pillar: models\n"


@dataclass
class Cost:
    """What one command cost."""

    wall: float
    cpu: float
    memory: float


def models(number: int) -> dict[str, dict[str, Any]]:
    """Deployments of several providers, with limits, prices, extras and secrets."""
    chosen = random.Random(20261123)
    return {
        f"model-{index:04}": {
            "custom_llm_provider": chosen.choice(PROVIDERS),
            "base_model": f"model-{index}",
            "model_api_key": f"sk-{chosen.getrandbits(128):032x}",
            "tier": chosen.choice(["free", "paid"]),
            "mode": "chat",
            "rpm": chosen.randrange(1, 5000),
            "tpm": chosen.randrange(1000, 500000),
            "input_cost_per_million_tokens": chosen.randrange(1, 60),
            "litellm_params": {"timeout": 600, "tags": ["a", "b"]},
            "model_info": {"team": chosen.choice(["red", "blue"])},
        }
        for index in range(number)
    }


def bare_body(name: str, arguments: dict[str, Any]) -> dict[str, Any]:
    """The same deployment as a bare request."""
    provider, base_model = arguments["custom_llm_provider"], arguments["base_model"]
    params = {
        "model": f"{provider}/{base_model}",
        "custom_llm_provider": provider,
        "api_key": arguments["model_api_key"],
        "rpm": arguments["rpm"],
        "tpm": arguments["tpm"],
        "input_cost_per_token": arguments["input_cost_per_million_tokens"] / 1_000_000,
        **arguments["litellm_params"],
    }
    info = {key: arguments[key] for key in ("tier", "mode", "base_model")}
    return {
        "model_name": name,
        "litellm_params": params,
        "model_info": {**info, **arguments["model_info"]},
    }


class Bench:
    """A minion for salt-call, and the gateway it is pointed at."""

    def __init__(self, gateway: Gateway, root: Path, runs: int) -> None:
        self.gateway, self.root, self.runs = gateway, root, runs
        self.told = ""
        for folder in ("states", "pillar"):
            (root / folder).mkdir()
        (root / "minion").write_text(
            f"root_dir: {root}\nid: bench\nfile_client: local\n"
            f"file_roots: {{base: [{root}/states]}}\npillar_roots: {{base: [{root}/pillar]}}\n"
        )
        (root / "pillar/top.sls").write_text("base: {'*': [data]}")
        (root / "states/managed.sls").write_text(MANAGED)
        (root / "states/present.sls").write_text(PRESENT)

    def declare(self, declared: dict[str, Any], url: str | None = None) -> None:
        login = {"url": url or self.gateway.url, "api_key": self.gateway.key}
        data = {"litellm": login, "models": declared}
        (self.root / "pillar/data.sls").write_text("#!json\n" + json.dumps(data))

    def call(self, *arguments: str) -> Cost:
        """One salt-call, by the operating system's own account."""
        command = [SALT_CALL, "--local", f"--config-dir={self.root}", "--out=json", *arguments]
        with tempfile.TemporaryFile() as output:
            started = time.monotonic()
            process = subprocess.Popen(command, stdout=output, stderr=subprocess.STDOUT)
            _, status, used = os.wait4(process.pid, 0)
            wall = time.monotonic() - started
            process.returncode = os.waitstatus_to_exitcode(status)
            output.seek(0)
            told = output.read().decode()
        if process.returncode or '"result": false' in told:
            raise SystemExit(told)
        self.told = told
        return Cost(wall, used.ru_utime + used.ru_stime, used.ru_maxrss / 1024)

    def median(self, measure: Callable[[], Cost], before: Callable[[], Any] | None = None) -> Cost:
        costs = []
        for _ in range(self.runs):
            if before:
                before()
            costs.append(measure())
        return Cost(
            *(statistics.median(getattr(c, part) for c in costs) for part in vars(costs[0]))
        )

    def empty(self) -> None:
        with requests.Session() as session:
            session.headers["Authorization"] = f"Bearer {self.gateway.key}"
            url = f"{self.gateway.url}/v2/model/info"
            for row in session.get(url, params={"size": 100000}, timeout=60).json()["data"]:
                body = {"id": row["model_info"]["id"]}
                session.post(f"{self.gateway.url}/model/delete", json=body, timeout=60)

    def counted(self, declared: dict[str, Any], state: str) -> tuple[int, int]:
        """The requests of a run, and the bytes they bring. Apart, as the recorder takes time."""
        with Recorder(self.gateway.url) as recorder:
            self.declare(declared, recorder.url)
            self.call("state.apply", state)
            self.declare(declared)
            return len(recorder.requests), sum(r.response_size for r in recorder.requests)


def timed(action: Callable[[], Any]) -> Cost:
    started = time.monotonic()
    action()
    return Cost(time.monotonic() - started, 0, 0)


def row(what: str, cost: Cost, floor: float, requests_sent: Any, size: Any, bare: Cost) -> None:
    print(
        f"| {what} | {cost.wall:.2f} | {floor:.2f} | {cost.wall / floor:.2f} "
        f"| {requests_sent} | {size} | {cost.memory - bare.memory:+.0f} |",
        flush=True,
    )


class Change:
    """Changes one deployment, to something else each time."""

    def __init__(self, bench: Bench, declared: dict[str, Any]) -> None:
        self.bench, self.declared, self.limits = bench, declared, count(10_000)

    def __call__(self) -> dict[str, Any]:
        changed = {**self.declared["model-0003"], "rpm": next(self.limits)}
        declared = {**self.declared, "model-0003": changed}
        self.bench.declare(declared)
        return declared


def measure(bench: Bench, number: int, bare: Cost) -> None:
    """All figures for one number of deployments."""
    declared = models(number)
    session = requests.Session()
    session.headers["Authorization"] = f"Bearer {bench.gateway.key}"

    def create_all() -> None:
        for name, arguments in declared.items():
            body = bare_body(name, arguments)
            session.post(f"{bench.gateway.url}/model/new", json=body, timeout=60).raise_for_status()

    def list_all() -> None:
        url = f"{bench.gateway.url}/v2/model/info"
        session.get(url, params={"size": 100000}, timeout=60).json()

    print(f"\n{number} deployments\n")
    print(
        "| what | s | floor, s | ratio | requests | bytes on the wire | MB above a bare salt-call |"
    )
    print("| --- | --- | --- | --- | --- | --- | --- |")
    creating = bench.median(lambda: timed(create_all), bench.empty)
    bench.declare(declared)
    for state in ("managed", "present"):
        first = bench.median(lambda state=state: bench.call("state.apply", state), bench.empty)
        bench.empty()
        sent, size = bench.counted(declared, state)
        floor = creating.wall + bare.wall
        row(f"first converge, {state}", first, floor, sent, size, bare)
        listing = bench.median(lambda: timed(list_all))
        floor = listing.wall + bare.wall
        rest = bench.median(lambda state=state: bench.call("state.apply", state))
        sent, size = bench.counted(declared, state)
        row(f"nothing to do, {state}", rest, floor, sent, size, bare)
        tested = bench.median(lambda state=state: bench.call("state.apply", state, "test=True"))
        row(f"nothing to do, test=True, {state}", tested, floor, sent, size, bare)
        change = Change(bench, declared)
        one = bench.median(lambda state=state: bench.call("state.apply", state), change)
        sent, size = bench.counted(change(), state)
        bench.declare(declared)
        bench.call("state.apply", state)
        row(f"one changed, {state}", one, floor, sent, size, bare)


def recorded_rows(bench: Bench, declared: dict[str, Any]) -> list[dict[str, Any]]:
    """The list that a gateway with these deployments sends, made from one that was recorded."""
    bench.empty()
    bench.declare(dict(list(declared.items())[:1]))
    bench.call("state.apply", "managed")
    url = "/v2/model/info"
    (recorded,) = bench.gateway.request("GET", url, params={"size": 100000}).json()["data"]
    rules, fingerprinter = MergeRules(), Fingerprinter(bench.gateway.key)
    for wanted in model_set.read("bench", declared, None, lambda value: value):
        rules.create(plans.create(wanted, fingerprinter, wanted.derived_id).body)
    return [
        {**row, "model_info": recorded["model_info"] | row["model_info"]} for row in rules.rows()
    ]


def measure_own_side(bench: Bench, counts: tuple[int, int]) -> None:
    """Whether our own side grows with N alone: against a list that costs the gateway nothing."""
    print("\nOur own side: nothing to do, against a recorded list\n")
    print("| rows | CPU s | above a bare salt-call | per row, ms |\n| --- | --- | --- | --- |")
    bare = bench.median(lambda: bench.call("test.ping"))
    for number in counts:
        declared = models(number)
        rows = recorded_rows(bench, declared)
        with Recorder(bench.gateway.url) as recorder:
            recorder.fault(status=200, json={"data": rows})
            bench.declare(declared, recorder.url)
            cost = bench.median(lambda: bench.call("state.apply", "managed", "test=True"))
        if "bench is as declared" not in bench.told:
            raise SystemExit(bench.told)
        own = cost.cpu - bare.cpu
        print(f"| {number} | {cost.cpu:.2f} | {own:.2f} | {own / number * 1000:.2f} |", flush=True)
    bench.empty()


def main() -> None:
    """Start a gateway, measure everything, and print it as Markdown."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--counts", default="10,100,500", help="numbers of deployments")
    parser.add_argument("--own", default="500,2000", help="numbers of rows for our own side")
    parser.add_argument("--runs", type=int, default=3, help="runs of which the median is taken")
    options = parser.parse_args()
    root = Path(tempfile.mkdtemp(prefix="litellm-bench-"))
    try:
        with running_gateway() as gateway:
            bench = Bench(gateway, root, options.runs)
            bench.declare({})
            bench.call("test.ping")
            bare = bench.median(lambda: bench.call("test.ping"))
            version = gateway.request("GET", "/public/model_hub/info").json()["litellm_version"]
            print(f"LiteLLM {version}, Python {platform.python_version()}, {os.cpu_count()} cores,")
            print(f"medians of {options.runs} runs; a bare salt-call: {bare.wall:.2f} s,", end=" ")
            print(f"{bare.memory:.0f} MB")
            for number in map(int, options.counts.split(",")):
                measure(bench, number, bare)
            if options.own:
                measure_own_side(bench, tuple(map(int, options.own.split(","))))
    finally:
        shutil.rmtree(root)


if __name__ == "__main__":
    try:
        main()
    except GatewayError as err:
        raise SystemExit(str(err)) from None
    except KeyboardInterrupt:
        raise SystemExit(130) from None
