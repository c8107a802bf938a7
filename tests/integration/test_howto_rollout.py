"""docs/howto/rollout.md with a master, a minion, two gateways and a provider that may refuse."""

from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.conftest import REPO_ROOT
from tests.functional.conftest import Api
from tests.support.pages import Command, File, blocks
from tests.support.recorder import Recorder
from tests.support.upstream import Upstream

from .site import running

PAGE = list(blocks(REPO_ROOT / "docs/howto/rollout.md"))
TRY, ROLL_OUT = [block.line for block in PAGE if isinstance(block, Command)]
PROVIDER = "sk-provider-0123456789"

pytestmark = pytest.mark.long


@pytest.fixture(scope="module")
def real(gateway, second_gateway):
    """The gateway behind each name: prod has one of its own."""
    return dict(
        zip(
            ("dev", "staging", "prod-eu", "prod-us"),
            (gateway, gateway, second_gateway, second_gateway),
            strict=True,
        )
    )


@pytest.fixture(scope="module")
def recorders(real):
    with ExitStack() as stack:
        yield {name: stack.enter_context(Recorder(one.url)) for name, one in real.items()}


def variable(name, what):
    """The name of a variable of the minion's environment."""
    return f"LITELLM_{name.upper().replace('-', '_')}_{what}"


@pytest.fixture(scope="module")
def keys(real):
    """What the minion has in its environment: no key is anywhere else."""
    found = {"VLLM_API_KEY": PROVIDER}
    for name, one in real.items():
        trial = Api(one)("POST", "/key/generate", json={"models": ["llama"]})["key"]
        found |= {variable(name, "KEY"): one.key, variable(name, "TRIAL_KEY"): trial}
    return found


@pytest.fixture(scope="module")
def upstream():
    with Upstream(PROVIDER) as started:
        yield started


@pytest.fixture(scope="module")
def site(salt_factories, recorders, keys, upstream):
    files = [block for block in PAGE if isinstance(block, File)]
    replaced = {"http://vllm.example.com:8000/v1": upstream.url}
    with running(salt_factories, files, recorders, keys, replaced) as site:
        yield site


@pytest.fixture(autouse=True)
def clean(real, recorders, upstream):
    for one in recorders.values():
        one.mend()
        one.clear()
    upstream.calls.clear()
    upstream.keys = {PROVIDER}
    yield
    for one in set(real.values()):
        for row in Api(one).named("llama"):
            Api(one).delete(row["model_info"]["id"])


def limits(real):
    """What each gateway has."""
    return {
        name: [row["litellm_params"]["rpm"] for row in Api(one).named("llama")]
        for name, one in real.items()
    }


def tried(recorders):
    """How often each gateway was called as a client calls it."""
    return {
        name: [record.path for record in one.requests].count("/v1/chat/completions")
        for name, one in recorders.items()
    }


def test_the_page(site, real, recorders, keys, upstream):
    site.follow(PAGE)
    assert limits(real) == {name: [600] for name in real}
    assert tried(recorders) == dict.fromkeys(real, 1)
    assert upstream.calls == [PROVIDER] * 4
    for name, recorder in recorders.items():
        (trial,) = [one for one in recorder.requests if one.path == "/v1/chat/completions"]
        trial_key = keys[variable(name, "TRIAL_KEY")]
        assert trial.headers["Authorization"] == f"Bearer {trial_key}"
    assert kept(site, keys) == []


def kept(site, keys):
    """The keys that are in a file of the master's or the minion's, such as their job caches."""
    folders = [Path(daemon.config["root_dir"]) for daemon in (site.master, site.minion)]
    files = [path for folder in folders for path in folder.rglob("*") if path.is_file()]
    contents = [path.read_bytes() for path in files]
    jobs = [one for path, one in zip(files, contents, strict=True) if "jobs" in path.parts]
    assert any(b"llama on dev" in one for one in jobs)
    return [name for name, key in keys.items() if any(key.encode() in one for one in contents)]


def test_a_model_that_does_not_answer_in_dev_goes_nowhere_else(
    site, real, recorders, keys, upstream
):
    upstream.keys.clear()
    code, printed = site.run(ROLL_OUT)
    assert code != 0, printed
    assert "HTTP 401" in printed
    assert [name for name, one in recorders.items() if one.requests] == ["dev"]
    assert tried(recorders)["dev"] > 1  # it may only not have been served yet
    assert limits(real)["prod-eu"] == []
    assert "converge staging" not in printed
    assert kept(site, keys) == []


def test_the_first_region_that_fails_is_the_last(site, real, recorders):
    recorders["prod-eu"].fault(path="/v1/chat/completions", status=503, json={"error": "busy"})
    code, printed = site.run(ROLL_OUT)
    assert code != 0, printed
    assert [name for name, one in recorders.items() if one.requests] == [
        "dev",
        "staging",
        "prod-eu",
    ]
    assert tried(recorders)["staging"] == 1
