"""The kind "credential": its fields, its rows, and what a state declares of it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from ..errors import InvalidInput
from ..objects import marker as markers
from ..objects.declared import Declared
from ..objects.fields import Fields
from ..objects.kind import Body, Kind
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
from ..values.ciphertext import is_ciphertext
from ..values.paths import Path
from ..values.quote import short
from ..values.secrets import hides, is_shown, redact

VALUES = "credential_values"
INFO = "credential_info"
LABEL: Path = ("display_name",)
PROVIDER: Path = (INFO, "custom_llm_provider")
DELETE = "credential_values_to_delete"

_REFERENCE = "os.environ/"
_LONGEST_LABEL = 255  # characters, as LiteLLM has it
_TOP = 2  # the length of a path that is a key of a section itself
# LiteLLM encrypts texts in its database but not mappings, so a mapping is sent as a JSON string.
_JSON_STRINGS = frozenset({(VALUES, "vertex_credentials"), (VALUES, "vertex_ai_credentials")})


# LiteLLM (1.83.14 to 1.110.2) masks the texts whose names have one of these in them.
_MASKED = re.compile("authorization|token|key|secret|credentials|password|passwd")


def _is_masked(path: Path) -> bool:
    """Whether LiteLLM takes the text at a place for a secret, and does not show it."""
    return path[0] == VALUES and _MASKED.search(path[-1].lower()) is not None


def is_unreadable(path: Path, shown: Any) -> bool:
    """Whether what a list shows in the place of a text is its mask, or its ciphertext.

    LiteLLM (1.83.14 to 1.110.2) looks into a mapping only if that is named like a secret too. It
    shows ciphertext if its ``LITELLM_SALT_KEY`` has changed, and 1.83.14 also for an empty text.
    """
    if path[0] != VALUES or not isinstance(shown, str):
        return False
    return is_ciphertext(shown) or all(_MASKED.search(name.lower()) for name in path[1:])


def _label(name: str, value: Any) -> str:
    if len(checks.title(name, value)) > _LONGEST_LABEL:
        raise InvalidInput(f"{name} must not be longer than {_LONGEST_LABEL} characters")
    return str(value)


def _is_named_secret(path: Path) -> bool:
    return any(map(hides, path[1:]))


def _is_hidden(path: Path) -> bool:
    """Whether we never show the value at a place: what LiteLLM masks, and what is named so."""
    return _is_named_secret(path) or (len(path) == _TOP and _is_masked(path))


FIELDS = Fields(
    sections=(VALUES, INFO),
    arguments={LABEL[0]: (LABEL, _label)},
    is_secret=_is_masked,
    takes_sdb=lambda _: True,
    is_hidden=_is_hidden,
    text_at=lambda path: (
        placeholders.SECRET if path[0] == VALUES and _is_hidden(path) else placeholders.TEXT
    ),
    is_one_line=lambda path: path == LABEL or (path[0] == VALUES and len(path) == _TOP),
    json_strings=_JSON_STRINGS,
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
        if name in (".", ".."):
            raise InvalidInput(f"name must not be {name}: LiteLLM could not find it by that")
    values, trimmed = read(FIELDS, arguments, resolve, mistakes, _check_value)
    mistakes.refuse()
    assert isinstance(name, str)  # noqa: S101 - checked before
    warnings = bounded(text_warnings(FIELDS, values, trimmed, {"name": name}))
    return Declared(name=name, values=values, id=name, warnings=warnings)


def named(name: Any) -> Declared:
    """A credential to look up."""
    return Declared(name=checks.title("name", name), values={}, id=name)


def mistakes_in(arguments: Mapping[str, Any], resolve: Resolve) -> tuple[str, ...]:
    """The mistakes in arguments that may be incomplete."""
    mistakes = checks.Mistakes()
    read(FIELDS, with_trimmed_names(FIELDS, arguments), resolve, mistakes, _check_value)
    return tuple(mistakes.found)


READER = Reader("credential", "credential_name", FIELDS, declared, mistakes_in)


def _check_value(path: Path, value: Any) -> None:
    """Refuse a value that LiteLLM would not keep, or not keep secret."""
    name, is_text = short(FIELDS.label(path)), isinstance(value, str)
    is_inside = len(path) > _TOP or isinstance(value, (list, Mapping))
    is_hidden = _is_named_secret(path) or not is_shown("", value)
    if path[:2] == (INFO, markers.KEY):
        raise InvalidInput(f"{name} cannot be declared: it is the marker of this extension")
    if path[0] == INFO and is_hidden:
        raise InvalidInput(
            f"{name} is a secret, or named like one, but LiteLLM shows {INFO} and does not encrypt "
            f"it: it belongs in {VALUES}"
        )
    if path[0] == VALUES and is_inside and is_hidden:
        raise InvalidInput(
            f"{name} is a secret inside a mapping or a list, which LiteLLM shows and does not "
            f"encrypt: make it a text that stands directly in {VALUES}"
        )
    if path[0] == VALUES and not is_inside and (is_text or _is_named_secret(path)):
        checks.text(name, value)
    if path[0] == VALUES and _REFERENCE in str(value):
        raise InvalidInput(
            f"{name} has an os.environ/ reference, which LiteLLM would not resolve: it resolves "
            "them in the credentials of its config file only; write an sdb:// reference or the "
            "value"
        )
    check_texts(FIELDS, path, value)


# ---------------------------------------------------------------- rows


def parse(data: Mapping[str, Any]) -> Row | None:
    """A row of a list; ``None`` if it is not one."""
    name = data.get("credential_name")
    if not isinstance(name, str):
        return None
    shown = {key: data.get(key) for key in (VALUES, INFO)}
    sections = {key: dict(v) if isinstance(v, Mapping) else {} for key, v in shown.items()}
    marker, copied = markers.of_row(sections[INFO].get(markers.KEY), name)
    return Row(
        id=name,
        marker=marker,
        data={**sections, LABEL[0]: data.get(LABEL[0])},
        from_database=data.get("source") != "config",  # 1.83.14 does not say
        copied=copied,
    )


def created(body: Body, _: Body | None) -> Row:
    """The row that a create makes."""
    row = parse(body)
    assert row is not None  # noqa: S101 - the body of a create has a name
    return row


def changed(row: Row, body: Body, _: Body | None) -> Row:
    """The row that an update makes of a row."""
    values = {**row.data[VALUES], **body.get(VALUES, {})}
    for key in body.get(DELETE, ()):
        values.pop(key, None)
    label = body.get(LABEL[0], row.data.get(LABEL[0]))
    info = {**row.data[INFO], **body.get(INFO, {})}
    return created({"credential_name": row.id, VALUES: values, INFO: info, LABEL[0]: label}, None)


CREDENTIAL: Kind[Row] = Kind("credential", "credential_name", FIELDS, created, changed)


def summary(row: Row) -> dict[str, Any]:
    """A row in short, without secrets."""
    info = row.data[INFO]
    found = {
        "credential_name": row.id,
        LABEL[0]: row.data[LABEL[0]],
        "provider": info.get(PROVIDER[1]),
        "values": ", ".join(sorted(row.data[VALUES])),
        "owner": None if row.marker is None else row.marker.owner,
        "source": "database" if row.from_database else "config",
    }
    return {key: redact(value) for key, value in found.items()}


def whole(row: Row) -> dict[str, Any]:
    """Everything that the gateway shows of a row, without secrets and unset keys."""
    sections = {section: redact(row.data[section]) for section in (VALUES, INFO)}
    return summary(row) | {
        section: {key: value for key, value in values.items() if value is not None}
        for section, values in sections.items()
    }
