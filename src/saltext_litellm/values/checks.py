"""Checks single values, and collects mistakes. Most functions return the value to send."""

from __future__ import annotations

import datetime
import math
import re
from collections.abc import Mapping
from decimal import Decimal, InvalidOperation
from typing import Any

from ..errors import InvalidInput, Refused
from . import placeholders
from .quote import kind, line, quoted, short
from .secrets import REDACTED

_MILLION = Decimal(1_000_000)
# From this number on, LiteLLM's database turns a whole number into a floating-point number.
# LiteLLM 1.83.14 and 1.106.2 cannot read a row with such a limit, and then serve no row at all.
_TOO_LARGE = 2**63
_LONGEST_NAME = 500  # characters
_LONGEST_KEY = 500  # characters of a key in a mapping
_DEEPEST = 30  # levels of mappings and lists inside each other
_MOST_VALUES = 50_000  # in one argument
# What can stand in a URL. An id may have a slash: some people use the keys of the cost map.
_IN_A_URL = re.compile(r"[^\s?#%\\\x00-\x1f\x7f]+")
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]")
# Salt takes what a command line has for YAML, after the shell has taken its own quotes away.
_IN_TWO = "put it in quotes (on a command line in two: '\"…\"')"
# LiteLLM reads a string as a whole number if it looks like one: "100", but not "1e2".
_WHOLE = re.compile(r"\s*[+-]?\d[\d_]*(\.0*)?\s*")
# What stands for a secret in an export, in a pillar that Salt 3008 prints, and in what LiteLLM
# shows: stars, perhaps with the first and last characters.
_PLACEHOLDER = re.compile(
    r"((bearer|basic) )?(…|\.\.\.|\*{3,}|.{0,4}\*{4,}.{0,4})|\{\{ pillar\[.*\}\}", re.I | re.S
)
_DURATION = re.compile(r"0*[1-9]\d*(s|m|h|d|w|mo)")
_WORDS_FOR_BOOLEANS = frozenset(
    ("true", "false", "yes", "no", "on", "off", "1", "0", "t", "f", "y", "n")
)


class Mistakes:
    """Collects the mistakes in several values, so that one error reports all of them."""

    def __init__(self) -> None:
        self.found: dict[str, None] = {}  # each once, in order
        self._kind: type[InvalidInput] = Refused  # until another error is noted

    def add(self, *mistakes: str) -> None:
        """Note mistakes in the input."""
        if mistakes:
            self._kind = InvalidInput
            self.found |= dict.fromkeys(mistakes)

    def noted(self, prefix: str = "", known: tuple[str, ...] = ()) -> _Noted:
        """For ``with``: note an error that is raised inside, and go on after the block.

        :param known: Mistakes that are noted elsewhere already.
        """
        return _Noted(self, prefix, known)

    def note(self, err: InvalidInput, prefix: str, known: tuple[str, ...]) -> None:
        """Note the mistakes of an error."""
        self.found |= {f"{prefix}{one}": None for one in err.mistakes if one not in known}
        if not isinstance(err, Refused):
            self._kind = InvalidInput

    def refuse(self) -> None:
        """Raise an error with all of them, if there are any."""
        if self.found:
            raise self._kind(*self.found)


class _Noted:
    """What :meth:`Mistakes.noted` returns. Each value of each model needs one, so it is a class."""

    __slots__ = ("_known", "_mistakes", "_prefix")

    def __init__(self, mistakes: Mistakes, prefix: str, known: tuple[str, ...]) -> None:
        self._mistakes, self._prefix, self._known = mistakes, prefix, known

    def __enter__(self) -> None:
        pass

    def __exit__(self, _: object, err: BaseException | None, __: object) -> bool:
        if isinstance(err, InvalidInput):
            self._mistakes.note(err, self._prefix, self._known)
            return True
        return False


def text(name: str, value: Any, quotes: str = "put it in quotes") -> str:
    """A string that is not empty.

    :param quotes: What to do with a number or the like.
    """
    if not isinstance(value, str):
        advice = "" if isinstance(value, (Mapping, list, type(None))) else f": {quotes}"
        raise InvalidInput(f"{name} must be a string, not {kind(value)}{advice}")
    if not value.strip():
        raise InvalidInput(f"{name} must not be empty")
    return _storable(name, value)


def title(name: str, value: Any) -> str:
    """A name: one line that is not too long."""
    if len(text(name, value, _IN_TWO)) > _LONGEST_NAME:
        raise InvalidInput(f"{name} must not be longer than {_LONGEST_NAME} characters")
    if _CONTROL.search(value):
        raise InvalidInput(f"{name} {quoted(value)} must not have control characters")
    filled(name, value, placeholders.TITLE)
    return str(value)


