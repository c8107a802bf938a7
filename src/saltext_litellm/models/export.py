"""Turns the rows of a gateway into states, or models of a set, that declare the same. Pure."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from ..errors import InvalidInput, NotAllowed, Refused
from ..objects.export import Arguments, Export, declare, replaced, secrets, value_or_secret
from ..objects.row import MISSING
from ..values import checks
from ..values.paths import Path, leaves
from ..values.quote import quoted
from . import fields, identity, names
from .desired import Deployment, desired
from .fields import BLOCKED, CREDENTIAL, FIELDS, INFO, MODEL, PARAMS
from .row import ModelRow, is_fixed, known_info, left_out, own_info

Masks = Mapping[str, Any]

_ORDER = ("model_name", *fields.ARGUMENTS, *fields.SECTIONS)


# Why an export may lack secrets that rows have: what it lacks, and the reason.
_UNSAID = {
    "paused": ("Secrets", "LiteLLM does not say which ones a paused model has."),
    "unserved": ("Secrets", "LiteLLM does not say which ones a model has that it does not serve."),
    "slashed": ("Secrets", "LiteLLM does not say which ones a model has whose id has a slash."),
    "keyless": (
        "A key",
        "LiteLLM shows none. There is none, or it is os.environ/NAME of a variable that is "
        "not set where the gateway runs.",
    ),
}
# A name that is given beside the name of a state or of an entry is trimmed.
SPACED = "its model name has spaces or line breaks at its ends, which Salt leaves out"
_NOT_ALLOWED = (
    "The secrets that LiteLLM hides. The api_key may not see which secrets they have: "
    "export with a proxy-admin key to have them all."
)


def export(
    rows: Iterable[ModelRow],
    ask: Callable[[ModelRow], Masks | None],
    cost_map: Mapping[str, Any],
    set_: str | None = None,
) -> Export:
    """The states of the rows of a gateway.

    :param ask: Returns the masks of the secrets that reads leave out, ``None`` if the gateway does
        not say. Raises :class:`~saltext_litellm.errors.NotAllowed` if the api_key may not see any.
    :param cost_map: LiteLLM's cost map. Its values need not be declared.
    :param set_: The set that the rows become models of; ``None`` for states.
    """
    stored = sorted(
        (row for row in rows if row.from_database), key=lambda row: (row.model_name, row.id)
    )
    known, asked = identity.ModelRows(stored), _all_masks(stored, ask)
    found: dict[str, Arguments] = {}
    left_out: dict[str, str] = {}
    owners: dict[str, str] = {}
    unsaid: dict[str, list[str]] = {reason: [] for reason in _UNSAID}
    for name, row in names.of(stored, set_):
        masks = asked[row.id] if asked is not None else {}
        try:
            arguments = _arguments(name, row, masks or {}, cost_map)
            _check_state(name, row, arguments)
        except InvalidInput as err:
            left_out[row.id] = f"{quoted(row.model_name)}: {err}"
            continue
        found[name] = _with_id(name, row, arguments, known, set_)
        if row.marker and not names.is_own(row, set_):
            owners[name] = row.marker.owner
        reason = _why_no_secret(row, arguments, masks)
        if asked is not None and reason:
            unsaid[reason].append(name)
    lacking = [] if asked is not None else [_NOT_ALLOWED]
    for reason, (what, why) in _UNSAID.items():
        if unsaid[reason]:
            lacking.append(f"{what} of {', '.join(unsaid[reason])}: {why}")
    return Export(
        "litellm_model",
        "model",
        set_,
        found,
        defaults={"tier": None},
        left_out=left_out,
        owners=owners,
        lacking=tuple(lacking),
        id_label="model_id",
        hint="LiteLLM 1.95 and newer resolve os.environ/NAME, if it is in no mapping.",
    )


def _all_masks(
    rows: Iterable[ModelRow], ask: Callable[[ModelRow], Masks | None]
) -> Mapping[str, Masks | None] | None:
    """The masks of each row by its id; ``None`` if the api_key may not see them."""
    try:
        return {row.id: ask(row) for row in rows}
    except NotAllowed:
        return None


def _why_no_secret(row: ModelRow, arguments: Arguments, masks: Masks | None) -> str | None:
    """Why an export may lack secrets that a row has, if there is a reason."""
    if masks is None and is_fixed(row.id):
        return "slashed"
    if masks is None:
        return "paused" if row.get(BLOCKED) else "unserved"
    has_credential = fields.is_set(CREDENTIAL, row.get(CREDENTIAL))
    return None if has_credential or any(secrets(arguments)) else "keyless"


def _with_id(
    name: str, row: ModelRow, arguments: Arguments, known: identity.ModelRows, set_: str | None
) -> Arguments:
    """The arguments, with the row's id as the last if the row would not be found without it."""
    values = {} if row.team is None else {fields.TEAM: row.team}
    wanted = Deployment(name, values, set=set_, model_name=row.model_name)
    with contextlib.suppress(Refused):
        if identity.find(wanted, known) is row:
            return arguments
    with contextlib.suppress(InvalidInput):  # an id that cannot stand in a URL is left out
        return {**arguments, "model_id": checks.identifier("model_id", row.id)}
    return arguments


