"""Canaries of a whole document in what Salt's own processes leave behind."""

import json
import re
import shutil
import time
from pathlib import Path

import pytest
from saltfactories.utils import random_string

from tests.functional.config_yaml.conftest import Whole
from tests.support.canary import credential, deployment, rotated

from .test_canary import TABLE, canary, files_of, name, process_list  # noqa: F401 - fixtures

# Lines of the log file whose logger is ours or urllib3's. Salt itself logs the pillar it renders.
OURS = re.compile(r"^\S+ \S+ \[\S*(?:litellm|urllib3).*$", re.M)
PARAMS = {"model_api_key": "api_key", "model_api_base": "api_base"}
OWN = ("aws_access_key_id", "aws_secret_access_key")
SLS = """
production:
  litellm_gateway.managed:
    - pillar: gateway
broken:
  litellm_gateway.managed:
    - pillar: broken
"""


def document(canary, name, has_settings):  # noqa: F811
    """A canary in each place of a document that a secret can stand in, also where it is left out.

    :param has_settings: Whether router settings can be written.
    """
    given, shared, plain = deployment(canary), f"{name}-shared", f"{name}-plain"
    params = {"model": "openai/gpt-4", **given["litellm_params"]}
    params |= {key: given[argument] for argument, key in PARAMS.items()}
    params |= {key: given[key] for key in OWN}
    uses = {"model": "openai/gpt-4", "litellm_credential_name": shared}
    return {
        "credential_list": [{"credential_name": shared, **credential(canary)}],
        "model_list": [
            {"model_name": name, "litellm_params": params, "model_info": given["model_info"]},
            {"model_name": plain, "litellm_params": uses},
        ],
        "litellm_settings": {
            "fallbacks": [{name: [plain]}],
            "cache_params": {"password": canary("cache_params")},
        },
        "router_settings": {
            "redis_password": canary("redis_password"),
            "default_litellm_params": {"api_key": canary("default_litellm_params")},
            **({"num_retries": 3} if has_settings else {}),
        },
        "general_settings": {
            "master_key": canary("master_key"),
            "database_url": f"postgresql://{canary.login('database_url')}@db/litellm",
        },
        "environment_variables": {"LANGFUSE_SECRET_KEY": canary("environment_variables")},
        "mcp_servers": {"tickets": {"auth_value": canary("mcp_servers")}},
    }


def broken(canary):  # noqa: F811
    """Secrets in what is refused."""
    key = {"api_key": canary("a refused secret")}
    return {
        "credential_list": [
            {"credential_name": "a", "credential_values": [key]},
            {"credential_name": "b\n", "credential_values": key},
            key,
        ],
        "model_list": [{"model_name": "a", "litellm_params": {**key, "rpm": key}}, key, [key]],
        "router_settings": {"fallbacks": [key], "tags": key, "model_group_alias": {"a": [key]}},
    }


@pytest.fixture
def pillar(gateway, canary, recorder, name):  # noqa: F811
    """Pillar with a document, a broken one, and the profile."""
    whole = Whole(gateway)
    headers = {"X-Tenant": canary("a header of the profile")}
    yield {
        "litellm": {"url": recorder.url, "api_key": gateway.key, "headers": headers},
        "gateway": document(canary, name, whole.has_settings()),
        "broken": broken(canary),
    }
    whole("DELETE", f"/fallback/{name}", params={"fallback_type": "general"})
    for row in whole.models():
        if name in row["model_name"]:
            whole("POST", "/model/delete", json={"id": row["model_info"]["id"]})
    whole("DELETE", f"/credentials/{name}-shared")


