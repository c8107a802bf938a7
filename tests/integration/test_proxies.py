"""Salt's proxies: one of its own serves a gateway, and from a deltaproxy nothing is sent."""

import json
import shutil
import subprocess
import sys
import time
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest

from tests.functional.conftest import Api
from tests.support.recorder import Recorder

pytestmark = pytest.mark.long

SALT = Path(sys.executable).with_name("salt")
MODEL = "proxy-model"
SLS = f"""
{MODEL}:
  litellm_model.present:
    - custom_llm_provider: openai
    - base_model: gpt-4
"""
PATIENCE = 180  # seconds


@pytest.fixture
def recorder(gateway):
    with Recorder(gateway.url) as recorder:
        yield recorder
    for row in Api(gateway).named(MODEL):
        Api(gateway).delete(row["model_info"]["id"])


@contextmanager
def running(salt_factories, name, pillar, **overrides):
    """A master and a salt-proxy, with the pillar of each id. Yields how `salt` is called."""
    master = salt_factories.salt_master_daemon(f"{name}-master")
    proxy = master.salt_proxy_minion_daemon(
        name, overrides={"saltenv": "base", **overrides}, start_timeout=PATIENCE
    )
    with ExitStack() as stack:
        top = {"base": {one: [one] for one in pillar}}
        for one, data in {"top": top, **pillar}.items():
            text = f"#!json\n{json.dumps(data)}"
            stack.enter_context(master.pillar_tree.base.temp_file(f"{one}.sls", text))
        stack.enter_context(master.state_tree.base.temp_file("models.sls", SLS))
        stack.enter_context(master.started())
        stack.enter_context(proxy.started())
        yield lambda target, *arguments: called(master, target, *arguments)
    shutil.rmtree(proxy.config["root_dir"], ignore_errors=True)


def called(master, target, *arguments):
    """What one target returns to `salt`, ``None`` if it does not."""
    command = [SALT, f"--config-dir={master.config_dir}", "--timeout=60", "--out=json"]
    done = subprocess.run(
        [str(word) for word in (*command, target, *arguments)],
        capture_output=True,
        text=True,
        check=False,
        timeout=PATIENCE,
    )
    return json.loads(done.stdout).get(target) if done.stdout.startswith("{") else None


def profile(recorder, gateway):
    return {"url": recorder.url, "api_key": gateway.key}


def test_a_proxy_of_its_own_serves_a_gateway(salt_factories, gateway, recorder):
    pillar = {"proxy": {"proxytype": "dummy"}, "litellm": profile(recorder, gateway)}
    with running(salt_factories, "proxy", {"proxy": pillar}) as salt:
        for created in (True, False):
            (result,) = salt("proxy", "state.apply", "models").values()
            assert (result["result"], bool(result["changes"])) == (True, created)
            assert len(Api(gateway).named(MODEL)) == 1


def test_from_a_deltaproxy_nothing_is_sent(salt_factories, gateway, recorder):
    subs = ["delta-1", "delta-2"]
    dummy = {"proxy": {"proxytype": "dummy"}, "litellm": profile(recorder, gateway)}
    control = {"proxy": {"proxytype": "deltaproxy", "ids": subs}}
    pillar = {"delta": control, **dict.fromkeys(subs, dummy)}
    with running(salt_factories, "delta", pillar, metaproxy="deltaproxy") as salt:
        deadline = time.monotonic() + PATIENCE
        while not all(salt(sub, "test.ping") is True for sub in subs):
            assert time.monotonic() < deadline
        for sub in subs:
            (result,) = salt(sub, "state.apply", "models").values()
            assert result["result"] is False
            assert "deltaproxy mixes up the pillars" in result["comment"]
            assert "deltaproxy mixes up" in salt(sub, "litellm_model.list")
    assert recorder.requests == []
    assert Api(gateway).named(MODEL) == []
