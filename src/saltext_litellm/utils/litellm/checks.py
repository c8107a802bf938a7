"""Checks of single values: each returns the value as it is sent, or says why it cannot be."""

from __future__ import annotations

import datetime
import math
import re
from collections.abc import Mapping
from decimal import Decimal, InvalidOperation
from typing import Any

from .errors import InvalidInput
from .quote import kind, quoted

_MILLION = Decimal(1_000_000)
# What a router takes as one segment of a path; LiteLLM 1.106 cannot patch an id with a slash.
_PATH_SEGMENT = re.compile(r"[^\s/?#%\\\x00-\x1f\x7f]+")


def text(name: str, value: Any) -> str:
    """A string that says something."""
    if not isinstance(value, str):
        raise InvalidInput(f"{name} must be a string, not {kind(value)}; put it in quotes")
    if not value.strip():
        raise InvalidInput(f"{name} must not be empty")
    return value


def version(name: str, value: Any) -> str:
    """A version as a string. YAML reads ``2024-10-21`` as a date and ``20241021`` as a number."""
    if isinstance(value, (datetime.date, int, float)) and not isinstance(value, bool):
        return value.isoformat() if isinstance(value, datetime.date) else str(value)
    return text(name, value)


def flag(name: str, value: Any) -> bool:
    """True or false, and nothing that merely looks like it."""
    if not isinstance(value, bool):
        raise InvalidInput(f"{name} must be true or false, not {quoted(value)}")
    return value


def mapping(name: str, value: Any) -> Mapping[str, Any]:
    """A mapping."""
    if not isinstance(value, Mapping):
        raise InvalidInput(f"{name} must be a mapping, not {kind(value)}")
    return value


def limit(name: str, value: Any) -> int:
    """A whole number from 0 on; a string of digits will do, as templates make them."""
    number = _number(name, value)
    if number != number.to_integral_value():
        raise InvalidInput(f"{name} must be a whole number, not {quoted(value)}")
    return int(number)


def per_token(name: str, value: Any) -> float:
    """A cost per million tokens as a cost per token, divided exactly: 30 becomes 3e-05."""
    return float(_number(name, value) / _MILLION)


def per_million(value: Any) -> Any:
    """A cost per token as a cost per million tokens, exactly; anything else as it is."""
    if isinstance(value, bool) or not isinstance(value, (int, float, str)):
        return value
    try:
        cost = Decimal(str(value)) * _MILLION
    except InvalidOperation:
        return value
    return float(cost) if cost.is_finite() else value


def identifier(name: str, value: Any) -> str:
    """A string that can stand in a URL path."""
    if not _PATH_SEGMENT.fullmatch(text(name, value)) or value in (".", ".."):
        raise InvalidInput(
            f"{name} {quoted(value)} cannot stand in a URL: "
            "it must have no space, slash, ?, #, % or \\"
        )
    return str(value)


def plain(name: str, value: Any) -> Any:
    """A value made of what JSON can carry. Dates, which YAML makes unasked, become strings."""
    if isinstance(value, Mapping):
        for key in value:
            if not isinstance(key, str):
                raise InvalidInput(
                    f"{name} has the key {quoted(key)}, which must be a string; quote it"
                )
        return {key: plain(f"{name}:{key}", item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(name, item) for item in value]
    if isinstance(value, datetime.date):
        return value.isoformat()
    if isinstance(value, float) and not math.isfinite(value):
        raise InvalidInput(f"{name} must be a number that JSON can carry, not {quoted(value)}")
    if value is None or isinstance(value, (bool, int, float)):
        return value
    if isinstance(value, str):
        return str(value)
    raise InvalidInput(f"{name} must be made of mappings, lists and plain values")


def _number(name: str, value: Any) -> Decimal:
    if isinstance(value, bool) or not isinstance(value, (int, float, str)):
        raise InvalidInput(f"{name} must be a number, not {quoted(value)}")
    try:
        number = Decimal(str(value).strip())
    except InvalidOperation:
        raise InvalidInput(f"{name} must be a number, not {quoted(value)}") from None
    if not math.isfinite(float(number)):
        raise InvalidInput(f"{name} must be a finite number, not {quoted(value)}")
    if number < 0:
        raise InvalidInput(f"{name} must not be negative, but is {quoted(value)}")
    return number
