"""Salt's side of the way to a gateway: references, profiles and errors."""

import asyncio
import inspect
import multiprocessing
import os
import time
from typing import ClassVar

import pytest
import salt.config
import salt.loader
import salt.pillar
import salt.utils.sdb
from salt.exceptions import CommandExecutionError, SaltInvocationError
from salt.metaproxy import deltaproxy
from salt.utils import ctx

from saltext_litellm.adapter import file_server, gateways, jobs
from saltext_litellm.adapter.errors import salt_errors
from saltext_litellm.adapter.execution import Minion
from saltext_litellm.adapter.sdb import resolver
from saltext_litellm.errors import InvalidInput, Refused
from saltext_litellm.modules import litellm_model as module
from tests.conftest import public_functions

REFERENCE = "sdb://vault/key"


@pytest.fixture
def driver(monkeypatch):
    """What an sdb driver returns or raises, and the references it was asked for."""

    class Driver:
        asked = ()
        answer = None

        def __call__(self, reference, *_, **__):
            self.asked += (reference,)
            if isinstance(self.answer, Exception):
                raise self.answer
            return self.answer

    driver = Driver()
    monkeypatch.setattr(salt.utils.sdb, "sdb_get", driver)
    return driver


def test_a_job_notices_that_its_minion_has_ended():
    fork = multiprocessing.get_context("fork")
    told, telling = fork.Pipe()
    begun = fork.Event()

    def job():
        minion = os.getppid()
        telling.send(jobs.orphaned())
        begun.set()
        for _ in range(1000):
            if os.getppid() != minion:
                break
            time.sleep(0.01)
        telling.send(jobs.orphaned())
        telling.close()

    def minion():
        fork.Process(target=job).start()
        begun.wait(10)
        os._exit(0)

    fork.Process(target=minion).start()
    assert [told.recv() if told.poll(10) else None for _ in range(2)] == [False, True]
    assert not jobs.orphaned()  # this process was not started by another Python


def test_a_reference_is_asked_for_once_and_all_else_not_at_all(driver):
    driver.answer = "sk-found"
    resolve = resolver({})
    given = (REFERENCE, REFERENCE, "sk-plain", 5, None)
    assert [resolve(value) for value in given] == ["sk-found", "sk-found", "sk-plain", 5, None]
    assert driver.asked == (REFERENCE,)


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (None, "there is nothing under this name"),
        (CommandExecutionError("it is sealed"), "it is sealed"),
        # What a driver raises that is no error of Salt's may have the secret in its text.
        (KeyError("sk-secret"), "KeyError"),
    ],
)
def test_a_reference_without_a_secret_is_refused_each_time(driver, answer, reason):
    driver.answer = answer
    resolve = resolver({})
    for _ in range(2):
        with pytest.raises(Refused) as err:
            resolve(REFERENCE)
        assert str(err.value) == f"Cannot resolve {REFERENCE}: {reason}"
    assert driver.asked == (REFERENCE,)


@pytest.mark.parametrize(
    ("ours", "salts"),
    [
        (InvalidInput("rpm must be a number"), SaltInvocationError),
        (Refused("rpm must be a number"), CommandExecutionError),
    ],
)
def test_only_a_wrong_argument_makes_salt_explain_the_arguments(ours, salts):
    with pytest.raises(salts, match=r"^rpm must be a number$"), salt_errors():
        raise ours


def test_what_is_nested_too_deeply_is_told_in_a_sentence():
    with pytest.raises(CommandExecutionError, match="is nested too deeply"), salt_errors():
        raise RecursionError


def test_a_number_that_python_refuses_to_print_is_refused_in_a_profile():
    profile = {"url": "https://gateway.example.com", "timeout": 10**5000}
    with pytest.raises(InvalidInput, match="a number too long to read"):
        gateways.gateway(profile, {}, lambda _: None, lambda value: value)


class Taken(Exception):
    """The options that a sub-proxy was to be made with."""


class Compiled:
    """A pillar that makes a sub-proxy; Salt 3008 awaits it."""

    pillar: ClassVar = {"proxy": {"proxytype": "dummy"}, "litellm": {"url": "http://127.0.0.1:9"}}

    def __init__(self, *_, **__):
        pass

    def compile_pillar(self):
        return self.pillar


class Awaited(Compiled):
    async def compile_pillar(self):
        return self.pillar


async def _made(function, *args):
    """What a function returns, on Salt 3008 a coroutine's result."""
    made = function(*args)
    return await made if inspect.isawaitable(made) else made


@pytest.fixture
def subproxy(monkeypatch, tmp_path):
    """The options that Salt's deltaproxy itself gives a sub-proxy."""

    def take(opts):
        raise Taken(opts)

    monkeypatch.setattr(deltaproxy, "ProxyMinion", take)
    monkeypatch.setattr(salt.loader, "grains", lambda *_, **__: {})
    monkeypatch.setattr(salt.pillar, "get_pillar", Compiled)
    monkeypatch.setattr(salt.pillar, "get_async_pillar", Awaited)
    config = tmp_path / "proxy"
    config.write_text(f"root_dir: {tmp_path}\n")
    opts = salt.config.proxy_config(str(config), minion_id="control")
    with pytest.raises(Taken) as taken:
        asyncio.run(_made(deltaproxy.subproxy_post_master_init, "sub", 0, opts, None, None))
    return taken.value.args[0]


