"""Makes sure that writes to the router settings are kept."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import replace
from typing import Any, TypeVar

from ..errors import GatewayError
from ..objects.declared import Declared
from ..objects.outcome import Outcome
from ..objects.plan import NONE
from ..objects.run import Run
from ..objects.store import Store

_LOOKS = 4
OVERWRITTEN = (
    "LiteLLM has not kept it as it was written: it stores this value in another form, or another "
    "client writes router settings as well"
)

X = TypeVar("X")


def settle(
    store: Store[Any],
    refresh: Callable[[], object],
    left: Callable[[], Sequence[X]],
    write: Callable[[X], object],
) -> str | None:
    """After writes: read the database, and write again what is not kept. Returns why it is not.

    LiteLLM (1.83.14 to 1.110.2) reads all router settings and writes them back, without a lock: of
    two writes at the same time, one may be lost although both are answered.

    :param refresh: Lets the worker read its database. Without it, it may show its memory (from
        1.106 on), which has the write also when another worker has overwritten it.
    :param left: What is not kept, by the rows as they were read.
    """
    missing: Sequence[X] = ()
    try:
        for _ in range(_LOOKS):
            for one in missing:
                write(one)
            refresh()
            store.read_again()
            if not (missing := left()):
                return None
    except GatewayError as err:
        return f"Whether LiteLLM has kept it cannot be seen: {err}"
    return OVERWRITTEN


def confirm(
    run: Run[Any, Any],
    store: Store[Any],
    refresh: Callable[[], object],
    missing: Callable[[Declared, Outcome], Collection[str]],
    write: Callable[[Declared], object],
) -> None:
    """Make sure that the writes of a run are kept, and correct the outcomes of those that are not.

    :param missing: The changes of an outcome that are not kept, by the rows as they were read.
    """
    written = [one for one, _ in run.planned if run.outcomes[one.name].changes]

    def lost() -> list[Declared]:
        return [one for one in written if missing(one, run.outcomes[one.name])]

    why = settle(store, refresh, lost, write) if written else None
    gone = lost() if why else []
    for one in gone or written if why else ():
        outcome = run.outcomes[one.name]
        away = missing(one, outcome)
        changes = {key: value for key, value in outcome.changes.items() if key not in away}
        run.outcomes[one.name] = replace(
            outcome,
            action=outcome.action if changes else NONE,
            changes=changes,
            failure=why,
            unknown=bool(gone) and why is not OVERWRITTEN,  # it was sent again
            written=not gone,
        )
