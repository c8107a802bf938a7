"""A model of LiteLLM's teams and budgets in memory, beside its keys.

It answers requests as LiteLLM 1.106.2 does without an Enterprise licence, in the place of our HTTP
session. Values of wrong types are refused as LiteLLM's request models do, and keys that these do
not know are ignored.
"""

from __future__ import annotations

import copy
import uuid
from collections.abc import Callable
from typing import Any

from saltext_litellm.errors import GatewayError

from .key_cluster import UNITS, Found, KeyCluster

MEMBER_BUDGET = {
    "team_member_budget": "max_budget",
    "team_member_budget_duration": "budget_duration",
    "team_member_tpm_limit": "tpm_limit",
    "team_member_rpm_limit": "rpm_limit",
}
POINTER = "team_member_budget_id"
INTEGERS = ("tpm_limit", "rpm_limit", "tpd_limit", "max_parallel_requests")
NUMBERS = ("max_budget", "soft_budget", "team_member_budget")
STRINGS = ("team_alias", "team_id", "budget_id", "budget_duration", "organization_id")
MAPPINGS = ("metadata", "model_aliases", "router_settings", "model_max_budget", "object_permission")
LISTS = ("models", "access_group_ids", "default_team_member_models", "team_member_permissions")
COUNTS = ("model_rpm_limit", "model_tpm_limit", "mcp_rpm_limit")  # of each model; in the metadata
PREMIUM = ("tags", "guardrails", "policies", "prompts", "secret_manager_settings")
TYPES: dict[str, str] = {
    **dict.fromkeys((*INTEGERS, "team_member_tpm_limit", "team_member_rpm_limit"), "integer"),
    **dict.fromkeys(NUMBERS, "number"),
    **dict.fromkeys((*STRINGS, "team_member_budget_duration"), "string"),
    **dict.fromkeys((*MAPPINGS, *COUNTS), "dictionary"),
    **dict.fromkeys((*LISTS, "members_with_roles"), "list"),
    **dict.fromkeys(PREMIUM[:-1], "list"),
    "secret_manager_settings": "dictionary",
    "blocked": "boolean",
}
NEW: Found = dict.fromkeys(
    (*NUMBERS[:2], *INTEGERS, "budget_duration", "organization_id", "model_id", "team_alias")
)
NEW |= {"object_permission_id": None, "router_settings": None, "blocked": False, "spend": 0.0}
NEW |= {"metadata": {}, "model_max_budget": {}, "members_with_roles": []}
NEW |= {key: [] for key in LISTS}
NEW_BUDGET = dict.fromkeys(
    (*NUMBERS[:2], *INTEGERS, "budget_duration", "model_max_budget", "budget_reset_at")
)
SAME: dict[str, Any] = {"string": str, "dictionary": dict, "list": list, "boolean": bool}
CREATOR = {"user_id": "default_user_id", "user_email": None, "role": "admin"}
RESERVED = "litellm-dashboard"