def filled(name: str, value: str, kind: placeholders.Kind) -> None:
    """Refuse text that stands in the place of a value: a template, a variable, ciphertext."""
    if found := placeholders.certain(value, kind):
        raise InvalidInput(f"{short(name)} has {found} instead of a value")


def pattern(name: str, value: Any) -> str | None:
    """A pattern to search for, which may be empty; ``None`` if there is nothing to search for."""
    if value is None or value == "":
        return value  # type: ignore[no-any-return]
    if len(text(name, value, _IN_TWO)) > _LONGEST_NAME:
        raise InvalidInput(f"{name} must not be longer than {_LONGEST_NAME} characters")
    return str(value)


def version(name: str, value: Any) -> str:
    """A version as a string. YAML reads ``2024-10-21`` as a date and ``20241021`` as a number."""
    if isinstance(value, datetime.date):
        return value.isoformat()
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        return str(plain(name, value))
    return text(name, value)


def flag(name: str, value: Any, default: bool | None = None) -> bool:
    """A boolean, and nothing that merely looks like one.

    :param default: The result for ``None``, which means that the argument was not given.
    """
    if value is None and default is not None:
        return default
    if not isinstance(value, bool):
        raise InvalidInput(f"{name} must be true or false, not {quoted(value)}")
    return value


def preflight(name: str, value: Any) -> bool | str:
    """Whether to try a deployment first: true, false, or ``test`` to try it in tests too."""
    if value == "test":
        return "test"
    if value is None or isinstance(value, bool):
        return bool(value)
    raise InvalidInput(f"{name} must be true, false or test, not {quoted(value)}")


def mapping(name: str, value: Any) -> Mapping[str, Any]:
    """A mapping."""
    if not isinstance(value, Mapping):
        raise InvalidInput(f"{name} must be a mapping, not {kind(value)}")
    return value


def limit(name: str, value: Any) -> int:
    """A whole number from 0 on, or a string of digits, because templates make such strings."""
    number = _decimal(name, value)
    if number != number.to_integral_value():
        raise InvalidInput(f"{name} must be a whole number, not {quoted(value)}")
    if number >= _TOO_LARGE:
        raise InvalidInput(f"{name} is too large: {quoted(value)}")
    return int(number)


def amount(name: str, value: Any) -> float:
    """An amount of money in USD: a number from 0 on."""
    return float(_decimal(name, value))


def models(name: str, value: Any, instead: str) -> list[str]:
    """The names of models.

    :param instead: What to write in the place of an empty list.
    """
    found = plain(name, value)
    if not isinstance(found, list):
        raise InvalidInput(f"{name} must be a list, not {quoted(value)}")
    if not found:
        raise InvalidInput(f"{name} is empty, which LiteLLM takes for all models: {instead}")
    return [text(f"each of {name}", model) for model in found]


def duration(name: str, value: Any) -> str:
    """A time such as ``30d``. LiteLLM 1.83 stores any text, and resets nothing by others."""
    if not isinstance(value, str) or not _DURATION.fullmatch(value):
        raise InvalidInput(
            f"{name} must be a number with s, m, h, d, w or mo, such as 30d, not {quoted(value)}"
        )
    return str(value)


def per_token(name: str, value: Any) -> float:
    """A cost per million tokens as a cost per token, divided exactly: 30 becomes 3e-05."""
    number = _decimal(name, value) / _MILLION
    if number and not float(number):
        raise InvalidInput(f"{name} is too small: {quoted(value)}")
    return float(number)


def per_million(value: Any) -> Any:
    """A cost per token as a cost per million tokens, exactly; anything else as it is."""
    if isinstance(value, bool) or not isinstance(value, (int, float, str)):
        return value
    try:
        cost = float(Decimal(str(value)) * _MILLION)
    except (ArithmeticError, ValueError):
        return value
    return cost if math.isfinite(cost) else value


def identifier(name: str, value: Any) -> str:
    """The id of a row: a string that can stand in a URL. An id is no secret, so it is shown."""
    if not _IN_A_URL.fullmatch(text(name, value, _IN_TWO)) or value in (".", ".."):
        raise InvalidInput(
            f"{name} {line(short(value))!r} cannot stand in a URL: "
            "it must have no space, ?, #, % or \\"
        )
    return title(name, value)


