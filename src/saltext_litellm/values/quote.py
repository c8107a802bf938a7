"""Quotes names and values in messages: short, on one line, and without secrets."""

from __future__ import annotations

import datetime
import difflib
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

_LONGEST = 40  # characters of a value that are quoted
_LONGEST_NAME = 80  # characters of a name
_LONGEST_LINE = 5000  # characters of a line
_LOOKED_AT = 400  # characters that are searched for a secret, of which the first may be shown
_UNBROKEN = re.compile(r"\S{100}")
# A string of 12 or more characters, with letters and digits and without a space, may be a key.
_KEY_LIKE = re.compile(r"(?=\S*[A-Za-z])(?=\S*\d)\S{12,}|\bsk-|\b(bearer|basic)\b|://\S*@", re.I)


def quoted(value: Any) -> str:
    """A value for a message: cut short, and without anything that may be a secret."""
    if isinstance(value, (bool, int, float)) or value is None:
        try:
            text = repr(value)
        except ValueError:  # Python refuses to print an integer of more than 4,300 digits
            return "a number too long to read"
        return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}…"
    if not isinstance(value, str):
        return kind(value)
    beginning = value[:_LOOKED_AT]
    # In a long text without a space the end of a login may be too far away to be found.
    if _KEY_LIKE.search(beginning) or _UNBROKEN.search(beginning):
        return f"a string of {len(value)} characters"
    return clean(repr(value if len(value) <= _LONGEST else f"{value[:_LONGEST]}…"))


def kind(value: Any) -> str:
    """The type of a value, in words for users."""
    names = {bool: "a boolean", int: "a number", float: "a number", dict: "a mapping"}
    names |= {list: "a list", str: "a string", type(None): "empty", datetime.date: "a date"}
    return next((name for type_, name in names.items() if isinstance(value, type_)), "that")


def clean(text: str) -> str:
    """Text without characters that cannot be printed; line breaks stay."""
    if text.isprintable():
        return text
    return "".join(
        char if char.isprintable() or char == "\n" else char.encode("unicode_escape").decode()
        for char in text
    )


def line(text: str) -> str:
    """Text without characters that cannot be printed and without line breaks; not too long."""
    whole = len(text) <= _LONGEST_LINE
    return clean(text if whole else f"{text[:_LONGEST_LINE]}…").replace("\n", "\\n")


def short(name: str) -> str:
    """A name for a message; only the beginning of a long one."""
    return name if len(name) <= _LONGEST_NAME else f"{name[:_LONGEST_NAME]}…"


def joined(items: Sequence[str], most: int = 20) -> str:
    """Items in a message; only the first of many.

    :param most: How many are named.
    """
    more = len(items) - most
    shown = ", ".join(items[:most])
    return f"{shown} and {more} more" if more > 0 else shown


def counted(counts: Mapping[str, int]) -> str:
    """So many of each, such as ``2 models and 1 key``, without what there is none of."""
    return " and ".join(f"{n} {what}{'s' * (n > 1)}" for what, n in counts.items() if n)


def suggested(word: Any, words: Iterable[str]) -> str:
    """The end of a sentence: the known word that is most like a wrong one; empty if none is."""
    if not isinstance(word, str) or len(word) > _LONGEST:
        return ""
    near = difflib.get_close_matches(word, sorted(words), 1)
    return f" (did you mean {near[0]}?)" if near else ""


def unknown_key(key: Any, known: Iterable[str]) -> str:
    """A key that is not known, with the known key that may be meant."""
    if not isinstance(key, str):
        return f"{quoted(key)}: a name must be a string, so put it in quotes"
    return f"{short(key)}{suggested(key, known)}"