def test_a_run_leaves_nothing_behind(salt_call, pillar, canary, name, survived):  # noqa: F811
    salt_call.configure("log_file: run.log\nlog_level_logfile: all\n")
    salt_call.states("gateway", SLS)
    for round_ in range(2):
        if round_:
            pillar |= rotated({"gateway": pillar["gateway"]}, canary)
        salt_call.pillar(pillar)
        with process_list() as listed:
            done = salt_call.run("-l", "all", "state.apply", "gateway")
        assert done.stdout.count("Result: True") == 1, done.stdout
        assert done.stdout.count("Result: False") == 1, done.stdout
        assert name in done.stdout
        assert canary.leaked(done.stdout) == []
        salt_calls = [line for line in listed if str(salt_call.root) in line]
        assert salt_calls
        assert canary.leaked("\n".join(salt_calls)) == []
        survived(TABLE, "command lines in the process list", len(salt_calls))
    for function, *more in (
        ("diff", "production", "pillar=gateway"),
        ("export",),
        ("export", "data=True"),
    ):
        done = salt_call.run(f"litellm_gateway.{function}", *more)
        assert done.returncode == 0, done.stderr
        assert canary.leaked(done.stdout + done.stderr) == []
        survived(TABLE, "exports and tables of documents")
    files = files_of(salt_call.root, ("pillar", "states"))
    log = next(text for path, text in files.items() if path.name == "run.log")
    own = OURS.findall(log)
    assert any("saltext_litellm" in line for line in own)
    assert canary.leaked("\n".join(own)) == []
    survived(TABLE, "log lines of ours and of urllib3, level all", len(own))
    others = {path: text for path, text in files.items() if path.name != "run.log"}
    assert {path: found for path, text in others.items() if (found := canary.leaked(text))} == {}
    survived(TABLE, "files written", len(others))


@pytest.fixture
def daemons(salt_factories, pillar):
    """A master and a minion of it, with the pillar on the master."""
    master = salt_factories.salt_master_daemon(random_string("master-"))
    minion = master.salt_minion_daemon(random_string("minion-"))
    base = master.pillar_tree.base
    with (
        master.started(),
        base.temp_file("top.sls", f"base: {{'{minion.id}': [data]}}"),
        base.temp_file("data.sls", "#!json\n" + json.dumps(pillar)),
        master.state_tree.base.temp_file("gateway.sls", SLS),
        minion.started(),
    ):
        yield master, minion
    for daemon in (master, minion):
        shutil.rmtree(daemon.config["root_dir"], ignore_errors=True)


@pytest.mark.survive
def test_a_master_and_its_minion(daemons, canary, name, event_listener, survived):  # noqa: F811
    """Returns, the event bus, the job cache, and files but for those where Salt keeps pillar."""
    master, minion = daemons
    started, returned = time.time(), []
    for arguments in (["test=True"], [], []):
        done = master.salt_cli().run("state.apply", "gateway", *arguments, minion_tgt=minion.id)
        returned.append(done.stdout + json.dumps(done.data))
        assert name in returned[-1]
    assert canary.leaked("\n".join(returned)) == []
    seen = event_listener.wait_for_events(
        [(master.id, "salt/job/*/ret/*")], after_time=started, timeout=30
    )
    assert not seen.missed
    events = [repr(one) for one in event_listener.store if one.daemon_id == master.id]
    assert any(name in event for event in events)
    assert canary.leaked("\n".join(events)) == []
    survived(TABLE, "events of a master", len(events))
    jobs = master.salt_run_cli().run("jobs.list_jobs").data
    told = [str(master.salt_run_cli().run("jobs.lookup_jid", jid).data) for jid in jobs]
    assert any(name in job for job in told)
    assert canary.leaked("\n".join(told)) == []
    survived(TABLE, "jobs in a master's cache", len(told))
    cache = Path(master.config["cachedir"])
    for root, but in ((cache, ("minions", "pillar")), (Path(minion.config["cachedir"]), ())):
        files = files_of(root, but)
        found = {
            str(path): leaked for path, text in files.items() if (leaked := canary.leaked(text))
        }
        assert found == {}
        survived(TABLE, "files in the caches of a master and a minion", len(files))
