"""Replaces ``sdb://`` references by their values, and puts values where there are none yet."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import salt.utils.sdb
from salt.exceptions import SaltException

from ..errors import NothingKept, NothingThere, Refused
from ..values.quote import short

_ENVIRONMENT = "env"  # Salt's driver for the variables of its own process


class Resolver:
    """Replaces an ``sdb://`` reference by its value, and returns any other value unchanged.

    It asks for each reference only once.
    """

    def __init__(self, opts: Mapping[str, Any]) -> None:
        self._opts = opts
        self._found: dict[str, Any] = {}  # the value of each reference, or the error

    def __call__(self, value: Any) -> Any:
        """The value of a reference.

        :raises Refused: It cannot be read. :class:`NothingThere` if it could, and has no value.
        """
        if not isinstance(value, str) or not value.startswith("sdb://"):
            return value
        if value not in self._found:
            try:
                self._found[value] = self._read(value)
            except Refused as err:
                self._found[value] = err
        found = self._found[value]
        if isinstance(found, Refused):
            raise type(found)(*found.mistakes)
        return found

    def _read(self, reference: str) -> Any:
        what = f"Cannot resolve {short(reference)}"
        found = _asked(what, lambda: salt.utils.sdb.sdb_get(reference, self._opts, strict=True))
        if found is None:
            error = NothingKept if self._driver(reference) == _ENVIRONMENT else NothingThere
            raise error(f"{what}: there is nothing under this name")
        return found

    def _driver(self, reference: str) -> Any:
        name = reference.removeprefix("sdb://").partition("/")[0]
        profile = self._opts.get(name) or self._opts.get("pillar", {}).get(name)
        return profile.get("driver") if isinstance(profile, Mapping) else None

    def keep(self, reference: str, value: str) -> str:
        """Put a value under a reference, unless there is one. Returns the one that is there.

        :raises Refused: The driver has not kept it.
        """
        try:
            found = self._read(reference)
        except NothingThere:
            what = f"Cannot put a value under {short(reference)}"
            _asked(what, lambda: salt.utils.sdb.sdb_set(reference, value, self._opts))
            try:
                found = self._read(reference)
            except NothingThere:
                raise Refused(f"{what}: its driver has not kept it") from None
        self._found[reference] = found
        if not isinstance(found, str):
            raise Refused(f"{short(reference)} has a value that is no text")
        return found


def resolver(opts: Mapping[str, Any]) -> Resolver:
    """A function that replaces an ``sdb://`` reference by its value."""
    return Resolver(opts)


def _asked(what: str, ask: Callable[[], Any]) -> Any:
    """What Salt or a driver returns. Whatever it raises becomes a sentence."""
    try:
        return ask()
    except SaltException as err:
        raise Refused(f"{what}: {err}") from None
    except KeyError as err:  # from Salt's loader, as `'driver.set'`
        is_unknown = str(err).endswith((".get'", ".set'"))
        why = "there is no such driver, or it has no such function" if is_unknown else "KeyError"
        raise Refused(f"{what}: {why}") from None
    except Exception as err:  # noqa: BLE001 - whatever a driver may raise
        raise Refused(f"{what}: {type(err).__name__}") from None
