"""Starts and stops a real LiteLLM proxy on a real PostgreSQL.

`python -m tests.support.gateway` starts one and keeps it until Ctrl-C.
"""

from __future__ import annotations

import argparse
import functools
import os
import re
import secrets
import signal
import socket
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import requests
import yaml

from .errors import GatewayError
from .install import DEFAULT_VERSION, Installation, installed
from .postgres import running_postgres
from .processes import GuardedProcess, Service, run, tell_what_is_done

__all__ = ["DEFAULT_VERSION", "Gateway", "GatewayError", "running_gateway"]

START_SECONDS = 120
PORT_ATTEMPTS = 5
STARTED = "Application startup complete."
PORT_TAKEN = re.compile("address already in use|EADDRINUSE", re.IGNORECASE)
HEALTH_CHECK = "--timeout_worker_healthcheck"


@dataclass(frozen=True)
class Gateway:
    """A running gateway and its admin key; if we have started it, also its processes."""

    url: str
    key: str = field(repr=False)
    proxy: Service | None = field(default=None, repr=False)
    database: Service | None = field(default=None, repr=False)
    psql: tuple[str, ...] = field(default=(), repr=False)

    def request(self, method: str, path: str, **options: Any) -> requests.Response:
        """Send one plain request with the admin key, independent of the code under test."""
        headers = {"Authorization": f"Bearer {self.key}", **options.pop("headers", {})}
        options.setdefault("timeout", 60)
        return requests.request(method, self.url + path, headers=headers, **options)

    def sql(self, statement: str, *options: str) -> str:
        """Run a statement in the database, if we have started it: what LiteLLM's API cannot do.

        :param options: Options of psql, such as ``-At``: print values only.
        """
        purpose = "running a statement in the database"
        return run(*self.psql, *options, "-c", statement, purpose=purpose)


@contextmanager
def running_gateway(
    *,
    litellm_version: str = DEFAULT_VERSION,
    workers: int = 1,
    model_list: Sequence[Mapping[str, Any]] = (),
    credential_list: Sequence[Mapping[str, Any]] = (),
    general_settings: Mapping[str, Any] | None = None,
    router_settings: Mapping[str, Any] | None = None,
    environment: Mapping[str, str] | None = None,
) -> Iterator[Gateway]:
    """Run a gateway with its own database until the block ends.

    :param environment: More variables. With the `DATABASE_URL` of another gateway and other values,
        it is that gateway after its settings were changed.
    """
    settings = {"master_key": f"sk-{secrets.token_hex(24)}", **(general_settings or {})}
    config = {
        "model_list": [dict(model) for model in model_list],
        "credential_list": [dict(credential) for credential in credential_list],
        "general_settings": settings,
        "litellm_settings": {"telemetry": False},
        **({"router_settings": dict(router_settings)} if router_settings else {}),
    }
    with (
        installed(litellm_version) as installation,
        running_postgres(installation.postgres_programs, installation.template) as (
            place,
            database,
        ),
        _proxy(
            installation,
            config,
            {**_environment(installation, place), **(environment or {})},
            workers,
        ) as (url, proxy),
    ):
        psql = (str(installation.postgres_programs / "psql"), "--no-psqlrc", "-q", place)
        yield Gateway(url, settings["master_key"], proxy, database, psql)


def _environment(installation: Installation, database: str) -> dict[str, str]:
    """The environment of the proxy. It has nothing of ours: no provider's key may reach a test."""
    return {
        "PATH": os.pathsep.join((str(installation.programs), os.defpath)),
        "LANG": "C.UTF-8",
        "PYTHONUNBUFFERED": "1",
        "PYTHONDONTWRITEBYTECODE": "1",
        "DATABASE_URL": database,
        "PRISMA_QUERY_ENGINE_BINARY": str(installation.programs / "query-engine"),
        "LITELLM_SALT_KEY": f"sk-{secrets.token_hex(24)}",
        "LITELLM_MODE": "PRODUCTION",  # no .env file
        "LITELLM_LOCAL_MODEL_COST_MAP": "True",  # no download
        "LITELLM_TELEMETRY": "False",
        "STORE_MODEL_IN_DB": "True",
        "DISABLE_SCHEMA_UPDATE": "True",
        "DISABLE_ADMIN_UI": "True",
        "NO_DOCS": "True",
        "NO_REDOC": "True",
        "NO_OPENAPI": "True",
    }


