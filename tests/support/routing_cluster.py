"""A model of LiteLLM's fallbacks and router settings in memory: one row, and what workers know.

It does what LiteLLM's own code does in 1.83.14, 1.106.2 and 1.110.2. Its clients have the methods
of our endpoints, so tests use them in the place of a gateway without HTTP.
"""

from __future__ import annotations

import copy
import json
from collections.abc import Callable, Collection, Mapping
from contextlib import suppress
from types import SimpleNamespace
from typing import Any, TypeVar

from saltext_litellm.errors import GatewayError, OutcomeUnknown, Unchangeable
from saltext_litellm.models.versions import by_version
from saltext_litellm.routing.endpoints import UnknownModel
from saltext_litellm.routing.fallbacks import Fallbacks
from saltext_litellm.routing.router import Router

Body = dict[str, Any]
T = TypeVar("T")

KEYS = {
    "general": "fallbacks",
    "context_window": "context_window_fallbacks",
    "content_policy": "content_policy_fallbacks",
}
# What a new router has, of what these tests set.
DEFAULTS: Body = {
    "num_retries": 2,
    "allowed_fails": 3,
    "timeout": 6000.0,
    "routing_strategy": "simple-shuffle",
    "model_group_alias": {},
}
STRATEGIES = ["simple-shuffle", "least-busy"]
FIELDS = [
    {"field_name": "num_retries", "field_type": "Integer"},
    {"field_name": "allowed_fails", "field_type": "Integer"},
    {"field_name": "timeout", "field_type": "Float"},
    {"field_name": "model_group_alias", "field_type": "Dictionary"},
    {"field_name": "routing_strategy", "field_type": "String", "options": STRATEGIES},
    {"field_name": "max_fallbacks", "field_type": "Integer"},  # no router takes it up
]


class RoutingCluster:
    """The row of the database, and what each worker remembers of it. Tests may change everything.

    :ivar polls: Whether a worker reads the database just before a request that reaches it.
    :ivar faults: Writes whose answers are lost, by number: whether each is done.
    :ivar overwritten: Writes that are answered, and that another client then overwrites with what
        it had read before: LiteLLM has no lock.
    """

    def __init__(
        self, version: str = "1.106.2", workers: int = 1, models: Collection[str] = ()
    ) -> None:
        self.version = version
        release = tuple(int(part) for part in version.split(".")[:2])
        self.merges, self.tells_all = release >= (1, 106), release >= (1, 109)
        self.since_110 = release >= (1, 110)
        self.stored: Body = {}
        self.models = set(models)
        self.known = [set(models) for _ in range(workers)]
        self.caches: list[Body] = [{} for _ in range(workers)]
        self.routers = [copy.deepcopy(DEFAULTS) for _ in range(workers)]
        self.polls: Callable[[int], bool] = lambda _: False
        self.faults: dict[int, bool] = {}
        self.overwritten: set[int] = set()
        self.writes = 0  # requests that carry something, done or not

    def client(self, worker: int | Callable[[], int] = 0) -> RoutingClient:
        """What one client has: one worker, or a balancer that chooses a worker for each request."""
        return RoutingClient(self, worker)

    def poll(self, worker: int) -> None:
        """Let a worker read the database. Before 1.109 its router keeps its content policies."""
        self.caches[worker] = copy.deepcopy(self.stored)
        self.known[worker] = set(self.models)
        for key, value in self.stored.items():
            if self._reaches_routers(key):
                self.routers[worker][key] = copy.deepcopy(value)

    def _reaches_routers(self, key: str) -> bool:
        return key in {*DEFAULTS, *KEYS.values()} and (
            self.tells_all or key != KEYS["content_policy"]
        )

    def rules(self) -> dict[tuple[str, str], list[str]]:
        """The rules of the database: of each model the first, as LiteLLM follows it."""
        found: dict[tuple[str, str], list[str]] = {}
        for kind, key in KEYS.items():
            for entry in self.stored.get(key, ()):
                for model, targets in entry.items():
                    found.setdefault((kind, model), targets)
        return found

    # ---------------------------------------------------------------- requests

    def shown(self, worker: int) -> Body:
        """What a worker answers to ``GET /router/settings``."""
        row = self.caches[worker] if self.merges else self.stored  # 1.83 remembers nothing of it
        values = {**self.routers[worker], **row}
        answer: Body = {"current_values": values, "fields": FIELDS}
        if self.merges:
            source = {key: "db" if key in row else "default" for key in values}
            answer["source"] = source
        return copy.deepcopy(answer)

    def set_rule(self, worker: int, body: Body) -> None:
        model, targets = body["model"], body["fallback_models"]
        if unknown := [one for one in (model, *targets) if one not in self.known[worker]]:
            raise UnknownModel(f"Model {unknown[0]!r} not found in router", 404)
        if model in targets:
            raise GatewayError(f"Model {model!r} cannot be its own fallback", 400)
        key = KEYS[body["fallback_type"]]
        entries = list(self.stored.get(key) or ())
        place = next((n for n, one in enumerate(entries) if model in one), len(entries))
        entries[place : place + 1] = [{model: targets}]
        self._store_rules(worker, key, entries)

    def delete_rule(self, worker: int, kind: str, model: str) -> bool:
        entries = self.stored.get(KEYS[kind]) or []
        kept = [one for one in entries if model not in one]
        if kept == entries:
            if not self.since_110:  # it has read the row all the same
                self.caches[worker] = copy.deepcopy(self.stored)
            return False
        self._store_rules(worker, KEYS[kind], kept)
        return True

    def _store_rules(self, worker: int, key: str, entries: list[Body]) -> None:
        self.stored = copy.deepcopy({**self.stored, key: entries})
        self.caches[worker] = copy.deepcopy(self.stored)
        self.routers[worker][key] = copy.deepcopy(entries)

    def set_settings(self, worker: int, body: Body) -> None:
        assert self.merges, "1.83 would destroy what is not sent"
        self.stored = copy.deepcopy({**self.stored, **body})
        self.poll(worker)


