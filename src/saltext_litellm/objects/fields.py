"""Which values the objects of a kind have, and which argument declares which value.

An object is a table of values by path, such as ``("litellm_params", "rpm")``. A mapping is split
into its keys, because each key may be ours or somebody else's. A list is one value.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from ..values import placeholders
from ..values.paths import Path
from ..values.quote import clean
from .row import MISSING

Values = Mapping[Path, Any]
Check = Callable[[str, Any], Any]  # gets the name and the value of an argument


@dataclass(frozen=True)
class Meaning:
    """How the value at a place is compared with what the gateway shows.

    :param ordered: Whether the order of a list matters.
    :param masked: Whether some version of LiteLLM masks it, although it is no secret.
    :param coerced: Whether LiteLLM turns what is written into a number or a boolean.
    :param whole: Whether a mapping is one value, and none of its keys is somebody else's.
    """

    ordered: bool = True
    masked: bool = False
    coerced: bool = False
    whole: bool = False


def _never(_: Path) -> bool:
    return False


def _as_it_is(_: Path, value: Any) -> Any:
    return value


def _all(differing: Values, _: Values) -> Iterable[Path]:
    return differing


@dataclass(frozen=True)
class Fields:
    """The fields of a kind, with LiteLLM's names.

    :param sections: The mappings that an object has. Each is an argument, too.
    :param arguments: The place of each other argument, and the check that returns its value.
    :param names: The arguments that are no values but what an object is called, and their checks.
    :param defaults: The defaults of arguments. A section may declare another value.
    :param is_secret: Whether LiteLLM takes the value at a place for a secret, and does not show it.
    :param takes_sdb: Whether a text at a place may be an ``sdb://`` reference.
    :param is_hidden: Whether we never show the value at a place, even if LiteLLM does.
    :param is_readable: Whether reads show the value at a place, perhaps masked.
    :param is_reference: Whether LiteLLM takes a value from its own environment.
    :param is_set: Whether a value that is shown at a place counts as set.
    :param is_one_line: Whether a text at a place is sent in a header, a URL or as a name.
    :param is_free_text: Whether LiteLLM takes a text at a place as it is, although it is named
        like a secret.
    :param text_at: What a text at a place is for.
    :param json_strings: The places of mappings that are sent as JSON, so that LiteLLM encrypts
        them.
    :param in_stored_form: A value as LiteLLM stores it, where that must be known before the write.
    :param meaning: How the value at a place is compared.
    :param in_user_unit: Turns the value at a place into the unit of its argument.
    :param reported: The places that a change of values names. Others follow from these.
    """

    sections: tuple[str, ...]
    arguments: Mapping[str, tuple[Path, Check]]
    is_secret: Callable[[Path], bool]
    takes_sdb: Callable[[Path], bool]
    is_hidden: Callable[[Path], bool]
    text_at: Callable[[Path], placeholders.Kind]
    names: Mapping[str, Check] = field(default_factory=dict)
    defaults: Mapping[str, Any] = field(default_factory=dict)
    is_readable: Callable[[Path], bool] = lambda _: True
    is_reference: Callable[[Any], bool] = lambda _: False
    is_set: Callable[[Path, Any], bool] = lambda _, value: value is not MISSING
    is_one_line: Callable[[Path], bool] = _never
    is_free_text: Callable[[Path], bool] = _never
    json_strings: frozenset[Path] = frozenset()
    in_stored_form: Callable[[Path, Any], Any] = _as_it_is
    meaning: Callable[[Path], Meaning] = lambda _: Meaning()
    in_user_unit: Callable[[Path, Any], Any] = _as_it_is
    reported: Callable[[Values, Values], Iterable[Path]] = _all

    @cached_property
    def known(self) -> frozenset[str]:
        """Every argument that describes an object."""
        return frozenset({*self.arguments, *self.names, *self.sections})

    @cached_property
    def _argument_at(self) -> dict[Path, str]:
        return {path: argument for argument, (path, _) in self.arguments.items()}

    def argument_at(self, path: Path) -> str | None:
        """The argument that declares a place."""
        return self._argument_at.get(path)

    def label(self, path: Path) -> str:
        """The user's name for a place: its argument, or else its path."""
        return self._argument_at.get(path) or clean(":".join(path))

    def place(self, argument: str) -> Path | None:
        """The place that an argument declares."""
        return self.arguments[argument][0] if argument in self.arguments else None

    def places(self, arguments: Mapping[str, Any]) -> set[Path]:
        """The places that arguments declare, without the mappings inside a section."""
        found = {
            path for name, (path, _) in self.arguments.items() if arguments.get(name) is not None
        }
        for section in self.sections:
            declared = arguments.get(section)
            if isinstance(declared, Mapping):
                found |= {
                    (section, key)
                    for key, value in declared.items()
                    if value is not None and not isinstance(value, Mapping)
                }
        return found
