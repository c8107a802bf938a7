"""What a run asks for, and what has become of it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from ..models.plan import Changes

# Called after each deployment with how many are done, of how many, and its name.
Progress = Callable[[int, int, str], None]


@dataclass(frozen=True)
class Options:
    """How to make deployments as they are desired.

    :param test: Only say what would be done.
    :param partial: Change what is declared of rows that are there, and leave the rest.
    :param create_only: Refuse if a deployment is there already.
    :param verify_secrets: Also look at the secrets that are stored.
    :param set: The name of the set that the deployments are all of.
    :param prune: Delete what the set owns beside them.
    :param progress: Is told how far a run has come.
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
    """What was done about one deployment, or would be.

    :param name: The name of its state, or in its set.
    :param action: ``none``, ``create``, ``update`` or ``delete``.
    :param model_id: The row it was done to.
    :param changes: What changed, in the user's words.
    :param notes: What else there is to say, a sentence each.
    :param failure: Why the gateway is not as it should be all the same.
    :param unknown: Whether the last write may or may not have been done.
    :param unseen: Whether it could not be seen if LiteLLM serves what was written.
    :param tried: Whether it was tried at all.
    """

    name: str
    action: str
    model_id: str | None = None
    changes: Changes = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    failure: str | None = None
    unknown: bool = False
    unseen: bool = False
    tried: bool = True
