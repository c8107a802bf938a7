"""Lets the states of one run share what they read of a gateway, as long as it stays true.

A gateway is read once in a run. It is read again if something may have changed it since: a state of
another kind, a state that runs beside this one, or a state that has failed. It is also read again
for a state that runs a second time, because of ``retry``, ``watch`` or ``prereq``.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, MutableMapping
from dataclasses import dataclass, field
from typing import Any

from ..gateway import Gateway

# The key in Salt's __context__ under which the states of one run share their gateways.
_RUN = "litellm.run"

Results = Mapping[str, Mapping[str, Any]]


@dataclass
class Shared:
    """A gateway that states of a run share.

    :param states: The states that have used it.
    :param changes: How many changes by others there were when it was last used.
    """

    gateway: Gateway
    states: set[str] = field(default_factory=set)
    changes: int = 0


@dataclass
class Run:
    """A run of states.

    :param id: Salt's ``__instance_id__``.
    :param state: The state that has not asked for its gateway yet, in the form of the keys of
        ``results``. ``None`` if all have: then a call comes from elsewhere and shares nothing.
    :param results: Salt's ``__running__``: what has become of the states before it.
    :param alone: Whether its state must not rely on what others have read.
    :param test: Whether the run only predicts.
    """

    id: Any
    gateways: dict[str, Shared] = field(default_factory=dict)
    state: str | None = None
    results: Results = field(default_factory=dict)
    alone: bool = False
    test: bool = False

    def gateway(self, key: str, make: Callable[[], Gateway]) -> Gateway:
        """The gateway of a profile, which is read again if others may have changed it."""
        state, self.state = self.state, None
        if state is None:
            return make()
        if key not in self.gateways:
            self.gateways[key] = Shared(make())
        shared = self.gateways[key]
        changes = self._changes_by_others(shared.states)
        anew = self.alone or state in shared.states or changes != shared.changes or self._is_busy()
        shared.gateway.begin(state, anew=anew)
        shared.states.add(state)
        shared.changes = changes
        return shared.gateway

    def _changes_by_others(self, states: set[str]) -> int:
        """How many states have changed something without this gateway, or have failed."""
        return sum(
            result.get("result") is False
            or (result.get("result") is True and bool(result.get("changes")) and one not in states)
            for one, result in self.results.items()
        )

    def _is_busy(self) -> bool:
        """Whether a state with ``parallel: True`` has not ended yet."""
        return not self.test and any(one.get("result") is None for one in self.results.values())


def open_run(context: MutableMapping[str, Any], salt: Mapping[str, Any], *, test: bool) -> None:
    """Begin a state. Outside of a run, nothing is shared: what is read is soon out of date.

    :param salt: What Salt sets while a state runs: ``__instance_id__``, ``__low__``, …
    """
    run_id, low = salt.get("__instance_id__"), salt.get("__low__") or {}
    if run_id is None:
        context.pop(_RUN, None)
        return
    run = context.get(_RUN)
    if run is None or run.id != run_id:
        run = context[_RUN] = Run(run_id)
    parts = ("state", "__id__", "name", "sfun" if low.get("sfun") else "fun")
    run.state = "_|-".join(str(low.get(part)) for part in parts)  # Salt's key of its result
    run.results = salt.get("__running__") or {}
    run.alone = bool(low.get("parallel")) or low.get("fun") == "mod_watch"
    run.test = test


def current_run(context: Mapping[str, Any]) -> Run:
    """The run whose states share a context. By hand, it is one that nothing is shared with."""
    return context.get(_RUN) or Run(None)
