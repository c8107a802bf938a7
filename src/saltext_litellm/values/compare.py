"""Compares values by meaning: whether the gateway shows what was declared."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from decimal import Decimal, InvalidOperation
from typing import Any

from .secrets import is_mask_of

_TRUE = frozenset(("true", "yes", "on", "1", "t", "y"))
_FALSE = frozenset(("false", "no", "off", "0", "f", "n"))
_UTC = re.compile(r"(\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d(\.\d+)?)?)Z")


def same(
    declared: Any,
    shown: Any,
    *,
    ordered: bool = True,
    masked: bool = False,
    coerced: bool = False,
) -> bool:
    """Whether two values mean the same.

    :param ordered: Whether the order of a list matters.
    :param masked: Whether the gateway may show a mask instead of the value.
    :param coerced: Whether LiteLLM turns the value into a number or a boolean (``"100"`` becomes
        100, ``"yes"`` true), and may show a number as a string. It stores any other value
        unchanged: there ``"5"`` is not 5.
    """
    if isinstance(declared, Mapping):
        return (
            isinstance(shown, Mapping)
            and _keys(declared) == _keys(shown)
            and all(same(declared[key], shown[key], masked=masked) for key in _keys(declared))
        )
    if isinstance(declared, list):
        return _same_list(declared, shown, ordered, masked)
    if declared is None:
        return shown in (None, "None")  # LiteLLM 1.106.2 shows a null inside a list so
    return _same_plain(declared, shown, coerced) or (masked and is_mask_of(shown, declared))


def key(value: Any, *, ordered: bool = True, coerced: bool = False) -> str:
    """A text that is equal for values that are the same, if no mask is among them."""
    if isinstance(value, Mapping):
        items = [f"{name!r}:{key(value[name])}" for name in sorted(_keys(value))]
        return f"{{{','.join(items)}}}"
    if isinstance(value, list):
        items = [key(item) for item in value]
        return f"[{','.join(items if ordered else sorted(set(items)))}]"
    if value in (None, "None"):
        return "null"
    truth = _boolean_or_none(value) if coerced or isinstance(value, bool) else None
    number = _decimal_or_none(value) if coerced or not isinstance(value, str) else None
    if coerced and truth is not None:
        number = Decimal(truth)
    if number is not None:
        return str(number.normalize())
    return repr(value if truth is None else truth)


def _same_plain(declared: Any, shown: Any, coerced: bool) -> bool:
    if type(declared) is type(shown) and declared == shown:
        return True
    if isinstance(declared, bool) or isinstance(shown, bool):
        return (
            coerced
            and _boolean_or_none(declared) is not None
            and _boolean_or_none(declared) == _boolean_or_none(shown)
        )
    texts = [isinstance(value, str) for value in (declared, shown)]
    if all(texts):
        return with_offset(declared) == with_offset(shown)
    if any(texts) and not coerced:
        return False
    number = _decimal_or_none(declared)
    return number is not None and number == _decimal_or_none(shown)


def with_offset(text: str) -> str:
    """A text; if it is a time in UTC, with ``+00:00`` for ``Z``.

    LiteLLM 1.83.14 and 1.106.2 store such a time with ``Z`` and show it with ``+00:00``.
    """
    return f"{text[:-1]}+00:00" if text.endswith("Z") and _UTC.fullmatch(text) else text


def _keys(mapping: Mapping[str, Any]) -> set[str]:
    return {key for key, value in mapping.items() if value not in (None, "None")}


def _same_list(declared: list[Any], shown: Any, ordered: bool, masked: bool) -> bool:
    if isinstance(shown, str) and not ordered:  # LiteLLM has been seen to show tags as one string
        try:
            shown = json.loads(shown)
        except ValueError:
            shown = [item.strip() for item in shown.split(",")]
    if not isinstance(shown, list):
        return False
    if ordered:
        return len(declared) == len(shown) and all(
            same(item, other, masked=masked) for item, other in zip(declared, shown, strict=True)
        )
    return all(any(same(item, other) for other in shown) for item in declared) and all(
        any(same(item, other) for item in declared) for other in shown
    )


def _boolean_or_none(value: Any) -> bool | None:
    word = str(value).lower() if isinstance(value, (bool, int, str)) else ""
    return True if word in _TRUE else False if word in _FALSE else None


def _decimal_or_none(value: Any) -> Decimal | None:
    if isinstance(value, bool) or not isinstance(value, (int, float, str)):
        return None
    try:
        number = Decimal(str(value))
    except InvalidOperation:
        return None
    return number if number.is_finite() else None
