"""A real master and minion: pillar from the master, results through the event bus."""

import json
import shutil
import subprocess
import time

import pytest
from saltfactories.utils import random_string

from tests.conftest import REPO_ROOT
from tests.functional.conftest import LIST, Api, sent
from tests.support.pages import Command, File, blocks, is_shown
from tests.support.recorder import Recorder

from .conftest import beside, printed_beside

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
    minion = master.salt_minion_daemon("gateway-admin")  # as the pages call it
    with (
        base.temp_file("top.sls", f"base: {{'{minion.id}': [data]}}"),
        base.temp_file("data.sls", json.dumps(pillar)),
        master.state_tree.base.temp_file("models.sls", sls),
        master.state_tree.base.temp_file("gone.sls", f"{NAME}:\n  litellm_model.absent\n"),
        minion.started(),
    ):
        yield minion
    shutil.rmtree(minion.config["root_dir"], ignore_errors=True)


def of_page(name):
    """The SLS files of a page, and the one command that is run where the master is."""
    page = list(blocks(REPO_ROOT / "docs" / name))
    commands = [block for block in page if isinstance(block, Command)]
    (command,) = [one for one in commands if one.line.startswith(("salt ", "salt-run "))]
    return [block.text for block in page if isinstance(block, File)], command


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


def test_what_the_page_about_installation_runs(master, minion):
    _, command = of_page("installation.md")
    assert is_shown(command.shown, printed_beside(master, command.line))


def test_a_long_run_tells_of_its_progress(master, minion, gateway, tmp_path):
    """What docs/howto/watching.md shows. The listener may start too late for the first run."""
    (sls,), listening = of_page("howto/watching.md")
    heard, deadline = tmp_path / "heard", time.monotonic() + 120
    empty = {"models": {}, "prune": True, "allow_empty": True}
    with (
        master.state_tree.base.temp_file("production.sls", sls),
        heard.open("w") as output,
        subprocess.Popen(beside(master, listening.line), stdout=output) as listener,
    ):
        try:
            while not is_shown(listening.shown, heard.read_text()):
                assert time.monotonic() < deadline, heard.read_text()
                result, _ = apply(master, minion, "production")
                assert result["comment"] == "All 30 models were created"
                cli = master.salt_cli()
                cli.run("litellm_model.manage", "production", **empty, minion_tgt=minion.id)
        finally:
            listener.kill()
    assert not [row for row in Api(gateway).rows() if row["model_name"] == "model-0"]


def test_a_plan_has_an_exit_code_in_its_job_and_in_no_other(master, minion, gateway):
    models = {"planned": {"litellm_params": {"model": "openai/gpt-4"}}}
    cli, arguments = master.salt_cli(), {"models": models, "profile": {"url": gateway.url}}
    arguments["profile"]["api_key"] = gateway.key
    planned = cli.run("litellm_model.plan_set", "set", **arguments, minion_tgt=minion.id)
    assert planned.data["pending"] is True
    assert planned.returncode != 0
    condition = {"fun": "litellm_model.plan_set", "args": ["set"], **arguments}
    success = "test.succeed_without_changes"
    sls = {
        "planned": {success: [{"onlyif": [{**condition, "get_return": "pending"}]}]},
        "true": {success: [{"onlyif": [{"fun": "test.true"}]}]},
    }
    with master.state_tree.base.temp_file("conditions.sls", json.dumps(sls)):
        done = cli.run("state.apply", "conditions", minion_tgt=minion.id)
    assert [one["comment"] for one in done.data.values()] == ["Success!"] * 2


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
