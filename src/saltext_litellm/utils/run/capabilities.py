"""What differs between versions of LiteLLM. What is unknown counts as what cannot be done."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from ..models.fields import INFO
from ..models.row import Row


@dataclass(frozen=True)
class Capabilities:
    """What the LiteLLM of a gateway can do.

    :param blocks: Pauses deployments (from mid-2026 on).
    :param vouches: Fails a write that it has saved, but cannot serve. Without it (1.83.14) a row
        that is not served shows only by its lacking in the router.
    :param serves_while_patching: Serves on during a PATCH. 1.83.14 drops all rows of the database
        from its router meanwhile, for 50 to 200 ms.
    :param clears: Clears prices, and a few other parameters, by a null (from 1.106 on).
    :param removes: Removes parameters that it is given the names of (from 1.109 on).
    """

    blocks: bool = False
    vouches: bool = False
    serves_while_patching: bool = False
    clears: bool = False
    removes: bool = False


OLD = Capabilities()
RECENT = Capabilities(blocks=True, vouches=True, serves_while_patching=True, clears=True)
NEWEST = Capabilities(True, True, True, True, True)


def by_rows(rows: Iterable[Row]) -> Capabilities | None:
    """What the form of the rows tells; ``None`` if there are none.

    From mid-2026 on a row says whether it is blocked. Whether parameters can be removed shows in
    none.
    """
    row = next(iter(rows), None)
    if row is None:
        return None
    return RECENT if "blocked" in (row.stored or row.data.get(INFO) or {}) else OLD


def by_version(version: str | None) -> Capabilities:
    """What a version of LiteLLM can do."""
    numbers = re.match(r"(\d+)\.(\d+)", version or "")
    number = tuple(map(int, numbers.groups())) if numbers else (0, 0)
    if number >= (1, 109):
        return NEWEST
    return RECENT if number >= (1, 106) else OLD
