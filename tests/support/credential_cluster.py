"""A model of LiteLLM's credentials in memory: one database, and what each worker remembers of it.

It does what LiteLLM's own code does in 1.83.14, 1.106.2 and 1.110.2. Its client has the methods of
our endpoints, so tests use it in the place of a gateway without HTTP.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from threading import RLock
from types import SimpleNamespace
from typing import Any, TypeVar

from saltext_litellm import errors
from saltext_litellm.credentials.credentials import Credentials
from saltext_litellm.models.versions import by_version

from .cluster import encrypted, through_json
from .properties import FINGERPRINTER

Row = dict[str, Any]
Listed = list[Row]
T = TypeVar("T")

VALUES, INFO, LABEL = "credential_values", "credential_info", "display_name"
DELETE = "credential_values_to_delete"
# LiteLLM looks for these anywhere in the name of a value, also in `monkey`.
SECRET = re.compile("authorization|token|key|secret|credentials|password|passwd")
MASK = re.compile(r"\*{5}|..\*{4}..", re.DOTALL)


class CredentialCluster:
    """The database, the config file, and the memory of each worker. Tests may change everything.

    :ivar polls: Whether a worker reads the database just before a request that reaches it.
    """

    def __init__(
        self, version: str = "1.106.2", workers: int = 1, config: Sequence[Mapping[str, Any]] = ()
    ) -> None:
        self.version = version
        release = tuple(int(part) for part in version.split(".")[:2])
        self.since_106, self.since_109 = release >= (1, 106), release >= (1, 109)
        self.since_110 = release >= (1, 110)
        self.table: dict[str, Row] = {}
        self.file: dict[str, Row] = {row["credential_name"]: _row(row, "config") for row in config}
        self.memories: list[dict[str, Row]] = [through_json(self.file) for _ in range(workers)]
        self.polls: Callable[[int], bool] = lambda _: False
        self.writes = 0  # writes that would change something, done or not
        self.requests = 0  # all requests that are no reads, also an empty update
        self.faults: dict[int, bool] = {}  # requests whose answers are lost: whether each is done
        self.lock = RLock()  # clients may be in several threads

    def client(self, worker: int | Callable[[], int] = 0) -> CredentialClient:
        """A client of one worker, or of a load balancer that chooses a worker for each request."""
        return CredentialClient(self, worker)

    def poll(self, worker: int) -> None:
        """Let a worker read the database again.

        It never reads its config file again. So where a credential of the database had the name of
        one in the file, it stays in the memory when it is deleted through another worker.
        """
        memory = self.memories[worker]
        for name in memory.keys() - self.table.keys() - self.file.keys():
            del memory[name]
        for name, row in self.table.items():
            memory[name] = through_json({**row, VALUES: self._decrypted(row[VALUES])})

    def restart(self) -> None:
        """Start all workers again."""
        self.memories = [through_json(self.file) for _ in self.memories]
        for worker in range(len(self.memories)):
            self.poll(worker)

    def change_key(self) -> None:
        """Start again with another LITELLM_SALT_KEY: LiteLLM shows and sends ciphertext then."""
        for row in self.table.values():
            row[VALUES] = {
                k: encrypted(v) if isinstance(v, str) else v for k, v in row[VALUES].items()
            }
        self.restart()

    def lose(self, k: int, done: bool) -> None:
        """Lose the answer of the k-th request from now on that is no read, done or not done."""
        self.faults[self.requests + k] = done

    def shown(self, worker: int) -> Listed:
        """What a worker lists."""
        return [self._shown(name, row) for name, row in self.memories[worker].items()]

    def create(self, worker: int, body: Row) -> None:
        name, values = body["credential_name"], body.get(VALUES)
        if not isinstance(body.get(INFO), dict) or not values:
            raise errors.GatewayError("Either credential_values or model_id must be set", 422)
        if self.since_106 and self._is_filed(worker, name):
            raise errors.GatewayError(f"Credential '{name}' is defined in config.", 409)
        row = _row({**body, VALUES: self._kept(values)}, "db") | {LABEL: self._label(body)}
        if name in self.table:
            status = 409 if self.since_106 else 500
            raise errors.NameTaken(f"Credential '{name}' already exists.", status)
        self.table[name], self.memories[worker][name] = row, through_json(row)

    def update(self, worker: int, name: str, body: Row) -> None:
        if not isinstance(body[INFO], dict):
            raise errors.GatewayError("credential_info: Input should be a valid dictionary", 422)
        label, values = self._label(body), self._kept(body[VALUES])
        deleted = (body.get(DELETE) or []) if self.since_106 else []
        if both := body[VALUES].keys() & set(deleted):
            raise errors.GatewayError(f"{DELETE} overlaps credential_values for {both}", 400)
        if name not in self.table:
            raise self._missing(worker, name)
        if self.since_109:
            values = {key: v for key, v in values.items() if not _is_echo(key, v)}
        row, remembered = self.table[name], self.memories[worker].get(name)
        if LABEL in body and self.since_106:
            row[LABEL] = label
        if remembered is not None:  # its other values and its other info may be old
            _merge(remembered, values, deleted)
            remembered[INFO].update(through_json(body[INFO]))
            remembered |= {LABEL: row[LABEL], "source": "db"}
        _merge(row, values, deleted)
        if body[INFO]:
            row[INFO] = {**(row[INFO] if self.since_110 else {}), **body[INFO]}

    def delete(self, worker: int, name: str) -> bool:
        missing = self.table.pop(name, None) is None
        if missing and self.since_106:
            error = self._missing(worker, name)
            if isinstance(error, errors.NotInDatabase):
                return False
            raise error
        self.memories[worker].pop(name, None)
        return True  # 1.83.14 does not say whether there was one

    def _missing(self, worker: int, name: str) -> errors.GatewayError:
        """The error for a change of what the database does not have."""
        if self.since_106 and self._is_filed(worker, name):
            return errors.GatewayError(f"Credential '{name}' is defined in config", 405)
        return errors.NotInDatabase("Credential not found in DB.", 404)

    def _is_filed(self, worker: int, name: str) -> bool:
        return self.memories[worker].get(name, {}).get("source") == "config"

    def _label(self, body: Row) -> str | None:
        """The label that a body has, or clears. 1.83.14 has no labels."""
        label = body.get(LABEL) if self.since_106 else None
        if label is not None and not label.strip():
            raise errors.GatewayError("display_name cannot be blank.", 400)
        return None if label is None else label.strip()

    def _kept(self, values: Row) -> Row:
        """The values that are stored: without nulls since 1.106."""
        return {k: v for k, v in values.items() if v is not None or not self.since_106}

    def _decrypted(self, values: Row) -> Row:
        """The values as they are read: an empty text is taken for one that cannot be decrypted."""
        return {k: encrypted(v) if v == "" and not self.since_106 else v for k, v in values.items()}

    def _shown(self, name: str, row: Row) -> Row:
        shown = {"credential_name": name, INFO: row[INFO], VALUES: _masked(row[VALUES])}
        if self.since_106:
            shown |= {LABEL: row[LABEL], "source": row["source"]}
        return through_json(shown)


class CredentialClient:
    """The requests of one client: it has the methods of our endpoints."""

    url = "cluster"

    def __init__(
        self, cluster: CredentialCluster, worker: int | Callable[[], int], connections: int = 1
    ) -> None:
        self._cluster, self._worker = cluster, worker
        self.connections = connections

    def another(self) -> CredentialClient:
        return CredentialClient(self._cluster, self._worker)

    def elsewhere(self, seconds: float) -> None:  # noqa: ARG002
        """Open a new connection: it always reaches the next worker, without waiting."""
        if isinstance(self._worker, int):
            self._worker += 1

    def list(self) -> Listed:
        with self._cluster.lock:
            return self._cluster.shown(self._meet())

    def refresh(self) -> bool:
        """Let the worker read its database, as a PATCH of a model does (from 1.106 on)."""
        return self._cluster.since_106 and self._send(False, self._refresh)

    def create(self, body: Mapping[str, Any]) -> None:
        self._send(True, self._cluster.create, through_json(body))

    def update(self, name: str, body: Mapping[str, Any]) -> None:
        whole = {VALUES: {}, INFO: {}, **body}
        self._changeable(name)
        self._send(bool(body), self._cluster.update, name, through_json(whole))

    def delete(self, name: str) -> bool:
        self._changeable(name)
        return self._send(True, self._cluster.delete, name)

    def _changeable(self, name: str) -> None:
        if name in (".", "..") or "\n" in name:
            raise errors.Unchangeable("A URL cannot hold the name")

    def _refresh(self, worker: int) -> bool:
        self._cluster.poll(worker)
        return True

    def _meet(self) -> int:
        """The worker that the next request reaches."""
        worker = self._worker if isinstance(self._worker, int) else self._worker()
        worker %= len(self._cluster.memories)
        if self._cluster.polls(worker):
            self._cluster.poll(worker)
        return worker

    def _send(self, carries: bool, request: Callable[..., T], *what: Any) -> T:
        cluster = self._cluster
        with cluster.lock:
            worker = self._meet()
            cluster.writes += carries
            cluster.requests += 1
            done = cluster.faults.pop(cluster.requests, None)
            if done is None:
                return request(worker, *what)
            if done:
                with suppress(errors.GatewayError):
                    request(worker, *what)
        raise errors.OutcomeUnknown("The answer of a write was lost")


class ModelsBeside:
    """What the credentials of a gateway need of the models beside them. None names a credential.

    :param client: What lets a worker read its database, if the gateway has a model.
    """

    def __init__(self, client: Any, version: str, has_models: bool) -> None:
        self._client, self._has_models = client, has_models
        self.versions = SimpleNamespace(of_version=lambda: by_version(version))

    def reload_worker(self) -> bool:
        return self._has_models and bool(self._client.refresh())

    def naming(self, credential: str, *, test: bool) -> list[Any]:  # noqa: ARG002
        return []


def half_a_minute_passes(cluster: CredentialCluster) -> None:
    """Let every worker read the database."""
    for worker in range(len(cluster.memories)):
        cluster.poll(worker)


def open_credentials(client: Any, version: str, has_models: bool = True) -> Credentials:
    """The credentials of a gateway for a new run, which has read nothing yet."""
    beside: Any = ModelsBeside(client, version, has_models)
    return Credentials(client, beside, FINGERPRINTER)


def _row(body: Mapping[str, Any], source: str) -> Row:
    return through_json({VALUES: body[VALUES], INFO: body[INFO], LABEL: None, "source": source})


def _merge(row: Row, values: Row, deleted: Sequence[str]) -> None:
    row[VALUES].update(through_json(values))
    for key in deleted:
        row[VALUES].pop(key, None)


def _is_echo(key: str, value: Any) -> bool:
    """Whether a value is the mask of a secret, which was read and is sent back."""
    mask = isinstance(value, str) and MASK.fullmatch(value) is not None
    return mask and SECRET.search(key.lower()) is not None


def _masked(values: Row) -> Row:
    """Values as a list shows them. A mapping is looked into only where its name is a secret's."""
    shown: Row = {}
    for key, value in values.items():
        secret = SECRET.search(key.lower())
        if secret and isinstance(value, dict):
            shown[key] = _masked(value)
        elif secret and isinstance(value, str):
            shown[key] = f"{value[:2]}****{value[-2:]}" if len(value) > 4 else "*****"
        else:
            shown[key] = value
    return shown
