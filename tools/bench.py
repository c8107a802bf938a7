"""Measures what converging costs, beside the floor of the same run. ``make bench`` runs it.

The floor is what every client must do: bare requests on one keep-alive session, and the start of
``salt-call``. Each figure is the median of several runs. The things to compare take turns, so that
a machine that is slow for a while is slow for all of them. The seed is fixed.
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
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import astuple, dataclass
from itertools import count
from pathlib import Path
from queue import SimpleQueue
from typing import Any

import requests

from saltext_litellm.models import bodies, identity, model_list
from saltext_litellm.models.fields import FIELDS
from saltext_litellm.objects import plan as plans
from saltext_litellm.values.fingerprints import Fingerprinter
from tests.support.cluster import Cluster
from tests.support.gateway import Gateway, running_gateway
from tests.support.recorder import Recorder
from tools.command import run_tool

SALT_CALL = str(Path(sys.executable).with_name("salt-call"))
PROVIDERS = ("openai", "azure", "anthropic", "bedrock", "gemini")
PRESENT = """
{% for name, arguments in pillar["models"].items() %}
{{ name | tojson }}:
  litellm_model.present:
{% for key, value in arguments.items() %}    - {{ key }}: {{ value | tojson }}
{% endfor %}{% endfor %}
"""
# The same number of states, but they do nothing: this is the time of Salt itself.
NOTHING = PRESENT.replace("litellm_model.present", "test.nop")
MANAGED = "bench:\n  litellm_model.managed:\n    - pillar: models\n"
STATES = ("managed", "present")
LOOKS = 20  # at once at a gateway, to meet each of its workers
MANY = 9  # runs of a command that takes about a second


@dataclass
class Cost:
    """The cost of one command."""

    wall: float
    cpu: float
    memory: float

    def __add__(self, other: Cost) -> Cost:
        return Cost(self.wall + other.wall, self.cpu + other.cpu, self.memory + other.memory)


def models(number: int) -> dict[str, dict[str, Any]]:
    """Declared deployments of several providers, with limits, prices, extras and secrets."""
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
    """The body of a bare request for the same deployment."""
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
    """A minion for salt-call, and its gateway."""

    def __init__(self, gateway: Gateway, root: Path) -> None:
        self.gateway, self.root = gateway, root
        self.told = ""
        for folder in ("states", "pillar"):
            (root / folder).mkdir()
        (root / "minion").write_text(
            f"root_dir: {root}\nid: bench\nfile_client: local\n"
            f"file_roots: {{base: [{root}/states]}}\npillar_roots: {{base: [{root}/pillar]}}\n"
        )
        (root / "pillar/top.sls").write_text("base: {'*': [data]}")
        for name, text in (("managed", MANAGED), ("present", PRESENT), ("nothing", NOTHING)):
            (root / f"states/{name}.sls").write_text(text)

    def declare(self, declared: dict[str, Any], url: str | None = None, **more: Any) -> None:
        """Write the pillar.

        :param more: Further settings of the profile.
        """
        login = {"url": url or self.gateway.url, "api_key": self.gateway.key, **more}
        data = {"litellm": login, "models": declared}
        (self.root / "pillar/data.sls").write_text("#!json\n" + json.dumps(data))

    def call(self, *arguments: str) -> Cost:
        """Run salt-call once."""
        command = [SALT_CALL, "--local", f"--config-dir={self.root}", "--out=json", *arguments]
        cost, self.told, code = run_measured(command)
        if code or '"result": false' in self.told:
            raise SystemExit(self.told)
        return cost

    def bare(self) -> Cost:
        """Run salt-call with the same minion and pillar, but without a state."""
        return self.call("test.ping")

    def apply(self, state: str, *arguments: str) -> Callable[[], Cost]:
        return lambda: self.call("state.apply", state, *arguments)

    def medians(
        self,
        actions: dict[str, Callable[[], Cost]],
        runs: int,
        before: Callable[[], Any] = lambda: None,
    ) -> dict[str, Cost]:
        """The median cost of each action. The actions take turns."""
        costs: dict[str, list[Cost]] = {what: [] for what in actions}
        for _ in range(runs):
            for what, action in actions.items():
                before()
                costs[what].append(action())
        return {what: _median(found) for what, found in costs.items()}

    def empty(self) -> None:
        """Delete all rows, and wait until no worker serves or shows one any more.

        A worker that serves nothing does not show the rows of the database either, so one look is
        not enough. Many at once reach every worker.
        """
        deleted: set[str] = set()
        with ThreadPoolExecutor(LOOKS) as threads:
            while found := set[str]().union(*threads.map(lambda _: self._ids(), range(2 * LOOKS))):
                for model_id in found - deleted:
                    self.gateway.request("POST", "/model/delete", json={"id": model_id})
                if found <= deleted:
                    time.sleep(1)
                deleted |= found

    def _ids(self) -> set[str]:
        """The ids of the rows that the database shows, and of those that a worker serves."""
        found = set()
        for query in ({"search": "%%"}, {}):
            query["size"] = "100000"
            rows = self.gateway.request("GET", "/v2/model/info", params=query).json()["data"]
            found |= {row["model_info"]["id"] for row in rows}
        return found

    def counted(self, declared: dict[str, Any], state: str) -> tuple[int, int]:
        """The requests of a run, and the bytes of their answers.

        This run is separate, because the recorder takes time.
        """
        with Recorder(self.gateway.url) as recorder:
            self.declare(declared, recorder.url)
            self.call("state.apply", state)
            self.declare(declared)
            return len(recorder.requests), sum(r.response_size for r in recorder.requests)


def run_measured(command: list[str]) -> tuple[Cost, str, int]:
    """Run a command once, measured by the operating system.

    :returns: Its cost, what it printed, and its exit code.
    """
    with tempfile.TemporaryFile() as output:
        started = time.monotonic()
        process = subprocess.Popen(command, stdout=output, stderr=subprocess.STDOUT)
        _, status, used = os.wait4(process.pid, 0)
        wall = time.monotonic() - started
        process.returncode = os.waitstatus_to_exitcode(status)
        output.seek(0)
        told = output.read().decode()
    cost = Cost(wall, used.ru_utime + used.ru_stime, used.ru_maxrss / 1024)
    return cost, told, process.returncode


def _median(costs: list[Cost]) -> Cost:
    return Cost(*map(statistics.median, zip(*map(astuple, costs), strict=True)))


class Floor:
    """The requests that every client must send, on one keep-alive session."""

    def __init__(self, bench: Bench, declared: dict[str, Any], url: str | None = None) -> None:
        self.url, self.declared, self.key = url or bench.gateway.url, declared, bench.gateway.key
        self.session = self._opened()

    def _opened(self) -> requests.Session:
        session = requests.Session()
        session.headers["Authorization"] = f"Bearer {self.key}"
        return session

    def create_all(self) -> Cost:
        started = time.monotonic()
        for one in self.declared.items():
            self._create(self.session, *one)
        return Cost(time.monotonic() - started, 0, 0)

    def create_at_once(self, number: int) -> Cost:
        """Create all over a number of sessions, each in a thread."""
        started, free = time.monotonic(), SimpleQueue[requests.Session]()
        for _ in range(number):
            free.put(self._opened())

        def create(one: tuple[str, dict[str, Any]]) -> None:
            session = free.get()
            self._create(session, *one)
            free.put(session)

        with ThreadPoolExecutor(number) as threads:
            list(threads.map(create, self.declared.items()))
        return Cost(time.monotonic() - started, 0, 0)

    def _create(self, session: requests.Session, name: str, arguments: dict[str, Any]) -> None:
        body = bare_body(name, arguments)
        session.post(f"{self.url}/model/new", json=body, timeout=60).raise_for_status()

    def list_all(self) -> Cost:
        started = time.monotonic()
        url, params = f"{self.url}/v2/model/info", {"size": 100000}
        self.session.get(url, params=params, timeout=60).json()
        return Cost(time.monotonic() - started, 0, 0)


class Table:
    """Prints costs beside a floor, as Markdown."""

    def __init__(self, number: int, bare: Cost) -> None:
        print(f"\n{number} deployments; a bare salt-call takes", end=" ")
        print(f"{bare.wall:.2f} s and {bare.memory:.0f} MB\n")
        print("| what | s | floor, s | ratio | requests | bytes on the wire | MB above bare |")
        print("| --- | --- | --- | --- | --- | --- | --- |", flush=True)

    def row(self, what: str, cost: Cost, floor: Cost, sent: tuple[Any, Any] = ("", "")) -> None:
        print(
            f"| {what} | {cost.wall:.2f} | {floor.wall:.2f} | {cost.wall / floor.wall:.2f} "
            f"| {sent[0]} | {sent[1]} | {cost.memory - floor.memory:+.0f} |",
            flush=True,
        )


class Change:
    """Changes one deployment, to a new value each time."""

    def __init__(self, bench: Bench, declared: dict[str, Any]) -> None:
        self.bench, self.declared, self.limits = bench, declared, count(10_000)

    def __call__(self) -> dict[str, Any]:
        changed = {**self.declared["model-0003"], "rpm": next(self.limits)}
        declared = {**self.declared, "model-0003": changed}
        self.bench.declare(declared)
        return declared


def measure(bench: Bench, number: int, first_runs: int) -> None:
    """Measure all figures for one number of deployments."""
    declared = models(number)
    floor = Floor(bench, declared)
    bench.declare(declared)
    bare = bench.medians({"bare": bench.bare}, MANY)["bare"]
    table = Table(number, bare)
    creating = {"floor": floor.create_all} | {state: bench.apply(state) for state in STATES}
    first = bench.medians(creating, first_runs, bench.empty)
    for state in STATES:
        bench.empty()
        sent = bench.counted(declared, state)
        table.row(f"first converge, {state}", first[state], first["floor"] + bare, sent)
        measure_rest(bench, state, floor, table)


def measure_rest(bench: Bench, state: str, floor: Floor, table: Table) -> None:
    """Measure runs when all deployments exist already."""
    declared = floor.declared
    change = Change(bench, declared)
    actions = {
        "bare": bench.bare,
        "list": floor.list_all,
        "nop": bench.apply("nothing"),
        "nothing to do": bench.apply(state),
        "nothing to do, test=True": bench.apply(state, "test=True"),
    }
    costs = bench.medians(actions, MANY)
    listing = costs.pop("list")
    nop, bottom = costs.pop("nop") + listing, costs.pop("bare") + listing
    sent = bench.counted(declared, state)
    for what, cost in costs.items():
        table.row(f"{what}, {state}", cost, bottom, sent)
    if state == "present":
        table.row(f"{len(declared)} states of Salt's test.nop, and a bare list", nop, bottom)
    changed = bench.medians({"one": bench.apply(state)}, MANY, change)["one"]
    sent = bench.counted(change(), state)
    bench.declare(declared)
    bench.call("state.apply", state)
    table.row(f"one changed, {state}", changed, bottom, sent)


def recorded_rows(bench: Bench, declared: dict[str, Any]) -> list[dict[str, Any]]:
    """The list that a gateway with these deployments sends, made from a recorded one."""
    bench.empty()
    bench.declare(dict(list(declared.items())[:1]))
    bench.call("state.apply", "managed")
    url = "/v2/model/info"
    (recorded,) = bench.gateway.request("GET", url, params={"size": 100000}).json()["data"]
    client, fingerprinter = Cluster().client(), Fingerprinter(bench.gateway.key)
    for wanted in model_list.read("bench", declared, None, lambda value: value):
        model_id = next(identity.derived_ids(wanted))
        marker = plans.marker_of(FIELDS, wanted, fingerprinter, model_id)
        client.create(bodies.create_body(wanted, marker, model_id))
    rows = client.database()
    return [{**row, "model_info": recorded["model_info"] | row["model_info"]} for row in rows]


def measure_own_side(bench: Bench, counts: Iterable[int]) -> None:
    """Measure our own work with a list that costs the gateway nothing: does it grow only with N?"""
    print("\nOur own side: nothing to do, against a recorded list\n")
    print("| rows | CPU s | above a bare salt-call | per row, ms |\n| --- | --- | --- | --- |")
    for number in counts:
        declared = models(number)
        rows = recorded_rows(bench, declared)
        with Recorder(bench.gateway.url) as recorder:
            recorder.fault(status=200, json={"data": rows})
            bench.declare(declared, recorder.url)
            planning = bench.apply("managed", "test=True")
            costs = bench.medians({"bare": bench.bare, "own": planning}, MANY)
        if "are as declared" not in bench.told:
            raise SystemExit(bench.told)
        cpu = costs["own"].cpu
        own = cpu - costs["bare"].cpu
        print(f"| {number} | {cpu:.2f} | {own:.2f} | {own / number * 1000:.2f} |", flush=True)
    bench.empty()


def main() -> None:
    """Start a gateway, measure everything, and print it as Markdown."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--counts", default="10,100,500", help="numbers of deployments")
    parser.add_argument("--own", default="500,2000", help="numbers of rows for our own side")
    parser.add_argument("--first", type=int, default=3, help="runs of each first converge")
    options = parser.parse_args()
    root = Path(tempfile.mkdtemp(prefix="litellm-bench-"))
    try:
        with running_gateway() as gateway:
            bench = Bench(gateway, root)
            bench.declare({})
            bench.bare()
            version = gateway.request("GET", "/public/model_hub/info").json()["litellm_version"]
            print(f"LiteLLM {version}, Python {platform.python_version()}, {os.cpu_count()} cores,")
            print(f"medians of {options.first} first converges and of {MANY} runs of all else")
            for number in map(int, options.counts.split(",")):
                measure(bench, number, options.first)
            if options.own:
                measure_own_side(bench, map(int, options.own.split(",")))
    finally:
        shutil.rmtree(root)


if __name__ == "__main__":
    run_tool(main)
