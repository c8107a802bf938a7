"""The kind "team": its fields, its rows, and what a state declares of it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Set
from dataclasses import replace
from typing import Any

from ..errors import InvalidInput
from ..objects import marker as markers
from ..objects.declared import Declared
from ..objects.fields import Fields, Meaning
from ..objects.kind import Body, Kind
from ..objects.patch import METADATA, SETTINGS, is_hidden, is_set, patched, settings_of
from ..objects.reading import (
    Resolve,
    bounded,
    check_texts,
    read,
    text_warnings,
    with_trimmed_names,
)
from ..objects.row import Row
from ..objects.sets import Reader
from ..values import checks, placeholders
from ..values.paths import Path
from ..values.quote import quoted, short
from ..values.secrets import is_shown, redact

# What an update does: the ends of LiteLLM's paths.
UPDATE, ADD, CHANGE, REMOVE = "update", "member_add", "member_update", "member_delete"
ID, ALIAS, ALIASES, MEMBERS = "team_id", "team_alias", "model_aliases", "members"
MODELS = "models"
ROSTER = "members_with_roles"  # LiteLLM's own list of members
# What each member may spend and ask. LiteLLM keeps it in a budget that the metadata point to.
MEMBER_BUDGET = {
    "team_member_budget": "max_budget",
    "team_member_budget_duration": "budget_duration",
    "team_member_tpm_limit": "tpm_limit",
    "team_member_rpm_limit": "rpm_limit",
}
POINTER = "team_member_budget_id"

ADMIN = "admin"
_ROLES = (ADMIN, "user")
_SET_BY_LITELLM = frozenset(("spend", "budget_reset_at", "created_at", "updated_at"))
_PAIR = 2  # the length of a path that is a key of a section itself


def member_key(member: str) -> str:
    """How a member is called. LiteLLM looks for an email whatever its case is."""
    member = member.strip()
    return member.lower() if "@" in member else member


def _models(name: str, value: Any) -> list[str]:
    return checks.models(
        name, value, "say which one is meant, [all-proxy-models] or [no-default-models]"
    )


FIELDS = Fields(
    sections=(ALIASES, MEMBERS, METADATA, SETTINGS),
    arguments={
        ALIAS: ((ALIAS,), checks.title),
        MODELS: ((MODELS,), _models),
        "max_budget": (("max_budget",), checks.amount),
        "budget_duration": (("budget_duration",), checks.duration),
        "tpm_limit": (("tpm_limit",), checks.limit),
        "rpm_limit": (("rpm_limit",), checks.limit),
        "team_member_budget": (("team_member_budget",), checks.amount),
        "blocked": (("blocked",), checks.flag),
    },
    names={ID: checks.title},
    is_secret=lambda _: False,
    takes_sdb=lambda _: False,
    is_hidden=is_hidden,
    is_set=is_set,
    meaning=lambda path: Meaning(ordered=path != (MODELS,)),
    text_at=lambda _: placeholders.TEXT,
)


# ---------------------------------------------------------------- declared


def declared(arguments: Mapping[str, Any], resolve: Resolve) -> Declared:
    """Check and normalise the arguments of ``present``.

    :param arguments: Values by name. ``None`` means not declared. Other names are ignored.
    :param resolve: Replaces an ``sdb://`` reference by its value.
    :raises InvalidInput: With every mistake. Each mistake names its argument.
    """
    mistakes, name = checks.Mistakes(), arguments.get("name")
    with mistakes.noted():
        checks.title("name", name)
    values, trimmed = _read(arguments, resolve, mistakes)
    mistakes.refuse()
    assert isinstance(name, str)  # noqa: S101 - checked before
    warnings = bounded(text_warnings(FIELDS, values, trimmed, {"name": name}))
    return Declared(
        name=name,
        values={(ALIAS,): name, **values},
        id=with_trimmed_names(FIELDS, arguments).get(ID),
        warnings=warnings,
    )


def _read(
    arguments: Mapping[str, Any], resolve: Resolve, mistakes: checks.Mistakes
) -> tuple[dict[Path, Any], list[str]]:
    members = arguments.get(MEMBERS)
    if isinstance(members, Mapping):
        keys = [member_key(key) if isinstance(key, str) else key for key in members]
        twice = [key for key, times in Counter(keys).items() if times > 1]
        mistakes.add(
            *(f"{MEMBERS} has {short(str(key))} twice, in other spellings" for key in twice)
        )
        lacking = [key for key, role in zip(keys, members.values(), strict=True) if role is None]
        mistakes.add(
            *(f"{MEMBERS}:{short(str(key))} has no role: user or admin" for key in lacking)
        )
        arguments = {**arguments, MEMBERS: dict(zip(keys, members.values(), strict=True))}
    return read(FIELDS, with_trimmed_names(FIELDS, arguments), resolve, mistakes, _check_value)


def named(name: Any, team_id: Any = None) -> Declared:
    """A team to look up."""
    name = checks.title("name", name)
    row_id = None if team_id is None else checks.title(ID, team_id)
    return Declared(name=name, values={(ALIAS,): name}, id=row_id)


def mistakes_in(arguments: Mapping[str, Any], resolve: Resolve) -> tuple[str, ...]:
    """The mistakes in arguments that may be incomplete."""
    mistakes = checks.Mistakes()
    _read(arguments, resolve, mistakes)
    return tuple(mistakes.found)


READER = Reader("team", ID, FIELDS, declared, mistakes_in)


def _check_value(path: Path, value: Any) -> None:
    """Refuse a value that LiteLLM would not keep, not keep secret, or that is not for settings."""
    section, name = path[0], short(FIELDS.label(path))
    key, found = short(FIELDS.label(path[:_PAIR])), quoted(value if len(path) == _PAIR else {})
    if section == MEMBERS and (len(path) != _PAIR or value not in _ROLES):
        raise InvalidInput(f"{key} must be admin or user, not {found}")
    if section == ALIASES and (len(path) != _PAIR or not isinstance(value, str)):
        raise InvalidInput(f"{key} must be the name of a model, not {found}")
    if section == SETTINGS and path[1] in {*FIELDS.known, ROSTER}:
        own = MEMBERS if path[1] == ROSTER else path[1]
        raise InvalidInput(f"{name} has an argument of its own: {own}")
    is_its_own = section == SETTINGS and path[1] in _SET_BY_LITELLM
    if is_its_own or path[:_PAIR] == (METADATA, POINTER):
        raise InvalidInput(f"{name} cannot be declared: LiteLLM sets that")
    if path[:_PAIR] == (METADATA, markers.KEY):
        raise InvalidInput(f"{name} cannot be declared: it is the marker of this extension")
    if is_hidden(path) or not is_shown("", value):
        raise InvalidInput(
            f"{name} is a secret, or named like one, but LiteLLM shows what a team has: leave it "
            "out, or give it another name"
        )
    check_texts(FIELDS, path, value)


# ---------------------------------------------------------------- rows


def parse(data: Mapping[str, Any]) -> Row | None:
    """A row as the endpoints return it; ``None`` if it is not one.

    Some settings are in the metadata, where LiteLLM keeps what its table has no column for.
    """
    team_id, metadata = data.get(ID), data.get(METADATA)
    if not isinstance(team_id, str):
        return None
    metadata = dict(metadata) if isinstance(metadata, Mapping) else {}
    marker, copied = markers.of_row(metadata.get(markers.KEY), team_id)
    columns = {key: data[key] for key in data if key not in (MEMBERS, SETTINGS)}
    members = {key: one.get("role") for one in roster(data) for key in member_keys(one)}
    settings = settings_of({**columns, METADATA: metadata})
    data = {**columns, METADATA: metadata, MEMBERS: members, SETTINGS: settings}
    return Row(team_id, marker, data, copied=copied)


def roster(data: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """The members as LiteLLM lists them: each with its ``user_id``, ``user_email`` and ``role``."""
    found = data.get(ROSTER)
    return [one for one in found if isinstance(one, Mapping)] if isinstance(found, list) else []


def member_keys(member: Mapping[str, Any]) -> list[str]:
    """What a member may be declared by."""
    found = (member.get("user_id"), member.get("user_email"))
    return [member_key(value) for value in found if isinstance(value, str)]


def seen_by(row: Row, wanted: Set[str]) -> Row:
    """A row in which nobody who is declared by one of his keys is a member by the other as well.

    :param wanted: The keys of the declared members.
    """
    members: dict[str, Any] = {}
    for one in roster(row.data):
        keys = member_keys(one)
        for key in [key for key in keys if key in wanted] or keys:
            members[key] = one.get("role")
    return replace(row, data={**row.data, MEMBERS: members})


def who(row: Row | None, key: str, wanted: Set[str] = frozenset()) -> dict[str, str]:
    """LiteLLM's words for a member: those of its list, which it finds by their exact spelling.

    :param wanted: The keys of others, one of which may have this key, too.
    """
    found = [one for one in roster(row.data) if key in member_keys(one)] if row else []
    found = [one for one in found if wanted.isdisjoint(member_keys(one))]
    for name in ("user_id", "user_email") if found else ():
        if isinstance(found[0].get(name), str):
            return {name: found[0][name]}
    return {"user_email" if "@" in key else "user_id": key}


def created(body: Body, answer: Body | None) -> Row:
    """The row that a create makes. No answer shows what is in the budget of its members."""
    budget = {key: body.get(key) for key in MEMBER_BUDGET}
    row = parse(body if answer is None else {**budget, **answer})
    assert row is not None  # noqa: S101 - the body of a create has an id
    return row


def changed(row: Row, body: Body, answer: Body | None) -> Row:
    """The row that an update makes of a row."""
    ((action, what),) = body.items()
    if action == UPDATE:
        return created({**row.data, **patched(what, row.data)}, answer)
    gone = what.items() - {("role", what.get("role"))} if action != ADD else ()
    left = [one for one in roster(row.data) if not (gone and gone <= one.items())]
    added = what["member"] if action == ADD else [what] if action == CHANGE else []
    return created({**row.data, ROSTER: [*left, *added], **(answer or {})}, None)


TEAM: Kind[Row] = Kind("team", ID, FIELDS, created, changed)


def summary(row: Row) -> dict[str, Any]:
    """A row in short."""
    found = {
        ID: row.id,
        ALIAS: row.data.get(ALIAS),
        MODELS: ", ".join(map(str, row.data.get(MODELS) or ())),
        "max_budget": row.data.get("max_budget"),
        "spend": row.data.get("spend"),
        MEMBERS: len(roster(row.data)),
        "blocked": row.data.get("blocked") or False,
        "owner": None if row.marker is None else row.marker.owner,
    }
    return {key: redact(value) for key, value in found.items()}


def whole(row: Row) -> dict[str, Any]:
    """Everything that the gateway shows of a row, without secrets and unset keys."""
    shown = {key: value for key, value in row.data.items() if key not in (SETTINGS, ROSTER)}
    return {key: redact(value) for key, value in sorted(shown.items()) if value is not None}
