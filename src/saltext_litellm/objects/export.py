"""What an export of any kind is made of: states, and stand-ins for their secrets. Pure."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from ..values.paths import Path
from ..values.secrets import REDACTED, holds_secret, is_shown
from .fields import Fields
from .row import MISSING

Arguments = dict[str, Any]


@dataclass(frozen=True)
class Secret:
    """Stands for a secret in an export, because secrets cannot be read or must not be printed.

    The user fills it in from the pillar.

    :param mask: A text that Salt refuses in its place.
    :param managed: Whether Salt has set it.
    :param example: A value that Salt takes in its place.
    """

    name: str
    key: str
    mask: str
    managed: bool = False
    example: Any = "filled-in"

    @property
    def stand_in(self) -> str | None:
        """What stands for it among the models of a set. Salt refuses a mask until it is filled in.

        ``None`` declares nothing, so it is only for secrets that Salt has not set.
        """
        return self.mask if self.managed else None

    def reference(self, pillar: str) -> str:
        """The Jinja expression for it in an SLS file.

        It renders JSON, so that any secret becomes one YAML string. Where the pillar lacks it, it
        renders the mask, so that Salt names every secret that is missing.
        """
        pillar, name, key, mask = (
            json.dumps(part, ensure_ascii=False)
            for part in (pillar, self.name, self.key, self.mask)
        )
        found = f"pillar.get({pillar}, {{}}).get({name}, {{}}).get({key}, {mask})"
        return f"{{{{ {found} | tojson }}}}"


@dataclass(frozen=True)
class Export:
    """The rows of a gateway's database as states, as the objects of a set, or as a document.

    :param module: The execution module that has made it.
    :param noun: What one object is called.
    :param set: The name of the set; ``None`` for states.
    :param states: The arguments of ``present``, by the name of their state or object; or the
        sections of a document.
    :param defaults: The arguments that all objects of a set have in common.
    :param left_out: Why a row is not among them, by its id.
    :param owners: The present owner of each row that this export cannot take over, by name.
    :param lacking: Sentences on what the export lacks, and why.
    :param id_label: The argument that only says which row of this gateway is meant.
    :param hint: A sentence on what can be filled in for a secret.
    :param is_document: Whether it is a whole document.
    :param is_owned: Whether such objects have owners, which applying it makes us.
    """

    module: str
    noun: str
    set: str | None
    states: Mapping[str, Any]
    defaults: Arguments = field(default_factory=dict)
    left_out: Mapping[str, str] = field(default_factory=dict)
    owners: Mapping[str, str] = field(default_factory=dict)
    lacking: tuple[str, ...] = ()
    id_label: str | None = None
    hint: str = ""
    is_document: bool = False
    is_owned: bool = True


def value_or_secret(
    fields: Fields, name: str, path: Path, value: Any, managed: bool, example: str = "filled-in"
) -> Any:
    """A value as a user declares it. A secret becomes a :class:`Secret`.

    :param managed: Whether Salt has set it.
    :param example: A value that Salt takes in the place of one that reads do not show.
    """
    hidden = fields.is_hidden(path)
    if hidden or value is MISSING or holds_secret("", value) or not is_shown("", value):
        # A mask is refused as a secret, or as the login of a URL.
        mask = REDACTED if hidden else f"https://{REDACTED}@"
        more: dict[str, Any] = {} if value is not MISSING or hidden else {"example": example}
        if isinstance(value, list):  # LiteLLM masks the texts in it
            more = {"example": [Secret.example]}
        return Secret(name, fields.label(path), mask, managed, **more)
    return fields.in_user_unit(path, value)


def declare(fields: Fields, arguments: Arguments, path: Path, value: Any) -> None:
    """Put a value where its argument is, or inside of its section."""
    argument = fields.argument_at(path)
    if argument is not None:
        arguments[argument] = value
        return
    for key in path[:-1]:
        arguments = arguments.setdefault(key, {})
    arguments[path[-1]] = value


def replaced(value: Any, stand_in: Callable[[Secret], Any]) -> Any:
    """The data, with each secret replaced."""
    if isinstance(value, Secret):
        return stand_in(value)
    if isinstance(value, Mapping):
        return {key: replaced(item, stand_in) for key, item in value.items()}
    return value


def secrets(value: Any) -> Iterable[Secret]:
    """Every secret in the data."""
    if isinstance(value, Secret):
        yield value
    elif isinstance(value, Mapping):
        for item in value.values():
            yield from secrets(item)
