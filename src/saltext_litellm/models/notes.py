"""The notes of an outcome: sentences about what the changes do not show."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence, Set
from typing import Any

from ..objects.plan import CREATE, Plan
from ..values.paths import Path
from ..values.quote import joined
from . import fields, identity
from .desired import Deployment
from .fields import label
from .identity import Rows
from .known import Known
from .row import MISSING, Row

NOT_ALLOWED_TO_VERIFY = (
    "Its secrets were not verified: the api_key may not see which ones the gateway has"
)
FIXED_NOT_VERIFIED = (
    "Its secrets were not verified: LiteLLM does not show those of a row whose id has a slash"
)
_SAME_NAME = "the same model name: LiteLLM balances calls between them"
MASKS_NOT_SHOWN = (
    "Its secrets were not verified: LiteLLM does not say which ones a deployment has that is "
    "paused or not served"
)
_RENAMED = "If {0!r} is how this state was named before, declare `litellm_model.absent` for {0!r}"
_RENAMED_FROM_ONE = (
    "If this state had one of these names before, declare `litellm_model.absent` for that name"
)
_MOST = 5  # rows that a sentence names
NOT_SERVED = "LiteLLM does not serve it since it was last changed; its log says why"

VERIFIED_IN_REAL_RUNS = (
    "Its secrets inside of mappings and lists are verified only when it is applied"
)
TOO_OLD_TO_VERIFY = (
    "Its secrets inside of mappings and lists were not verified: the gateway's LiteLLM is too old "
    "to show them without a pause in serving"
)
SERVED_BUT_NOT_SHOWN = (
    "A worker of the gateway serves models that its database does not show: they count as deleted"
)
UNSERVED_NOT_VERIFIED = (
    "Its secrets inside of mappings and lists were not verified: LiteLLM does not serve it"
)


def speaking(planned: Iterable[tuple[Deployment, Plan]]) -> frozenset[str]:
    """The names of the deployments that tell of others' rows: one for each model name.

    It is one that is created, if there is one, because then there is more to tell.
    """
    first: dict[tuple[str | None, str | None], str] = {}
    for wanted, _ in sorted(planned, key=lambda one: one[1].action != CREATE):
        first.setdefault((wanted.model_name, wanted.team), wanted.name)
    return frozenset(first.values())


def namesake_notes(
    wanted: Deployment, plan: Plan, rows: Rows, known: Known, used: Set[str], speaks: bool
) -> Iterator[str]:
    """Notes about other rows that have the model name of a deployment, and that are left alone.

    :param used: The ids of the rows that this run uses.
    :param speaks: Whether this is the deployment that tells of them, of those with its model name.
    """
    ours = wanted.name if wanted.set is None else f"{wanted.name} in {wanted.set}"
    unowned = rows.unowned(wanted.model_name, wanted.team)
    copies = [row.model_id for row in unowned if row.copied == ours]
    if copies and plan.row is not None:
        are, left = ("is a copy", "is") if len(copies) == 1 else ("are copies", "are")
        yield (
            f"{joined(copies, _MOST)} {are} of it, with its marker, and {left} left alone; to "
            f"manage that too, give a state of its own `model_id: {copies[0]}`"
        )
    if not speaks:
        return
    strange = [one.model_id for one in unowned if one.copied != ours and one.model_id not in used]
    if strange:
        yield f"{joined(strange, _MOST)}, which nobody owns, {_has(strange)} {_SAME_NAME}"
    if plan.action == CREATE:
        yield from _of_others(wanted, rows)
        if known.unproven:
            yield SERVED_BUT_NOT_SHOWN
    if known.compared and (note := config_namesakes_note(wanted, known)):
        yield note


def _of_others(wanted: Deployment, rows: Rows) -> Iterator[str]:
    """Notes about rows of other states and sets that have a deployment's model name."""
    markers = [
        (row.model_id, row.marker)
        for row in identity.of_others(wanted, rows)
        if row.marker and (wanted.set is None or row.marker.set != wanted.set)
    ]
    if markers:
        owned = [f"{model_id} of {marker.owner!r}" for model_id, marker in markers]
        yield f"{joined(owned, _MOST)} {_has(owned)} {_SAME_NAME}"
    names = [marker.owner for _, marker in markers if marker.set is None]
    if names and wanted.set is None:
        yield _RENAMED.format(names[0]) if len(names) == 1 else _RENAMED_FROM_ONE


def _has(others: Sequence[str]) -> str:
    return "has" if len(others) == 1 else "have"


def config_namesakes_note(wanted: Deployment, known: Known) -> str | None:
    """The note that the gateway's config file defines deployments of this name, if it does."""
    ids = [row.model_id for row in known.config().named(wanted.model_name)]
    if not ids:
        return None
    return (
        f"The gateway's config file defines {wanted.model_name} ({joined(ids, _MOST)}), "
        "which Salt never touches"
    )


def check_hint(
    wanted: Deployment, row: Row | None, *, trial: bool = False, follows: bool = True
) -> str:
    """What to declare if LiteLLM's health check fails, or a trial call, and the deployment works.

    :param trial: Whether it was a trial call. It takes at most a minute.
    :param follows: Whether a trial call follows the settings of the health check.
    """
    mode, model = (_value_at(path, wanted, row) for path in (fields.MODE, fields.MODEL))
    keys = []
    if follows and (mode is None or mode in fields.CHAT_MODES):
        keys.append(fields.CHECK_TOKENS)
    if follows and "*" in str(model):
        keys.append(fields.CHECK_MODEL)
    if not trial:
        keys.append(fields.CHECK_SECONDS)
    choices = [] if fields.MODE in wanted.values else ["`mode`"]
    choices += [f"`{label((fields.INFO, key))}`" for key in keys]
    choices += ["no `preflight`"] if trial else []
    return f"If it answers its users, declare {' or '.join(choices)}"


def _value_at(path: Path, wanted: Deployment, row: Row | None) -> Any:
    """The value at a place, as declared or else as it is."""
    shown = MISSING if row is None else row.get(path)
    return wanted.values.get(path, None if shown is MISSING else shown)


def foreseen(first: Plan, lasting: frozenset[Path] | None) -> Iterator[str]:
    """Notes on how an update would be done.

    :param first: The plan before the first step.
    :param lasting: What LiteLLM cannot clear in place, ``None`` if the row is not replaced.
    """
    if first.leftovers:
        ids = ", ".join(row.model_id for row in first.leftovers)
        yield f"{ids}, which it has replaced, would be deleted"
    if lasting:
        yield f"It needs a new row, because LiteLLM cannot clear {_joined(lasting)} in place"
    elif lasting is not None:
        yield "It would be replaced, because LiteLLM cannot change an id"


def replaced(first: Plan, now: Row | None, lasting: frozenset[Path]) -> str:
    """The note on how a row was replaced.

    :param first: The plan before the first step.
    :param now: The row that exists now.
    :param lasting: What LiteLLM cannot clear in place.
    """
    old = first.row
    words = _joined(lasting)
    why = f"LiteLLM cannot clear {words} in place" if words else "LiteLLM cannot change an id"
    if old is None or now is None or old.model_id == now.model_id:
        return f"Its row was made anew under its id, because {why}"
    return f"It was replaced by row {now.model_id} (was {old.model_id}), because {why}"


def owner(row: Row) -> str:
    """The name of the state that owns a row, or else its id."""
    return row.marker.name if row.marker else row.model_id


def _joined(paths: frozenset[tuple[str, ...]]) -> str:
    return ", ".join(sorted(map(label, paths)))
