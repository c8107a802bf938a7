"""Where it runs: built, installed beside nothing but Salt, and run in each way Salt has.

Each way makes a deployment, rests, changes it and takes it away again, which LiteLLM's own API
confirms.
"""

import getpass
import json
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import pytest
from salt.utils.yaml import safe_load

from tests.conftest import REPO_ROOT
from tests.functional.conftest import Api
from tests.integration.conftest import installing
from tests.support.gateway import running_gateway
from tests.support.pages import File, blocks
from tests.support.processes import GuardedProcess

pytestmark = pytest.mark.survive

TABLE = "Where it runs"
SALTS = {"3006": "salt==3006.*", "3008": "salt==3008.*,!=3008.0"}
SSHD = shutil.which("sshd", path=f"{os.environ['PATH']}:/usr/sbin")
MODELS = """
{name}:
  litellm_model.present:
    - custom_llm_provider: openai
    - base_model: gpt-4
    - model_api_key: {{{{ pillar['key'] }}}}
    - rpm: {{{{ pillar.get('rpm', 5) }}}}
    - profile: {{{{ pillar.get('profile', 'litellm') }}}}
"""
GONE = """
{name}:
  litellm_model.absent:
    - profile: {{{{ pillar.get('profile', 'litellm') }}}}
"""
KEY = "sk-where-0123456789"
INSTALLATION = REPO_ROOT / "docs/installation.md"


def clear_of_us(folder):
    """An environment for a program that is to find nothing of this test's own Salt."""
    return {"PATH": os.defpath, "HOME": str(folder), "LANG": "C.UTF-8"}


def run(*command, folder, may_fail=False):
    """What a command prints; run outside of the checkout."""
    done = subprocess.run(
        [str(word) for word in command],
        cwd=folder,
        env=clear_of_us(folder),
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )
    assert may_fail or done.returncode == 0, done.stdout + done.stderr
    assert KEY not in done.stdout
    return done.stdout


@pytest.fixture(scope="session")
def built(copied, tmp_path_factory):
    """Wheel and sdist, built from a clean copy of what is in the repository."""
    target = tmp_path_factory.mktemp("dist")
    installing("build", "--out-dir", target, copied(tmp_path_factory.mktemp("source")))
    (wheel,), (sdist,) = target.glob("*.whl"), target.glob("*.tar.gz")
    return {"wheel": wheel, "sdist": sdist}


@pytest.fixture(scope="session")
def programs(built, tmp_path_factory):
    """The folder of Salt's programs, in an environment with a version of it and ours alone."""
    made = {}

    def install(salt, package="wheel"):
        if (salt, package) not in made:
            folder = tmp_path_factory.mktemp(f"salt-{salt}-{package}")
            installing("venv", "--python", sys.executable, folder / "venv")
            python = folder / "venv/bin/python"
            installing("pip", "install", "--python", python, SALTS[salt], built[package])
            made[salt, package] = python.parent
        return made[salt, package]

    return install


@pytest.fixture
def name(tmp_path):
    return f"where-{tmp_path.name}"


@pytest.fixture
def api(gateway, name):
    api = Api(gateway)
    yield api
    clean(api, name)


def clean(api, name):
    for row in api.rows():
        if row["model_name"].startswith(name):
            api.delete(row["model_info"]["id"])


@pytest.fixture
def trees(tmp_path, gateway, name):
    """A folder with states and pillar, and the settings that name them."""
    for folder in ("states", "pillar", "thin"):
        (tmp_path / folder).mkdir()
    (tmp_path / "states/models.sls").write_text(MODELS.format(name=name))
    (tmp_path / "states/gone.sls").write_text(GONE.format(name=name))
    (tmp_path / "pillar/top.sls").write_text("base: {'*': [data]}")
    write_pillar(tmp_path, login(gateway))
    roots = (("file_roots", "states"), ("pillar_roots", "pillar"))
    settings = {one: {"base": [f"{tmp_path}/{folder}"]} for one, folder in roots}
    return {"root_dir": str(tmp_path), "user": getpass.getuser(), **settings}


def login(gateway):
    return {"url": gateway.url, "api_key": gateway.key}


def write_pillar(folder, profile):
    (folder / "pillar/data.sls").write_text(json.dumps({"litellm": profile, "key": KEY}))


def goes_round(call, api, name):
    """Create, rest, change, remove, and rest again. `call` returns the one result of a run."""
    predicted, created = call("models", "test=True"), call("models")
    assert (predicted["result"], created["result"]) == (None, True), created
    assert created["changes"] == predicted["changes"]
    assert api.secrets(api.one(name)["model_info"]["id"])["api_key"] == "sk****89"
    rested = call("models")
    assert (rested["result"], rested["changes"]) == (True, {})
    changed = call("models", "pillar={rpm: 6}")
    assert changed["changes"] == {"rpm": {"old": 5, "new": 6}}
    assert api.one(name)["litellm_params"]["rpm"] == 6
    assert call("gone")["changes"]
    assert api.named(name) == []
    rested = call("gone")
    assert (rested["result"], rested["changes"]) == (True, {})


