"""The requests that a plan may need: to create, update or delete a row.

After each step the plan is made again from what is known then, until no step is left.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Generic

from ..values.paths import Path
from .kind import Body
from .row import R


@dataclass(frozen=True)
class Create(Generic[R]):
    """Make a row.

    :param instead: The row whose place it takes.
    :param lasting: The places because of which it does, as LiteLLM cannot clear them.
    """

    body: Body = field(repr=False)
    instead: R | None = None
    lasting: frozenset[Path] = frozenset()


@dataclass(frozen=True)
class Update(Generic[R]):
    """Change a row in place."""

    row: R
    body: Body = field(repr=False)


@dataclass(frozen=True)
class Delete(Generic[R]):
    """Delete a row.

    :param replaced_by: The row that has taken its place.
    """

    row: R
    replaced_by: R | None = None
