"""The sentences of an outcome of models: why it has failed, and what its changes do not show."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence, Set
from typing import Any

from ..errors import GatewayError
from ..objects.plan import CREATE
from ..objects.row import MISSING
from ..values.paths import Path
from ..values.quote import joined, short
from . import fields, identity
from .desired import Deployment
from .fields import label
from .identity import ModelRows
from .kind import ModelPlan
from .row import ModelRow
from .views import Views

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


def no_credential(name: str) -> str:
    """Why a deployment is refused that names a credential which is not there."""
    return (
        f"There is no credential {short(name)!r}: LiteLLM would take the deployment, and answer "
        "its callers with an error; declare it first, by `litellm_credential.present`"
    )


def dangling(model_name: str, naming: Sequence[str], test: bool) -> str:
    """The note that something names a model name that no row has any more.

    :param naming: What does, in words.
    """
    verb = "would still name" if test else "still name"
    return (
        f"These fallbacks {verb} {model_name}, which no model is called then: "
        f"{joined(naming, _MOST)}"
    )


def credential_not_seen(name: str) -> str:
    """The note that nobody could see whether a credential is there."""
    return f"The api_key may not see whether there is a credential {short(name)!r}"


def speaking(planned: Iterable[tuple[Deployment, ModelPlan]]) -> frozenset[str]:
    """The names of the deployments that tell of others' rows: one for each model name.

    It is one that is created, if there is one, because then there is more to tell.
    """
    first: dict[tuple[str | None, str | None], str] = {}
    for wanted, _ in sorted(planned, key=lambda one: one[1].action != CREATE):
        first.setdefault((wanted.model_name, wanted.team), wanted.name)
    return frozenset(first.values())


def namesake_notes(
    wanted: Deployment, plan: ModelPlan, rows: ModelRows, views: Views, used: Set[str], speaks: bool
) -> Iterator[str]:
    """Notes about other rows that have the model name of a deployment, and that are left alone.

    :param used: The ids of the rows that this run uses.
    :param speaks: Whether this is the deployment that tells of them, of those with its model name.
    """
    ours = wanted.name if wanted.set is None else f"{wanted.name} in {wanted.set}"
    unowned = rows.unowned(wanted.model_name, wanted.team)
    copies = [row.id for row in unowned if row.copied == ours]
    if copies and plan.row is not None:
        are, left = ("is a copy", "is") if len(copies) == 1 else ("are copies", "are")
        yield (
            f"{joined(copies, _MOST)} {are} of it, with its marker, and {left} left alone; to "
            f"manage that too, give a state of its own `model_id: {copies[0]}`"
        )
    if not speaks:
        return
    strange = [one.id for one in unowned if one.copied != ours and one.id not in used]
    if strange:
        yield f"{joined(strange, _MOST)}, which nobody owns, {_has(strange)} {_SAME_NAME}"
    if plan.action == CREATE:
        yield from _of_others(wanted, rows)
        if views.unproven:
            yield SERVED_BUT_NOT_SHOWN
    if views.compared and (note := config_namesakes_note(wanted, views)):
        yield note


def _of_others(wanted: Deployment, rows: ModelRows) -> Iterator[str]:
    """Notes about rows of other states and sets that have a deployment's model name."""
    markers = [
        (row.id, row.marker)
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


def config_namesakes_note(wanted: Deployment, views: Views) -> str | None:
    """The note that the gateway's config file defines deployments of this name, if it does."""
    ids = [row.id for row in views.config().named(wanted.model_name)]
    if not ids:
        return None
    return (
        f"The gateway's config file defines {wanted.model_name} ({joined(ids, _MOST)}), "
        "which Salt never touches"
    )


def check_hint(
    wanted: Deployment, row: ModelRow | None, *, trial: bool = False, follows: bool = True
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


def _value_at(path: Path, wanted: Deployment, row: ModelRow | None) -> Any:
    """The value at a place, as declared or else as it is."""
    shown = MISSING if row is None else row.get(path)
    return wanted.values.get(path, None if shown is MISSING else shown)


# ---------------------------------------------------------------- what is left after a deletion


def left_of_others(
    wanted: Deployment, row: ModelRow | None, rows: ModelRows, views: Views, any_owner: bool
) -> str | None:
    """The sentence about rows of this name that stay, because we may not delete them."""
    ids = [one.id for one in views.config().named(wanted.model_name)]
    if ids:
        return (
            f"{wanted.model_name} is still served: the gateway's config file defines it "
            f"({joined(ids)}); remove it there"
        )
    others = [] if any_owner else identity.of_others(wanted, rows)
    owners = [
        f"{one.id} belongs to {one.marker.owner!r}"
        for one in others
        if one is not row and one.marker
    ]
    if not owners:
        return None
    return f"{wanted.model_name} is still there: {joined(owners)}, and is left alone"


def left_alone(wanted: Deployment, row: ModelRow | None, rows: ModelRows) -> Iterator[str]:
    """The notes about rows of the same name that are left alone.

    Rows that nobody owns are named if we deleted one of ours. A team's rows are always named.
    """
    if wanted.id is not None:
        return
    unowned = rows.unowned(wanted.model_name) if row is not None and row.marker is not None else ()
    if ids := [one.id for one in unowned]:
        yield f"Nobody owns these, which have the same model name: {joined(ids)}"
    if teams := rows.of_other_teams(wanted.model_name):
        ids = [f"{one.id} ({one.team})" for one in teams]
        yield f"These have the same model name, but belong to teams: {joined(ids)}"


# ---------------------------------------------------------------- what LiteLLM does not serve

NOT_SERVABLE = "LiteLLM saved it but cannot serve it"
NOT_SHOWN = "LiteLLM saved it but does not show it"
CHANGE_NOT_SERVED = "LiteLLM saved the change but does not serve it"
CHANGED_BY_OTHERS = "Somebody else has changed or deleted it at the same time"
STILL_BLIND = "it still shows nothing of its database"
_CHANGE_NOT_LOADED = "LiteLLM cannot load the change"


def taken_back(what: str) -> str:
    """What is wrong with a row, and that it was deleted again."""
    return f"{what}, so it was taken back"


def taken_back_unseen(what: str) -> str:
    """The same, and that nobody can see the database."""
    return f"{what}. It was deleted again, but the gateway shows nothing of its database"


def not_taken_back(what: str, failed: GatewayError | None, *, seen: bool) -> str:
    """What is wrong with a row, and that it could not be deleted."""
    there = "is there" if seen else "may be there"
    return f"{what}, and taking it back has failed ({failed}), so it {there}"


def change_not_servable(err: GatewayError) -> str:
    """That LiteLLM has said why it cannot serve a change."""
    return f"LiteLLM saved the change but cannot serve it: {err}"


def see_its_log(what: str) -> str:
    """What is wrong, of which LiteLLM says no more."""
    return f"{what}; its log says why"


def not_flagged(err: GatewayError) -> str:
    """That the marker does not say that a row is not served."""
    return f"That could not be noted in its marker: {err}"


def no_successor(what: str, model_id: str, replaced: str) -> str:
    """What is wrong with a row that was to replace another one."""
    return f"{what}: {model_id}, which was to take the place of {replaced}"


def serving_not_seen(err: GatewayError) -> str:
    """That a write was done, and no more is known."""
    return f"It was written, but whether LiteLLM serves it could not be seen: {err}"


def change_taken_back(stays: Sequence[str]) -> str:
    """That a change was taken back.

    :param stays: What does not have its former value.
    """
    but = f", but for {', '.join(stays)}" if stays else ""
    return f"{_CHANGE_NOT_LOADED}, so what was there before is back{but}"


def change_not_taken_back(model_id: str, failed: str) -> str:
    """That a change could not be taken back."""
    return (
        f"{_CHANGE_NOT_LOADED}, and shows nothing of its database since. Taking it back has failed "
        f"({failed}): until {model_id} is changed or deleted, it may not start again"
    )


# ---------------------------------------------------------------- trial calls and health checks

TRIAL_PENDING = "Its parameters would be tried out first, by one call to the provider"
HEALTH_NOT_SHOWN = "Its health was not checked, because no worker shows it as it is now"
NO_HEALTH = "Its health was not checked: LiteLLM has no result for it"
NO_MODEL_SHOWN = "The gateway shows no model at all"


def trial_failed(reason: str) -> str:
    """That the provider has not answered."""
    return f"A trial call has failed, so it was not written: {reason}"


def not_triable(reason: str) -> str:
    """That LiteLLM could not be asked for a trial."""
    return f"It could not be tried out, so it was not written: {reason}"


def untried(reason: str) -> str:
    """That LiteLLM cannot try such a deployment."""
    return f"It was not tried out: {reason}"


def unhealthy(reason: str, hint: str) -> str:
    """That LiteLLM's health check has failed."""
    return f"It was written, but LiteLLM's health check has failed: {reason}. {hint}"


def health_not_checked(err: GatewayError) -> str:
    """That LiteLLM's health check could not be made."""
    return f"It was written, but its health could not be checked: {err}"
