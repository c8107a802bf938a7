"""docs/howto/orchestrate.md with a master, a minion and two gateways; see functional/test_howto."""

import os
import re
from contextlib import ExitStack

import pytest
import salt.utils.yaml

from tests.conftest import REPO_ROOT
from tests.functional.conftest import Api
from tests.support.pages import Command, File, blocks, is_shown

from .conftest import printed_beside

FOLDER = REPO_ROOT / "docs/howto"
GATEWAY = re.compile(r"https://litellm-(?P<name>\w+)\.example\.com")
CONFIGURATION = "/etc/salt/minion.d/litellm.conf"


@pytest.fixture
def gateways(gateway, second_gateway):
    """By the name that the page gives them; their models are deleted."""
    found = {"dev": gateway, "prod": second_gateway}
    yield found
    for one in found.values():
        for row in Api(one).named("gpt-4o"):
            Api(one).delete(row["model_info"]["id"])


@pytest.fixture
def master(salt_factories, gateways):
    """A master with the files of the page, and the minion that the page names."""
    keys = {f"LITELLM_{name.upper()}_KEY": one.key for name, one in gateways.items()}
    keys["OPENAI_API_KEY"] = "sk-openai-0123456789"
    files = {
        block.path: block.text
        for page in ("index", "orchestrate")
        for block in blocks(FOLDER / f"{page}.md")
        if isinstance(block, File)
    }
    overrides = salt.utils.yaml.safe_load(files.pop(CONFIGURATION))
    master = salt_factories.salt_master_daemon("howto-master")
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
def test_the_page(master, gateways):
    for block in blocks(FOLDER / "orchestrate.md"):
        if isinstance(block, Command):
            printed = printed_beside(master, block.line)
            assert is_shown(block.shown, printed), printed
    found = {
        name: Api(one).one("gpt-4o")["litellm_params"]["rpm"] for name, one in gateways.items()
    }
    assert found == {"dev": 100, "prod": 5000}
    again = printed_beside(master, "salt-run state.orchestrate everywhere")
    assert again.count("No changes made to gateway-admin.") == 2, again
