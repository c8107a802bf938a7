"""What must hold in every history of a deployment, on the model of the rules and on LiteLLM."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from saltext_litellm.utils import deployment as deployments
from saltext_litellm.utils.compare import same
from saltext_litellm.utils.deployment import UNORDERED, Deployment
from saltext_litellm.utils.gateway import Gateway, Outcome

Path = tuple[str, ...]
Raw = Mapping[str, Any]


def desired(name: str, arguments: Mapping[str, Any], model_name: str) -> Deployment:
    """The deployment of a declaration, its model names made its own."""
    own = {"name": name, "model_name": f"{name}-{arguments.get('model_name', 'first')}"}
    return deployments.desired({**arguments, **own}, lambda value: value)


def run(
    history: list[tuple[str, Mapping[str, Any]]],
    name: str,
    open_gateway: Callable[[], Gateway],
    raw: Callable[[str], Raw],
    intervene: Callable[[str, Mapping[str, Any]], None],
) -> None:
    """Live through a history and check every step.

    :param open_gateway: A gateway for a new run, which knows nothing yet.
    :param raw: The row of an id as it is stored.
    :param intervene: What somebody else does to the row of an id.
    """
    model_id = None
    for step, what in history:
        if step == "intervene":
            if model_id is not None:
                intervene(model_id, what)
            continue
        wanted = desired(name, what, name)
        before = copy.deepcopy(raw(model_id)) if model_id is not None else {}
        predicted = open_gateway().plan(wanted)
        done = open_gateway().apply(wanted)
        assert done.failure is None, done.failure
        assert done.changes == predicted.changes
        model_id = done.model_id
        assert model_id is not None
        after = raw(model_id)
        check_declared(wanted, after)
        check_others(before, after, wanted)
        check_rest(open_gateway, wanted)


def check_declared(wanted: Deployment, row: Raw) -> None:
    """What is declared is there."""
    assert row["model_name"] == wanted.model_name
    for path, value in wanted.values.items():
        found = at(row, path)
        if value == {}:
            assert isinstance(found, Mapping), path
        elif not str(found).startswith("encrypted") or "encrypted" in str(value):
            assert same(value, found, ordered=path not in UNORDERED), (path, value, found)


def check_others(before: Raw, after: Raw, wanted: Deployment) -> None:
    """What is not declared and was not ours is as it was."""
    if not before:
        return
    ours = {tuple(_split(key)) for key in before["model_info"]["saltext_litellm"]["keys"]}
    ours |= wanted.values.keys()
    for path, value in leaves(before):
        if path[-1] in ("id", "db_model") or "saltext_litellm" in path or len(path) == 1:
            continue
        touched = any(path[: len(own)] == own or own[: len(path)] == path for own in ours)
        if not touched:
            assert at(after, path) == value, path


def check_rest(open_gateway: Callable[[], Gateway], wanted: Deployment) -> None:
    """Applied again, there is nothing to do."""
    planned: Outcome = open_gateway().plan(wanted)
    assert (planned.action, planned.changes) == ("none", {})
    done = open_gateway().apply(wanted)
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
