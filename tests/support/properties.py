"""What must hold in every history of a deployment, on the model of LiteLLM and on LiteLLM itself.

The checks compare values by what LiteLLM makes of them, as the model shows it. They never ask the
code under test whether two values are the same.
"""

from __future__ import annotations

import copy
import os
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from hypothesis import HealthCheck, settings

from saltext_litellm.models import desired as deployments
from saltext_litellm.models.deployments import Deployments
from saltext_litellm.models.desired import Deployment
from saltext_litellm.models.options import ModelOptions
from saltext_litellm.objects.outcome import Outcome
from saltext_litellm.values.fingerprints import Fingerprinter
from saltext_litellm.values.paths import nested

from .cluster import Cluster

VERSIONS = ["1.83.14", "1.106.2", "1.110.2"]
FINGERPRINTER = Fingerprinter("admin key")
relaxed = settings(
    max_examples=int(os.environ.get("HISTORIES", "300")),
    deadline=None,
    derandomize="HISTORIES" not in os.environ,  # the same in every run, unless more are asked for
    suppress_health_check=[HealthCheck.too_slow],
)

Path = tuple[str, ...]
Raw = Mapping[str, Any]
UNORDERED = {("litellm_params", "tags"), ("model_info", "access_groups")}


def desired(name: str, arguments: Mapping[str, Any], model_name: str) -> Deployment:
    """The deployment of a declaration. Its model names begin with its own name."""
    own = {"name": name, "model_name": f"{name}-{arguments.get('model_name', 'first')}"}
    return deployments.desired({**arguments, **own}, lambda value: value)


def plan(gateway: Deployments, wanted: Deployment) -> Outcome:
    (outcome,) = gateway.apply([wanted], ModelOptions(test=True))
    return outcome


def apply(gateway: Deployments, wanted: Deployment) -> Outcome:
    (outcome,) = gateway.apply([wanted])
    return outcome


def run(
    history: list[tuple[str, Mapping[str, Any]]],
    name: str,
    open_gateway: Callable[[], Deployments],
    raw: Callable[[str], Raw],
    intervene: Callable[[str, Mapping[str, Any]], None],
    version: str,
) -> None:
    """Run through a history and check every step.

    :param open_gateway: Returns a gateway for a new run, which has read nothing yet.
    :param raw: Returns the stored row with an id.
    :param intervene: Changes the row with an id, as somebody else would.
    """
    model_id = None
    for step, what in history:
        if step == "intervene":
            if model_id is not None:
                intervene(model_id, what)
            continue
        wanted = desired(name, what, name)
        before: Raw = copy.deepcopy(raw(model_id)) if model_id is not None else {}
        predicted = plan(open_gateway(), wanted)
        done = apply(open_gateway(), wanted)
        assert done.failure is None, done.failure
        check_prediction(predicted, done)
        model_id = done.id
        assert model_id is not None
        after = raw(model_id)
        check_declared(wanted, after, version)
        check_others(before, after, wanted)
        check_rest(open_gateway, wanted)


def check_prediction(predicted: Outcome, done: Outcome) -> None:
    """The changes are as predicted, and so is a new row."""
    assert done.changes == predicted.changes
    assert done.replaces == predicted.replaces


def check_declared(wanted: Deployment, row: Raw, version: str) -> None:
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


def check_others(before: Raw, after: Raw, wanted: Deployment) -> None:
    """Values that are not declared and were not ours have not changed."""
    if not before:
        return
    ours = {tuple(_split(key)) for key in before["model_info"]["saltext_litellm"]["keys"]}
    ours |= wanted.values.keys()
    for path, value in leaves(before):
        if path[-1] in ("id", "db_model") or "saltext_litellm" in path or len(path) == 1:
            continue
        touched = any(path[: len(own)] == own or own[: len(path)] == path for own in ours)
        if not touched and value is not False:
            assert at(after, path) == value, path


def check_rest(open_gateway: Callable[[], Deployments], wanted: Deployment) -> None:
    """A second run has nothing to do."""
    planned = plan(open_gateway(), wanted)
    assert (planned.action, planned.changes) == ("none", {})
    done = apply(open_gateway(), wanted)
    assert (done.action, done.changes) == ("none", {})


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
