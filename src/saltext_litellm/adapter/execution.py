"""For each execution module: gateway, flags, progress, export files, the mapping to return."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import salt.utils.data

from ..config_yaml.source import Fetch
from ..errors import InvalidInput, LiteLLMError, Refused
from ..gateway import Gateway
from ..objects.declared import Declared
from ..objects.export import Export
from ..objects.outcome import Outcome, Progress
from ..report import exported
from ..values import atomic_file, checks
from ..values.quote import quoted
from . import file_server, gateways
from .sdb import resolver

log = logging.getLogger(__name__)

_MANY = 50  # objects, of which a person is told before they are written
_EVENT_INTERVAL = 1.0  # seconds between two events about progress

_NOTHING = object()
_NEXT = "Open {}, {}, then `state.apply … test=True`"


@dataclass(frozen=True)
class Minion:
    """What Salt's loader gives to a module: ``__opts__`` and the like."""

    opts: Mapping[str, Any]
    context: Mapping[str, Any]
    pillar: Mapping[str, Any]
    salt: Mapping[str, Callable[..., Any]]

    def resolver(self) -> Callable[[Any], Any]:
        """A function that replaces an ``sdb://`` reference by its value."""
        return resolver(self.opts)

    def gateway(self, profile: Any) -> Gateway:
        """The gateway of a profile."""
        gateways.refuse_elsewhere(profile, self.opts, self.context)
        # Not pillar.get: on Salt 3008 it returns asterisks to modules.
        config = self.salt["config.get"]
        return gateways.gateway(
            profile, self.context, lambda key: config(key, None), self.resolver()
        )

    def from_pillar(self, key: Any) -> Any:
        """What the pillar has under a key, nested with ``:``."""
        # Not pillar.get: on Salt 3008 it returns asterisks to modules.
        key = checks.title("pillar", key)
        found = salt.utils.data.traverse_dict_and_list(self.pillar, key, _NOTHING)
        if found is _NOTHING:
            raise Refused(f"There is no {quoted(key)} in the pillar")
        if found is None:
            raise Refused(f"{quoted(key)} in the pillar is empty: if that is meant, write {{}}")
        return found

    def declared_by(
        self, name: str, value: Any, pillar: Any, source: Any, read: Callable[[str, Fetch], Any]
    ) -> Any:
        """What is declared by a value, under a pillar key or in a source, whichever is given.

        :param name: The argument that has the value.
        :param read: Reads a source.
        """
        if sum(one is not None for one in (value, pillar, source)) != 1:
            raise InvalidInput(f"exactly one of {name}, pillar and source is needed")
        if source is not None:
            with file_server.fetching(self.opts) as fetch:
                return read(checks.title("source", source), fetch)
        return value if pillar is None else self.from_pillar(pillar)

    def progress(self, module: str, noun: str, name: str) -> Progress:
        """Report the progress of a long run: in the log, and at most once a second as an event.

        :param module: The name of the module.
        :param noun: What one object is called.
        :param name: The name of the set.
        """
        reported = time.monotonic()
        tag = f"salt/{module}/{name}/progress"

        def progress(done: int, total: int, one: str) -> None:
            nonlocal reported
            if done == 1 and total >= _MANY:  # a warning, which people see without an option
                log.warning(
                    "%s: %s objects are to be changed, which may take minutes. To see each, run "
                    "salt-call with --log-level=info, or watch the events %s",
                    *(name, total, tag),
                )
            log.info("%s: %s of %s done (%s)", name, done, total, one)
            if time.monotonic() - reported > _EVENT_INTERVAL and not self._is_masterless():
                reported = time.monotonic()
                data = {"set": name, "done": done, "total": total, noun: one}
                self.salt["event.fire_master"](data, tag)

        return progress

    def _is_masterless(self) -> bool:
        masterless = self.opts.get("local") or self.opts.get("file_client") == "local"
        return bool(masterless and not self.opts.get("use_master_when_local"))


