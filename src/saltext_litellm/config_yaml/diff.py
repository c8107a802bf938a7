"""Says in what a document and a gateway's database differ, and which of the two is in force."""

from __future__ import annotations

from collections.abc import Container, Iterator, Mapping, Sequence
from typing import Any

from ..gateway import Gateway
from ..models.options import ModelOptions
from ..objects.declared import Declared
from ..objects.outcome import Outcome
from ..objects.plan import CREATE
from ..objects.row import Row
from ..routing import settings
from ..teams.kind import ALIAS
from .converge import KINDS, Convergence

Line = dict[str, Any]

_ABSENT, _PRESENT, _REFUSED = "absent", "present", "refused"
# By whether the database has an object, and whether the gateway's config file has.
_IN_FORCE = {
    (True, True): "both",
    (True, False): "database",
    (False, True): "config",
    (False, False): "neither",
}


def diff(gateway: Gateway, name: str, declared: Mapping[str, Sequence[Any]]) -> list[Line]:
    """A line for each value that differs, and for each object that only one of the two has.

    :param name: The name of the set that manages the gateway, or would.
    What a run would refuse has a line with the reason.

    :param declared: What the document declares, by kind.
    """
    rows = _rows(gateway, declared)
    # Only of models LiteLLM has some in its database beside those of its config file.
    filed = {
        kind: {one.id for one in rows[kind] if not one.from_database} if kind != "models" else set()
        for kind in KINDS
    }
    own = {
        kind: [one for one in found if _key(one) not in filed[kind]]
        for kind, found in declared.items()
    }
    parts, refused = Convergence(gateway, own, ModelOptions(set=name, test=True)).each()
    return [
        line
        for kind in KINDS
        for line in _lines(
            kind,
            declared.get(kind, ()),
            [one for one in parts[kind].outcomes if one.declared] if kind in parts else [],
            refused.get(kind, {}),
            rows[kind],
        )
    ]


def _rows(gateway: Gateway, declared: Container[str]) -> dict[str, list[Row]]:
    """All that a gateway has, by kind. A router setting that it has not by itself is a row.

    Teams, keys and budgets are read only if the document has them: no config.yaml of LiteLLM does.
    """
    source = gateway.router.row().source
    return {
        "credentials": list(gateway.credentials.store.rows()),
        "models": list(gateway.deployments.all_rows()),
        "fallbacks": list(gateway.fallbacks.store.rows()),
        "router_settings": [
            Row(key, None, {}, source[key] == "db")
            for key in sorted(source.keys() - settings.FALLBACKS)
            if source[key] in ("db", "config")
        ],
        "budgets": list(gateway.budgets.store.rows()) if "budgets" in declared else [],
        "teams": list(gateway.teams.complete()) if "teams" in declared else [],
        "keys": list(gateway.keys.all()) if "keys" in declared else [],
    }


def _lines(
    kind: str,
    declared: Sequence[Declared],
    outcomes: Sequence[Outcome],
    refused: Mapping[str, str],
    rows: Sequence[Row],
) -> Iterator[Line]:
    """The lines of one kind.

    :param outcomes: What would be done for what is declared. It is missing for what only the
        gateway's config file may change.
    :param refused: Why, by the names of what a run would refuse.
    """
    noun, id_label = KINDS[kind]
    stored = {row.id: row for row in rows if row.from_database}
    in_config = {_called(row) for row in rows if not row.from_database}
    by_name = {one.name: one for one in declared}
    for one in outcomes:
        there = stored.get(_key(one) or "")
        meant = there or by_name.get(one.name)
        in_force = _IN_FORCE[there is not None, meant is not None and _called(meant) in in_config]
        for key, file, database in _differing(one, id_label):
            yield _line(f"{noun} {one.name}", key, file, database, in_force)
    for name, reason in refused.items():
        yield _line(f"{noun} {name}", _REFUSED, reason, "", "")
    planned = {_key(one) for one in outcomes}
    settled = refused.keys() | {one.name for one in outcomes}
    for name, wanted in by_name.items():
        if name not in settled and _called(wanted) in in_config:
            yield _line(f"{noun} {name}", "", _PRESENT, _ABSENT, "config")
    unsure = {_called(by_name[name]) for name in refused}
    for row in stored.values():
        if row.id not in planned and _called(row) not in unsure:
            yield _line(f"{noun} {_called(row)}", "", _ABSENT, _PRESENT, "database")


def _key(one: Declared | Outcome) -> str | None:
    """What tells an object from the others of its kind. All router settings have one id."""
    return one.name if one.id == settings.ID else one.id


def _called(one: Row | Declared) -> str | None:
    """What LiteLLM calls an object."""
    if isinstance(one, Row):
        return one.names.get("model_name") or one.data.get(ALIAS) or one.id
    return one.names.get("model_name") or _key(one)


def _differing(one: Outcome, id_label: str) -> Iterator[tuple[str, Any, Any]]:
    """What differs of an object: the key, the file's value and the database's."""
    if one.action == CREATE:
        yield "", _PRESENT, _ABSENT
        return
    for key, change in one.changes.items():
        if key not in ("owner", id_label):
            yield key, change["new"], change["old"]


def _line(name: str, key: str, file: Any, database: Any, in_force: str) -> Line:
    return {"object": name, "key": key, "file": file, "database": database, "in_force": in_force}
