"""Fixtures that start gateways and recorders when a test first asks for them."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import ExitStack

import pytest

from .gateway import Gateway, running_gateway
from .recorder import Recorder


@pytest.fixture(scope="session")
def gateway() -> Iterator[Gateway]:
    """The gateway that most tests share; LITELLM_TEST_URL may name one that is already running."""
    url = os.environ.get("LITELLM_TEST_URL")
    if url:
        yield Gateway(url.rstrip("/"), os.environ["LITELLM_TEST_KEY"])
        return
    with running_gateway() as started:
        yield started


@pytest.fixture(scope="session")
def second_gateway() -> Iterator[Gateway]:
    """Another gateway with its own database."""
    with running_gateway() as started:
        yield started


@pytest.fixture(scope="session")
def gateway_factory() -> Iterator[Callable[..., Gateway]]:
    """Start gateways with `running_gateway`'s arguments; they run until the session ends."""
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
