"""docs/howto/resources.md with a master, a minion and two gateways; see functional/test_howto."""

import time

import pytest

pytest.importorskip("salt.utils.resources", reason="Salt has resources from 3008 on")

from tests.support.pages import Command

from .site import running_page

REGISTERED = 60  # seconds


@pytest.mark.long
def test_the_page(salt_factories, gateway, second_gateway):
    with running_page(salt_factories, gateway, second_gateway, "resources.md") as found:
        site, page, limits = found
        for block in page:
            site.follow([block])
            if isinstance(block, Command) and "refresh" in block.line:
                wait_for_resources(site)
        assert limits() == {"dev": 100, "prod": 5000}
        assert '"prod": [' in site.run("salt prod litellm_model.list --out=json")[1]
        _, again = site.run("salt --timeout=60 -C T@litellm state.apply models")
        assert again.count("gpt-4o is as declared") == 2, again


def wait_for_resources(site):
    """A minion tells its master of them some time after it has started."""
    deadline = time.monotonic() + REGISTERED
    while site.run("salt --timeout=20 -C T@litellm test.ping")[1].count("True") < 2:
        assert time.monotonic() < deadline
        time.sleep(1)