def flags(**given: tuple[Any, bool]) -> dict[str, Any]:
    """Check booleans. Each is given by its name, with its value and its default."""
    mistakes, found = checks.Mistakes(), {}
    for name, (value, default) in given.items():
        with mistakes.noted():
            found[name] = checks.flag(name, value, default)
    mistakes.refuse()
    return found


def refuse_empty_prune(name: str, what: str, declared: Any, given: dict[str, Any]) -> None:
    """Refuse to prune a set that declares nothing, unless that is allowed.

    :param what: What its objects are called.
    :param given: The flags ``prune`` and ``allow_empty``; the latter is taken out.
    """
    if not given.pop("allow_empty") and given["prune"] and not declared:
        raise InvalidInput(
            f"{name} declares no {what}, and prune would delete all of the set: "
            "if that is meant, add allow_empty: True"
        )


def refuse_undone(outcome: Outcome, test: bool) -> None:
    """Raise the failure of an object that was left as it was."""
    if outcome.failure and not (outcome.changes or outcome.unknown or test):
        raise LiteLLMError(outcome.failure)


def result_of_one(outcome: Outcome, id_label: str, warnings: Sequence[str]) -> dict[str, Any]:
    """The outcome of one object as the mapping that ``apply`` and ``delete`` return."""
    result = {"action": outcome.action, id_label: outcome.id, "changes": outcome.changes}
    more: dict[str, Any] = {
        "adopted": outcome.adopted,
        "notes": outcome.notes,
        "warnings": tuple(warnings),
    }
    more |= {"failure": outcome.failure, "unknown": outcome.unknown, "written": outcome.written}
    result.update({key: value for key, value in more.items() if value})
    return result


def result_of_set(
    outcomes: Sequence[Outcome],
    declared: Sequence[Declared],
    counted: str,
    profile_warnings: Sequence[str],
) -> dict[str, Any]:
    """The outcomes of a set as the mapping that ``manage`` returns.

    :param counted: The key of the number of declared objects.
    """
    found = {one.name: one.warnings for one in outcomes}
    warnings = {one.name: (*one.warnings, *found.get(one.name, ())) for one in declared}
    result: dict[str, Any] = {
        "failures": {one.name: one.failure for one in outcomes if one.failure},
        "notes": {one.name: one.notes for one in outcomes if one.notes},
        "warnings": {name: lines for name, lines in warnings.items() if lines},
        "profile_warnings": profile_warnings,
    }
    for one in outcomes:
        if one.status != "as_declared":
            result.setdefault(one.status, []).append(one.name)
    changes = {one.name: one.changes for one in outcomes if one.changes}
    given = {key: value for key, value in result.items() if value}
    return {counted: len(declared), "changes": changes, **given}


def checked_path(path: Any, data: Any, overwrite: Any) -> tuple[str | None, dict[str, Any]]:
    """Check where an export goes. Returns the path to write, and the flags."""
    found = flags(data=(data, False), overwrite=(overwrite, False))
    if path is None:
        return None, found
    if found["data"]:
        raise InvalidInput("path and data exclude each other: data is returned, not written")
    return atomic_file.writable_path("path", path, found["overwrite"]), found


def result_of_export(
    found: Export, counted: str, pillar: str, url: str, profile: Any, path: str | None, given: Any
) -> Any:
    """An export as data or as the text of a file; or what was written to a path.

    :param counted: The key of the number of exported objects.
    :param given: The flags of :func:`checked_path`.
    """
    if given["data"]:
        return exported.data(found, pillar)
    named = profile if isinstance(profile, str) and profile != "litellm" else None
    text = exported.text(found, pillar, url, named)
    if path is None:
        return text
    atomic_file.write(path, text, given["overwrite"])
    in_pillar = "add the secrets that its head lists to pillar"
    todo = in_pillar if found.set is None else "fill in the secrets, as its head says"
    todo = todo if exported.has_secrets(found) else "look at its head"
    answer = {"path": path, counted: len(found.states), "next": _NEXT.format(path, todo)}
    return {**answer, **({"left_out": dict(found.left_out)} if found.left_out else {})}
