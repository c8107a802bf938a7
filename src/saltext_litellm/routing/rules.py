"""The kind "fallback": its fields, its rows, and what a state declares of it. Pure.

A row is a rule: for calls of a model that fail in a way, the models to try instead, in order.
"""

from __future__ import annotations

import fnmatch
from collections.abc import Collection, Mapping
from typing import Any

from ..errors import InvalidInput, Refused
from ..objects import plan as plans
from ..objects.declared import Declared
from ..objects.fields import Fields
from ..objects.identity import refuse_configured
from ..objects.kind import Body, Kind
from ..objects.plan import NONE, Plan
from ..objects.reading import Resolve, bounded, read, text_warnings
from ..objects.row import Row, Rows
from ..objects.steps import Update
from ..values import checks, placeholders
from ..values.paths import Path
from ..values.quote import joined, kind, quoted, short, suggested
from ..values.secrets import redact

MODEL, TARGETS, TYPE = "model", "fallback_models", "fallback_type"
ALIASES = "model_group_alias"
# LiteLLM's router settings that hold the rules, by the word that /fallback has for them.
KEYS = {
    "general": "fallbacks",
    "context_window": "context_window_fallbacks",
    "content_policy": "content_policy_fallbacks",
}
_WITH = "with"  # in a row: the other models of its entry in LiteLLM's list

# ---------------------------------------------------------------- declared


def _model(name: str, value: Any) -> str:
    if checks.title(name, value) == "*":
        raise InvalidInput(
            f"{name} must not be *: LiteLLM has no endpoint for the fallbacks of every model, "
            "which are default_fallbacks in its config file"
        )
    return str(value)


def _type(name: str, value: Any) -> str:
    if value not in list(KEYS):
        raise InvalidInput(
            f"{name} must be {', '.join(KEYS)}, not {quoted(value)}{suggested(value, KEYS)}"
        )
    return str(value)


def _targets(name: str, value: Any) -> list[str]:
    if not isinstance(value, list):
        raise InvalidInput(f"{name} must be a list, not {kind(value)}")
    if not value:
        raise InvalidInput(f"{name} must not be empty: to have no fallbacks, use absent")
    targets = [checks.title(f"each of {name}", one).strip() for one in value]
    twice = sorted({one for one in targets if targets.count(one) > 1})
    if twice:
        raise InvalidInput(f"{name} has {short(twice[0])} twice in it")
    return targets


FIELDS = Fields(
    sections=(),
    arguments={
        MODEL: ((MODEL,), _model),
        TARGETS: ((TARGETS,), _targets),
        TYPE: ((TYPE,), _type),
    },
    is_secret=lambda _: False,
    takes_sdb=lambda _: False,
    is_hidden=lambda _: False,
    text_at=lambda _: placeholders.NAME,
    is_one_line=lambda path: path == (MODEL,),
    reported=lambda differing, _: [(TARGETS,)] if (TARGETS,) in differing else [],
)


def row_id(model: str, fallback_type: str) -> str:
    """What tells a rule from all others. No type has a slash."""
    return f"{fallback_type}/{model}"


def declared(arguments: Mapping[str, Any], resolve: Resolve) -> Declared:
    """Check and normalise the arguments of ``present``.

    :param arguments: Values by name. ``model`` is the ``name`` if it is not given.
    :raises InvalidInput: With every mistake. Each mistake names its argument.
    """
    mistakes = checks.Mistakes()
    values, trimmed = _read(arguments, resolve, mistakes)
    if arguments.get(TARGETS) is None:
        mistakes.add(f"{TARGETS} is missing")
    model = values.get((MODEL,))
    if model in values.get((TARGETS,), ()):
        mistakes.add(f"{TARGETS} has {short(str(model))} itself, which cannot be its own fallback")
    mistakes.refuse()
    name = arguments["name"]
    warnings = bounded(text_warnings(FIELDS, values, trimmed, {"name": name}))
    return Declared(name, values, id=row_id(values[MODEL,], values[TYPE,]), warnings=warnings)


