"""The kind "key": its fields, its rows, and what a state declares of it."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timezone
from typing import Any

from ..errors import InvalidInput, NothingKept, NothingThere, Refused
from ..objects import marker as markers
from ..objects.declared import Declared
from ..objects.fields import Fields, Meaning
from ..objects.kind import Body, Kind
from ..objects.marker import Marker
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
from ..values import checks, placeholders, texts
from ..values.paths import Path
from ..values.quote import quoted, short
from ..values.secrets import is_shown, redact

ID, TOKEN, ALIASES, MODELS = "key_alias", "token", "aliases", "models"
TEAM: Path = ("team_id",)
BUDGET: Path = ("budget_id",)
DURATION: Path = ("duration",)
PERIOD: Path = ("budget_duration",)
NEWER = "tpd_limit"  # a column of LiteLLM 1.106, by which it is told from 1.83

_OF_THE_UI = "litellm-dashboard"  # the team of the keys with which people are logged in to the UI
_PAIR = 2  # the length of a path that is a key of a section itself
_KEY = re.compile(r"sk-[!-~]{13,}")  # LiteLLM 1.106 wants 16 characters; a header cannot hold all
# What is no setting: what tells a key, and what LiteLLM counts. `soft_budget` would write into the
# budget that other keys share, or make one and put it into `budget_id` (1.83.14 to 1.110.2).
_NO_SETTINGS = {
    "team_id": "the argument team says that",
    "token": "it tells which key this is",
    "expires": "the argument duration says that",
    "spend": "LiteLLM counts that",
    "budget_reset_at": "LiteLLM sets that",
    "created_at": "LiteLLM sets that",
    "updated_at": "LiteLLM sets that",
    "soft_budget": "LiteLLM keeps it in a budget: declare one, and name it as budget_id",
}


def token_of(key: str) -> str:
    """What LiteLLM (1.83.14 to 1.110.2) stores of a key, and shows as its ``token``."""
    return hashlib.sha256(key.encode()).hexdigest()


def _models(name: str, value: Any) -> list[str]:
    return checks.models(
        name, value, "say which ones are meant, [all-proxy-models] or [all-team-models]"
    )


def _key(name: str, value: Any) -> None:
    """Refuse what is no key. The message must not show it."""
    if not isinstance(value, str) or not value.startswith("sdb://"):
        checks.secret(name, checks.text(name, value))
        if not _KEY.fullmatch(value):
            raise InvalidInput(
                f"{name} must begin with sk- and have at least 16 characters, without spaces"
            )
    elif "…" in value:
        raise InvalidInput(f"{name} has … in the place of a name")


FIELDS = Fields(
    sections=(ALIASES, METADATA, SETTINGS),
    arguments={
        "team": (TEAM, checks.title),
        "user_id": (("user_id",), checks.title),
        MODELS: ((MODELS,), _models),
        "max_budget": (("max_budget",), checks.amount),
        "budget_duration": (PERIOD, checks.duration),
        "budget_id": (BUDGET, checks.title),
        "tpm_limit": (("tpm_limit",), checks.limit),
        "rpm_limit": (("rpm_limit",), checks.limit),
        "max_parallel_requests": (("max_parallel_requests",), checks.limit),
        "duration": (DURATION, checks.duration),
        "blocked": (("blocked",), checks.flag),
    },
    names={"key": _key, ID: checks.title, "generate": checks.flag, "rotate": checks.flag},
    is_secret=lambda _: False,
    takes_sdb=lambda _: False,
    is_hidden=is_hidden,
    is_set=is_set,
    meaning=lambda path: Meaning(ordered=path != (MODELS,)),
    text_at=lambda _: placeholders.TEXT,
)


# ---------------------------------------------------------------- declared


@dataclass(frozen=True)
class KeyDeclared(Declared):
    """A key as it is declared. Its id is its alias.

    :param key: The key itself, ``None`` if it is not known.
    :param place: The ``sdb://`` reference that it is under, or must be put under.
    :param keep: Puts a new key there unless there is one, and returns the one that is there.
        ``None`` if no key may be made.
    :param rotate: Whether another key under the same alias may replace the present one.
    """

    key: str | None = field(default=None, repr=False)
    place: str | None = None
    keep: Callable[[str, str], str] | None = field(default=None, repr=False)
    rotate: bool = False

    @property
    def token(self) -> str | None:
        """What LiteLLM shows of the key."""
        return None if self.key is None else token_of(self.key)

    @property
    def alias(self) -> str:
        """Its alias."""
        return self.id or self.name


def declared(arguments: Mapping[str, Any], resolve: Resolve) -> KeyDeclared:
    """Check and normalise the arguments of ``present``.

    :param arguments: Values by name. ``None`` means not declared. Other names are ignored.
    :param resolve: Replaces an ``sdb://`` reference by its value. If it can put keys there, it has
        a method ``keep``.
    :raises InvalidInput: With every mistake. Each mistake names its argument.
    """
    mistakes, name = checks.Mistakes(), arguments.get("name")
    with mistakes.noted():
        checks.title("name", name)
    arguments = with_trimmed_names(FIELDS, arguments)
    values, trimmed = read(FIELDS, arguments, resolve, mistakes, _check_value)
    given, generates, key = arguments.get("key"), arguments.get("generate") is True, None
    is_place = isinstance(given, str) and given.startswith("sdb://")
    with mistakes.noted():
        if generates and not is_place:
            raise InvalidInput(
                "generate needs an sdb:// reference as key, where the new key is put: LiteLLM "
                "shows a new key once, and Salt's output is no place for it"
            )
    if not mistakes.found and given is not None:
        with mistakes.noted():
            key = _resolved(given, resolve, generates)
    mistakes.refuse()
    assert isinstance(name, str)  # noqa: S101 - checked before
    alias = arguments.get(ID) or name
    titles = {"name": name, ID: arguments.get(ID)}
    return KeyDeclared(
        name=name,
        values=values,
        id=alias,
        warnings=bounded(text_warnings(FIELDS, values, trimmed, titles)),
        key=key,
        place=given if is_place else None,
        keep=getattr(resolve, "keep", None) if generates else None,
        rotate=arguments.get("rotate") is True,
    )


def _resolved(given: str, resolve: Resolve, generates: bool) -> str | None:
    """The key, ``None`` if it is still to be made."""
    try:
        key = texts.resolved(given, resolve)
    except NothingThere as err:
        if generates and isinstance(err, NothingKept):
            raise Refused(
                f"Cannot put a value under {short(given)}: a variable of the environment does not "
                "outlast this run, so nobody would have the key"
            ) from None
        if generates:
            return None
        raise
    key = key.strip() if isinstance(key, str) else key
    _key("key", "" if isinstance(key, str) and key.startswith("sdb://") else key)
    return str(key)


def named(name: Any, alias: Any = None) -> KeyDeclared:
    """A key to look up by its alias, which is the name if that is not given."""
    name = checks.title("name", name)
    return KeyDeclared(name=name, values={}, id=name if alias is None else checks.title(ID, alias))


def mistakes_in(arguments: Mapping[str, Any], resolve: Resolve) -> tuple[str, ...]:
    """The mistakes in arguments that may be incomplete."""
    mistakes = checks.Mistakes()
    read(FIELDS, with_trimmed_names(FIELDS, arguments), resolve, mistakes, _check_value)
    return tuple(mistakes.found)


READER = Reader("key", ID, FIELDS, declared, mistakes_in)


def _check_value(path: Path, value: Any) -> None:
    """Refuse a value that LiteLLM would not keep, not keep secret, or that is not for settings."""
    section, name = path[0], short(FIELDS.label(path))
    if section == ALIASES and (len(path) != _PAIR or not isinstance(value, str)):
        key, found = short(FIELDS.label(path[:_PAIR])), quoted(value if len(path) == _PAIR else {})
        raise InvalidInput(f"{key} must be the name of a model, not {found}")
    if section == SETTINGS and path[1] in FIELDS.known:
        raise InvalidInput(f"{name} has an argument of its own: {path[1]}")
    if section == SETTINGS and path[1] in _NO_SETTINGS:
        raise InvalidInput(f"{name} cannot be declared: {_NO_SETTINGS[path[1]]}")
    if path[:_PAIR] == (METADATA, markers.KEY):
        raise InvalidInput(f"{name} cannot be declared: it is the marker of this extension")
    if is_hidden(path) or not is_shown("", value):
        raise InvalidInput(
            f"{name} is a secret, or named like one, but LiteLLM shows what a key has: leave it "
            "out, or give it another name"
        )
    check_texts(FIELDS, path, value)


# ---------------------------------------------------------------- rows


@dataclass(frozen=True)
class KeyRow(Row):
    """A key as the gateway reports it. Its id is its alias, which is unique in LiteLLM.

    :param token: What LiteLLM's requests name it by: the SHA-256 of the key.
    :param has_twin: Whether another key has the same alias, as two clients may make them at once.
    """

    token: str = field(default="", repr=False)
    has_twin: bool = False

    @property
    def address(self) -> str:
        """What LiteLLM's requests name it by."""
        return self.token

    def expired(self) -> str | None:
        """When it has expired, ``None`` if it has not."""
        at = self.expires()
        return None if at is None or at > datetime.now(timezone.utc) else f"{at:%Y-%m-%d %H:%M} UTC"

    def expires(self) -> datetime | None:
        """When it expires."""
        at = self.data.get("expires")
        try:
            found = datetime.fromisoformat(str(at).replace("Z", "+00:00")) if at else None
        except ValueError:
            return None
        return found.replace(tzinfo=found.tzinfo or timezone.utc) if found else None