def result_of(returned):
    """The one result of a state run."""
    assert isinstance(returned, dict), returned
    (result,) = returned.values()
    return result


@pytest.fixture
def masterless(programs, trees, tmp_path):
    """`salt-call --local` of a version of Salt."""
    (tmp_path / "minion").write_text(json.dumps({**trees, "id": "m", "file_client": "local"}))

    def of(salt, package="wheel"):
        command = (programs(salt, package) / "salt-call", "--local", "-c", tmp_path, "--out=json")
        return lambda *arguments: json.loads(run(*command, *arguments, folder=tmp_path))["local"]

    return of


@pytest.mark.parametrize("package", ["wheel", "sdist"])
@pytest.mark.parametrize("salt", SALTS)
def test_masterless(masterless, tmp_path, api, name, survived, salt, package):
    call = masterless(salt, package)
    functions = call("sys.list_functions", "litellm_model")
    assert {"litellm_model.apply", "litellm_model.export"} <= set(functions)
    assert set(call("sys.doc", "litellm_model")) == set(functions)
    assert "litellm_model.present" in call("sys.list_state_functions", "litellm_model")
    goes_round(lambda *arguments: result_of(call("state.apply", *arguments)), api, name)
    call("state.apply", "models")
    exported = call("litellm_model.export", "path=states/exported.sls")
    assert exported["path"] == f"{tmp_path}/states/exported.sls"
    filled_in = {"litellm_secrets": {name: {"model_api_key": KEY}}}
    pillar = f"pillar={json.dumps(filled_in)}"
    again = result_of(call("state.sls_id", name, "exported", "test=True", pillar))
    assert (again["result"], again["changes"]) == (True, {})
    survived(TABLE, f"masterless, Salt {salt}, from the {package}")


def free_ports(number):
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(number)]
    ports = [one.getsockname()[1] for one in sockets]
    for one in sockets:
        one.close()
    return ports


@pytest.fixture
def daemons(programs, trees, tmp_path):
    """A master and its minion; `start` returns what runs a program beside them."""
    started = []

    def start(salt):
        publish, answers = free_ports(2)
        master = {**trees, "interface": "127.0.0.1", "publish_port": publish, "ret_port": answers}
        # Salt's own 5 and 10 seconds are too few where many tests run at once.
        master |= {"auto_accept": True, "timeout": 60, "gather_job_timeout": 30}
        minion = {"id": "m", "master": "127.0.0.1", "master_port": answers, "user": trees["user"]}
        for one, settings in (("master", master), ("minion", minion)):
            # Salt has its Unix sockets below root_dir, and their paths must be short.
            folder = Path(tempfile.mkdtemp(prefix="salt-"))
            (tmp_path / one).write_text(json.dumps({**settings, "root_dir": str(folder)}))
            command = (programs(salt) / f"salt-{one}", "-c", tmp_path)
            environment = clear_of_us(tmp_path)
            started.append(GuardedProcess(*command, folder=folder, environment=environment))

        def call(program, *arguments, **how):
            command = (programs(salt) / program, "-c", tmp_path, "--out=json", *arguments)
            return run(*command, folder=tmp_path, **how)

        ping = ("salt", "--timeout=5", "m", "test.ping")
        deadline = time.monotonic() + 120
        while "true" not in call(*ping, may_fail=True):
            assert time.monotonic() < deadline, [one.log_tail() for one in started]
        return lambda *command: json.loads(call(*command))

    yield start
    for one in reversed(started):
        one.stop()


@pytest.mark.parametrize("salt", SALTS)
def test_a_master_and_its_minion(daemons, api, name, survived, salt):
    call = daemons(salt)

    def apply(*arguments):
        return result_of(call("salt", "m", "state.apply", *arguments)["m"])

    goes_round(apply, api, name)
    survived(TABLE, f"a master and its minion, Salt {salt}, pillar from the master")


@pytest.mark.parametrize("salt", SALTS)
def test_an_orchestration_of_two_environments(
    daemons, tmp_path, gateway, second_gateway, api, name, survived, salt
):
    steps = {
        environment: {
            "salt.state": [
                {"tgt": "m"},
                {"sls": "models"},
                {"pillar": {"profile": f"litellm:{environment}", "rpm": rpm}},
                {"require": before},
            ]
        }
        for environment, rpm, before in (("dev", 7, []), ("prod", 8, [{"salt": "dev"}]))
    }
    (tmp_path / "states/everywhere.sls").write_text(json.dumps(steps))
    write_pillar(tmp_path, {"dev": login(gateway), "prod": login(second_gateway)})
    call, second = daemons(salt), Api(second_gateway)
    for expected in (True, False):
        (returned,) = call("salt-run", "state.orchestrate", "everywhere")["data"].values()
        results = sorted(returned.values(), key=lambda result: result["__run_num__"])
        assert [result["__id__"] for result in results] == ["dev", "prod"]
        assert [result["result"] for result in results] == [True, True], results
        assert [bool(result["changes"]) for result in results] == [expected, expected]
    found = [one.one(name)["litellm_params"]["rpm"] for one in (api, second)]
    clean(second, name)
    assert found == [7, 8]
    survived(TABLE, f"state.orchestrate over two environments, Salt {salt}")


