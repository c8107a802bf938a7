"""What a run asks of a kind of objects on one gateway, as a value."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence, Set
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from ..errors import LiteLLMError
from .declared import Declared
from .endpoints import Endpoints
from .execute import Answer, Executor
from .kind import Kind
from .plan import Plan
from .row import R
from .store import Store

if TYPE_CHECKING:
    from .run import Run

D = TypeVar("D", bound=Declared)

Planned = list[tuple[D, Plan[R]]]


def _nothing(*_: Any) -> None:
    """What a kind does that has nothing to do or to say here."""


@dataclass(frozen=True)
class Check:
    """What a kind checks around the writes of a run.

    :param before: Called with all plans before the first write.
    :param obstacle: Returns why an object must not be written, ``None`` if it may.
    :param after: Called with the run after the last write.
    """

    before: Callable[[Any], None] = _nothing
    obstacle: Callable[[Any], str | None] = _nothing
    after: Callable[[Run[Any, Any]], None] = _nothing


@dataclass(frozen=True)
class Operations(Generic[D, R]):
    """A kind of objects on one gateway, in one run.

    Models fill it in by ``ModelOperations.as_value``, credentials in ``Credentials.apply``.

    :param plan: The plan of an object, by the rows as they are known now. It gets the ids of the
        rows that other objects use. Raises :class:`Refused` if several rows fit, or none may be
        used.
    :param next_step: The next step of a plan, ``None`` if nothing is left to do. Raises
        :class:`Refused` if it would lose something that somebody else has set.
    :param match: The objects of a set, each with the name that its row has.
    :param look_closer: Makes sure of the rows that were read, as far as these plans depend on them,
        or a deletion of others.
    :param check: Refuses before the first write what the gateway would take, but must not have.
    :param sees_all: Whether the gateway shows which rows it has. If not, each write waits for its
        turn.
    :param may_overlap: Whether the first write of a plan may be sent while others are under way.
    :param do: Does a step. It gets what waits for the answer, if the step was sent before. Raises
        :class:`ChangedByOthers` if the plan must be made again, and :class:`GatewayError` if the
        gateway is not as declared.
    :param foresee: Records what a step would do.
    :param delete: Deletes a row that is not declared any more.
    :param see_again: Reads the gateway again, and makes sure of some rows.
    :param why_kept: Why a row must not be deleted, ``None`` if it may.
    :param give_up: Cleans up after an object that has failed. Returns the error to report.
    :param notes: What there is to say of an object beside its changes. It gets the ids of the rows
        that this run uses.
    :param take_notes: What the gateway has said about the last writes.
    :param warnings: What the user should check of an object, because it depends on the gateway.
    :param checks: What is checked before and after the writes.
    """

    kind: Kind[R]
    endpoints: Endpoints
    store: Store[R]
    executor: Executor[R]
    plan: Callable[[D, Set[str]], Plan[R]]
    next_step: Callable[[D, Plan[R]], Any]
    do: Callable[[Any, D, Plan[R], Answer | None], object]
    foresee: Callable[[Any, D, Plan[R]], None]
    delete: Callable[[R], None]
    see_again: Callable[[Sequence[R]], None]
    match: Callable[[Sequence[D]], Sequence[D]] = lambda declared: declared
    look_closer: Callable[[Sequence[Plan[R]], bool], None] = _nothing
    check: Callable[[D, Plan[R]], None] = _nothing
    sees_all: Callable[[], bool] = lambda: True
    may_overlap: Callable[[Plan[R]], bool] = lambda _: True
    why_kept: Callable[[R], str | None] = _nothing
    give_up: Callable[[D, LiteLLMError], LiteLLMError] = lambda _, err: err
    notes: Callable[[D, Plan[R], Set[str]], Iterable[str]] = lambda *_: ()
    take_notes: Callable[[], Sequence[str]] = lambda: ()
    warnings: Callable[[D], tuple[str, ...]] = lambda _: ()
    checks: tuple[Check, ...] = ()


def plain(executor: Executor[R], **more: Any) -> Operations[Any, R]:
    """The operations of a kind whose steps are one request each, with nothing to prove."""
    store = executor.store
    more = {"see_again": lambda _: store.read_again(), **more}
    return Operations(
        kind=executor.kind,
        endpoints=executor.endpoints,
        store=store,
        executor=executor,
        do=lambda step, _, __, sent: executor.do(step, sent),
        foresee=lambda step, _, __: executor.foresee(step),
        delete=executor.delete,
        **more,
    )
