"""The notes of an outcome: sentences about what the changes do not show."""

from __future__ import annotations

from collections.abc import Iterator, Set
from typing import Any

from ..litellm.trees import Path
from ..models import fields, identity
from ..models.desired import Deployment
from ..models.fields import label
from ..models.identity import Rows
from ..models.plan import CREATE, Plan
from ..models.row import MISSING, Row
from .known import Known

NOT_ALLOWED_TO_VERIFY = (
    "Its secrets were not verified: the api_key may not see which ones the gateway has"
)
_BALANCED = "LiteLLM balances calls between them"
_RENAMED = "If {0!r} is how this state was named before, declare `litellm_model.absent` for {0!r}"
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


def beside(
    wanted: Deployment, plan: Plan, rows: Rows, known: Known, used: Set[str]
) -> Iterator[str]:
    """Notes about other rows that have the model name of a deployment, and that are left alone.

    :param used: The ids of the rows that this run uses.
    """
    ours = wanted.name if wanted.set is None else f"{wanted.name} in {wanted.set}"
    for row in rows.named(wanted.model_name, wanted.team):
        if row.copied == ours and plan.row is not None:
            yield (
                f"{row.model_id} is a copy of it, with its marker, and is left alone; to "
                f"manage that too, give a state of its own `model_id: {row.model_id}`"
            )
        elif row.marker is None and row.copied != ours and row.model_id not in used:
            yield f"{row.model_id}, which nobody owns, has the same model name: {_BALANCED}"
    if plan.action == CREATE:
        for row in identity.of_others(wanted, rows):
            assert row.marker is not None  # noqa: S101 - so it has an owner
            yield f"{row.model_id} of {row.marker.owner!r} has the same model name: {_BALANCED}"
            if wanted.set is None and row.marker.set is None:
                yield _RENAMED.format(row.marker.owner)
    if plan.action == CREATE and known.unproven:
        yield SERVED_BUT_NOT_SHOWN
    if known.compared and (note := config_beside(wanted, known)):
        yield note


def config_beside(wanted: Deployment, known: Known) -> str | None:
    """The note that the gateway's config file defines deployments of this name, if it does."""
    ids = [row.model_id for row in known.config().named(wanted.model_name)]
    if not ids:
        return None
    return (
        f"The gateway's config file defines {wanted.model_name} ({', '.join(ids)}), "
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
