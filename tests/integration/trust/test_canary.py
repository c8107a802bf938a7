"""Canaries in what Salt's own processes leave behind: logs, files, events, jobs, process lists."""

import json
import re
import shutil
import threading
import time
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest
from saltfactories.utils import random_string

from tests.functional.keys.conftest import DRIVER
from tests.support.canary import Canaries, credential, deployment, rotated

TABLE = "Canary"
OURS = re.compile(r"^.*\[[^]]*(?:litellm|urllib3).*$", re.M)


@pytest.fixture(scope="module")
def canary(gateway):
    canaries = Canaries()
    canaries.watch("the profile's api_key", gateway.key)
    return canaries


@pytest.fixture(scope="module")
def name():
    return random_string("canary-").lower()


@pytest.fixture
def pillar(gateway, canary, recorder, name):
    """Pillar with a set of each kind, the profile, and secrets for an SLS to fetch."""
    headers = {"X-Tenant": canary("a header of the profile")}
    profile = {"url": recorder.url, "api_key": gateway.key, "headers": headers}
    profile["fingerprint_key"] = canary("the profile's fingerprint_key")
    shared = f"{name}-shared"
    yield {
        "litellm": profile,
        "models": {name: deployment(canary)},
        "credentials": {shared: credential(canary)},
        "keys": {f"{name}-key": {"key": f"sk-{canary('a key')}", "rotate": True}},
    }
    gateway.request("DELETE", f"/credentials/{shared}")
    gateway.request("DELETE", f"/fallback/{name}")
    default = {"router_settings": {"allowed_fails": 3}}
    gateway.request("POST", "/config/update", json=default)
    query = {"key_alias": name, "substring_matching": "true", "return_full_object": "true"}
    for row in gateway.request("GET", "/key/list", params=query).json()["keys"]:
        gateway.request("POST", "/key/delete", json={"keys": [row["token"]]})


def sls(name):
    """A set of each kind from pillar, a deployment whose secret is behind `sdb://`, and routing."""
    return json.dumps(
        {
            name: {"litellm_model.managed": [{"pillar": "models"}]},
            f"{name}-credentials": {"litellm_credential.managed": [{"pillar": "credentials"}]},
            f"{name}-keys": {"litellm_key.managed": [{"pillar": "keys"}]},
            f"{name}-sdb": {
                "litellm_model.present": [
                    {"model_api_key": "sdb://osenv/CANARY"},
                    {"litellm_params": {"model": "openai/x"}},
                ]
            },
            f"{name}-rule": {
                "litellm_fallback.present": [
                    {"model": name},
                    {"fallback_models": [f"{name}-sdb"]},
                ]
            },
            "allowed_fails": {"litellm_router.present": [{"value": 4}]},
        }
    )


def files_of(root, but):
    """What is in the files under a folder, but for those that a person has put there."""
    left = [path for path in root.rglob("*") if path.is_file()]
    mine = [path for path in left if not any(path.is_relative_to(root / one) for one in but)]
    return {path: path.read_bytes().decode("latin-1") for path in mine}


@contextmanager
def process_list():
    """The arguments of every process there is, meanwhile; what `ps` shows."""
    listed, over = set(), threading.Event()

    def look():
        while not over.wait(0.02):
            for path in Path("/proc").glob("[0-9]*/cmdline"):
                with suppress(OSError):
                    listed.add(path.read_bytes().replace(b"\0", b" ").decode(errors="replace"))

    looker = threading.Thread(target=look)
    looker.start()
    try:
        yield listed
    finally:
        over.set()
        looker.join()


def test_a_run_leaves_nothing_behind(salt_call, pillar, canary, api, recorder, name, survived):
    salt_call.configure("osenv: {driver: env}\nlog_file: run.log\nlog_level_logfile: all\n")
    salt_call.environment["CANARY"] = canary("behind sdb://")
    salt_call.states("models", "#!json\n" + sls(name))
    for round_ in range(2):
        if round_:
            pillar |= rotated(
                {kind: pillar[kind] for kind in ("models", "credentials", "keys")}, canary
            )
        salt_call.pillar(pillar)
        with process_list() as listed:
            done = salt_call.run("-l", "all", "state.apply", "models")
        assert done.stdout.count("Result: True") == 6, done.stdout
        assert canary.leaked(done.stdout) == []
        assert canary.leaked("\n".join(OURS.findall(done.stderr))) == []
        salt_calls = [line for line in listed if str(salt_call.root) in line]
        assert salt_calls
        assert canary.leaked("\n".join(salt_calls)) == []
        survived(TABLE, "command lines in the process list", len(salt_calls))
    files = files_of(salt_call.root, ("pillar", "states"))
    log = next(text for path, text in files.items() if path.name == "run.log")
    own = OURS.findall(log)
    assert any("urllib3" in line for line in own)
    assert any("saltext_litellm" in line for line in own)
    assert canary.leaked("\n".join(own)) == []
    survived(TABLE, "log lines of ours and of urllib3, level all", len(own))
    others = {path: text for path, text in files.items() if path.name != "run.log"}
    assert {path: found for path, text in others.items() if (found := canary.leaked(text))} == {}
    survived(TABLE, "files written", len(others))


