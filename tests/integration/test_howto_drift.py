"""docs/howto/drift.md with a master, a minion and gateways that are edited by hand and stopped."""

import json
import time
from pathlib import Path

import pytest

from tests.conftest import REPO_ROOT
from tests.functional.conftest import Api
from tests.support.pages import Command, File, Fresh, blocks, is_shown

from .site import running

BLOCKS = list(blocks(REPO_ROOT / "docs/howto/drift.md"))
HALF = next(number for number, block in enumerate(BLOCKS) if isinstance(block, Fresh))
BEACON, SCHEDULE = BLOCKS[:HALF], BLOCKS[HALF:]
OPENAI = "sk-openai-0123456789"
SOON = {"interval: 60": "interval: 2"}
INTERVALS = 5  # seconds: two of them, and some time

pytestmark = pytest.mark.long


def of_kind(kind, of):
    return [block for block in of if isinstance(block, kind)]


@pytest.fixture(scope="module")
def gateway(gateway_factory):
    """One that may be stopped."""
    return gateway_factory()


@pytest.fixture
def api(gateway):
    api = Api(gateway)
    yield api
    api.empty()


def edit(api, rpm):
    """What somebody does in LiteLLM's UI."""
    api.patch(api.one("gpt-4o")["model_info"]["id"], litellm_params={"rpm": rpm})


def limit(api):
    return api.one("gpt-4o")["litellm_params"]["rpm"]


@pytest.fixture
def site(salt_factories, gateway, api, request):
    keys = {"LITELLM_ADMIN_KEY": gateway.key, "OPENAI_API_KEY": OPENAI}
    settings = getattr(request, "param", {})
    files = of_kind(File, BEACON)
    with running(salt_factories, files, {None: gateway}, keys, SOON, **settings) as site:
        yield site


def wait_for(condition, seconds=120):
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.2)


def kinds(lines):
    return [line.split("/")[4] for line in lines]


def test_the_beacon(site, api, gateway):
    """Edit by hand, event, healed; then the gateway is stopped, and comes back."""
    first, watch = of_kind(Command, BEACON)
    site.follow([first])
    assert limit(api) == 100
    with site.watching(watch.line) as lines:
        time.sleep(INTERVALS)
        assert lines() == []  # all is as declared, and always was
        edit(api, 7)
        wait_for(lambda: len(lines()) >= 2)
        time.sleep(INTERVALS)
        assert is_shown(watch.shown, "".join(lines())), lines()
        assert limit(api) == 100
        gateway.proxy.kill()
        wait_for(lambda: len(lines()) >= 3)
        time.sleep(INTERVALS)
        assert kinds(lines()) == ["drift", "converged", "unreachable"], lines()
        gateway.proxy.start()
        wait_for(lambda: len(lines()) >= 4)
        time.sleep(INTERVALS)
        assert kinds(lines()) == ["drift", "converged", "unreachable", "converged"], lines()
        assert gateway.key not in "".join(lines())
    _, again = site.run("salt gateway-admin state.apply models test=True")
    assert "All 2 models are as declared" in again


@pytest.mark.parametrize(
    "site", [{"multiprocessing": True}, {"multiprocessing": False}], indirect=True, ids=str
)
def test_what_was_told_is_told_once_whatever_the_minion_does_meanwhile(site, api):
    """Nothing heals here: what the reactor is to apply is not there."""
    first, watch = of_kind(Command, BEACON)
    site.follow([first])
    Path(site.master.state_tree.base.write_path, "heal.sls").unlink()
    with site.watching(watch.line) as lines:
        edit(api, 7)
        wait_for(lines)
        for call in (
            "saltutil.refresh_pillar wait=True",
            "saltutil.refresh_modules",
            "saltutil.sync_all",
            "state.apply models test=True",
        ):
            assert site.run(f"salt gateway-admin {call}")[0] == 0
            time.sleep(INTERVALS)
        assert kinds(lines()) == ["drift"], lines()
        site.minion.terminate()
        site.minion.start()
        time.sleep(2 * INTERVALS)
        assert kinds(lines()) == ["drift"], lines()
        assert site.run("salt gateway-admin state.apply models")[0] == 0
        wait_for(lambda: len(lines()) >= 2)
        time.sleep(INTERVALS)
        assert kinds(lines()) == ["drift", "converged"], lines()


def test_the_schedule(salt_factories, gateway, second_gateway, api, tmp_path):
    """A dry run finds the drift of one of two gateways, tells of it, and leaves it."""
    gateways = {"europe": gateway, "america": second_gateway}
    keys = {f"LITELLM_{name.upper()}_KEY": one.key for name, one in gateways.items()}
    keys["OPENAI_API_KEY"] = OPENAI
    replaced = {"hours: 1": "seconds: 10", "/var/log/salt": str(tmp_path)}
    first, *last = of_kind(Command, SCHEDULE)
    found = tmp_path / "litellm-drift.json"

    def reports():
        return len(found.read_text().splitlines()) if found.exists() else 0

    with running(salt_factories, of_kind(File, SCHEDULE), gateways, keys, replaced) as site:
        site.follow([first])
        edit(api, 7)
        told = reports()
        # The next one may have looked before the edit, but the one after it has not.
        wait_for(lambda: reports() >= told + 2)
        site.follow(last)
        assert limit(api) == 7
        line = found.read_text().splitlines()[-1]
    results = {
        result["__id__"]: (result["result"], result["changes"])
        for result in json.loads(line)["return"].values()
    }
    assert results == {
        "models of europe": (None, {"gpt-4o": {"rpm": {"old": 7, "new": 100}}}),
        "models of america": (True, {}),
    }
    assert not [key for key in keys.values() if key in found.read_text()]
    for row in Api(second_gateway).named("gpt-4o"):
        Api(second_gateway).delete(row["model_info"]["id"])
