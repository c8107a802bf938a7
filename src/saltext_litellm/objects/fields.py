"""Which values the objects of a kind have, and which argument declares which value.

An object is a table of values by path, such as ``("litellm_params", "rpm")``. A mapping is split
into its keys, because each key may be ours or somebody else's. A list is one value.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from ..values.paths import Path
from ..values.quote import clean

Values = Mapping[Path, Any]


@dataclass(frozen=True)
class Meaning:
    """How the value at a place is compared with what the gateway shows.

    :param ordered: Whether the order of a list matters.
    :param masked: Whether some version of LiteLLM masks it, although it is no secret.
    :param coerced: Whether LiteLLM turns what is written into a number or a boolean.
    """

    ordered: bool = True
    masked: bool = False
    coerced: bool = False


def _as_it_is(_: Path, value: Any) -> Any:
    return value


def _all(differing: Values, _: Values) -> Iterable[Path]:
    return differing


@dataclass(frozen=True)
class Fields:
    """The fields of a kind, with LiteLLM's names.

    :param sections: The mappings that an object has. Each is an argument, too.
    :param arguments: The place of each other argument, and the check that returns its value.
    :param names: The arguments that are no values: what an object is called.
    :param meaning: How the value at a place is compared.
    :param is_secret: Whether LiteLLM takes the value at a place for a secret, and does not show it.
    :param is_hidden: Whether we never show the value at a place, even if LiteLLM does.
    :param is_readable: Whether reads show the value at a place, perhaps masked.
    :param is_reference: Whether LiteLLM takes a value from its own environment.
    :param is_set: Whether a value that is shown at a place counts as set.
    :param in_user_unit: Turns the value at a place into the unit of its argument.
    :param reported: The places that a change of values names. Others follow from these.
    """

    sections: tuple[str, ...]
    arguments: Mapping[str, tuple[Path, Callable[[str, Any], Any]]]
    names: frozenset[str]
    is_secret: Callable[[Path], bool]
    is_hidden: Callable[[Path], bool]
    meaning: Callable[[Path], Meaning] = lambda _: Meaning()
    is_readable: Callable[[Path], bool] = lambda _: True
    is_reference: Callable[[Any], bool] = lambda _: False
    is_set: Callable[[Path, Any], bool] = lambda _, __: True
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
