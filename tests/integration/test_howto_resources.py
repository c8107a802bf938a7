"""docs/howto/resources.md with a master, a minion and two gateways; see functional/test_howto."""

import os
import re
import subprocess
import time
from contextlib import ExitStack

import pytest
import salt.utils.yaml
import salt.version

from tests.conftest import REPO_ROOT
from tests.functional.conftest import Api
from tests.support.pages import Command, File, blocks, is_shown

from .conftest import beside, printed_beside

FOLDER = REPO_ROOT / "docs/howto"
GATEWAY = re.compile(r"https://litellm-(?P<name>\w+)\.example\.com")
CONFIGURATION = "/etc/salt/minion.d/litellm.conf"
REGISTERED = 60  # seconds
WITHOUT_RESOURCES = pytest.mark.skipif(
    salt.version.__saltstack_version__.major < 3008, reason="Salt has resources from 3008 on"
)


@pytest.fixture
def gateways(gateway, second_gateway):
    """By the name that the pages give them; their models are deleted."""
    found = {"dev": gateway, "prod": second_gateway}
    yield found
    for one in found.values():
        for row in Api(one).named("gpt-4o"):
            Api(one).delete(row["model_info"]["id"])


@pytest.fixture
def page(request):
    return request.param


@pytest.fixture
def master(salt_factories, gateways, page):
    """A master with the files of the page, and the minion that the page names."""
    keys = {f"LITELLM_{name.upper()}_KEY": one.key for name, one in gateways.items()}
    keys["OPENAI_API_KEY"] = "sk-openai-0123456789"
    files = {
        block.path: block.text
        for name in ("index", page)
        for block in blocks(FOLDER / f"{name}.md")
        if isinstance(block, File)
    }
    overrides = salt.utils.yaml.safe_load(files.pop(CONFIGURATION))
    master = salt_factories.salt_master_daemon(f"howto-{page}")
    minion = master.salt_minion_daemon("gateway-admin", overrides=overrides)
    minion.environ = {**os.environ, **keys}
    trees = {"/srv/salt": master.state_tree, "/srv/pillar": master.pillar_tree}
    with ExitStack() as stack:
        for path, text in files.items():
            folder, _, file = path.rpartition("/")
            here = GATEWAY.sub(lambda found: gateways[found["name"]].url, text)
            stack.enter_context(trees[folder].base.temp_file(file, here))
        stack.enter_context(master.started())
        stack.enter_context(minion.started())
        yield master


@pytest.mark.long
@pytest.mark.parametrize(
    ("page", "again"),
    [
        pytest.param(
            "resources",
            ("salt --timeout=60 -C T@litellm state.apply models", "gpt-4o is as declared"),
            marks=WITHOUT_RESOURCES,
        ),
    ],
    indirect=["page"],
)
def test_the_page(master, gateways, page, again):
    for block in blocks(FOLDER / f"{page}.md"):
        if isinstance(block, Command):
            printed = printed_beside(master, block.line)
            assert is_shown(block.shown, printed), f"$ {block.line}\n{printed}"
            if "refresh" in block.line:
                wait_for_resources(master)
    found = {
        name: Api(one).one("gpt-4o")["litellm_params"]["rpm"] for name, one in gateways.items()
    }
    assert found == {"dev": 100, "prod": 5000}
    line, expected = again
    printed = printed_beside(master, line)
    assert printed.count(expected) == len(gateways), printed


def wait_for_resources(master):
    """A minion tells its master of them some time after it has started."""
    deadline = time.monotonic() + REGISTERED
    command = beside(master, "salt --timeout=20 -C T@litellm test.ping")
    while subprocess.run(command, capture_output=True, check=False).stdout.count(b"True") < 2:
        assert time.monotonic() < deadline
        time.sleep(1)
