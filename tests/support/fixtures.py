"""Fixtures that start gateways and recorders when a test first asks for them."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any

import pytest

from .gateway import Gateway, running_gateway
from .recorder import Recorder
from .upstream import Upstream

# The keys of providers that the pages of docs/ have in a gateway's environment.
PROVIDER_KEYS = {
    name: f"sk-{name.lower()}-0123456789"
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AZURE_API_KEY")
    + ("AZURE_CLIENT_SECRET", "OPENAI_API_KEY", "OPENAI_DEV_KEY", "OPENAI_PROD_KEY")
    + ("VLLM_API_KEY",)
}
# What the config file of a gateway declares: two models, with ids of their own.
CONFIGURED = [
    {
        "model_name": model_name,
        "litellm_params": {"model": "openai/gpt-4", "api_key": "sk-config"},
        "model_info": {"id": model_id},
    }
    for model_name, model_id in (
        ("config-model", "from-the-config-file"),
        ("from-config", "its-id-there"),
    )
]


@pytest.fixture(scope="session")
def shared_gateway() -> Iterator[Callable[..., Gateway]]:
    """Lend gateways, the same one to all who ask for the same settings of `running_gateway`.

    A start takes five seconds of CPU. Who borrows one leaves no model in it.
    """
    with ExitStack() as stack:
        started: dict[str, Gateway] = {}

        def lend(**options: Any) -> Gateway:
            key = json.dumps(options, sort_keys=True)
            if key not in started:
                started[key] = stack.enter_context(running_gateway(**options))
            return started[key]

        yield lend


@pytest.fixture(scope="session")
def gateway(shared_gateway: Callable[..., Gateway]) -> Gateway:
    """The gateway that most tests share; LITELLM_TEST_URL may name one that is already running."""
    url = os.environ.get("LITELLM_TEST_URL")
    if url:
        return Gateway(url.rstrip("/"), os.environ["LITELLM_TEST_KEY"])
    return shared_gateway()


@pytest.fixture(scope="session")
def second_gateway(shared_gateway: Callable[..., Gateway]) -> Iterator[Gateway]:
    """Another gateway with its own database, which has no model of others, and an environment.

    `os.environ/…` in a model refers to it, and rows for production are not its own. OpenAI is a
    provider of this machine, which takes no key.
    """
    with Upstream() as upstream:
        environment = {"OPENAI_BASE_URL": upstream.url, "LITELLM_ENVIRONMENT": "development"}
        yield shared_gateway(environment={**PROVIDER_KEYS, **environment})


@pytest.fixture(scope="session")
def configured_gateway(shared_gateway: Callable[..., Gateway]) -> Gateway:
    """A gateway whose config file declares models: `CONFIGURED`."""
    return shared_gateway(model_list=CONFIGURED)


@pytest.fixture(scope="session")
def gateway_factory() -> Iterator[Callable[..., Gateway]]:
    """Start gateways with `running_gateway`'s arguments, to stop them, or to be their first client.

    They run until the session ends.
    """
    with ExitStack() as stack:
        yield lambda **options: stack.enter_context(running_gateway(**options))


@pytest.fixture
def recorder(gateway: Gateway) -> Iterator[Recorder]:
    """A recording proxy in front of the shared gateway."""
    with Recorder(gateway.url) as started:
        yield started


@pytest.fixture
def recorder_for() -> Iterator[Callable[[Gateway], Recorder]]:
    """Start recording proxies in front of gateways; they run until the test ends."""
    with ExitStack() as stack:
        yield lambda gateway: stack.enter_context(Recorder(gateway.url))
