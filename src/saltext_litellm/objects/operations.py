"""What a run asks of a kind of objects, and what it is told by the kind's checks."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence, Set
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

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


class Operations(Protocol[D, R]):
    """A kind of objects on one gateway, in one run."""

    @property
    def kind(self) -> Kind[R]:
        """The kind."""

    @property
    def endpoints(self) -> Endpoints:
        """Its endpoints."""

    @property
    def store(self) -> Store[R]:
        """Its rows."""

    @property
    def executor(self) -> Executor[R]:
        """What sends its writes."""

    def match(self, declared: Sequence[D]) -> Sequence[D]:
        """The objects of a set, each with the name that its row has."""

    def plan(self, declared: D, taken: Set[str]) -> Plan[R]:
        """The plan of an object, by the rows as they are known now.

        :param taken: The ids of rows that other objects use.
        :raises Refused: Several rows fit, or there is no row to change.
        """

    def look_closer(self, plans: Sequence[Plan[R]], prunes: bool) -> None:
        """Make sure of the rows that were read, as far as these plans depend on them.

        :param prunes: Whether rows are to be deleted as well.
        """

    def check(self, declared: D, plan: Plan[R]) -> None:
        """Refuse before the first write what the gateway would take, but must not have.

        :raises Refused: It must not.
        """

    def next_step(self, declared: D, plan: Plan[R]) -> Any:
        """The next step of a plan, ``None`` if nothing is left to do.

        :raises Refused: It would lose something that somebody else has set.
        """

    def sees_all(self) -> bool:
        """Whether the gateway shows which rows it has. If not, each write waits for its turn."""

    def may_overlap(self, plan: Plan[R]) -> bool:
        """Whether the first write of a plan may be sent while others are under way."""

    def do(self, step: Any, declared: D, plan: Plan[R], sent: Answer | None) -> None:
        """Do a step.

        :param sent: What waits for the answer, if the step is a write that was sent before.
        :raises ChangedByOthers: The plan must be made again.
        :raises GatewayError: It was not done; or it was done, and the gateway is not as declared.
        """

    def foresee(self, step: Any, declared: D, plan: Plan[R]) -> None:
        """Record what a step would do."""

    def delete(self, row: R) -> None:
        """Delete a row.

        :raises GatewayError: It is not deleted.
        """

    def see_again(self, rows: Sequence[R]) -> None:
        """Read the gateway again, and make sure of some rows.

        :raises GatewayError: They are as they were, as far as anybody can tell.
        """

    def give_up(self, declared: D, err: LiteLLMError) -> LiteLLMError:
        """Clean up after an object that has failed. Returns the error to report."""

    def notes(self, declared: D, plan: Plan[R], used: Set[str]) -> Iterable[str]:
        """What there is to say of an object beside its changes.

        :param used: The ids of the rows that this run uses.
        """

    def take_notes(self) -> Sequence[str]:
        """What the gateway has said about the last writes."""

    def warnings(self, declared: D) -> tuple[str, ...]:
        """What the user should check of an object, because it depends on the gateway."""


def _nothing(_: Any) -> None:
    """What a check does that has nothing to do at this time."""


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