def numeric(name: str, value: Any, *, whole: bool = False) -> None:
    """Refuse what is not a number from 0 on.

    LiteLLM accepts ``true`` as 1, and ``nan`` as a number. It cannot serve a row with some of the
    values that it accepts.
    """
    if whole and isinstance(value, str) and not _WHOLE.fullmatch(value):
        raise InvalidInput(f"{name} must be a whole number, not {quoted(value)}")
    _ = limit(name, value) if whole else _decimal(name, value)


def truth(name: str, value: Any) -> None:
    """Refuse what LiteLLM does not read as a boolean."""
    if not isinstance(value, (bool, int, str)) or str(value).lower() not in _WORDS_FOR_BOOLEANS:
        raise InvalidInput(f"{name} must be true or false, not {quoted(value)}")


def secret(name: str, value: str) -> None:
    """Refuse a mask or a placeholder in the place of a secret."""
    if REDACTED in value or _PLACEHOLDER.fullmatch(value.strip()):
        raise InvalidInput(f"{short(name)} is a mask or a placeholder, not a secret")


def login(name: str, value: str) -> None:
    """Refuse a URL that has a mask as its login."""
    if f"://{REDACTED}@" in value:
        raise InvalidInput(f"{short(name)} has a mask for a login")


def plain(name: str, value: Any) -> Any:
    """A value as JSON can express it. Dates, which YAML makes unasked, become strings."""
    return _Plain(name).of(name, value, ())


class _Plain:
    """Checks one value. YAML's anchors can make a value endless, or far larger than its file."""

    def __init__(self, name: str) -> None:
        self._name, self._left = name, _MOST_VALUES

    def of(self, name: str, value: Any, above: tuple[int, ...]) -> Any:
        self._left -= 1
        if self._left < 0 or len(above) > _DEEPEST or id(value) in above:
            what = (
                "refers to itself" if id(value) in above else "is too large, or nested too deeply"
            )
            raise InvalidInput(f"{self._name} {what}")
        if isinstance(value, Mapping):
            inside = (*above, id(value))
            return {
                _checked_key(name, key): self.of(f"{name}:{key}", item, inside)
                for key, item in value.items()
            }
        if isinstance(value, (list, tuple)):
            inside = (*above, id(value))
            return [self.of(name, item, inside) for item in value]
        return _leaf(name, value)


def _leaf(name: str, value: Any) -> Any:
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, str):
        return _storable(name, value)
    if isinstance(value, datetime.date):
        return value.isoformat()
    if isinstance(value, float):
        if not math.isfinite(value):
            raise InvalidInput(
                f"{short(name)} must be a number that JSON can carry, not {quoted(value)}"
            )
        return float(value)
    if isinstance(value, int):
        if abs(value) >= _TOO_LARGE:
            raise InvalidInput(f"{short(name)} is too large: {quoted(value)}")
        return int(value)
    raise InvalidInput(f"{short(name)} must be made of mappings, lists and plain values")


def _checked_key(name: str, key: Any) -> str:
    if not isinstance(key, str):
        raise InvalidInput(
            f"{short(name)} has the key {quoted(key)}, which must be a string: put it in quotes"
        )
    if not key.strip():
        raise InvalidInput(f"{short(name)} has an empty key")
    if len(key) > _LONGEST_KEY:
        raise InvalidInput(
            f"{short(name)} has a key of {len(key)} characters: {_LONGEST_KEY} are the most"
        )
    return _storable(f"a key of {name}", key)


def _storable(name: str, value: str) -> str:
    """A string that can be sent as UTF-8, and that PostgreSQL can store."""
    try:
        value.encode()
    except UnicodeEncodeError:
        raise InvalidInput(f"{short(name)} has half a character, which UTF-8 has none of") from None
    if "\0" in value:
        raise InvalidInput(f"{short(name)} has a zero byte, which no database keeps")
    return str(value)


def _decimal(name: str, value: Any) -> Decimal:
    if isinstance(value, bool) or not isinstance(value, (int, float, str)):
        raise InvalidInput(f"{name} must be a number, not {quoted(value)}")
    try:
        number = Decimal(repr(value) if isinstance(value, float) else value)
    except InvalidOperation:
        raise InvalidInput(f"{name} must be a number, not {quoted(value)}") from None
    if not number.is_finite() or not math.isfinite(float(number)):
        raise InvalidInput(f"{name} must be a finite number, not {quoted(value)}")
    if number < 0:
        raise InvalidInput(f"{name} must not be negative, but is {quoted(value)}")
    return number
