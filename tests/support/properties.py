"""What must hold in every history of an object, on a model of LiteLLM and on LiteLLM itself.

The checks compare values by what LiteLLM makes of them, as the model shows it. They never ask the
code under test whether two values are the same.
"""

from __future__ import annotations

import copy
import os
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from hypothesis import HealthCheck, settings

from saltext_litellm.credentials import kind as credentials
from saltext_litellm.models import desired as deployments
from saltext_litellm.models.desired import Deployment
from saltext_litellm.models.options import ModelOptions
from saltext_litellm.objects.declared import Declared
from saltext_litellm.objects.outcome import Outcome
from saltext_litellm.values.fingerprints import Fingerprinter
from saltext_litellm.values.paths import nested

from .cluster import Cluster

VERSIONS = ["1.83.14", "1.106.2", "1.110.2"]
FINGERPRINTER = Fingerprinter("admin key")
relaxed = settings(
    max_examples=int(os.environ.get("HISTORIES", "80")),
    deadline=None,
    derandomize="HISTORIES" not in os.environ,  # the same in every run, unless more are asked for
    suppress_health_check=[HealthCheck.too_slow],
)
few = settings(relaxed, max_examples=int(os.environ.get("HISTORIES", "40")))

Path = tuple[str, ...]
Raw = Mapping[str, Any]
MARKER = "saltext_litellm"
UNORDERED = {("litellm_params", "tags"), ("model_info", "access_groups")}


def deployment(name: str, arguments: Mapping[str, Any]) -> Deployment:
    """The deployment of a declaration. Its model names begin with its own name."""
    own = {"name": name, "model_name": f"{name}-{arguments.get('model_name', 'first')}"}
    return deployments.desired({**arguments, **own}, lambda value: value)


def credential(name: str, arguments: Mapping[str, Any]) -> Declared:
    """The credential of a declaration."""
    return credentials.declared({**arguments, "name": name}, lambda value: value)


def apply(objects: Any, wanted: Declared, **options: Any) -> Outcome:
    """Apply one object of a kind: models and credentials have the same call."""
    outcome: Outcome
    (outcome,) = objects.apply([wanted], ModelOptions(**options))
    return outcome


def run(
    history: list[tuple[str, Mapping[str, Any]]],
    declare: Callable[[Mapping[str, Any]], Declared],
    open_objects: Callable[[], Any],
    raw: Callable[[str], Raw],
    intervene: Callable[[str, Mapping[str, Any]], None],
    check_declared: Callable[[Any, Raw, Raw], None],
    row_id: str | None = None,
) -> None:
    """Run through a history and check every step.

    :param declare: Turns what a step has into what is declared.
    :param open_objects: Returns the objects of a kind for a new run, which has read nothing yet.
    :param raw: Returns the stored row with an id, empty if there is none.
    :param intervene: Changes the row with an id, as somebody else would.
    :param check_declared: Checks what was declared, by the row before and after.
    :param row_id: The id of the row, if that is known before it is made.
    """
    for step, what in history:
        if step == "intervene":
            if row_id is not None:
                intervene(row_id, what)
            continue
        wanted = declare(what)
        before: Raw = copy.deepcopy(raw(row_id)) if row_id is not None else {}
        predicted = apply(open_objects(), wanted, test=True)
        done = apply(open_objects(), wanted)
        assert done.failure is None, done.failure
        check_prediction(predicted, done)
        row_id = done.id
        assert row_id is not None
        after = raw(row_id)
        check_declared(wanted, before, after)
        check_others(before, after, wanted)
        check_rest(open_objects, wanted)


def check_prediction(predicted: Outcome, done: Outcome) -> None:
    """The changes are as predicted, and so is a new row."""
    assert done.changes == predicted.changes
    assert done.replaces == predicted.replaces


def check_deployment(version: str, wanted: Deployment, _: Raw, row: Raw) -> None:
    """All declared values are there, as LiteLLM stores them."""
    assert row["model_name"] == wanted.model_name
    reference = Cluster(version)
    body = {"model_info": {}, **nested(wanted.values)}
    body["model_info"] = {**body["model_info"], "id": "reference"}
    reference.client().create({"model_name": wanted.model_name, **body})
    for path, declared in wanted.values.items():
        if path == ("blocked",) and version < "106":
            continue
        found, value = at(row, path), at(reference.table["reference"], path)
        if declared == {}:
            assert isinstance(found, Mapping), path
        elif path in UNORDERED:
            assert sorted(found) == sorted(value), path
        elif not str(found).startswith("encrypted") or "encrypted" in str(value):
            assert (found, type(found) is bool) == (value, type(value) is bool), path


def check_credential(wanted: Declared, before: Raw, after: Raw) -> None:
    """There is exactly what is declared, and what others have set."""
    kept = {path: v for path, v in values(before) if not _is_touched(path, ours(before), wanted)}
    assert dict(values(after)) == {**kept, **wanted.values}
    assert marker(after)["name"] == wanted.name
    assert {tuple(_split(key)) for key in marker(after)["keys"]} == set(wanted.values)


def check_others(before: Raw, after: Raw, wanted: Declared) -> None:
    """Values that are not declared and were not ours have not changed."""
    for path, value in leaves(before):
        if len(path) < 2 or path[-1] in ("id", "db_model") or MARKER in path:
            continue
        if not _is_touched(path, ours(before), wanted) and value is not False:
            assert at(after, path) == value, path


def _is_touched(path: Path, before: set[Path], wanted: Declared) -> bool:
    """Whether a place is one of ours, lies in one, or holds one."""
    owned = before | wanted.values.keys()
    return any(path[: len(own)] == own or own[: len(path)] == path for own in owned)


def check_rest(open_objects: Callable[[], Any], wanted: Declared) -> None:
    """A second run has nothing to do."""
    for test in (True, False):
        done = apply(open_objects(), wanted, test=test)
        assert (done.action, done.changes, done.failure) == ("none", {}, None)


def marker(row: Raw) -> Raw:
    """Our marker in a row, empty if there is none."""
    sections = (row.get(section) or {} for section in ("model_info", "credential_info"))
    return next((section[MARKER] for section in sections if MARKER in section), {})


def ours(row: Raw) -> set[Path]:
    """The places that the marker of a row says are ours."""
    return {tuple(_split(key)) for key in marker(row).get("keys", ())}


def values(row: Raw) -> Iterator[tuple[Path, Any]]:
    """What is set in a credential, without our marker. A null is what LiteLLM cannot remove."""
    for path, value in leaves(row):
        if MARKER not in path and path != ("source",) and value not in (None, {}):
            yield path, value


def at(row: Raw, path: Path) -> Any:
    value: Any = row
    for key in path:
        value = value.get(key) if isinstance(value, Mapping) else None
    return value


def leaves(value: Any, path: Path = ()) -> Iterator[tuple[Path, Any]]:
    if isinstance(value, Mapping) and value:
        for key, item in value.items():
            yield from leaves(item, (*path, key))
    else:
        yield path, value


def _split(pointer: str) -> list[str]:
    return [part.replace("~1", "/").replace("~0", "~") for part in pointer.split("/")]