@contextmanager
def _proxy(
    installation: Installation, config: Mapping[str, Any], environment: dict[str, str], workers: int
) -> Iterator[tuple[str, Service]]:
    key = config["general_settings"]["master_key"]
    for attempt in range(PORT_ATTEMPTS):
        url, process = _launch(installation, config, environment, workers)
        try:
            ready = functools.partial(_wait_until_ready, process, url, key, workers)
            if ready(0):
                yield url, Service(process, ready)
                return
            port_taken = PORT_TAKEN.search(process.log())
            if not port_taken or attempt + 1 == PORT_ATTEMPTS:
                late = f"was not ready after {START_SECONDS} seconds"
                what = late if process.running() else "did not start"
                raise GatewayError(f"the LiteLLM proxy {what}:\n{process.log_tail()}")
        finally:
            process.stop()


def _launch(
    installation: Installation, config: Mapping[str, Any], environment: dict[str, str], workers: int
) -> tuple[str, GuardedProcess]:
    folder = Path(tempfile.mkdtemp(prefix="litellm-gateway-"))
    file = folder / "config.yaml"
    file.write_text(yaml.safe_dump(config, allow_unicode=True), encoding="utf-8")
    port = _free_port()
    process = GuardedProcess(
        installation.litellm,
        *("--config", file, "--host", "127.0.0.1", "--port", str(port)),
        *_workers(installation, workers),
        folder=folder,
        environment={"HOME": str(folder), "TMPDIR": str(folder), **environment},
        stop_signal="SIGKILL",  # its database is deleted too: it need not finish anything
    )
    return f"http://127.0.0.1:{port}", process


def _workers(installation: Installation, workers: int) -> list[str]:
    """The options for the number of workers. Uvicorn must not restart workers that are only slow.

    LiteLLM 1.83.14 does not have the second option.
    """
    options = ["--num_workers", str(workers)]
    program = installation.packages / "litellm" / "proxy" / "proxy_cli.py"
    if workers > 1 and HEALTH_CHECK in program.read_text(encoding="utf-8"):
        options += [HEALTH_CHECK, "120"]
    return options


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _wait_until_ready(process: GuardedProcess, url: str, key: str, workers: int, told: int) -> bool:
    """Wait until every worker says that it is ready, and our gateway answers on this port.

    :param told: The length of the log before the start.
    """
    deadline = time.monotonic() + START_SECONDS
    while process.running() and time.monotonic() < deadline:
        if process.log()[told:].count(STARTED) >= workers and _knows(url, key):
            return True
        time.sleep(0.05)
    return False


def _knows(url: str, key: str) -> bool:
    try:
        return Gateway(url, key).request("GET", "/v2/model/info", timeout=5).ok
    except requests.RequestException:
        return False


def main() -> int:
    """Run one gateway until Ctrl-C."""
    parser = argparse.ArgumentParser(prog="python -m tests.support.gateway", description=__doc__)
    parser.add_argument("--litellm-version", default=DEFAULT_VERSION)
    parser.add_argument("--workers", type=int, default=1)
    parser.add_argument(
        "--config", type=Path, help="a YAML file with a model_list, and perhaps router_settings"
    )
    arguments = parser.parse_args()
    for number in (signal.SIGINT, signal.SIGTERM):  # SIGINT too: a shell's `&` has it ignored
        signal.signal(number, signal.default_int_handler)
    tell_what_is_done()
    try:
        models, router_settings = _read_config(arguments.config)
        with running_gateway(
            litellm_version=arguments.litellm_version,
            workers=arguments.workers,
            model_list=models,
            router_settings=router_settings,
        ) as gateway:
            print(
                f"export LITELLM_DEV_URL={gateway.url} LITELLM_DEV_KEY={gateway.key} "
                f"LITELLM_TEST_URL={gateway.url} LITELLM_TEST_KEY={gateway.key}",
                flush=True,
            )
            print("The gateway runs until Ctrl-C.", file=sys.stderr)
            signal.pause()
    except KeyboardInterrupt:
        return 0
    except GatewayError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    return 0


def _read_config(config: Path | None) -> tuple[list[dict[str, Any]], dict[str, Any]]:
    if config is None:
        return [], {}
    try:
        found = yaml.safe_load(config.read_text(encoding="utf-8"))
        return list(found["model_list"]), dict(found.get("router_settings") or {})
    except (OSError, yaml.YAMLError, KeyError, TypeError) as error:
        raise GatewayError(f"{config} has no readable model_list: {error}") from error


if __name__ == "__main__":
    sys.exit(main())