def named(name: Any, model: Any = None, fallback_type: Any = None) -> Declared:
    """A rule to look up or to delete."""
    mistakes = checks.Mistakes()
    given = {"name": name, MODEL: model, TYPE: fallback_type}
    values, _ = _read(given, lambda one: one, mistakes)
    mistakes.refuse()
    return Declared(name, {}, id=row_id(values[MODEL,], values[TYPE,]))


def _read(
    arguments: Mapping[str, Any], resolve: Resolve, mistakes: checks.Mistakes
) -> tuple[dict[Path, Any], list[str]]:
    """The values that arguments declare, and the names of those that were trimmed."""
    name = checks.title("name", arguments.get("name"))
    given = {MODEL: name, TYPE: "general", "name": name}
    given |= {key: value for key, value in arguments.items() if value is not None}
    return read(FIELDS, given, resolve, mistakes, lambda *_: None)


# ---------------------------------------------------------------- rows


def parse(settings: Mapping[str, Any]) -> Rows[Row]:
    """The rules in the router settings of a gateway.

    LiteLLM follows the first entry of a model, and in it only its first model (1.83.14 to 1.110.2).
    """
    rows: Rows[Row] = Rows()
    source = settings.get("source")
    for fallback_type, key in KEYS.items():
        stored = source is None or source.get(key) == "db"
        entries = settings["current_values"].get(key)
        for entry in entries if isinstance(entries, list) else ():
            for model, targets in entry.items() if isinstance(entry, dict) else ():
                data = {MODEL: model, TYPE: fallback_type, TARGETS: targets}
                data[_WITH] = [other for other in entry if other != model]
                row = Row(row_id(model, fallback_type), None, data, stored)
                if row.id not in rows:
                    rows.add(row)
    return rows


def _written(body: Body, _: Body | None) -> Row:
    """The row that a write makes."""
    return Row(row_id(body[MODEL], body[TYPE]), None, {**body, _WITH: []})


FALLBACK: Kind[Row] = Kind("fallback", "rule", FIELDS, _written, lambda _, *sent: _written(*sent))


def summary(row: Row, known: Collection[str], aliases: Collection[str]) -> dict[str, Any]:
    """A rule, with what it names that is no model of the gateway."""
    targets = row.data[TARGETS]
    names = [row.data[MODEL], *(targets if isinstance(targets, list) else [targets])]
    dangling = [one for one in names if isinstance(one, str) and not _serves(one, known, aliases)]
    return {
        MODEL: row.data[MODEL],
        TYPE: row.data[TYPE],
        TARGETS: redact(targets),
        "source": "database" if row.from_database else "config",
        "dangling": [one for one in dangling if one != "*"],
    }


def why_undeclared(row: Row) -> str | None:
    """Why a rule that is stored cannot be declared, if there is a reason."""
    given = {"name": row.data[MODEL], TARGETS: row.data[TARGETS], TYPE: row.data[TYPE]}
    try:
        wanted = declared(given, lambda one: one)
    except InvalidInput as err:
        return str(err)
    if (wanted.id, wanted.values[TARGETS,]) != (row.id, row.data[TARGETS]):
        return "a name in it has spaces or line breaks at its ends, which Salt leaves out"
    return None


def names(row: Row, model: str) -> bool:
    """Whether a rule is of a model or names it."""
    return model == row.data[MODEL] or model in (row.data[TARGETS] or ())


def _serves(name: str, known: Collection[str], aliases: Collection[str]) -> bool:
    return name in known or name in aliases or _wildcard(name, known) is not None


def _wildcard(name: str, known: Collection[str]) -> str | None:
    return next((one for one in sorted(known) if "*" in one and fnmatch.fnmatch(name, one)), None)


# ---------------------------------------------------------------- plans and steps


