"""What the state modules of all kinds share: the result of a state, and ``mod_watch``."""

from __future__ import annotations

import contextlib
import inspect
from collections.abc import Callable, Mapping
from itertools import chain
from typing import Any

from salt.exceptions import CommandExecutionError, SaltInvocationError

from ..config_yaml import source as sources
from ..config_yaml.converge import KINDS
from ..errors import LiteLLMError
from ..report import comments
from ..values.quote import joined, quoted, short, unknown_key
from . import file_server, requisites, signatures

Result = dict[str, Any]


def explains_unknown(function: Callable[..., Result]) -> Callable[..., Result]:
    """Let a state fail, with one sentence, for arguments that its function does not have.

    Salt itself prints all states of the run for one such name, and runs none of them. If a function
    takes any keyword, Salt (3006 and 3008) passes what it does not know, without its own keywords.
    """
    own = inspect.signature(function)

    def call(args: tuple[Any, ...], kwargs: dict[str, Any]) -> Result:
        unknown = [key for key in kwargs if key not in own.parameters]
        if not unknown:
            return function(*args, **kwargs)
        name: Any = args[0] if args else kwargs.get("name")
        shown = short(name) if isinstance(name, str) else quoted(name)
        names = joined(sorted(unknown_key(key, own.parameters) for key in unknown))
        comment = [f"{shown} was not changed: there is no argument {names}"]
        low = function.__globals__.get("__low__") or {}  # Salt adds defaults to kwargs, not to this
        if empty := sorted(key for key in own.parameters if key in low and low[key] is None):
            comment.append(f"Indent more what belongs to {joined(empty)}, which is empty")
        return comments.result(name, False, comment)

    more = inspect.Parameter("kwargs", inspect.Parameter.VAR_KEYWORD, annotation=Any)
    parameters = [*own.parameters.values(), more]
    return signatures.in_place_of(function, call, own.replace(parameters=parameters))


def result_of_one(
    name: str, test: bool, call: Callable[[], Any], worded: Callable[[str, Any, bool], str]
) -> Result:
    """The result of a state for one object.

    :param call: Calls the execution module.
    :param worded: Words the comment.
    """
    try:
        outcome = call()
    except SaltInvocationError as err:
        return comments.result(name, False, str(err).split("\n"))
    except CommandExecutionError as err:
        first, *example = str(err).split("\n")
        return comments.result(name, False, [f"{name} was not changed: {first}", *example])
    changes, passed = outcome["changes"], _passed(test, outcome["changes"], outcome.get("failure"))
    warned = comments.warned(outcome.get("warnings", ()))
    comment = [worded(name, outcome, test)]
    return comments.result(name, passed, comment, changes=changes, **warned)


def result_of_set(
    name: str, test: bool, noun: str, id_label: str, call: Callable[[], Any]
) -> Result:
    """The result of a state for a whole set.

    :param noun: What one of its objects is called.
    :param id_label: LiteLLM's word for the id of one.
    """
    try:
        outcome = call()
    except (CommandExecutionError, SaltInvocationError) as err:
        return comments.result(name, False, str(err).split("\n"))
    changes = comments.collapsed(outcome["changes"], id_label)
    comment = [comments.summary(outcome, test, noun), *comments.details(outcome, test, noun)]
    passed = _passed(test, changes, outcome.get("failures"))
    warned = comments.warned(comments.warnings(outcome))
    return comments.result(name, passed, comment, changes=changes, **warned)


def result_of_document(name: str, test: bool, call: Callable[[], Any]) -> Result:
    """The result of a state for a whole document."""
    try:
        outcome = call()
    except (CommandExecutionError, SaltInvocationError) as err:
        return comments.result(name, False, str(err).split("\n"))
    changes = {
        kind: comments.collapsed(found, KINDS[kind][1])
        for kind, found in outcome["changes"].items()
    }
    parts = [outcome[kind] for kind in KINDS if kind in outcome]
    failed = any(part.get("failures") or part.get("not_tried") for part in parts)
    comment = comments.of_document(outcome, KINDS, test)
    found = chain.from_iterable(map(comments.warnings, [*parts, outcome]))
    more = {"changes": changes, **comments.warned(found)}
    return comments.result(name, _passed(test, changes, failed), comment, **more)


def source_writers(source: Any, opts: Mapping[str, Any], salt: Mapping[str, Any]) -> list[str]:
    """The states that would still write a file of a source, after this test of the run.

    :param salt: What Salt sets while a state runs: ``__low__``, ``__lowstate__``, ``__running__``.
    """
    if not isinstance(source, str) or "__low__" not in salt:
        return []
    run = requisites.Run(salt["__low__"], salt["__lowstate__"] or (), salt["__running__"])

    def paths() -> set[str]:
        tried: list[str] = []
        # What is wrong with a file may be what will be mended.
        with contextlib.suppress(LiteLLMError), file_server.fetching(opts) as fetch:
            sources.read(source, fetch, tried)
        return {path for place in tried for path in file_server.paths_of(place, opts)}

    return requisites.writers(run, paths)


def _passed(test: bool, changes: Any, failed: Any) -> bool | None:
    """The result of a state: ``None`` if ``test=True`` would change something."""
    if failed:
        return False
    return None if changes and test else True


def apply_again(
    functions: Mapping[str, Callable[..., Result]],
    name: str,
    sfun: str | None,
    given: Mapping[str, Any],
    test: bool,
) -> Result:
    """The result of ``mod_watch``: of a state that is applied again, with its secrets verified.

    :param functions: The functions of the state module that can be applied again, by name.
    :param given: The arguments of the state, and what else Salt passes.
    """
    function = functions.get(sfun or "")
    if function is None:
        comment = "mod_watch is what Salt calls for `watch` and `listen`; declare another function"
        return {"name": name, "result": False, "changes": {}, "comment": comment}
    taken = inspect.signature(function).parameters
    arguments = {key: value for key, value in given.items() if key in taken}
    if "verify_secrets" in taken:
        arguments["verify_secrets"] = True
    ret = function(name, **arguments)
    if ret["result"] is not False:
        done = "It would be applied again" if test else "It was applied again"
        how = " with `verify_secrets: True`" if "verify_secrets" in taken else ""
        ret["comment"] += f"\n{done}{how}, because something that it watches changes"
    return ret
