"""A model of a LiteLLM gateway in memory: one database, and workers that may know old rows.

It does what LiteLLM's own code does in 1.83.14 and 1.106.2, and what is known of 1.109. Its client
has the same methods as our endpoints, so tests use it in the place of a gateway without HTTP.
"""

from __future__ import annotations

import base64
import hashlib
import json
import re
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from itertools import takewhile
from threading import RLock
from typing import Any, TypeVar

from saltext_litellm import errors

Row = dict[str, Any]
T = TypeVar("T")

FALSE_UNLESS_SENT = "merge_reasoning_content_in_choices use_in_pass_through use_litellm_proxy"
FALSE_SINCE_106 = " allow_client_keepalive_override use_xai_oauth"
INTEGER = "[rt]pm|max_retries|default_api_key_[rt]pm_limit"
SECONDS = ("timeout", "stream_timeout")
YES_AND_NO = dict.fromkeys(("1", "1.0", "true", "t", "yes", "y", "on"), True)
YES_AND_NO |= dict.fromkeys(("0", "0.0", "false", "f", "no", "n", "off"), False)
PRICE = r"(input|output|citation)_cost_per_|(explicit_)?cache_\w+_token_cost"
NO_INFO = f"{PRICE}|(tiered_pricing|pricing_overrides|.*_above_[0-9]+k?_tokens(_batches)?)$"
MIRRORED = "(input|output)_cost_per_(token|character)"
SINCE_106 = "|cache_(read|creation)_input_token_cost|tiered_pricing"
SINCE_109 = "|explicit_cache_read_.*|cache_creation_input_token_cost_above_(1hr|12hr.*)"
CLEARED = "|cache_control_injection_points|litellm_credential_name"
LEFT_OUT = "api_key|client_secret|vertex_(ai_)?credentials|aws_(access_key_id|secret_access_key)"
MASKED_BY_MODEL = "api_key|vertex_credentials|aws_(access_key_id|secret_access_key)"
SECRET = "password|secret|key|token|auth|authorization|credentials?|access|private|certificate"
SECRET += "|fingerprint|tenancy"
NEVER_MASKED = "litellm_credential_name|default_api_key_[rt]pm_limit|(.*[_-])?cost([_-].*)?"
NOTHING = "(?!)"


class Matches(dict[str, bool]):
    """Whether a pattern matches a whole key. It is asked for the same few keys again and again."""

    def __init__(self, pattern: str) -> None:
        self._pattern = re.compile(pattern, re.DOTALL)

    def __missing__(self, key: str) -> bool:
        self[key] = self._pattern.fullmatch(key) is not None
        return self[key]


IS_LEFT_OUT = Matches(LEFT_OUT)


