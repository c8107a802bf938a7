"""Turns the budgets of a gateway into states that declare the same. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable

from ..errors import InvalidInput
from ..objects.export import Arguments, Export
from ..objects.row import MISSING, Row
from .kind import FIELDS, declared, is_of_members

_UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")


def export(rows: Iterable[Row]) -> Export:
    """The states of the budgets of a gateway, without those of the members of teams."""
    found: dict[str, Arguments] = {}
    left_out: dict[str, str] = {}
    for row in sorted(rows, key=lambda row: row.id):
        if is_of_members(row.id):
            left_out[row.id] = "LiteLLM has made it for the members of a team"
            continue
        if _UUID.fullmatch(row.id):
            left_out[row.id] = "LiteLLM has chosen its id, as 1.83 does for each member of a team"
            continue
        shown = {name: row.get(path) for name, (path, _) in FIELDS.arguments.items()}
        arguments = {name: value for name, value in shown.items() if value not in (MISSING, {})}
        try:
            declared({**arguments, "name": row.id}, lambda value: value)
        except InvalidInput as err:
            left_out[row.id] = str(err)
        else:
            found[row.id] = arguments
    return Export("litellm_budget", "budget", None, found, left_out=left_out, is_owned=False)
