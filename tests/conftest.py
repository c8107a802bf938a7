"""Fixtures of all tests: the gateways of tests/support, and Salt's own test tools."""

import inspect
from pathlib import Path

import pytest
from salt._logging.impl import shutdown_temp_handler

# Salt collects log records until its logging is set up, and prints them at exit, when stderr is
# closed.
shutdown_temp_handler()

pytest_plugins = ["tests.support.fixtures", "tests.support.survived"]

REPO_ROOT = Path(__file__).resolve().parent.parent


def public_functions(module):
    """The functions that a module defines and that Salt shows, by their names in it."""
    return {
        name: function
        for name, function in inspect.getmembers(module, inspect.isfunction)
        if not name.startswith("_") and function.__module__ == module.__name__
    }


@pytest.fixture(scope="session")
def salt_factories_config():
    return {"code_dir": str(REPO_ROOT), "start_timeout": 60}


@pytest.fixture
def no_environment(monkeypatch):
    """Without the proxies, certificates and logins of the machine."""
    for name in ("http_proxy", "https_proxy", "all_proxy", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)
    for name in ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "NETRC"):
        monkeypatch.delenv(name, raising=False)