def test_a_sub_proxy_reaches_no_gateway(subproxy):
    assert subproxy["id"] == "sub"
    for profile in ("litellm", {"url": "http://127.0.0.1:9", "api_key": "sk-1"}):
        with pytest.raises(Refused, match=r"deltaproxy mixes up .* nothing was sent"):
            gateways.refuse_elsewhere(profile, subproxy, {})


def test_nor_does_the_proxy_that_controls_it(tmp_path):
    config = tmp_path / "proxy"
    config.write_text(f"root_dir: {tmp_path}\nmetaproxy: deltaproxy\n")
    opts = salt.config.proxy_config(str(config), minion_id="control")
    with pytest.raises(Refused, match="deltaproxy"):
        gateways.refuse_elsewhere("litellm", opts, {})


def test_a_proxy_of_its_own_does_and_so_does_a_minion(tmp_path):
    config = tmp_path / "proxy"
    config.write_text(f"root_dir: {tmp_path}\n")
    for opts in (
        salt.config.proxy_config(str(config), minion_id="proxy"),
        salt.config.minion_config(None),
    ):
        gateways.refuse_elsewhere("litellm:prod", opts, {})


def test_every_function_asks_first(monkeypatch):
    """The one way to a gateway is the one that refuses."""
    monkeypatch.setattr(module, "__opts__", {"subproxy": True}, raising=False)
    monkeypatch.setattr(module, "__salt__", {}, raising=False)
    monkeypatch.setattr(module, "__context__", {}, raising=False)
    monkeypatch.setattr(module, "__pillar__", {}, raising=False)
    model = {"custom_llm_provider": "openai", "base_model": "gpt-4"}
    given = {"name": "m", "models": {"m": model}, **model}
    for function in public_functions(module).values():
        taken = inspect.signature(function).parameters
        with pytest.raises(CommandExecutionError, match="deltaproxy"):
            function(**{name: value for name, value in given.items() if name in taken})


@pytest.mark.parametrize(
    ("opts", "job", "asked"),
    [
        ({"fun": "litellm_model.plan_set"}, {}, True),  # salt-call
        ({"fun": "state.apply"}, {}, False),
        ({}, {"fun": "litellm_model.plan_set"}, True),  # a job
        ({}, {"fun": ["test.ping", "litellm_model.plan_set"]}, True),
        ({}, {"fun": "state.apply"}, False),
        ({}, {"fun": ["state.apply"]}, False),
        ({}, {}, False),  # a beacon, a schedule
        ({"fun": ""}, {}, False),
    ],
)
def test_what_is_asked_for(opts, job, asked):
    data = {"data": job, "opts": opts} if job else {}
    if hasattr(ctx, "request_context"):
        request = ctx.request_context(data)
    else:  # Salt 3006
        request = ctx.RequestContext(data)
    with request:
        assert jobs.is_asked_for("litellm_model.plan_set", opts) is asked
        assert jobs.is_asked_for("litellm_model.plan", opts) is False


@pytest.mark.parametrize(
    ("url", "saltenv", "found"),
    [
        ("salt://x.yaml", "dev", "salt://x.yaml?saltenv=dev"),
        ("salt://x.yaml", None, "salt://x.yaml"),
        ("salt://x.yaml?saltenv=prod", "dev", "salt://x.yaml?saltenv=prod"),
        ("/srv/x.yaml", "dev", "/srv/x.yaml"),
        ("https://x/y.yaml", "dev", "https://x/y.yaml"),
        (None, "dev", None),
        (5, "dev", 5),
    ],
)
def test_a_url_in_an_environment(url, saltenv, found):
    assert file_server.in_saltenv(url, saltenv) == found


def test_where_a_file_may_lie(tmp_path):
    real, link = tmp_path / "real", tmp_path / "link"
    real.mkdir()
    link.symlink_to(real)
    roots = {"file_roots": {"base": [str(link), "/b"], "dev": ["/dev-root"]}}
    assert file_server.paths_of(f"{link}/x", {}) == [f"{link}/x", f"{real}/x"]
    assert set(file_server.paths_of("salt://a/x", roots)) == {
        f"{link}/a/x",
        f"{real}/a/x",
        "/b/a/x",
    }
    assert set(file_server.paths_of("salt://x?saltenv=dev", roots)) == {"/dev-root/x"}
    assert file_server.paths_of("salt://x?saltenv=none", roots) == []


@pytest.mark.parametrize(("total", "times"), [(49, 0), (50, 1)])
def test_a_long_run_is_told_once_where_people_see_it(caplog, total, times):
    progress = Minion({"local": True}, {}, {}, {}).progress("litellm_model", "model", "set")
    for done in range(1, total + 1):
        progress(done, total, f"m{done}")
    shown = [one.getMessage() for one in caplog.records if one.levelname == "WARNING"]
    assert shown == times * [
        "set: 50 objects are to be changed, which may take minutes. To see each, run salt-call "
        "with --log-level=info, or watch the events salt/litellm_model/set/progress"
    ]