def test_a_key_that_is_made_is_only_in_the_vault(salt_call, gateway, canary, api, recorder, name):
    """Each run of `salt-call` has a log of all levels, a job cache and files of its own.

    What is looked for is the key without its beginning: requests name a key by the hash of the
    whole, and urllib3 logs that.
    """
    driver, vault = salt_call.root / "states/ext/sdb/filed.py", salt_call.root / "pillar/vault.json"
    driver.parent.mkdir(parents=True)
    driver.write_text(DRIVER)
    salt_call.configure(
        f"extension_modules: {salt_call.root}/states/ext\n"
        f"vault: {{driver: filed, file: {vault}, log: {vault}.log}}\n"
        "log_file: run.log\nlog_level_logfile: all\n"
    )
    salt_call.pillar({"litellm": {"url": recorder.url, "api_key": gateway.key}})
    arguments = [{"key": f"sdb://vault/{name}"}, {"generate": True}]
    salt_call.states("models", json.dumps({f"{name}-made": {"litellm_key.present": arguments}}))
    told = []
    for _ in range(2):
        done = salt_call.run("-l", "all", "state.apply", "models")
        assert done.stdout.count("Result: True") == 1, done.stdout
        told += [done.stdout, *OURS.findall(done.stderr)]
    told.append(salt_call.run("litellm_key.export", f"path={salt_call.root}/keys.sls").stdout)
    key = json.loads(vault.read_text())[name]
    canary.watch("a key that was made", key.removeprefix("sk-"))
    assert canary.leaked("\n".join(told)) == []
    files = files_of(salt_call.root, ("pillar", "states"))
    found = {path: canary.leaked(text) for path, text in files.items() if path.name != "run.log"}
    assert {path: one for path, one in found.items() if one} == {}
    (log,) = (text for path, text in files.items() if path.name == "run.log")
    assert canary.leaked("\n".join(OURS.findall(log))) == []
    gateway.request("POST", "/key/delete", json={"key_aliases": [f"{name}-made"]})


@pytest.mark.survive
def test_an_export_is_a_file_without_secrets(salt_call, pillar, canary, api, name, survived):
    salt_call.pillar(pillar)
    salt_call.states("models", "#!json\n" + sls(name))
    salt_call.environment["CANARY"] = canary("behind sdb://")
    salt_call.configure("osenv: {driver: env}\n")
    salt_call.apply("models")
    for module in ("litellm_model", "litellm_credential", "litellm_key"):
        exported = salt_call.root / f"{module}.sls"
        for arguments in ((), ("data=True",), (f"path={exported}",)):
            done = salt_call.run(f"{module}.export", *arguments)
            assert done.returncode == 0, done.stderr
            assert canary.leaked(done.stdout) == []
            survived(TABLE, "exports")
        assert name in exported.read_text(encoding="utf-8")
        assert canary.leaked(exported.read_text(encoding="utf-8")) == []


@pytest.mark.survive
def test_what_is_shown_of_states(salt_call, pillar, canary, api, name, survived):
    """`managed` with `pillar`, and `present` with `sdb://`, keep secrets out of rendered SLS."""
    salt_call.pillar(pillar)
    salt_call.states("models", "#!json\n" + sls(name))
    salt_call.states("top", "base: {'*': [models]}")
    salt_call.environment["CANARY"] = canary("behind sdb://")
    salt_call.configure("osenv: {driver: env}\n")
    for function in ("show_sls", "show_low_sls", "show_highstate", "show_lowstate"):
        names = ["models"] if "sls" in function else []
        done = salt_call.run(f"state.{function}", *names)
        assert "litellm_model" in done.stdout
        assert canary.leaked(done.stdout) == []
        survived(TABLE, "state.show_*")


@pytest.fixture
def daemons(salt_factories, pillar, canary, name, tmp_path):
    """A master and a minion of it, with the pillar on the master."""
    (tmp_path / "secrets.yaml").write_text(json.dumps({"CANARY": canary("behind sdb://")}))
    driver = {"driver": "yaml", "files": [str(tmp_path / "secrets.yaml")]}
    master = salt_factories.salt_master_daemon(random_string("master-"))
    minion = master.salt_minion_daemon(random_string("minion-"), overrides={"osenv": driver})
    base = master.pillar_tree.base
    with (
        master.started(),
        base.temp_file("top.sls", f"base: {{'{minion.id}': [data]}}"),
        base.temp_file("data.sls", "#!json\n" + json.dumps(pillar)),
        master.state_tree.base.temp_file("models.sls", "#!json\n" + sls(name)),
        minion.started(),
    ):
        yield master, minion
    for daemon in (master, minion):
        shutil.rmtree(daemon.config["root_dir"], ignore_errors=True)


@pytest.mark.survive
def test_a_master_and_its_minion(daemons, canary, api, name, event_listener, survived):
    master, minion = daemons
    started = time.time()
    returned = []
    for arguments in (["test=True"], [], []):
        done = master.salt_cli().run("state.apply", "models", *arguments, minion_tgt=minion.id)
        assert done.returncode == 0, done.stdout
        returned.append(done.stdout + json.dumps(done.data))
    assert canary.leaked("\n".join(returned)) == []
    pattern = (master.id, "salt/job/*/ret/*")
    seen = event_listener.wait_for_events([pattern], after_time=started, timeout=30)
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
    # Salt keeps pillar itself, as it was given: in the caches of a master.
    cache = Path(master.config["cachedir"])
    for root, but in ((cache, ("minions", "pillar")), (Path(minion.config["cachedir"]), ())):
        files = files_of(root, but)
        found = {
            str(path): leaked for path, text in files.items() if (leaked := canary.leaked(text))
        }
        assert found == {}
        survived(TABLE, "files in the caches of a master and a minion", len(files))
