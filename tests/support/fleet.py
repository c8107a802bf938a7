"""Many gateways on one minion: a real master and minion, and Salt's command line beside them."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from .gateway import Gateway

_BINARIES = Path(sys.executable).parent
_PATIENCE = 120  # seconds
# A model of each gateway, whose limit tells for which gateway it was rendered.
SLS = """
{{ grains['id'] }}-{{ pillar.get('what', 'model') }}:
  litellm_model.present:
    - custom_llm_provider: openai
    - base_model: gpt-4
    - rpm: {{ pillar['rpm'] + pillar.get('more', 0) }}
"""


@dataclass
class Fleet:
    """The gateways of a minion, by the names that Salt targets."""

    master: Any
    minion: Any
    gateways: dict[str, Gateway]
    limits: dict[str, int] = field(default_factory=dict)

    def start(self, *arguments: str, seconds: int = _PATIENCE) -> subprocess.Popen[str]:
        """Start a `salt` command, which waits so long for each return."""
        command = [_BINARIES / "salt", f"--config-dir={self.master.config_dir}", "--out=json"]
        return subprocess.Popen(
            [*map(str, command), f"--timeout={seconds}", *arguments],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def returns(self, *arguments: str, seconds: int = _PATIENCE) -> list[tuple[str, Any]]:
        """What a `salt` command prints: each return, in the order of their arrival."""
        return returns_of(self.start(*arguments, seconds=seconds))

    def __call__(self, *arguments: str, seconds: int = _PATIENCE) -> dict[str, Any]:
        """What each target returns; just once."""
        found = self.returns(*arguments, seconds=seconds)
        assert len({name for name, _ in found}) == len(found), found
        return dict(found)

    def apply(self, *arguments: str, target: str = "T@litellm") -> dict[str, Any]:
        """The one result of a state that each gateway returns."""
        found = self("-C", target, "state.apply", "models", *arguments)
        return {name: result_of(returned) for name, returned in found.items()}

    @property
    def behind(self) -> dict[str, Gateway]:
        """The gateways by their urls: several names may mean one."""
        return {one.url: one for one in self.gateways.values()}

    def _rows(self, gateway: Gateway) -> list[dict[str, Any]]:
        """The rows of our models on a gateway, asked by plain requests."""
        params = {"search": "%%", "size": 100_000}
        rows = gateway.request("GET", "/v2/model/info", params=params).json()["data"]
        return [row for row in rows if row["model_name"].rpartition("-")[0] in self.gateways]

    def limits_on(self, gateway: Gateway) -> dict[str, int]:
        """The limit of each of our models on a gateway."""
        return {row["model_name"]: row["litellm_params"]["rpm"] for row in self._rows(gateway)}

    def all_limits(self) -> dict[str, dict[str, int]]:
        """The limits of our models, by the url of the gateway."""
        return {url: self.limits_on(one) for url, one in self.behind.items()}

    def expected(self, what: str = "model", more: int = 0) -> dict[str, dict[str, int]]:
        """What :meth:`all_limits` shows if each state ran for the gateway that it was for."""
        found: dict[str, dict[str, int]] = {url: {} for url in self.behind}
        for name, gateway in self.gateways.items():
            found[gateway.url][f"{name}-{what}"] = self.limits[name] + more
        return found

    def empty(self) -> None:
        """Delete our models."""
        for gateway in self.behind.values():
            for row in self._rows(gateway):
                gateway.request("POST", "/model/delete", json={"id": row["model_info"]["id"]})

    def wait(self, names: Sequence[str]) -> None:
        """Wait until the master knows the gateways of the minion."""
        deadline = time.monotonic() + _PATIENCE
        while set(self("-C", "T@litellm", "test.ping", seconds=20)) < set(names):
            assert time.monotonic() < deadline, "the minion has not told its resources"
            time.sleep(1)


def returns_of(process: subprocess.Popen[str]) -> list[tuple[str, Any]]:
    """What a `salt` command prints until it ends."""
    printed, said = process.communicate(timeout=10 * _PATIENCE)
    printed = re.sub(r"^No minions matched.*$", "", printed, flags=re.MULTILINE)
    found, rest = returns_in(printed)
    assert not rest, rest + said
    return found


def returns_in(printed: str) -> tuple[list[tuple[str, Any]], str]:
    """The returns that `salt --out=json` prints, one after the other, and what follows them."""
    found, decoder, rest = [], json.JSONDecoder(), printed.lstrip()
    while rest.startswith("{"):
        part, end = decoder.raw_decode(rest)
        found += part.items()
        rest = rest[end:].lstrip()
    return found, rest


def result_of(returned: Any) -> Any:
    """The result of the one state of a run, or what was returned instead."""
    if isinstance(returned, dict) and len(returned) == 1:
        (result,) = returned.values()
        return result
    return returned


@contextmanager
def running_fleet(
    salt_factories: Any,
    gateways: Sequence[Gateway],
    number: int,
    more: Mapping[str, Any] | None = None,
) -> Iterator[Fleet]:
    """A master and a minion that manages so many gateways: the given ones, taking turns.

    :param more: Further gateways, as they stand in pillar.
    """
    chosen = {f"fleet-{one}": gateways[one % len(gateways)] for one in range(number)}
    limits = {name: 100 + place for place, name in enumerate(chosen)}
    declared = {
        name: {"url": one.url, "api_key": one.key, "pillar": {"rpm": limits[name]}}
        for name, one in chosen.items()
    } | dict(more or {})
    pillar = {"resources": {"litellm": declared}, "rpm": 1}
    master = salt_factories.salt_master_daemon("fleet-master")
    minion = master.salt_minion_daemon("fleet-minion")
    with ExitStack() as stack:
        stack.callback(shutil.rmtree, minion.config["root_dir"], ignore_errors=True)
        for tree, name, text in (
            (master.pillar_tree, "top.sls", f"base: {{'{minion.id}': [data]}}"),
            (master.pillar_tree, "data.sls", f"#!json\n{json.dumps(pillar)}"),
            (master.state_tree, "models.sls", SLS),
        ):
            stack.enter_context(tree.base.temp_file(name, text))
        stack.enter_context(master.started())
        stack.enter_context(minion.started())
        fleet = Fleet(master, minion, chosen, limits)
        fleet.wait(list(chosen))
        stack.callback(fleet.empty)
        yield fleet