class Cluster:
    """The database, and the rows in the router of each worker. Tests may change everything."""

    def __init__(
        self, version: str = "1.106.2", workers: int = 1, config: Sequence[Mapping[str, Any]] = ()
    ) -> None:
        self.version = version
        release = tuple(int(part) for part in version.split(".")[:2])
        self.since_106, self.since_109 = release >= (1, 106), release >= (1, 109)
        self.table: dict[str, Row] = {}
        self.routers: list[dict[str, Row]] = [{} for _ in range(workers)]
        self.config: dict[str, Row] = {
            row.get("model_info", {}).get("id", f"config-{number}"): through_json(row)
            for number, row in enumerate(config)
        }
        self.writes = 0  # writes with a body, done or not
        self.requests = 0  # all writes, also a PATCH without a body
        self.faults: dict[int, bool] = {}  # the writes whose answers are lost: whether each is done
        self.lock = RLock()  # clients may be in several threads
        self.patching = 0  # for so many reads the router is empty, as during a PATCH (1.83)
        self.cost_map: dict[str, Any] = {}
        self.types: dict[str, Callable[[Any], Any]] = {}  # of further fields that it declares
        self.environ: dict[str, str] = {}  # what `os.environ/X` stands for on the gateway
        self.unservable: Callable[[Mapping[str, Any]], bool] = lambda row: str(
            row["litellm_params"].get("model")
        ).startswith("no-such-provider/")
        # A row that LiteLLM cannot even load: with it the view of the database is empty, and since
        # 1.106 the rows after it are served as they were.
        self.unloadable: Callable[[Mapping[str, Any]], bool] = lambda _: False
        since = self.since_106
        self.false = dict.fromkeys((FALSE_UNLESS_SENT + FALSE_SINCE_106 * since).split(), False)
        mirrored = MIRRORED + SINCE_106 * since + SINCE_109 * self.since_109
        self.mirrored = Matches(mirrored)
        self.cleared = re.compile(mirrored + CLEARED if since else NOTHING)
        self.dropped = re.compile(NO_INFO if since else NOTHING)
        self.by_model = Matches(MASKED_BY_MODEL + "|azure_ad_token|client_secret" * since)
        secrets = f"(.*[_-])?({SECRET}{'|cookie' * since})([_-].*)?"
        self.secret = Matches(f"(?!({NEVER_MASKED})$){secrets}")

    def client(self, worker: int | Callable[[], int] = 0) -> Client:
        """A client of one worker, or of a load balancer that chooses a worker for each request."""
        return Client(self, worker)

    def poll(self, worker: int) -> None:
        """Let a worker read the database again.

        Since 1.106, a worker goes on serving the old row if it cannot serve the new one.
        """
        before = self.routers[worker] if self.since_106 else {}
        good = takewhile(lambda item: not self.unloadable(item[1]), self.table.items())
        kept = {key: row for key, row in before.items() if key in self.table}
        served = kept | {key: before.get(key) if self.unservable(row) else row for key, row in good}
        self.routers[worker] = through_json({k: row for k, row in served.items() if row})

    def change_key(self) -> None:
        """Start again with another LITELLM_SALT_KEY: LiteLLM shows and sends ciphertext then."""
        for row in self.table.values():
            for key, value in row["litellm_params"].items():
                if isinstance(value, str):
                    row["litellm_params"][key] = encrypted(value)
        self.unservable = lambda row: "/" not in row["litellm_params"]["model"]
        self.routers = [{} for _ in self.routers]

    def lose(self, k: int, done: bool) -> None:
        """Lose the answer of the k-th write from now on (1 is the next one), done or not done."""
        self.faults[self.requests + k] = done

    def create(self, worker: int, body: Row) -> Row:
        info: Row = {"db_model": False, **self._info(body.get("model_info") or {})}
        model_id = info.setdefault("id", f"random-{self.requests}")
        params = self._coerced(self.false | body["litellm_params"])
        if model_id in self.table:
            raise errors.AlreadyThere("Failed to add model to db. Check your server logs", 500)
        row = {"model_name": body["model_name"], "litellm_params": params, "model_info": info}
        self.table[model_id] = row | {"blocked": bool(self.since_106 and body.get("blocked"))}
        return self._answer(worker, model_id)

    def update(self, worker: int, model_id: str, body: Row) -> Row:
        sent, info = body.get("litellm_params"), body.get("model_info")
        removed = (body.get("litellm_params_to_remove") or []) if self.since_109 else []
        if {"model", *(sent or ())} & set(removed):
            raise errors.GatewayError("litellm_params_to_remove: sent as well, or required", 422)
        false = {} if self.since_109 else self.false  # what a PATCH resets
        coerced = {} if sent is None else self._coerced({**false, **sent})
        if model_id not in self.table:
            raise errors.NotInDatabase(f"Model {model_id} not found on proxy.", 404)
        row = self.table[model_id]
        row["model_name"] = body.get("model_name") or row["model_name"]
        if self.since_106 and body.get("blocked") is not None:
            row["blocked"] = body["blocked"]
        row["litellm_params"] = {**false, **row["litellm_params"], **coerced}
        if info is not None:
            assert info.get("id") == model_id, "LiteLLM would store a random id"
            row["model_info"] |= {"db_model": False} | self._info(info)
        nulls = [
            key for key, v in (sent or {}).items() if v is None and self.cleared.fullmatch(key)
        ]
        for key in nulls + removed:
            row["litellm_params"].pop(key, None)
        return self._answer(worker, model_id)

    def delete(self, worker: int, model_id: str) -> bool:
        if self.table.pop(model_id, None) is None:
            return False
        self.routers[worker].pop(model_id, None)
        return True

    def block(self, worker: int, model_id: str, blocked: bool) -> Row:
        if not self.since_106:
            raise errors.NotInDatabase("Not Found", 404)
        return self.update(worker, model_id, {"blocked": blocked})

    def _answer(self, worker: int, model_id: str) -> Row:
        """The answer of a write. Its worker has read the database again."""
        self.poll(worker)
        if self.since_106 and model_id not in self.routers[worker]:
            raise errors.NotServed(f"Saved to the database, but {model_id} is not live", 500)
        row = through_json(self.table[model_id])
        for key, value in row["litellm_params"].items():
            if isinstance(value, str):
                row["litellm_params"][key] = encrypted(value)
        if not self.since_106:
            row.pop("blocked", None)
        return {"model_id": model_id, **row}

    def _info(self, info: Row) -> Row:
        """The model_info that is stored: without nulls and, since 1.106, without prices."""
        kept = {k: v for k, v in info.items() if v is not None and not self.dropped.match(k)}
        return {k: self.types[k](v) if k in self.types else v for k, v in kept.items()}

    def _coerced(self, params: Row) -> Row:
        """The litellm_params that are stored: without nulls, and in LiteLLM's own types."""
        kept = {key: value for key, value in params.items() if value is not None}
        for key, value in kept.items():
            try:
                kept[key] = self._typed(key, value)
            except (KeyError, TypeError, ValueError):
                raise errors.GatewayError(f"{key}: not a valid value", 422) from None
        return {key: value for key, value in kept.items() if value is not None}

    def _typed(self, key: str, value: Any) -> Any:
        if key in self.types:
            return self.types[key](value)
        if re.fullmatch(INTEGER, key):
            if float(value) % 1:
                raise ValueError(value)
            return int(float(value))
        if re.match(PRICE, key) or (key in SECONDS and not isinstance(value, str)):
            return float(value)
        if key == "drop_params" and self.since_106:
            return YES_AND_NO.get(str(value).lower(), value if isinstance(value, str) else None)
        return YES_AND_NO[str(value).lower()] if key in self.false else value

    def held(self, worker: int) -> dict[str, Row]:
        """The rows in a worker's router at this moment, those of the config file first."""
        emptied, self.patching = self.patching > 0, max(0, self.patching - 1)
        return self.config | ({} if emptied else self.routers[worker])

    def loaded(self, row: Row) -> Row:
        """The parameters of a row as a worker uses them, without references to unset variables."""
        params: Row = {**self.false, **row["litellm_params"]}
        for key, value in params.items():
            if self.since_106 and isinstance(value, str) and value.startswith("os.environ/"):
                params[key] = self.environ.get(value.partition("/")[2])
            if key in self.types:
                params[key] = self.types[key](value)
        return {key: value for key, value in params.items() if value is not None}

    def shown(self, model_id: str, row: Row) -> Row:
        """A row as a list shows it: some secrets are missing, some are masked, facts are added."""
        params = self.loaded(row)
        model = str(params.get("model"))
        info = self.cost_map.get(model) or self.cost_map.get(model.rpartition("/")[2]) or {}
        info = {**info, **row.get("model_info", {})}
        info |= {key: value for key, value in params.items() if self.mirrored[key]}
        info |= {"id": model_id, "db_model": model_id not in self.config}
        if self.since_106 and info["db_model"]:
            info["blocked"] = row.get("blocked", False)
        params = {key: value for key, value in params.items() if not IS_LEFT_OUT[key]}
        shown = {"litellm_params": self._masked(params), "model_info": through_json(info)}
        return {"model_name": row["model_name"], **shown}

    def _masked(self, value: Any, key: str = "") -> Any:
        if isinstance(value, dict):
            return {name: self._masked(item, name) for name, item in value.items()}
        if isinstance(value, list):  # what is no string in it is never masked
            return [self._masked(i, key if isinstance(i, (str, list)) else "") for i in value]
        if not self.secret[key.lower()]:
            return "None" if value is None else value
        text = "" if value is None else str(value)
        if len(text) <= 8:
            return "*" * len(text) if self.since_106 else text
        return text[:4] + "*" * (len(text) - 8) + text[-4:]


