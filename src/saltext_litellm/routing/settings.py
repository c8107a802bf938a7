"""The kind "router settings": its fields, its row, and what a state declares of it. Pure.

There is one row, which has every setting.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from ..errors import InvalidInput, Refused
from ..objects import plan as plans
from ..objects.declared import Declared
from ..objects.fields import Fields, Meaning
from ..objects.identity import refuse_configured
from ..objects.kind import Body, Kind
from ..objects.plan import NONE, Plan
from ..objects.reading import Resolve
from ..objects.row import Row, Rows
from ..objects.steps import Update
from ..values import checks, placeholders
from ..values.compare import same
from ..values.paths import Path
from ..values.quote import kind, quoted, short, suggested, unknown_key
from ..values.secrets import hides, holds_secret, is_shown, redact
from .rules import KEYS

ID = "router_settings"
FALLBACKS = frozenset(KEYS.values())
ALIASES = "model_group_alias"
# A running router takes these up, but LiteLLM does not show whether it has (1.106.2, 1.110.2).
_UNSEEN = frozenset({"optional_pre_call_checks"})
# A running router takes this up, and LiteLLM shows it only from then on.
_SHOWN_LATER = frozenset({"max_retries"})
# The router cuts these to whole numbers (1.106.2, 1.110.2), of which LiteLLM calls two a number.
_CUT = frozenset({"cooldown_time", "timeout"})
_TYPES: dict[str, tuple[type | tuple[type, ...], str]] = {
    "Integer": (int, "a whole number"),
    "Float": ((int, float), "a number"),
    "Boolean": (bool, "true or false"),
    "Dictionary": (dict, "a mapping"),
    "List": (list, "a list"),
    "String": (str, "a string"),
}


@dataclass(frozen=True)
class Settings(Row):
    """The router settings of a gateway, as stored, and as far as not stored, those of its router.

    :param source: Where each is from: ``config``, ``db``, ``default`` or ``unset``.
    :param merges: Whether LiteLLM keeps what a write does not send (from 1.106 on).
    :param fields: What LiteLLM says of most of them: ``field_type``, and ``options`` of some.
    """

    source: Mapping[str, str] = field(default_factory=dict)
    merges: bool = False
    fields: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)


FIELDS = Fields(
    sections=(),
    arguments={},
    is_secret=lambda _: False,
    takes_sdb=lambda _: False,
    is_hidden=lambda path: any(map(hides, path)),
    text_at=lambda _: placeholders.TEXT,
    meaning=lambda _: Meaning(whole=True),
)


# ---------------------------------------------------------------- declared


def declared(arguments: Mapping[str, Any], _: Resolve) -> Declared:
    """Check the arguments of ``managed``, or of ``present``: a ``value`` instead of ``settings``.

    :raises InvalidInput: With every mistake. Each mistake names its setting.
    """
    mistakes, name = checks.Mistakes(), checks.title("name", arguments.get("name"))
    settings = arguments["settings"] if "settings" in arguments else {name: arguments["value"]}
    values: dict[Path, Any] = {}
    with mistakes.noted():
        if not checks.mapping("settings", settings):
            raise InvalidInput("settings must not be empty")
        for setting, value in settings.items():
            with mistakes.noted():
                values[_setting(setting),] = _value(str(setting), value)
    mistakes.refuse()
    return Declared(name, values, id=ID)


def _setting(setting: Any) -> str:
    checks.title("the name of a setting", setting)
    if setting in FALLBACKS:
        raise InvalidInput(f"{setting} are for litellm_fallback, which keeps the rules of others")
    return str(setting)


def _value(setting: str, value: Any) -> Any:
    if value is None:
        raise InvalidInput(
            f"{short(setting)} is null, but LiteLLM cannot unset a router setting: give it another "
            "value"
        )
    value = checks.plain(setting, value)
    if setting == ALIASES and isinstance(value, dict):
        for alias, target in value.items():
            if not _is_target(target):
                raise InvalidInput(
                    f"{setting}:{short(alias)} must be the name of one model, or a mapping with "
                    f"model and hidden, not {kind(target)}"
                )
    if holds_secret("", value) or not is_shown(setting, value):
        raise InvalidInput(
            f"{short(setting)} has a secret, which LiteLLM stores and shows in plain as a router "
            "setting: put it into the gateway's config file or environment"
        )
    return value


def _is_target(value: Any) -> bool:
    """Whether an alias may stand for it. LiteLLM 1.106 stores anything, and then lists no model."""
    if not isinstance(value, dict):
        return isinstance(value, str)
    hidden = value.get("hidden", False)
    return isinstance(value.get("model"), str) and isinstance(hidden, bool)


# ---------------------------------------------------------------- the row


def parse(data: Mapping[str, Any]) -> Settings:
    """The row in the answer of ``GET /router/settings``."""
    listed = data.get("fields")
    fields = {
        one["field_name"]: one
        for one in (listed if isinstance(listed, list) else ())
        if isinstance(one, dict) and isinstance(one.get("field_name"), str)
    }
    source = data.get("source")
    found = dict(source) if isinstance(source, dict) else {}
    values = dict(data["current_values"])
    return Settings(ID, None, values, source=found, merges=source is not None, fields=fields)


def _changed(row: Settings, body: Body, _: Body | None) -> Settings:
    source = {**row.source, **dict.fromkeys(body, "db")}
    return replace(row, data={**row.data, **body}, source=source)


def _created(body: Body, _: Body | None) -> Settings:
    return Settings(ID, None, body)


ROUTER: Kind[Settings] = Kind("router setting", "section", FIELDS, _created, _changed)


def shown(row: Settings, live: Mapping[str, Any], setting: str) -> dict[str, Any]:
    """A setting as the gateway has it, without secrets."""
    value = redact({setting: row.data.get(setting)})[setting]
    source = row.source.get(setting)
    return {"setting": setting, "value": value, "source": source, "acts": acts(row, live, setting)}


def acts(row: Settings, live: Mapping[str, Any], setting: str) -> bool | None:
    """Whether the router follows a setting as it is stored; ``None`` if that cannot be seen.

    What is not from the database is what the router has (1.106.2, 1.110.2).
    """
    if row.source.get(setting) != "db":
        return True
    if setting in _UNSEEN:
        return None
    return setting in live and _follows(setting, row.data[setting], live[setting])


def _follows(setting: str, stored: Any, live: Any) -> bool:
    """Whether the router has a value. It shows mappings with all that was not given."""
    if isinstance(stored, dict) and isinstance(live, dict) and setting != ALIASES:
        return all(_follows(setting, one, live.get(key)) for key, one in stored.items())
    if isinstance(stored, list) and isinstance(live, list):
        pairs = zip(stored, live, strict=False)
        return len(stored) == len(live) and all(_follows(setting, *pair) for pair in pairs)
    return same(stored, live)


# ---------------------------------------------------------------- plans and steps


def make_plan(wanted: Declared, rows: Rows[Settings]) -> Plan[Settings]:
    """The plan for some settings."""
    row = rows.get(ID)
    assert row is not None  # noqa: S101 - a gateway always has it
    return plans.update(ROUTER, wanted, row, None)


def next_step(wanted: Declared, plan: Plan[Settings]) -> Update[Settings] | None:
    """The next step of a plan, ``None`` if nothing is left to do."""
    if plan.action == NONE or plan.row is None:
        return None
    return Update(plan.row, {path[0]: wanted.values[path] for path in sorted(plan.touched)})


def names(wanted: Declared, plan: Plan[Settings]) -> list[str]:
    """The declared settings that a gateway already has as declared."""
    return sorted(path[0] for path in wanted.values if path not in plan.touched)


def refuse(row: Settings, settings: Mapping[str, Any], live: Mapping[str, Any]) -> None:
    """Refuse to write settings that LiteLLM would not follow.

    :raises Refused: With every mistake.
    """
    if not row.merges:
        raise Refused(
            "The gateway's LiteLLM is older than 1.106, where writing one router setting loses the "
            "others and stores the master key in the database: declare it in its config file"
        )
    mistakes = checks.Mistakes()
    for setting, value in settings.items():
        with mistakes.noted():
            _refuse_one(row, setting, value, live)
    mistakes.refuse()


def _refuse_one(row: Settings, setting: str, value: Any, live: Mapping[str, Any]) -> None:
    taken_up = {*live, *_UNSEEN, *_SHOWN_LATER} - FALLBACKS
    if row.source.get(setting) == "config":
        raise refuse_configured(setting)
    if setting in row.fields.keys() - taken_up:
        raise Refused(
            f"{setting} would be stored, but LiteLLM's router does not take it up from the "
            "database: declare it in the gateway's config file"
        )
    if setting not in taken_up:
        raise Refused(f"LiteLLM has no router setting {unknown_key(setting, taken_up)}")
    known = row.fields.get(setting, {})
    types, wording = _TYPES.get(str(known.get("field_type")), (object, ""))
    if not isinstance(value, types) or (isinstance(value, bool) and types not in (bool, object)):
        raise Refused(f"{setting} must be {wording}, not {quoted(value)}")
    if setting in _CUT and isinstance(value, float) and not value.is_integer():
        raise Refused(
            f"{setting} must be a whole number, not {quoted(value)}: LiteLLM's router cuts it"
        )
    options = known.get("options")
    if options and value not in options:
        raise Refused(
            f"{setting} must be one of {', '.join(options)}, not {quoted(value)}"
            f"{suggested(value, options)}"
        )


def inactive(row: Settings, live: Mapping[str, Any], settings: Sequence[str]) -> list[str]:
    """Sentences on settings that are stored, and that the router does not follow."""
    found = []
    for setting in settings:
        if acts(row, live, setting) is False:
            has = quoted(redact({setting: live[setting]})[setting]) if setting in live else "none"
            found.append(
                f"{setting} is stored, but LiteLLM does not act on it (the live router has {has})"
            )
    return found


def why_undeclared(row: Settings, live: Mapping[str, Any], setting: str) -> str | None:
    """Why a setting that is stored cannot be declared as it is, if there is a reason."""
    try:
        _value(setting, row.data[setting])
    except InvalidInput as err:
        return str(err)
    if acts(row, live, setting) is False:
        return "LiteLLM does not act on what is stored"
    return None


def unseen(row: Settings, settings: Sequence[str]) -> list[str]:
    """Sentences on settings of which nobody can see whether the router follows them."""
    return [
        f"Whether LiteLLM acts on {setting} cannot be seen: it does not show what its router has"
        for setting in settings
        if setting in _UNSEEN and row.source.get(setting) == "db"
    ]