def parse(data: Mapping[str, Any]) -> KeyRow | None:
    """A row as the endpoints return it; ``None`` if it is none, or one of LiteLLM's UI.

    LiteLLM does not show for how long a key was made, so the marker keeps the ``duration``.
    """
    token, metadata = data.get(TOKEN), data.get(METADATA)
    if not isinstance(token, str) or data.get(TEAM[0]) == _OF_THE_UI:
        return None
    metadata = dict(metadata) if isinstance(metadata, Mapping) else {}
    stored, alias = metadata.get(markers.KEY), data.get(ID)
    if not alias or not isinstance(alias, str):
        alias = f"(no {ID}) {data.get('key_name')} {token[:8]}"
    noted = stored.get(DURATION[0]) if isinstance(stored, Mapping) else None
    columns = {key: data[key] for key in data if key not in (SETTINGS, DURATION[0])}
    columns |= {"organization_id": data.get("organization_id") or data.get("org_id")}
    columns |= {METADATA: metadata}
    whole = {**columns, SETTINGS: settings_of(columns), DURATION[0]: noted}
    return KeyRow(alias, Marker.load(stored), whole, token=token)


def created(body: Body, answer: Body | None) -> KeyRow:
    """The row that a create makes."""
    token = token_of(body["key"]) if "key" in body else ""
    known = {key: value for key, value in body.items() if key != "key"}
    row = parse({TOKEN: token, **known} if answer is None else answer)
    assert row is not None  # noqa: S101 - it has a token
    return row