class Client:
    """The requests of one client: it has the methods of our endpoints."""

    url = "cluster"

    def __init__(
        self, cluster: Cluster, worker: int | Callable[[], int], connections: int = 1
    ) -> None:
        self._cluster, self._worker = cluster, worker
        self.connections = connections

    def another(self) -> Client:
        return Client(self._cluster, self._worker)

    def elsewhere(self, seconds: float) -> None:  # noqa: ARG002
        """Open a new connection: it always reaches the next worker, without waiting."""
        if isinstance(self._worker, int):
            self._worker += 1

    def database(self, pattern: str = "%%") -> list[Row]:
        """The rows of the database. Those that the router also finds are its own, older copies."""
        cluster, held, term = self._cluster, self._held(), pattern.lower().strip()
        like = _like(term) if held and term else re.compile(NOTHING)
        with cluster.lock:
            table = dict(cluster.table)
        found = {k: row for k, row in table.items() if like.fullmatch(row["model_name"])}
        if any(map(cluster.unloadable, found.values())):
            return []
        for model_id, row in held.items():  # since 1.109 the upstream model is searched as well
            upstream = str(row["litellm_params"].get("model")) * cluster.since_109
            if term in row["model_name"].lower() or term in upstream.lower():
                found[model_id] = row
        return [cluster.shown(model_id, row) for model_id, row in found.items()]

    def router(self) -> list[Row]:
        """The rows that a worker serves."""
        return [self._cluster.shown(model_id, row) for model_id, row in self._held().items()]

    def masked_secrets(self, model_id: str) -> dict[str, str] | None:
        row = self._held().get(model_id)
        if row is None or "/" in model_id or row.get("blocked"):
            return None
        params, shown = self._cluster.loaded(row).items(), self._cluster.by_model
        texts = {key: str(value) for key, value in params if shown[key]}
        return {k: f"{v[:2]}****{v[-2:]}" if len(v) > 4 else "*****" for k, v in texts.items()}

    def providers(self) -> list[str]:
        return []

    def resolves(self, model: str) -> bool:
        return not model.startswith("unknown-provider/")

    def cost_map(self) -> dict[str, Any]:
        return through_json(self._cluster.cost_map)

    def version(self) -> str | None:
        return self._cluster.version

    def create(self, body: Mapping[str, Any]) -> Row:
        return self._write(True, self._cluster.create, through_json(body))

    def update(self, model_id: str, body: Mapping[str, Any]) -> Row:
        if "/" in model_id:
            there = model_id in self._cluster.table
            raise errors.Unchangeable("slash") if there else errors.NotInDatabase("not there", 404)
        return self._write(bool(body), self._cluster.update, model_id, through_json(body))

    def delete(self, model_id: str) -> bool:
        return self._write(True, self._cluster.delete, model_id)

    def block(self, model_id: str, blocked: bool) -> Row:
        return self._write(True, self._cluster.block, model_id, blocked)

    def _meet(self) -> int:
        """The worker that the next request reaches."""
        worker = self._worker if isinstance(self._worker, int) else self._worker()
        return worker % len(self._cluster.routers)

    def _held(self) -> dict[str, Row]:
        return self._cluster.held(self._meet())

    def _write(self, carries: bool, write: Callable[..., T], *what: Any) -> T:
        cluster, worker = self._cluster, self._meet()
        with cluster.lock:
            cluster.writes += carries
            cluster.requests += 1
            done = cluster.faults.pop(cluster.requests, None)
            if done is None:
                return write(worker, *what)
            if done:
                with suppress(errors.GatewayError):
                    write(worker, *what)
        raise errors.OutcomeUnknown("The answer of a write was lost")


def through_json(body: Mapping[str, Any]) -> Row:
    parsed: Row = json.loads(json.dumps(body, allow_nan=False))
    return parsed


def encrypted(text: str) -> str:
    """A text as LiteLLM encrypts it: 40 bytes more, in base64."""
    noise = hashlib.sha512(text.encode()).digest()[:40]
    return base64.urlsafe_b64encode(noise + text.encode()).decode()


def _like(term: str) -> re.Pattern[str]:
    """SQL's `ILIKE '%term%'`. The term is not escaped, because LiteLLM sends it so."""
    parts = re.findall(r"\\.|.", f"%{term}%", re.DOTALL)
    expressions = [{"%": ".*", "_": "."}.get(part, re.escape(part[-1])) for part in parts]
    return re.compile("".join(expressions), re.DOTALL | re.IGNORECASE)
