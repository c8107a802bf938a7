"""The kind "budget": its fields, its rows, and what a state declares of it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from ..errors import InvalidInput, Refused
from ..objects.declared import Declared
from ..objects.fields import Fields, Meaning
from ..objects.kind import Body, Kind
from ..objects.reading import Resolve, bounded, read, text_warnings
from ..objects.row import Row
from ..objects.sets import Reader
from ..values import checks, placeholders
from ..values.quote import quoted
from ..values.secrets import redact

ID = "budget_id"
MODELS = "model_max_budget"
# How LiteLLM names the budgets that it makes for the members of a team.
_OF_MEMBERS = re.compile(r"team-(.+-)?budget-[0-9a-f]{32}")


def _models(name: str, value: Any) -> dict[str, Any]:
    """A budget for each of some models, as one value: LiteLLM stores it whole."""
    models = checks.plain(name, checks.mapping(name, value))
    for model, budget in models.items():
        if not isinstance(budget, Mapping):
            raise InvalidInput(f"{name}:{model} must be a mapping, not {quoted(budget)}")
    return dict(models)


FIELDS = Fields(
    sections=(),
    arguments={
        "max_budget": (("max_budget",), checks.amount),
        "soft_budget": (("soft_budget",), checks.amount),
        "budget_duration": (("budget_duration",), checks.duration),
        "tpm_limit": (("tpm_limit",), checks.limit),
        "rpm_limit": (("rpm_limit",), checks.limit),
        "max_parallel_requests": (("max_parallel_requests",), checks.limit),
        MODELS: ((MODELS,), _models),
    },
    names={ID: checks.title},
    is_secret=lambda _: False,
    takes_sdb=lambda _: False,
    is_hidden=lambda _: False,
    text_at=lambda _: placeholders.TEXT,
    meaning=lambda _: Meaning(whole=True),
)


def declared(arguments: Mapping[str, Any], resolve: Resolve) -> Declared:
    """Check and normalise the arguments of ``present``.

    :param arguments: Values by name. ``None`` means not declared. Other names are ignored.
    :raises InvalidInput: With every mistake. Each mistake names its argument.
    """
    mistakes, name = checks.Mistakes(), arguments.get("name")
    with mistakes.noted():
        checks.title("name", name)
    values, trimmed = read(FIELDS, arguments, resolve, mistakes, lambda *_: None)
    if not values and not mistakes.found:
        mistakes.add("at least one limit is needed, as LiteLLM makes no budget of nothing")
    mistakes.refuse()
    row_id = str(name if arguments.get(ID) is None else arguments[ID])
    refuse_members(row_id)
    warnings = bounded(text_warnings(FIELDS, values, trimmed, {"name": name}))
    return Declared(name=str(name), values=values, id=row_id, warnings=warnings)


def named(name: Any, budget_id: Any = None) -> Declared:
    """A budget to look up."""
    name = checks.title("name", name)
    row_id = name if budget_id is None else checks.title(ID, budget_id)
    return Declared(name=name, values={}, id=row_id)


def is_of_members(row_id: str) -> bool:
    """Whether LiteLLM has made a budget for the members of a team."""
    return _OF_MEMBERS.fullmatch(row_id) is not None


def refuse_members(row_id: str) -> None:
    """Refuse a budget that LiteLLM has made for the members of a team.

    :raises Refused: It is one.
    """
    if is_of_members(row_id):
        raise Refused(
            f"{row_id} is the budget that LiteLLM has made for the members of a team: set "
            "team_member_budget of the team"
        )


READER = Reader("budget", ID, FIELDS, declared, lambda *_: ())


def parse(data: Mapping[str, Any]) -> Row | None:
    """A row of a list; ``None`` if it is not one."""
    row_id = data.get(ID)
    return Row(row_id, None, data) if isinstance(row_id, str) else None


def created(body: Body, answer: Body | None) -> Row:
    """The row that a create makes."""
    row = parse(body if answer is None else answer)
    assert row is not None  # noqa: S101 - both have an id
    return row


def changed(row: Row, body: Body, answer: Body | None) -> Row:
    """The row that an update makes of a row."""
    return created({**row.data, **body}, answer)


BUDGET: Kind[Row] = Kind("budget", ID, FIELDS, created, changed)


def summary(row: Row) -> dict[str, Any]:
    """A row in short. Without limits, LiteLLM shows none of them."""
    keys = (ID, *FIELDS.arguments, "budget_reset_at")
    return {key: redact(row.data.get(key)) for key in keys}
