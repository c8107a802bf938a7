"""docs/howto/orchestrate.md with a master, a minion and two gateways; see functional/test_howto."""

import pytest

from tests.conftest import REPO_ROOT
from tests.functional.conftest import Api
from tests.support.pages import File, blocks

from .site import running

FOLDER = REPO_ROOT / "docs/howto"


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
    page = list(blocks(FOLDER / "orchestrate.md"))
    files = [one for one in (*blocks(FOLDER / "index.md"), *page) if isinstance(one, File)]
    with running(salt_factories, files, gateways, keys) as site:
        site.follow(page)
        found = {
            name: Api(gateways[name]).one("gpt-4o")["litellm_params"]["rpm"]
            for name in ("dev", "prod")
        }
        assert found == {"dev": 100, "prod": 5000}
        _, again = site.run("salt-run state.orchestrate everywhere")
        assert again.count("No changes made to gateway-admin.") == 2, again
