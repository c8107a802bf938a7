"""What many gateways cost: as resources of one minion, with a minion each, and with a proxy each.

Run by ``make bench-fleet``, on a machine that does nothing else. Two gateways stand for all of
them, so that what they cost is the same for each kind. Memory and CPU are those of the minions'
processes, by the operating system's own account; the master's are not counted.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import shutil
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import salt.version

from tests.support.fleet import returns_in
from tests.support.gateway import Gateway, running_gateway
from tools.command import run_tool

BINARIES = Path(sys.executable).parent
TICKS = os.sysconf("SC_CLK_TCK")
RUNS = 5
PATIENCE = 600  # seconds
SLS = """
{{ grains['id'] }}:
  litellm_model.present:
    - custom_llm_provider: openai
    - base_model: gpt-4
    - rpm: 100
"""


@dataclass
class Used:
    """What the processes of some sessions use, those that have ended included for the CPU."""

    processes: int
    memory: float
    cpu: float


def used(sessions: Sequence[int]) -> Used:
    """What all processes of the sessions use together."""
    found = Used(0, 0.0, 0.0)
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            fields = (folder / "stat").read_text().rpartition(")")[2].split()
            if int(fields[3]) not in sessions:
                continue
            rollup = (folder / "smaps_rollup").read_text().splitlines()
        except OSError:  # it has just ended
            continue
        private = sum(int(line.split()[1]) for line in rollup if line.startswith("Private_"))
        found.processes += 1
        found.memory += private / 1024
        found.cpu += sum(map(int, fields[11:15])) / TICKS
    return found


class Site:
    """A master, and the folders and the configuration of all daemons."""

    def __init__(self, root: Path, gateways: Sequence[Gateway]) -> None:
        self.root, self.gateways = root, gateways
        self.ports = (_free_port(), _free_port())
        for folder in ("states", "pillar"):
            (root / folder).mkdir()
        (root / "states/models.sls").write_text(SLS)
        (root / "master").write_text(
            f"root_dir: {root}/master.d\ninterface: 127.0.0.1\nauto_accept: True\n"
            f"publish_port: {self.ports[0]}\nret_port: {self.ports[1]}\n"
            f"file_roots: {{base: [{root}/states]}}\npillar_roots: {{base: [{root}/pillar]}}\n"
        )

    def profile(self, number: int) -> dict[str, str]:
        """The profile of one of many gateways."""
        gateway = self.gateways[number % len(self.gateways)]
        return {"url": gateway.url, "api_key": gateway.key}

    def pillar(self, by_id: dict[str, dict[str, object]]) -> None:
        """The pillar of each minion."""
        for name, data in by_id.items():
            (self.root / f"pillar/{name}.sls").write_text("#!json\n" + json.dumps(data))
        top = {"base": {name: [name] for name in by_id}}
        (self.root / "pillar/top.sls").write_text("#!json\n" + json.dumps(top))

    def daemon(self, program: str, name: str) -> list[str]:
        """The command of a minion or a proxy, whose configuration is written."""
        folder = self.root / name
        folder.mkdir()
        (folder / program.removeprefix("salt-")).write_text(
            f"root_dir: {folder}\nid: {name}\nmaster: 127.0.0.1\nmaster_port: {self.ports[1]}\n"
            f"publish_port: {self.ports[0]}\nsaltenv: base\n"
        )
        command = [str(BINARIES / program), f"--config-dir={folder}", "--log-level=critical"]
        return [*command, f"--proxyid={name}"] if program == "salt-proxy" else command

    def salt(self, *arguments: str) -> set[str]:
        """Who returns to a command without a failure."""
        command = [str(BINARIES / "salt"), f"--config-dir={self.root}", "--out=json"]
        done = subprocess.run(
            [*command, f"--timeout={PATIENCE}", *arguments],
            capture_output=True,
            text=True,
            check=False,
        )
        returns, _ = returns_in(done.stdout)
        return {name for name, value in returns if _is_well(value)}


def _is_well(returned: object) -> bool:
    """Whether it is no error, and no failed state."""
    return not isinstance(returned, str) and '"result": false' not in json.dumps(returned)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def running(commands: Sequence[Sequence[str]]) -> Iterator[list[int]]:
    """Daemons, each in a session of its own, whose numbers are returned; killed at the end."""
    daemons: list[subprocess.Popen[bytes]] = []
    try:
        for command in commands:
            daemons.append(
                subprocess.Popen(
                    command,
                    stdout=subprocess.DEVNULL,
                    stderr=subprocess.DEVNULL,
                    start_new_session=True,
                )
            )
        yield [daemon.pid for daemon in daemons]
    finally:
        for daemon in daemons:
            os.killpg(daemon.pid, signal.SIGKILL)
            daemon.wait()


Prepared = tuple[list[list[str]], list[str]]


def resources(site: Site, names: Sequence[str]) -> Prepared:
    """One minion for all of them. Returns the commands, and how they are targeted."""
    gateways = {name: site.profile(number) for number, name in enumerate(names)}
    site.pillar({"manager": {"resources": {"litellm": gateways}}})
    return [site.daemon("salt-minion", "manager")], ["-C", "T@litellm"]


def minions(site: Site, names: Sequence[str]) -> Prepared:
    """A minion for each."""
    site.pillar({name: {"litellm": site.profile(number)} for number, name in enumerate(names)})
    return [site.daemon("salt-minion", name) for name in names], ["gateway-*"]


def proxies(site: Site, names: Sequence[str]) -> Prepared:
    """A salt-proxy for each."""
    dummy = {"proxytype": "dummy"}
    site.pillar(
        {
            name: {"litellm": site.profile(number), "proxy": dummy}
            for number, name in enumerate(names)
        }
    )
    return [site.daemon("salt-proxy", name) for name in names], ["gateway-*"]


KINDS: dict[str, Callable[[Site, Sequence[str]], Prepared]] = {
    "resources": resources,
    "minions": minions,
    "proxies": proxies,
}


def measure(kind: str, number: int, gateways: Sequence[Gateway]) -> None:
    """One line of the table."""
    names = [f"gateway-{one}" for one in range(number)]
    root = Path(tempfile.mkdtemp(prefix="litellm-fleet-"))
    try:
        site = Site(root, gateways)
        commands, target = KINDS[kind](site, names)
        master = [str(BINARIES / "salt-master"), f"--config-dir={root}", "--log-level=critical"]
        with running([master]), running(commands) as sessions:
            started = time.monotonic()
            while site.salt(*target, "test.ping") != set(names):
                if time.monotonic() - started > PATIENCE:
                    raise SystemExit(f"not all of {number} {kind} answer")
                time.sleep(0.2)
            start, first = time.monotonic() - started, used(sessions)

            def applied() -> float:
                began = time.monotonic()
                if site.salt(*target, "state.apply", "models") != set(names):
                    raise SystemExit(f"not all of {number} {kind} apply their states")
                return time.monotonic() - began

            applied()
            before, runs = used(sessions), [applied() for _ in range(RUNS)]
            after = used(sessions)
    finally:
        shutil.rmtree(root, ignore_errors=True)
    took, cpu = statistics.median(runs), (after.cpu - before.cpu) / RUNS
    print(
        f"| {number} | {kind} | {after.processes} | {after.memory:.0f} | {start:.0f} "
        f"| {first.cpu:.1f} | {took:.1f} | {took / number:.2f} | {cpu:.1f} |",
        flush=True,
    )


def main() -> None:
    """Start two gateways, measure each kind at each number, and print it as Markdown."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--counts", default="1,10,50", help="numbers of gateways")
    parser.add_argument("--kinds", default=",".join(KINDS), help="what manages them")
    options = parser.parse_args()
    with ExitStack() as stack:
        gateways = [stack.enter_context(running_gateway()) for _ in range(2)]
        print(f"Salt {salt.version.__version__}, Python {platform.python_version()},", end=" ")
        print(f"{os.cpu_count()} cores, medians of {RUNS} runs\n")
        print("| gateways | as | processes | MB | start, s | CPU s | no-op, s | each, s | CPU s |")
        print("| --- | --- | --- | --- | --- | --- | --- | --- | --- |", flush=True)
        for number in map(int, options.counts.split(",")):
            for kind in options.kinds.split(","):
                measure(kind, number, gateways)


if __name__ == "__main__":
    run_tool(main)
