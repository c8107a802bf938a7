"""A real master and minion: pillar from the master, results through the event bus."""

import json
import shutil
import time

import pytest
from saltfactories.utils import random_string

from tests.functional.conftest import LIST, Api, sent
from tests.support.recorder import Recorder

KEY = "sk-master-pillar-0123456789"
NAME = "daemon-model"


@pytest.fixture(scope="module")
def recorded(gateway):
    with Recorder(gateway.url) as recorder:
        yield recorder


@pytest.fixture(scope="module")
def master(salt_factories):
    master = salt_factories.salt_master_daemon(random_string("master-"))
    with master.started():
        yield master


@pytest.fixture(scope="module")
def minion(master, recorded, gateway):
    pillar = {"litellm": {"url": recorded.url, "api_key": gateway.key}, "key": KEY}
    sls = (
        f"{NAME}:\n  litellm_model.present:\n    - custom_llm_provider: openai\n"
        "    - base_model: gpt-4\n    - model_api_key: {{ pillar['key'] }}\n"
    )
    base = master.pillar_tree.base
    minion = master.salt_minion_daemon(random_string("minion-"))
    with (
        base.temp_file("top.sls", f"base: {{'{minion.id}': [data]}}"),
        base.temp_file("data.sls", json.dumps(pillar)),
        master.state_tree.base.temp_file("models.sls", sls),
        master.state_tree.base.temp_file("gone.sls", f"{NAME}:\n  litellm_model.absent\n"),
        minion.started(),
    ):
        yield minion
    shutil.rmtree(minion.config["root_dir"], ignore_errors=True)


def apply(master, minion, *arguments):
    done = master.salt_cli().run("state.apply", *arguments, minion_tgt=minion.id)
    assert done.returncode == 0, done
    (result,) = done.data.values()
    return result, done.stdout


def test_a_state_run_from_the_master(master, minion, recorded, gateway):
    api = Api(gateway)
    predicted, _ = apply(master, minion, "models", "test=True")
    assert predicted["result"] is None
    result, printed = apply(master, minion, "models")
    assert result["result"] is True
    assert result["changes"] == predicted["changes"]
    assert KEY not in printed
    assert api.secrets(api.one(NAME)["model_info"]["id"])["api_key"] == "sk****89"
    recorded.clear()
    result, _ = apply(master, minion, "models")
    assert (result["result"], result["changes"]) == (True, {})
    assert sent(recorded) == [LIST]


def test_the_job_cache_holds_no_secret(master, minion):
    apply(master, minion, "models")
    jobs = master.salt_run_cli().run("jobs.list_jobs").data
    looked_up = [str(master.salt_run_cli().run("jobs.lookup_jid", jid).data) for jid in jobs]
    assert any(NAME in job for job in looked_up)
    assert not [job for job in looked_up if KEY in job]


def test_a_long_run_tells_of_its_progress(master, minion, gateway, event_listener):
    models = {f"{NAME}-{number}": {"rpm": number} for number in range(60)}
    arguments = {
        "models": models,
        "defaults": {"custom_llm_provider": "openai", "base_model": "gpt-4"},
    }
    started = time.time()
    cli = master.salt_cli()
    done = cli.run("litellm_model.manage", "daemons", **arguments, minion_tgt=minion.id)
    assert len(done.data["changes"]) == 60
    pattern = (master.id, "salt/litellm_model/daemons/progress")
    seen = event_listener.wait_for_events([pattern], after_time=started, timeout=30)
    assert not seen.missed
    told = next(iter(seen.matches)).data["data"]
    assert told["set"] == "daemons"
    assert told["total"] == 60
    empty = {"models": {}, "prune": True, "allow_empty": True}
    cli.run("litellm_model.manage", "daemons", **empty, minion_tgt=minion.id)
    assert not [row for row in Api(gateway).rows() if row["model_name"].startswith(f"{NAME}-")]


def test_absent_from_the_master(master, minion, gateway):
    assert apply(master, minion, "gone")[0]["changes"]
    assert Api(gateway).named(NAME) == []


def test_an_ad_hoc_call_sees_what_has_just_changed(master, minion, gateway):
    api = Api(gateway)
    cli = master.salt_cli()
    assert cli.run("litellm_model.get", NAME, minion_tgt=minion.id).data is None
    model_id = api.create(NAME)
    assert cli.run("litellm_model.get", NAME, minion_tgt=minion.id).data["model_id"] == model_id
    api.delete(model_id)
    assert cli.run("litellm_model.get", NAME, minion_tgt=minion.id).data is None