def sshd(folder, port):
    """A running sshd, with keys of its own in a folder."""
    for key in ("host", "key"):
        command = ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", folder / key]
        subprocess.run(command, check=True)
    settings = {"Port": port, "ListenAddress": "127.0.0.1", "HostKey": folder / "host"}
    settings |= {"AuthorizedKeysFile": folder / "key.pub", "StrictModes": "no"}
    settings |= {"UsePAM": "no", "PidFile": "none"}
    options = [f"-o{key}={value}" for key, value in settings.items()]
    aside = Path(tempfile.mkdtemp(prefix="sshd-"))
    if os.geteuid() == 0:
        Path("/run/sshd").mkdir(exist_ok=True)
    return GuardedProcess(SSHD, "-D", "-e", *options, folder=aside, environment={})


@pytest.fixture
def host(programs, trees, tmp_path):
    """A host that salt-ssh reaches; `start` returns what runs it."""
    started = []

    def start(salt):
        folder = programs(salt)
        (port,) = free_ports(1)
        started.append(sshd(tmp_path, port))
        (tmp_path / "bin").mkdir()
        (tmp_path / "bin/python3").symlink_to(Path(sys.executable).resolve())
        target = {"host": "127.0.0.1", "port": port, "user": trees["user"]}
        target |= {"priv": f"{tmp_path}/key", "thin_dir": f"{tmp_path}/thin"}
        target |= {"set_path": f"{tmp_path}/bin:/usr/bin:/bin"}
        target |= {"ssh_options": ["UserKnownHostsFile=/dev/null", "StrictHostKeyChecking=no"]}
        master = dict(trees)
        if salt == "3006":  # it neither takes extensions along nor looks for them over there
            files = {one.path: one.text for one in blocks(INSTALLATION) if isinstance(one, File)}
            master |= safe_load(files["/etc/salt/master"])
            (shown,) = safe_load(files["/etc/salt/roster"]).values()
            here = json.dumps(shown["minion_opts"]).replace(shown["thin_dir"], target["thin_dir"])
            target["minion_opts"] = json.loads(here)
        (tmp_path / "roster").write_text(json.dumps({"target": target}))
        (tmp_path / "master").write_text(json.dumps(master))
        command = (folder / "salt-ssh", "-c", tmp_path, f"--roster-file={tmp_path}/roster")

        def call(*arguments):
            done = run(*command, "--out=json", "target", *arguments, folder=tmp_path)
            return json.loads(done)["target"]

        return call

    yield start
    for one in started:
        one.stop()


@pytest.mark.skipif(SSHD is None, reason="there is no sshd on this machine (openssh-server)")
@pytest.mark.parametrize("salt", SALTS)
def test_salt_ssh(host, api, name, survived, salt):
    call = host(salt)
    assert "litellm_model.apply" in call("sys.list_functions", "litellm_model")
    goes_round(lambda *arguments: result_of(call("state.apply", *arguments)), api, name)
    survived(TABLE, f"salt-ssh, Salt {salt}")


@pytest.mark.parametrize("litellm", ["1.83.14", "1.106.2", "1.110.2"])
def test_a_version_of_litellm(masterless, tmp_path, name, survived, litellm):
    call = masterless("3008")
    models = {f"{name}-{number}": {"rpm": number} for number in (1, 2, 3)}
    defaults = {"custom_llm_provider": "openai", "base_model": "gpt-4"}
    sets = {
        "set": {"models": models, "defaults": defaults},
        "emptied": {"models": {}, "prune": True, "allow_empty": True},
    }
    for sls, arguments in sets.items():
        managed = [{"name": name}, *({key: value} for key, value in arguments.items())]
        state = {"all": {"litellm_model.managed": managed}}
        (tmp_path / f"states/{sls}.sls").write_text(json.dumps(state))

    def apply(*arguments):
        return result_of(call("state.apply", *arguments))

    with running_gateway(litellm_version=litellm) as gateway:
        write_pillar(tmp_path, login(gateway))
        api = Api(gateway)
        goes_round(apply, api, name)
        assert apply("set")["changes"].keys() == models.keys()
        rested = apply("set")
        assert (rested["result"], rested["changes"]) == (True, {})
        assert [api.one(one)["litellm_params"]["rpm"] for one in models] == [1, 2, 3]
        assert apply("emptied")["changes"].keys() == models.keys()
        assert not [one for one in models if api.in_database(one)]
    survived(TABLE, f"LiteLLM {litellm}, Salt 3008")
