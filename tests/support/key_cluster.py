"""A model of LiteLLM's virtual keys in memory: its database, which every worker reads at once.

It answers requests as LiteLLM 1.83.14, 1.106.2 and 1.110.2 do, in the place of our HTTP session. So
our endpoints are tried with it, too. Between two requests, or between a request and its answer, a
client may be killed, or an answer may be lost.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta, timezone
from threading import RLock
from typing import Any

from saltext_litellm.errors import GatewayError, NothingThere, OutcomeUnknown, Refused
from saltext_litellm.keys.endpoints import KeyEndpoints
from saltext_litellm.keys.keys import Keys
from saltext_litellm.objects.row import Row

from .cluster import through_json
from .properties import FINGERPRINTER

Found = dict[str, Any]

UNREADABLE = (
    "http://gateway failed (500): 1 validation error for UserAPIKeyAuth aliases Input should be a "
    "valid dictionary [type=dict_type, input_value=None, input_type=NoneType]"
)
MAPPINGS = ("metadata", "aliases", "config", "permissions", "model_max_budget")
NEW = {"spend": 0.0, "models": [], "blocked": None, "expires": None, "budget_id": None}
NEW |= dict.fromkeys(("max_budget", "budget_duration", "tpm_limit", "rpm_limit", "team_id"))
NEW |= dict.fromkeys(("user_id", "max_parallel_requests", "tpd_limit"))
UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400, "w": 604800, "mo": 2592000}
BEFORE, AFTER = "before it is done", "when it is done, before its answer"


class Killed(BaseException):
    """The client was killed here."""


def hashed(key: str) -> str:
    return hashlib.sha256(key.encode()).hexdigest()


class KeyCluster:
    """The database. Tests may change everything.

    :ivar table: The keys, by their hash.
    :ivar steps: How many requests were sent and values put into the vault.
    :ivar faults: What happens at one of these: an exception, and whether it is done before that.
    """

    url, connections, api_key = "cluster", 1, "sk-admin-0123456789"

    def __init__(self, version: str = "1.106.2") -> None:
        self.since_106 = tuple(map(int, version.split(".")[:2])) >= (1, 106)
        self.table: dict[str, Found] = {}
        self.deleted: dict[str, Found] = {}
        self.vault: dict[str, str] = {}
        self.steps, self.writes = 0, 0
        self.faults: dict[int, tuple[Callable[[], BaseException], str]] = {}
        self.bodies: list[Found] = []
        self.lock = RLock()  # clients may be in several threads

    def another(self) -> KeyCluster:
        return self

    def reconnect(self) -> None:
        pass

    def at(self, number: int, error: Callable[[], BaseException], when: str) -> None:
        """Raise an error at a step of this number, counted from now on."""
        self.faults[self.steps + number] = error, when

    def step(self, do: Callable[..., Any], *what: Any) -> Any:
        with self.lock:
            self.steps += 1
            error, when = self.faults.pop(self.steps, (None, BEFORE))
            if error is not None and when == BEFORE:
                raise error()
            try:
                answer = through_json(do(*what))
            except GatewayError:
                if error is None:
                    raise
            if error is not None:
                raise error()
            return answer

    # ------------------------------------------------------------------ requests

    def call(
        self,
        method: str,
        path: str,
        body: Mapping[str, Any] | None = None,
        *,
        params: Mapping[str, Any] | None = None,
        repeatable: bool = True,  # noqa: ARG002 - nothing is repeated
    ) -> Any:
        """What our session returns or raises."""
        do = self.routes()[path]
        self.writes += method != "GET"
        if body is not None:
            self.bodies.append(through_json(body))
        return self.step(do, through_json(dict(body or params or {})))

    def routes(self) -> dict[str, Callable[[Found], Any]]:
        """What answers the requests to each path."""
        return {
            "/key/list": self._list,
            "/key/info": self._info,
            "/key/generate": self._generate,
            "/key/update": self._update,
            "/key/delete": self._delete,
            "/v2/team/list": lambda _: {"teams": [], "total": 0},
            "/budget/list": lambda _: [],
        }

    def _list(self, query: Found) -> Found:
        part, size = query.get("key_alias", ""), query["size"]
        sort = query.get("sort_by")
        assert sort == "token" or "page" not in query, "all other columns may have a value twice"
        rows = [self._shown(row) for _, row in sorted(self.table.items())]
        rows = [row for row in rows if part in (row["key_alias"] or "")]
        if "team_id" in query:
            rows = [row for row in rows if row["team_id"] == query["team_id"]]
        first = (query.get("page", 1) - 1) * size
        page = rows[first : first + size]
        if query.get("return_full_object") != "true":
            return {"keys": [row["token"] for row in page], "total_count": len(rows)}
        if any(row.get("aliases", {}) is None for row in page):
            raise GatewayError(UNREADABLE, 500)
        return {"keys": page, "total_count": len(rows)}

    def _info(self, query: Found) -> Found:
        token = query["key"]
        row = self.table.get(token) or (self.deleted.get(token) if self.since_106 else None)
        if row is None:
            raise GatewayError("Key not found in database", 404)
        hidden = {"token"} if self.since_106 else {"token", "tpd_limit"}
        return {"key": token, "info": {k: v for k, v in row.items() if k not in hidden}}

    def _generate(self, body: Found) -> Found:
        self._refuse_alias(body["key_alias"], None)
        key = body.pop("key")
        token = hashed(key)
        if token in self.table:  # 200, and nothing changes
            return {**NEW, **body, "key": key, "token": token}
        row = {"token": token, "key_name": f"sk-...{key[-4:]}", **NEW}
        row |= {key: {} for key in MAPPINGS}
        self.deleted.pop(token, None)
        self.table[token] = row
        self._take(row, body)
        return {**row, "key": key}

    def _update(self, body: Found) -> Found:
        row = self.table.get(body.pop("key"))
        if row is None:
            raise GatewayError("Key not found", 404)
        if body.get("key_alias"):
            self._refuse_alias(body["key_alias"], row["token"])
        self._take(row, body)
        return {k: v for k, v in row.items() if self.since_106 or k != "tpd_limit"}

    def _delete(self, body: Found) -> Found:
        (token,) = body["keys"]
        if token not in self.table:
            raise GatewayError("No keys found", 404)
        self.deleted[token] = {**self.table.pop(token), "deleted_at": "2026-01-01T00:00:00Z"}
        return {"deleted_keys": [token]}

    def _refuse_alias(self, alias: str, token: str | None) -> None:
        if any(row["key_alias"] == alias and row["token"] != token for row in self.table.values()):
            raise GatewayError(f"Key with alias '{alias}' already exists.", 400)

    def _take(self, row: Found, body: Found) -> None:
        for name in MAPPINGS:
            assert body.get(name, {}) is not None, f"a null for {name} breaks the key"
        if "duration" in body:
            row["expires"] = _expiry(body.pop("duration"))
        row.update(body)

    def _shown(self, row: Found) -> Found:
        hidden = () if self.since_106 else ("budget_id", "tpd_limit")
        return {key: value for key, value in row.items() if key not in hidden}

    # ------------------------------------------------------------------ the vault

    def __call__(self, value: Any) -> Any:
        """The value of an ``sdb://`` reference, as :class:`Resolver` returns it."""
        if not str(value).startswith("sdb://"):
            return value
        if value not in self.vault:
            raise NothingThere("Cannot resolve it: there is nothing under this name")
        return self.vault[value]

    def keep(self, reference: str, value: str) -> str:
        """Put a value under a reference, unless there is one."""
        if reference not in self.vault:
            self.step(self.vault.__setitem__, reference, value)
        return self.vault[reference]

    # ------------------------------------------------------------------ others

    def by_alias(self) -> dict[str, Found]:
        return {row["key_alias"]: row for row in self.table.values()}


def lost() -> OutcomeUnknown:
    return OutcomeUnknown("The answer was lost")


def full() -> Refused:
    return Refused("Cannot put a value there: OSError")


def _expiry(duration: str | None) -> str | None:
    if duration is None:
        return None
    ((number, unit),) = re.findall(r"^(\d+)(\D+)$", duration)
    seconds = min(int(number) * UNITS[unit], UNITS["mo"] * 1000)
    return (datetime.now(timezone.utc) + timedelta(seconds=seconds)).isoformat()


def open_keys(session: Any, teams: Mapping[str, str] | None = None) -> Keys:
    """The keys of a gateway for a new run, which has read nothing yet.

    :param teams: The ids of teams by their aliases.
    """
    known = teams or {}

    def team(name: str, _: bool) -> Row | None:
        return Row(known.get(name, name), None, {}) if name in {*known, *known.values()} else None

    return Keys(KeyEndpoints(session), team, lambda name, _: name == "budget", FINGERPRINTER)