class TeamCluster(KeyCluster):
    """The database of keys, teams and budgets. Tests may change everything.

    :ivar teams: The teams by id, as their table has them.
    :ivar budgets: The budgets by id, also those of the members of teams.
    :ivar users: The emails of users by id.
    """

    def __init__(self) -> None:
        super().__init__()
        self.teams: dict[str, Found] = {}
        self.aliases: dict[int, Found] = {}
        self.budgets: dict[str, Found] = {}
        self.users: dict[str, str | None] = {"default_user_id": None}

    def routes(self) -> dict[str, Callable[[Found], Any]]:
        return {
            **super().routes(),
            "/v2/team/list": self._team_list,
            "/team/info": self._team_info,
            "/team/new": self._team_new,
            "/team/update": self._team_update,
            "/team/member_add": self._member_add,
            "/team/member_update": self._member_update,
            "/team/member_delete": self._member_delete,
            "/team/delete": self._team_delete,
            "/budget/list": lambda _: [*self.budgets.values()],
            "/budget/info": self._budget_info,
            "/budget/new": self._budget_new,
            "/budget/update": self._budget_update,
            "/budget/delete": lambda body: self.budgets.pop(body["id"], None),
            "/customer/list": lambda _: [],
        }

    def stored(self) -> Any:
        """A copy of all that it has."""
        held = (self.table, self.teams, self.aliases, self.budgets, self.users)
        return copy.deepcopy(held)

    # ------------------------------------------------------------------ teams

    def _team_list(self, query: Found) -> Found:
        rows = [self._team(one) for _, one in sorted(self.teams.items())]
        if "team_id" in query:
            rows = [row for row in rows if row["team_id"] == query["team_id"]]
        first = (query["page"] - 1) * query["page_size"]
        return {"teams": rows[first : first + query["page_size"]], "total": len(rows)}

    def _team_info(self, query: Found) -> Found:
        if query["team_id"] not in self.teams:
            raise refused(f"Team not found, passed team id: {query['team_id']}.", 404)
        row = self._team(self.teams[query["team_id"]])
        budget = self.budgets.get((row["metadata"] or {}).get(POINTER, ""))
        return {"team_info": {**row, "team_member_budget_table": budget}}

    def _team(self, row: Found) -> Found:
        aliases = self.aliases.get(row["model_id"])
        table = None if aliases is None else {"id": row["model_id"], "model_aliases": aliases}
        return {**row, "litellm_model_table": table}

    def _team_new(self, body: Found) -> Found:
        body = checked(body)
        team_id = body["team_id"]
        if team_id in self.teams:
            raise refused(f"Team id = {team_id} already exists. Please use a different team id.")
        if team_id == RESERVED:
            raise refused(f"team_id '{RESERVED}' is reserved for LiteLLM UI dashboard sessions")
        members = [*body.pop("members_with_roles", []), CREATOR]
        row = {**NEW, "team_id": team_id, "members_with_roles": [], "metadata": {}}
        (body.get("metadata") or {}).pop(POINTER, None)
        self._take_team(row, {key: one for key, one in body.items() if one is not None})
        for member in members:
            self._join(row, member)
        self.teams[team_id] = row
        return self._team(row)

    def _team_update(self, body: Found) -> Found:
        body = checked(body)
        row = self.teams.get(body["team_id"])
        if row is None:
            raise refused(f"Team not found, passed team_id={body['team_id']}", 404)
        for name in (*LISTS, "blocked"):
            if name in body and body[name] is None:
                raise refused(f"Invalid input for the column {name}", 500)
        if isinstance(body.get("metadata"), dict):
            pointer = (row["metadata"] or {}).get(POINTER)
            body["metadata"] = {k: v for k, v in body["metadata"].items() if k != POINTER}
            body["metadata"] |= {} if pointer is None else {POINTER: pointer}
        self._take_team(row, body)
        return {"team_id": row["team_id"], "data": self._team(row)}

    def _take_team(self, row: Found, body: Found) -> None:
        upper, lower = ({**row, **body}.get(key) for key in ("max_budget", "soft_budget"))
        if upper is not None and lower is not None and lower >= upper:
            raise refused(f"soft_budget ({lower}) must be strictly lower than max_budget ({upper})")
        limits = {c: body.pop(key) for key, c in MEMBER_BUDGET.items() if key in body}
        aliases = body.pop("model_aliases", None)
        in_metadata = {key: body.pop(key) for key in COUNTS if key in body}
        permission = body.pop("object_permission", None)
        row.update({key: one for key, one in body.items() if key in row})
        if in_metadata:
            row["metadata"] = {**(row["metadata"] or {}), **in_metadata}
        if aliases is not None:
            row["model_id"] = row["model_id"] or len(self.aliases) + 1
            self.aliases[row["model_id"]] = aliases
        if permission is not None:
            row |= {"object_permission_id": "permission", "object_permission": permission}
        pointer = (row["metadata"] or {}).get(POINTER)
        if pointer is not None:
            self.budgets[pointer] |= limits
        elif any(one is not None for one in limits.values()):
            pointer = f"team-budget-{uuid.uuid4().hex}"
            self.budgets[pointer] = {"budget_id": pointer, **NEW_BUDGET, **limits}
            row["metadata"] = {**(row["metadata"] or {}), POINTER: pointer}

    def _team_delete(self, body: Found) -> Found:
        for team_id in body["team_ids"]:
            if team_id not in self.teams:
                raise refused(f"Team not found, passed team_id={team_id}", 404)
            del self.teams[team_id]
        return {"deleted_teams": body["team_ids"]}

    # ---------------------------------------------------------------- members

    def _of(self, body: Found) -> Found:
        row = self.teams.get(body["team_id"])
        if row is None:
            raise refused(f"Team id={body['team_id']} does not exist in db")
        return row

    def _member_add(self, body: Found) -> Found:
        row = self._of(body)
        for member in body["member"]:
            self._refuse_admin(member)
            if self._member(row, member) is not None:
                raise refused(f"User already in team. Member: user_id={member.get('user_id')}")
        for member in body["member"]:
            self._join(row, member)
        return self._team(row)

    def _member_update(self, body: Found) -> Found:
        found = self._member(self._of(body), body)
        self._refuse_admin(body)
        if found is None:
            raise refused(f"User id doesn't exist in team table. Data={body}")
        found["role"] = body["role"]
        return {"team_id": body["team_id"], **found}

    def _member_delete(self, body: Found) -> Found:
        row = self._of(body)
        found = self._member(row, body)
        if found is None:
            raise refused("User not found in team")
        row["members_with_roles"].remove(found)
        return self._team(row)

    def _refuse_admin(self, member: Found) -> None:
        if member["role"] == "admin":
            raise refused("Assigning team admins is a premium feature.", 403)

    def _member(self, row: Found, member: Found) -> Found | None:
        members: list[Found] = row["members_with_roles"]
        for one in members:
            for key in ("user_id", "user_email"):
                if member.get(key) is not None and one[key] == member[key]:
                    return one
        return None

    def _join(self, row: Found, member: Found) -> None:
        """Add a member, whose user is looked up, or else made."""
        user_id, email = member.get("user_id"), member.get("user_email")
        if user_id is None:
            same = [u for u, e in self.users.items() if str(e).lower() == str(email).lower()]
            user_id = same[0] if same else str(uuid.uuid4())
        email = self.users.setdefault(user_id, email) if email is None else email
        self.users.setdefault(user_id, email)
        entry = {"user_id": user_id, "user_email": email, "role": member["role"]}
        if self._member(row, entry) is None:
            row["members_with_roles"].append(entry)

    # ---------------------------------------------------------------- budgets

    def _budget_info(self, body: Found) -> list[Found]:
        return [self.budgets[one] for one in body["budgets"] if one in self.budgets]

    def _budget_new(self, body: Found) -> Found:
        body = checked(body)
        if body["budget_id"] in self.budgets:
            raise refused(f"Budget with id '{body['budget_id']}' already exists.")
        self.budgets[body["budget_id"]] = {**NEW_BUDGET, **body}
        return self.budgets[body["budget_id"]]

    def _budget_update(self, body: Found) -> Any:
        body = checked(body)
        row = self.budgets.get(str(body["budget_id"]))
        if row is not None:  # else 200 with null
            row.update(body)
        return row


