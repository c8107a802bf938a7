"""Reads what a config.yaml declares for the gateway's database. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ..credentials import kind as credentials
from ..errors import InvalidInput
from ..models import model_list
from ..models.fields import PARAMS, REFERENCE
from ..objects import sets
from ..objects.declared import Declared
from ..objects.reading import Resolve
from ..values import checks
from ..values.quote import joined, kind, short

CREDENTIALS, MODELS, ROUTER = "credential_list", "model_list", "router_settings"
_INCLUDE, _NAME = "include", "credential_name"
_KNOWN = (CREDENTIALS, MODELS, ROUTER, _INCLUDE)


@dataclass(frozen=True)
class Document:
    """What a document declares.

    :param declared: The objects by the key of their kind. A kind that it does not have is missing.
    :param notes: Sentences on what is left out, and on what the gateway needs.
    """

    declared: Mapping[str, Sequence[Any]]
    notes: tuple[str, ...] = ()


def read(name: str, content: Any, resolve: Resolve) -> Document:
    """Check and normalise all that a document declares.

    :param name: The name of the set that its credentials and models belong to.
    :raises InvalidInput: With every mistake. Each begins with its key in the document.
    """
    content = checks.mapping("the document", content)
    if content.get(_INCLUDE):
        raise InvalidInput(
            "only a source may have an include, as nothing says what its paths are relative to"
        )
    declared: dict[str, Sequence[Declared]] = {}
    mistakes = checks.Mistakes()
    with mistakes.noted(f"{CREDENTIALS}: "):
        if (entries := _list(content, CREDENTIALS)) is not None:
            named = _named(entries, mistakes)
            declared["credentials"] = sets.read(credentials.READER, name, named, None, resolve)
    with mistakes.noted(f"{MODELS}: "):
        if (entries := _list(content, MODELS)) is not None:
            declared["models"] = model_list.read(name, entries, None, resolve)
    mistakes.refuse()
    if not declared:
        raise InvalidInput(f"there is none of {CREDENTIALS}, {MODELS} and {ROUTER} in the document")
    return Document(declared, tuple(_notes(content)))


def _list(content: Mapping[str, Any], key: str) -> list[Any] | None:
    found = content.get(key)
    if found is not None and not isinstance(found, list):
        raise InvalidInput(f"it must be a list, not {kind(found)}")
    return found


def _named(entries: list[Any], mistakes: checks.Mistakes) -> Iterator[tuple[Any, Any]]:
    """Every entry of a ``credential_list`` with its name, as arguments of ``present``."""
    for number, entry in enumerate(entries, start=1):
        if not isinstance(entry, Mapping):
            mistakes.add(f"{CREDENTIALS}: entry {number} must be a mapping, not {kind(entry)}")
        elif entry.get(_NAME) is None:
            mistakes.add(f"{CREDENTIALS}: entry {number}: {_NAME} is missing")
        else:
            yield entry[_NAME], {key: value for key, value in entry.items() if key != _NAME}


def _notes(content: Mapping[str, Any]) -> Iterator[str]:
    """Sentences on what is left out, and on the variables that the gateway needs."""
    left_out = sorted(str(key) for key in content if key not in _KNOWN)
    if left_out:
        yield (
            f"Left out, because only the gateway's own config file has a place for it: "
            f"{joined([short(key) for key in left_out])}"
        )
    variables = sorted(
        {
            value.removeprefix(REFERENCE)
            for entry in content.get(MODELS) or ()
            for value in (entry.get(PARAMS) or {}).values()
            if isinstance(value, str) and value.startswith(REFERENCE)
        }
    )
    if variables:
        yield f"The gateway's environment must have {joined(variables)}, as os.environ/ names it"
