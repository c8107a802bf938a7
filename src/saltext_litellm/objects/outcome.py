"""The options of a run, the outcome of each object, and a whole plan in short."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from typing import Any

from .plan import CREATE, NONE, Changes

# Called after each object with how many are done, of how many, and its name.
Progress = Callable[[int, int, str], None]


@dataclass(frozen=True)
class Options:
    """The options of a run.

    :param test: Only say what would be done.
    :param partial: Change the declared values of existing rows, and leave the rest.
    :param create_only: Refuse if an object exists already.
    :param verify_secrets: Also check the secrets that are stored.
    :param set: The name of the set that all objects belong to.
    :param prune: Delete the other rows that the set owns.
    :param progress: Is called after each object.
    """

    test: bool = False
    partial: bool = False
    create_only: bool = False
    verify_secrets: bool = False
    set: str | None = None
    prune: bool = False
    progress: Progress = lambda *_: None


@dataclass(frozen=True)
class Outcome:
    """What was done for one object, or would be.

    :param name: The name of its state, or its name in its set.
    :param action: ``none``, ``create``, ``update`` or ``delete``.
    :param id: The id of its row.
    :param changes: What changed, in the user's words.
    :param notes: Other sentences about it.
    :param failure: Why the gateway is not as declared.
    :param unknown: Whether the last write may or may not have been done.
    :param written: Whether it was written as declared, and only a check afterwards has failed.
    :param tried: Whether it was tried at all.
    :param replaces: Whether it needs a new row in the place of its own.
    :param declared: Whether it is declared. If not, it is a row that the set still owns.
    :param kept: Whether it is such a row, and the set does not prune.
    :param warnings: What the user should check, because it depends on the gateway.
    """

    name: str
    action: str
    id: str | None = None
    changes: Changes = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    failure: str | None = None
    unknown: bool = False
    written: bool = False
    tried: bool = True
    replaces: bool = False
    declared: bool = True
    kept: bool = False
    warnings: tuple[str, ...] = ()

    def undone(self) -> Outcome:
        """The outcome if nothing was done."""
        return replace(self, action=NONE, changes={})

    @property
    def adopted(self) -> bool:
        """Whether nobody owned the row before."""
        return self.changes.get("owner", {}).get("old", "") is None

    @property
    def status(self) -> str:
        """What has become of it, or would, in a word.

        A declared object is ``created``, ``adopted``, ``updated``, ``as_declared``, ``failed``,
        ``changed`` (but not as declared yet), ``written`` (but a check has failed), ``unknown`` or
        ``not_tried``. A row that the set owns and does not declare is ``deleted``,
        ``perhaps_deleted``, ``not_deleted`` or ``undeclared``.
        """
        if not self.declared:
            status = (
                "deleted" if self.changes else "perhaps_deleted" if self.unknown else "not_deleted"
            )
            return "undeclared" if self.kept else status
        if self.failure is not None:
            if self.unknown or self.written:
                return "unknown" if self.unknown else "written"
            return "changed" if self.changes else "failed"
        if not self.changes:
            return "as_declared" if self.tried else "not_tried"
        if self.action == CREATE:
            return "created"
        return "adopted" if self.adopted else "updated"


# The lists in a summary of a plan: names only, and names with the keys that change.
_WITHOUT_KEYS = ("created", "deleted", "undeclared", "not_deleted")
_WITH_KEYS = ("adopted", "updated")


def compact(outcomes: Iterable[Outcome], unowned: Iterable[str], counted: str) -> dict[str, Any]:
    """A plan as names, keys and numbers only, always in the same form and order.

    :param unowned: The rows that nobody would own, in words.
    :param counted: The key of the number of declared objects.
    """
    by_name = sorted(outcomes, key=lambda one: one.name)
    summary: dict[str, Any] = {
        status: [one.name for one in by_name if one.status == status] for status in _WITHOUT_KEYS
    }
    for status in _WITH_KEYS:
        summary[status] = {one.name: sorted(one.changes) for one in by_name if one.status == status}
    summary["replaced"] = [one.name for one in by_name if one.replaces]
    summary["failed"] = {one.name: one.failure for one in by_name if one.failure}
    summary["unowned"] = sorted(unowned)
    counts = {status: len(names) for status, names in summary.items()}
    declared = [one for one in by_name if one.declared]
    as_declared = sum(one.status == "as_declared" for one in declared)
    counts |= {counted: len(declared), "as_declared": as_declared}
    return {"pending": any(one.changes for one in by_name), "counts": counts, **summary}