def make_plan(wanted: Declared, rows: Rows[Row]) -> Plan[Row]:
    """The plan for a rule."""
    row = rows.get(wanted.id)
    if row is None:
        return plans.create(FALLBACK, wanted, None, str(wanted.id))
    return plans.update(FALLBACK, wanted, row, None)


def is_kept(wanted: Declared, rows: Rows[Row]) -> bool:
    """Whether the database has a rule as declared. A router may have what was overwritten there."""
    row = rows.get(wanted.id)
    return row is not None and row.from_database and make_plan(wanted, rows).action == NONE


def next_step(wanted: Declared, plan: Plan[Row]) -> Update[Row] | None:
    """The next step of a plan, ``None`` if nothing is left to do.

    A new rule is an update, too: LiteLLM's request is the same, and may be repeated.
    """
    if plan.action == NONE:
        return None
    return Update(plan.row or _written(body(wanted), None), body(wanted))


def body(wanted: Declared) -> dict[str, Any]:
    """What is sent for a rule."""
    return {path[0]: value for path, value in wanted.values.items()}


def type_of(row_id: str) -> str:
    """The type of a rule."""
    return row_id.partition("/")[0]


def configured(settings: Mapping[str, Any]) -> frozenset[str]:
    """The types whose rules belong to the gateway's config file. 1.83.14 does not say."""
    source = settings.get("source") or {}
    return frozenset(one for one, key in KEYS.items() if source.get(key) == "config")


def fits_in_url(row_id: str) -> bool:
    """Whether LiteLLM can find a rule by a URL: no name with a slash (1.83.14 to 1.110.2)."""
    model = row_id.partition("/")[2]
    return "/" not in model and model not in (".", "..")


def refuse_undeletable(row_id: str, settings: Mapping[str, Any]) -> None:
    """Refuse to delete a rule that LiteLLM cannot find by its URL, and that it does not merge.

    :raises Refused: Its model has a slash in its name, and LiteLLM is older than 1.106.
    """
    if not fits_in_url(row_id) and "source" not in settings:
        raise Refused(
            f"The gateway's LiteLLM is too old to delete {row_id}: its URL cannot hold a slash"
        )


def without(settings: Mapping[str, Any], row_id: str) -> tuple[str, list[Any]]:
    """LiteLLM's list that has a rule, and its entries without the rule."""
    fallback_type, _, model = row_id.partition("/")
    entries = settings["current_values"].get(KEYS[fallback_type]) or []
    kept = [one for one in entries if not (isinstance(one, dict) and model in one)]
    return KEYS[fallback_type], kept


def refuse_foreign(row_id: str, row: Row | None, configured: Collection[str]) -> None:
    """Refuse to change a rule that LiteLLM would not change, or only together with another one.

    :param configured: The types whose rules belong to the gateway's config file.
    :raises Refused: With the reason.
    """
    if type_of(row_id) in configured:
        raise refuse_configured(row_id)
    if row is not None and row.data[_WITH]:
        others = joined(row.data[_WITH])
        raise Refused(
            f"LiteLLM has {row_id} in one entry with {others}, and would drop what it has for "
            "these: give each model an entry of its own"
        )


def refuse_unknown(wanted: Declared, known: Collection[str], aliases: Collection[str]) -> None:
    """Refuse names that are not those of models, which LiteLLM would refuse too.

    :raises Refused: With every such name.
    """
    named = [wanted.values[MODEL,], *wanted.values[TARGETS,]]
    mistakes = [_why_unknown(one, known, aliases) for one in named if one not in known]
    if mistakes:
        raise Refused(*mistakes)


def _why_unknown(name: str, known: Collection[str], aliases: Collection[str]) -> str:
    wildcard = _wildcard(name, known)
    if name in aliases:
        return f"{short(name)} is an alias, and LiteLLM takes only models in a fallback"
    if wildcard is not None:
        return (
            f"{short(name)} is no model of its own, only {wildcard} covers it: LiteLLM takes only "
            "the names of models in a fallback"
        )
    return f"the gateway has no model {short(name)}{suggested(name, known)}"
