"""Trims texts, resolves ``sdb://`` in them, and parses those that are JSON."""

from __future__ import annotations

import json
import re
import string
from collections.abc import Callable
from typing import Any

from ..errors import InvalidInput
from . import placeholders
from .checks import plain
from .quote import short

# A byte order mark and a space of no width come from files and web pages.
_BLANK = f"{string.whitespace}\x85\xa0\u2028\u2029\u200b\ufeff"
_REFERENCE = re.compile(r"(?P<scheme>[A-Za-z][\w-]{0,30}[ \t]+)?(?P<reference>sdb://.+)", re.DOTALL)
_PEM = "-----BEGIN "


def trimmed(text: str) -> str:
    """A text without spaces and line breaks at its ends. A file or a YAML block ends in one."""
    return text.strip(_BLANK)


def resolved(value: Any, resolve: Callable[[Any], Any]) -> Any:
    """A value with its reference resolved, which may follow a word: ``Bearer sdb://…``.

    :param resolve: Replaces an ``sdb://`` reference by its value.
    """
    found = _REFERENCE.fullmatch(trimmed(value)) if isinstance(value, str) else None
    if found is None:
        return resolve(value)
    secret = resolve(found["reference"])
    if found["scheme"] is None:
        return secret
    # What is no text cannot follow a word, so the reference stays, and is refused.
    return f"{found['scheme']}{trimmed(secret)}" if isinstance(secret, str) else value


def one_line(name: str, text: str, *, secret: bool) -> str:
    """A text of one line, trimmed. A secret may also be PEM, which stays as it is, or JSON.

    :raises InvalidInput: It has a line break inside, which no header and no URL can have.
    """
    if secret and _PEM in text:
        return text
    bare = trimmed(text)
    if not bare and text:
        raise InvalidInput(f"{short(name)} must not be empty")
    # Ciphertext has line breaks too. It is refused with the better reason.
    is_whole = secret and (_is_json(bare) or placeholders.certain(bare, placeholders.SECRET))
    if len(bare.splitlines()) > 1 and not is_whole:
        raise InvalidInput(
            f"{short(name)} has a line break inside: it must be one line, or PEM or JSON"
            if secret
            else f"{short(name)} has a line break inside: it must be one line"
        )
    return bare


def parsed(name: str, text: str) -> dict[str, Any]:
    """The mapping that is written as JSON in a text.

    :raises InvalidInput: It cannot be read. The message shows nothing of it.
    """
    try:
        found = json.loads(trimmed(text))
    except (ValueError, RecursionError) as err:
        raise InvalidInput(f"{short(name)} is no JSON: {_what_is_wrong(text, err)}") from None
    checked: dict[str, Any] = plain(name, found)
    return checked


def looks_like_json(value: Any) -> bool:
    """Whether a value is a text that is meant as a mapping in JSON."""
    beginning = trimmed(value)[:2] if isinstance(value, str) else ""
    return beginning[:1] == "{" and beginning not in ("{{", "{%")  # which begin a template


def _is_json(text: str) -> bool:
    try:
        return isinstance(json.loads(text), (dict, list))
    except (ValueError, RecursionError):
        return False


def _what_is_wrong(text: str, err: Exception) -> str:
    """What to do about JSON that cannot be read."""
    try:
        json.loads(trimmed(text), strict=False)
    except (ValueError, RecursionError):
        pass
    else:
        return (
            "it has line breaks inside a string; write them as \\n, as in the provider's own file"
        )
    if re.match(r"\{\s*'", trimmed(text)):
        return "it is a mapping in Python's notation; render it with the filter tojson"
    line = getattr(err, "lineno", None)
    return f"there is a mistake in line {line}" if line else "it is nested too deeply"
