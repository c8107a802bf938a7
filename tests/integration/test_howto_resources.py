"""docs/howto/resources.md with a master, a minion and two gateways; see functional/test_howto."""

import time

import pytest

pytest.importorskip("salt.utils.resources", reason="Salt has resources from 3008 on")

from tests.conftest import REPO_ROOT
from tests.functional.conftest import Api
from tests.support.pages import Command, File, blocks

from .site import running

FOLDER = REPO_ROOT / "docs/howto"
REGISTERED = 60  # seconds


@pytest.fixture
def gateways(gateway, second_gateway):
    """By the name that the page gives them; their models are deleted."""
    found = {"dev": gateway, "prod": second_gateway, None: gateway}
    yield found
    for one in (gateway, second_gateway):
        for row in Api(one).named("gpt-4o"):
            Api(one).delete(row["model_info"]["id"])


@pytest.mark.long
def test_the_page(salt_factories, gateways):
    keys = {f"LITELLM_{name.upper()}_KEY": one.key for name, one in gateways.items() if name}
    keys["OPENAI_API_KEY"] = "sk-openai-0123456789"
    page = list(blocks(FOLDER / "resources.md"))
    files = [one for one in (*blocks(FOLDER / "index.md"), *page) if isinstance(one, File)]
    with running(salt_factories, files, gateways, keys) as site:
        for block in page:
            site.follow([block])
            if isinstance(block, Command) and "refresh" in block.line:
                wait_for_resources(site)
        found = {
            name: Api(gateways[name]).one("gpt-4o")["litellm_params"]["rpm"]
            for name in ("dev", "prod")
        }
        assert found == {"dev": 100, "prod": 5000}
        _, again = site.run("salt --timeout=60 -C T@litellm state.apply models")
        assert again.count("gpt-4o is as declared") == 2, again


def wait_for_resources(site):
    """A minion tells its master of them some time after it has started."""
    deadline = time.monotonic() + REGISTERED
    while site.run("salt --timeout=20 -C T@litellm test.ping")[1].count("True") < 2:
        assert time.monotonic() < deadline
        time.sleep(1)