def refused(why: str, status: int = 400) -> GatewayError:
    return GatewayError(why, status)


def checked(body: Found) -> Found:
    """A body as LiteLLM's request models take it: numbers may be texts, unknown keys go."""
    found = {key: _value(key, body[key]) for key in body if key in TYPES}
    for key in ("budget_duration", "team_member_budget_duration"):
        value = found.get(key)
        unit = None if value is None else value.lstrip("0123456789")
        if value is not None and (unit not in UNITS or unit == value):
            raise refused(f"Invalid budget_duration: {value}")
    for key in NUMBERS:
        if found.get(key) is not None and found[key] < 0:
            raise refused(f"{key} must be a non-negative finite number. Received: {found[key]}")
    if any(found.get(key) for key in (*PREMIUM, "model_max_budget")):
        raise refused("This feature is only available for LiteLLM Enterprise users", 403)
    return found


def _value(key: str, value: Any) -> Any:
    kind = TYPES[key]
    if value is None or isinstance(value, SAME.get(kind, ())):
        texts = value if key in (*LISTS, *PREMIUM) and isinstance(value, list) else ()
        if not all(isinstance(one, str) for one in texts):
            raise refused(f"{key}: Input should be a valid string", 422)
        if key in COUNTS and value is not None:
            return {name: _integer(key, one) for name, one in value.items()}
        return value
    if kind == "integer":
        return _integer(key, value)
    try:
        if kind == "number" and isinstance(value, int | float | str):
            return float(value)
    except (ValueError, OverflowError):
        pass
    raise refused(f"{key}: Input should be a valid {kind}", 422)


def _integer(key: str, value: Any) -> int:
    try:
        if isinstance(value, int | float | str) and float(value) == int(value):
            return int(value)
    except (ValueError, OverflowError):
        pass
    raise refused(f"{key}: Input should be a valid integer", 422)
