"""The differences between versions of LiteLLM. If a version is unknown, it counts as an old one."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace

from ..errors import Refused
from .endpoints import ModelEndpoints
from .fields import INFO
from .row import ModelRow


@dataclass(frozen=True)
class Capabilities:
    """The abilities of a gateway's LiteLLM.

    :param blocks: It pauses deployments (from mid-2026 on).
    :param reports_unserved_rows: If it saves a write but cannot serve the row, the write fails.
        Without this ability (1.83.14), the router lacks the row, and nothing else shows it.
    :param serves_while_patching: It goes on serving during a PATCH. 1.83.14 removes all rows of the
        database from its router meanwhile, for 50 to 200 ms.
    :param clears: A null clears prices and a few other parameters (from 1.106 on).
    :param removes: It removes parameters by their names (from 1.109 on).
    :param merges_info: A write of a credential keeps the keys of ``credential_info`` that it does
        not send (from 1.110 on).
    :param resolves: It resolves ``os.environ/`` references in its database (from 1.95 on).
    """

    blocks: bool = False
    reports_unserved_rows: bool = False
    serves_while_patching: bool = False
    clears: bool = False
    removes: bool = False
    resolves: bool = False
    merges_info: bool = False


OLD = Capabilities()
RECENT = Capabilities(
    blocks=True, reports_unserved_rows=True, serves_while_patching=True, clears=True, resolves=True
)
NEWER = replace(RECENT, removes=True)
NEWEST = replace(NEWER, merges_info=True)


class Versions:
    """The abilities of one gateway's LiteLLM, as far as they are known.

    Its rows show most of them and cost no request. Its version shows all, and takes one.
    """

    def __init__(self, models: ModelEndpoints, rows: Callable[[], Iterable[ModelRow]]) -> None:
        self._models, self._rows = models, rows
        self._found: Capabilities | None = None
        self._asked = False

    def can(self, removing: bool = False) -> Capabilities:
        """What LiteLLM can do.

        :param removing: Whether something must be removed. Rows do not show how LiteLLM removes, so
            this may take a request. They show all other abilities.
        """
        if self._found is None:
            self._found = by_rows(self._rows())
        vague = self._found is None or (removing and self._found is RECENT)
        return self.of_version() if vague else self._found or OLD

    def of_version(self) -> Capabilities:
        """What LiteLLM can do by its version, which is asked for once."""
        if not self._asked:
            self._asked = True
            self._found = by_version(self._models.version())
        return self._found or OLD

    def require_blocking(self) -> None:
        """Refuse to pause deployments where LiteLLM cannot."""
        if not self.can().blocks:
            raise Refused("The gateway's LiteLLM is too old to block deployments")


def by_rows(rows: Iterable[ModelRow]) -> Capabilities | None:
    """The abilities that the form of the rows shows; ``None`` if there are no rows.

    From mid-2026 on, a row says whether it is blocked. No row shows whether LiteLLM removes
    parameters.
    """
    row = next(iter(rows), None)
    if row is None:
        return None
    return RECENT if "blocked" in (row.stored or row.data.get(INFO) or {}) else OLD


def by_version(version: str | None) -> Capabilities:
    """The abilities of a version of LiteLLM."""
    numbers = re.match(r"(\d+)\.(\d+)", version or "")
    number = tuple(map(int, numbers.groups())) if numbers else (0, 0)
    if number >= (1, 109):
        return NEWEST if number >= (1, 110) else NEWER
    return RECENT if number >= (1, 106) else OLD