def changed(row: KeyRow, body: Body, answer: Body | None) -> KeyRow:
    """The row that an update makes of a row."""
    after = {**row.data, **patched(body, row.data)}
    if DURATION[0] in body:
        after["expires"] = None  # it counts from now on
    return created({}, {**row.data, **answer} if answer else after)


KEY: Kind[KeyRow] = Kind("key", ID, FIELDS, created, changed)

_SHOWN = ("user_id", "max_budget", "spend", "expires")
# What nobody needs to see: the token tells a key in requests that change it.
_UNSHOWN = (SETTINGS, TOKEN, "key", "api_key", "object_permission_id")


def summary(row: KeyRow) -> dict[str, Any]:
    """A row in short."""
    found = {
        ID: row.id,
        "key_name": row.data.get("key_name"),
        "team_id": row.data.get(TEAM[0]),
        MODELS: ", ".join(map(str, row.data.get(MODELS) or ())),
        **{key: row.data.get(key) for key in _SHOWN},
        "blocked": row.data.get("blocked") or False,
        "owner": None if row.marker is None else row.marker.owner,
    }
    shown = {"key_name": found["key_name"]}  # its end, as LiteLLM shows it
    return {key: redact(value) for key, value in found.items()} | shown


def whole(row: KeyRow) -> dict[str, Any]:
    """Everything that the gateway shows of a row, without secrets and unset keys."""
    shown = {key: value for key, value in row.data.items() if key not in _UNSHOWN}
    return {key: redact(value) for key, value in sorted(shown.items()) if value is not None}
