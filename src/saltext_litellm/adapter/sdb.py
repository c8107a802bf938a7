"""Replaces ``sdb://`` references by their values."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import salt.utils.sdb
from salt.exceptions import SaltException

from ..errors import Refused
from ..values.quote import short


def resolver(opts: Mapping[str, Any]) -> Callable[[Any], Any]:
    """Return a function that replaces an ``sdb://`` reference by its value.

    It asks for each reference only once, and returns any other value unchanged.
    """

    found: dict[str, Any] = {}  # the value of each reference, or the error

    def resolve(value: Any) -> Any:
        if not isinstance(value, str) or not value.startswith("sdb://"):
            return value
        if value not in found:
            try:
                found[value] = _from_sdb(value, opts)
            except Refused as err:
                found[value] = err
        if isinstance(found[value], Refused):
            raise Refused(*found[value].mistakes)
        return found[value]

    return resolve


def _from_sdb(reference: str, opts: Mapping[str, Any]) -> Any:
    failed = f"Cannot resolve {short(reference)}"
    try:
        found = salt.utils.sdb.sdb_get(reference, opts, strict=True)
    except SaltException as err:
        raise Refused(f"{failed}: {err}") from None
    except Exception as err:  # noqa: BLE001 - whatever a driver may raise
        raise Refused(f"{failed}: {type(err).__name__}") from None
    if found is None:
        raise Refused(f"{failed}: there is nothing under this name")
    return found