def _check_state(name: str, row: ModelRow, arguments: Arguments) -> None:
    """Check that a state with these arguments would be accepted, and would take over the row.

    :raises InvalidInput: It would not.
    """
    filled_in = replaced(arguments, lambda secret: secret.example)
    wanted = desired({**filled_in, "name": name}, lambda value: value)
    if wanted.model_name != row.model_name:
        raise Refused(SPACED)
    if is_fixed(row.id) and row.marker is None:
        raise Refused("LiteLLM cannot change a row whose id has a slash, so Salt cannot adopt it")


def _arguments(name: str, row: ModelRow, masks: Masks, cost_map: Mapping[str, Any]) -> Arguments:
    """A row as arguments, in the order of ``present``."""
    declared: Arguments = {} if row.model_name == name else {"model_name": row.model_name}
    values = _values(row, masks, cost_map)
    if values.get(MODEL, MISSING) is MISSING:
        raise InvalidInput("LiteLLM shows no model of it")
    if values[MODEL] == fields.derived_model(values):
        del values[MODEL]
    for path, value in values.items():
        managed = row.marker is not None and path in row.marker.keys
        declare(
            FIELDS,
            declared,
            path,
            value_or_secret(FIELDS, name, path, value, managed, f"{fields.REFERENCE}NAME"),
        )
    arguments = {key: declared[key] for key in _ORDER if key in declared}
    # At the end, because it matters least. Without it, the tier would be free by default.
    return arguments if "tier" in arguments else {**arguments, "tier": None}


def _values(row: ModelRow, masks: Masks, cost_map: Mapping[str, Any]) -> dict[Path, Any]:
    """The values that are set in a row, by path.

    A secret is masked. A managed value is ``MISSING`` if reads do not show it.
    """
    found = dict(_set_by_anyone(row, masks, cost_map))
    return {**found, **dict(_managed_too(row, found))}


def _set_by_anyone(
    row: ModelRow, masks: Masks, cost_map: Mapping[str, Any]
) -> Iterator[tuple[Path, Any]]:
    """The values that LiteLLM does not have of itself."""
    params = dict(row.data.get(PARAMS) or {})
    params = {MODEL[1]: params.pop(MODEL[1], None), **params, **left_out(masks)}
    for key, value in params.items():
        if value is not None and fields.is_set((PARAMS, key), value):
            yield from leaves((PARAMS, key), value)
    for key, value in own_info(row, known_info(row, cost_map)):
        yield from leaves((INFO, key), value)
    if row.get(BLOCKED):
        yield BLOCKED, True


def _managed_too(row: ModelRow, found: Mapping[Path, Any]) -> Iterator[tuple[Path, Any]]:
    """The other values that Salt manages. If they were not declared, Salt would remove them.

    They say the same as LiteLLM's cost map or its defaults, or they are not shown: LiteLLM 1.106.2
    hides references to variables that its environment lacks.
    """
    if row.marker is None:
        return
    above = {path[:length] for path in found for length in range(1, len(path))}
    for path in sorted(row.marker.keys - found.keys() - above):
        value = row.get(path)
        if any(path[:length] in found for length in range(1, len(path))):
            continue  # somebody has replaced the mapping
        if value is not MISSING:
            yield path, {} if isinstance(value, Mapping) else value  # in one, LiteLLM has its own
        elif path in row.marker.secrets:
            yield path, MISSING
