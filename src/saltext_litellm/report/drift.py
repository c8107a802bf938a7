"""Checks the beacon's settings, and says what a plan means as an event and if it is news. Pure."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

from ..errors import InvalidInput
from ..http import profile as profiles
from ..values import checks
from ..values.quote import kind, quoted, short, unknown_key

DRIFT, CONVERGED, UNREACHABLE, ERROR = "drift", "converged", "unreachable", "error"

TIMEOUT, RETRIES = 5, 0  # instead of the profile's: the minion does nothing else meanwhile

# What a plan may say of a model that is not as declared.
_DIFFERING = ("created", "adopted", "updated", "deleted", "failed", "not_deleted")

Checks = Mapping[str, Callable[[str, Any], Any]]


@dataclass(frozen=True)
class Found:
    """What a look at a set has found.

    :param what: ``drift``, ``converged``, ``unreachable`` or ``error``.
    :param data: What an event tells of it.
    :param detail: What tells one drift, or one error, from another.
    """

    what: str
    data: Mapping[str, Any]
    detail: str = ""


def of_plan(outcome: Mapping[str, Any]) -> Found:
    """What a plan of a set means, as ``litellm_model.manage`` returns it with ``test=True``.

    An event has only the names of the models. Their changes only tell one drift from another.
    """
    names = {status: list(outcome[status]) for status in _DIFFERING if outcome.get(status)}
    count = {"models": outcome["models"]}
    if not names:
        return Found(CONVERGED, count)
    digest = hashlib.sha256(repr((names, outcome["changes"])).encode()).hexdigest()
    return Found(DRIFT, {**count, "differing": sum(map(len, names.values())), **names}, digest)


def record(found: Found, now: float) -> dict[str, Any]:
    """What is kept of an event until the next look."""
    return {"what": found.what, "detail": found.detail, "told": now}


def is_news(before: Any, found: Found, now: float, repeat: float | None) -> bool:
    """Whether an event is due.

    :param before: The record of the last event; anything else if there was none.
    :param repeat: After how many seconds an event is told again that still holds.
    """
    if not isinstance(before, Mapping) or not before.keys() >= {"what", "detail", "told"}:
        return found.what != CONVERGED
    if (before["what"], before["detail"]) != (found.what, found.detail):
        return True
    return repeat is not None and found.what != CONVERGED and now - before["told"] >= repeat


# -------------------------------------------------------------------- configuration


def check(settings: Any) -> None:
    """Check the settings of the beacon.

    :raises InvalidInput: With every mistake.
    """
    mistakes = checks.Mistakes()
    _check(settings, _SETTINGS, "", mistakes)
    if "interval" not in settings:
        mistakes.add("interval is missing: without it Salt would read the gateway each second")
    sets = settings.get("sets")
    if not isinstance(sets, Mapping) or not sets:
        mistakes.add("sets must be a mapping that has the name of each set with its pillar key")
        sets = {}
    for name, declared in sets.items():
        with mistakes.noted():
            checks.title("the name of a set", name)
            if not isinstance(declared, Mapping):
                raise InvalidInput(f"{short(name)} must be a mapping, not {kind(declared)}")
            _check(declared, _OF_A_SET, f"{short(name)}: ", mistakes)
            if "pillar" not in declared:
                mistakes.add(f"{short(name)}: pillar is missing, the key that has the models")
    mistakes.refuse()


def _check(given: Mapping[Any, Any], known: Checks, prefix: str, mistakes: checks.Mistakes) -> None:
    for key, value in given.items():
        with mistakes.noted(prefix):
            if key not in known:
                raise InvalidInput(f"there is no setting {unknown_key(key, known)}")
            known[key](key, value)


def _profile(name: str, value: Any) -> None:
    if not isinstance(value, (str, Mapping)) or not value:
        raise InvalidInput(f"{name} must be a config key or a mapping, not {quoted(value)}")


def _seconds(name: str, value: Any) -> None:
    if type(value) not in (int, float) or not value > 0:
        raise InvalidInput(f"{name} must be a positive number of seconds, not {quoted(value)}")


def _any(name: str, value: Any) -> None:
    """What Salt checks itself."""


_SETTINGS: Checks = {
    "sets": _any,  # checked one by one
    "interval": _seconds,
    "timeout": partial(profiles.positive, "beacon"),
    "retries": partial(profiles.whole_number, "beacon"),
    "repeat": _seconds,
    # What Salt reads itself, and what it adds.
    **dict.fromkeys(("enabled", "disable_during_state_run", "run_once"), _any),
    **dict.fromkeys(("beacon_module", "_beacon_name"), _any),
}
_OF_A_SET: Checks = {
    "pillar": checks.text,
    "defaults": checks.mapping,
    "prune": checks.flag,
    "allow_empty": checks.flag,
    "profile": _profile,
}
