"""What the execution modules of small kinds have in common: one function for each of theirs.

Each returns what the module's function of that name returns, or raises Salt's errors.
"""

from __future__ import annotations

import fnmatch
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from ..errors import InvalidInput
from ..gateway import Gateway
from ..objects import sets
from ..objects.declared import Declared
from ..objects.export import Export
from ..objects.outcome import Options, Outcome
from ..objects.store import Store
from ..values import checks
from . import execution
from .errors import salt_errors
from .execution import Minion


class Objects(Protocol):
    """The objects of one kind on a gateway."""

    @property
    def store(self) -> Store[Any]:
        """The rows of the gateway."""

    def apply(self, declared: Sequence[Any], options: Options) -> list[Outcome]:
        """Make objects as declared, or say what would be done."""

    def remove(self, declared: Any, *, test: bool, any_owner: bool) -> Outcome:
        """Delete an object."""


@dataclass(frozen=True)
class Functions:
    """The functions for one kind.

    :param module: The name of the execution module.
    :param objects: What its objects are called: an argument of ``managed``, and what is counted.
    :param reader: How an object is read.
    :param of: The objects of a gateway.
    """

    module: str
    objects: str
    reader: sets.Reader[Any]
    of: Callable[[Gateway], Objects]

    def list(
        self,
        minion: Minion,
        profile: Any,
        summary: Callable[[Any], dict[str, Any]],
        **patterns: Any,
    ) -> list[dict[str, Any]]:
        """The rows of a gateway that match, in short, sorted by their name.

        :param summary: A row in short. Its first key is its name.
        :param patterns: Patterns for keys of it. ``None`` matches all.
        """
        with salt_errors():
            wanted = {key: checks.pattern(key, one) for key, one in patterns.items()}
            found = [summary(row) for row in self.of(minion.gateway(profile)).store.rows()]
        matching = [
            row
            for row in found
            if all(
                one is None or fnmatch.fnmatchcase(row[key] or "", one)
                for key, one in wanted.items()
            )
        ]
        return sorted(matching, key=lambda row: [str(value) for value in row.values()])

    def apply(self, minion: Minion, given: Any, test: bool) -> dict[str, Any]:
        """Make one object as its arguments declare it."""
        with salt_errors():
            declared = self.reader.read(vars(given), minion.resolver())
            options = Options(**execution.flags(test=(test, False), **_verifying(given)))
            gateway = minion.gateway(given.profile)
            (outcome,) = self.of(gateway).apply([declared], options)
            execution.refuse_undone(outcome, options.test)
            warnings = (*declared.warnings, *gateway.warnings)
            return execution.result_of_one(outcome, self.reader.id_label, warnings)

    def manage(self, minion: Minion, given: Any, test: bool) -> dict[str, Any]:
        """Make a whole set of objects as it is declared."""
        what, name, inline = self.objects, given.name, getattr(given, self.objects)
        with salt_errors():
            flags = execution.flags(
                prune=(given.prune, False),
                allow_empty=(given.allow_empty, False),
                test=(test, False),
                **_verifying(given),
            )
            checks.title("name", name)
            if (inline is None) == (given.pillar is None):
                raise InvalidInput(f"exactly one of {what} and pillar is needed")
            found = minion.from_pillar(given.pillar) if given.pillar else inline
            objects = checks.mapping(what, found)
            execution.refuse_empty_prune(name, what, objects, flags)
            resolve, defaults = minion.resolver(), given.defaults
            declared = sets.read(self.reader, name, objects.items(), defaults, resolve)
            progress = minion.progress(self.module, self.reader.noun, name)
            gateway = minion.gateway(given.profile)
            options = Options(set=name, progress=progress, **flags)
            outcomes = self.of(gateway).apply(declared, options)
            return execution.result_of_set(outcomes, declared, what, gateway.warnings)

    def delete(
        self,
        minion: Minion,
        named: Callable[[], Declared],
        test: bool,
        any_owner: bool,
        profile: Any,
    ) -> dict[str, Any]:
        """Delete an object.

        :param named: The object that is meant.
        """
        with salt_errors():
            flags = execution.flags(test=(test, False), any_owner=(any_owner, True))
            declared = named()
            gateway = minion.gateway(profile)
            outcome = self.of(gateway).remove(declared, **flags)
            return execution.result_of_one(outcome, self.reader.id_label, gateway.warnings)

    def export(
        self,
        minion: Minion,
        exported: Callable[[Gateway, str | None], Export],
        *,
        set: Any,
        pillar: Any,
        path: Any,
        data: Any,
        overwrite: Any,
        profile: Any,
    ) -> Any:
        """Make a file that declares the objects of a gateway.

        :param exported: Turns the rows of a gateway into states, or into the objects of a set.
        """
        with salt_errors():
            set = None if set is None else checks.title("set", set)
            default = f"{self.module}_secrets" if set is None else f"{self.module}s"
            pillar = default if pillar is None else checks.text("pillar", pillar)
            path, flags = execution.checked_path(path, data, overwrite)
            gateway = minion.gateway(profile)
            found = exported(gateway, set)
            return execution.result_of_export(
                found, self.objects, pillar, gateway.url, profile, path, flags
            )


def _verifying(given: Any) -> dict[str, tuple[Any, bool]]:
    """The flag ``verify_secrets``, of a kind that has it."""
    found = vars(given)
    return {key: (found[key], False) for key in ("verify_secrets",) if key in found}