class _Client:
    """The requests of one client of one kind: it has the methods of our endpoints."""

    url = "cluster"
    connections = 1

    def __init__(self, cluster: RoutingCluster, worker: int | Callable[[], int]) -> None:
        self.cluster, self._worker = cluster, worker

    def elsewhere(self, seconds: float) -> None:  # noqa: ARG002
        """Open a new connection: it always reaches the next worker, without waiting."""
        if isinstance(self._worker, int):
            self._worker += 1

    def settings(self) -> Body:
        return self.cluster.shown(self._meet())

    def refresh(self) -> bool:
        if self.cluster.merges:
            self.cluster.poll(self._meet())
        return self.cluster.merges

    def _meet(self) -> int:
        """The worker that the next request reaches."""
        worker = self._worker if isinstance(self._worker, int) else self._worker()
        worker %= len(self.cluster.caches)
        if self.cluster.polls(worker):
            self.cluster.poll(worker)
        return worker

    def _send(self, request: Callable[..., T], *what: Any) -> T:
        cluster, worker = self.cluster, self._meet()
        cluster.writes += 1
        before = cluster.stored
        done = cluster.faults.pop(cluster.writes, None)
        if done is None:
            result = request(worker, *json.loads(json.dumps(what, allow_nan=False)))
            if cluster.writes in cluster.overwritten:
                cluster.stored = before
            return result
        if done:
            with suppress(GatewayError):
                request(worker, *json.loads(json.dumps(what, allow_nan=False)))
        raise OutcomeUnknown("The answer of a write was lost")


class FallbackClient(_Client):
    def another(self) -> FallbackClient:
        return FallbackClient(self.cluster, self._worker)

    def create(self, body: Mapping[str, Any]) -> None:
        self._send(self.cluster.set_rule, body)

    def update(self, _: str, body: Mapping[str, Any]) -> None:
        self.create(body)

    def delete(self, row_id: str) -> bool:
        kind, _, model = row_id.partition("/")
        assert "/" not in model, "LiteLLM would find none"
        return self._send(self.cluster.delete_rule, kind, model)

    def replace(self, key: str, entries: list[Any]) -> None:
        self._send(self.cluster.set_settings, {key: entries})


class RouterClient(_Client):
    def another(self) -> RouterClient:
        return RouterClient(self.cluster, self._worker)

    def live(self) -> Body:
        return copy.deepcopy(self.cluster.routers[self._meet()])

    def update(self, _: str, body: Mapping[str, Any]) -> None:
        self._send(self.cluster.set_settings, body)

    def create(self, body: Mapping[str, Any]) -> None:
        self.update("", body)

    def delete(self, row_id: str) -> bool:
        raise Unchangeable(f"LiteLLM cannot unset {row_id}")


class RoutingClient:
    """A client of a gateway, with the endpoints of both kinds."""

    def __init__(self, cluster: RoutingCluster, worker: int | Callable[[], int]) -> None:
        self.cluster = cluster
        self.fallbacks = FallbackClient(cluster, worker)
        self.router = RouterClient(cluster, worker)

    def open_fallbacks(self) -> Fallbacks:
        """The fallbacks of a gateway for a new run, which has read nothing yet."""
        cluster = self.cluster
        models: Any = SimpleNamespace(
            model_names=lambda *_, **__: set(cluster.models),
            versions=SimpleNamespace(of_version=lambda: by_version(cluster.version)),
        )
        return Fallbacks(self.fallbacks, models)  # type: ignore[arg-type]

    def open_router(self) -> Router:
        """The router settings of a gateway for a new run."""
        return Router(self.router)  # type: ignore[arg-type]
