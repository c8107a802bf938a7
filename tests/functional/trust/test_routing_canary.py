"""Canaries of fallbacks and router settings: they hold no secrets, and show none of others."""

import json

import pytest
from salt.exceptions import CommandExecutionError, SaltInvocationError

from ..conftest import States
from ..routing.conftest import RoutingApi
from .test_canary import SHAPES, SPELLINGS, canary, profile, seen  # noqa: F401 - fixtures

STATES = "returns and comments of states, an outputter each"
FUNCTIONS = "returns of execution functions, an outputter each"
# What it stores stays, and keeps other tests of one gateway from changing its router.
pytestmark = pytest.mark.survive

ALIASES = "model_group_alias"


@pytest.fixture
def routing(gateway, name):
    api = RoutingApi(gateway)
    yield api
    api.clean(name)
    if api.since("1.106"):
        api.set(**{ALIASES: {}, "allowed_fails": 3})


@pytest.fixture
def recent(routing):
    if not routing.since("1.106"):
        pytest.skip("LiteLLM 1.83 destroys settings that a write does not send")


@pytest.fixture
def models(api, name):
    made = [api.create(one) for one in (name, f"{name}-reserve")]
    yield
    for one in made:
        api.delete(one)


@pytest.fixture
def states(loaders, profile):  # noqa: F811
    return States(loaders, profile)


@pytest.fixture
def call(loaders, profile):  # noqa: F811
    return lambda function, *args, **given: loaders.modules[function](
        *args, **given, profile=profile
    )


def changes(name):
    """A state of each kind that has something to do."""
    return [
        ("litellm_fallback.present", {"name": name, "fallback_models": [f"{name}-reserve"]}),
        ("litellm_router.managed", {"name": "several", "settings": {"allowed_fails": 4}}),
    ]


def test_the_profile_is_shown_nowhere(seen, states, call, routing, recent, models, name):  # noqa: F811
    absent = ("litellm_fallback.absent", {"name": name})
    for state in (*changes(name), absent):
        for test in (True, False):
            done = seen(STATES, states.run(state, test=test))
            assert (done["result"], bool(done["changes"])) == (None if test else True, True), done
    for function in ("litellm_fallback.list", "litellm_router.list"):
        seen(FUNCTIONS, call(function))
    seen(FUNCTIONS, call("litellm_fallback.plan", name, fallback_models=[f"{name}-reserve"]))


def test_what_others_have_stored_in_plain(seen, canary, states, call, routing, recent):  # noqa: F811
    hidden = {"model": "gpt-4", "api_key": canary("an alias of others")}
    login = f"https://me:{canary('a login of others')}@example.com"
    routing.set(**{ALIASES: {"one": hidden, "two": login}})
    seen(FUNCTIONS, call("litellm_router.list"))
    seen(FUNCTIONS, call("litellm_router.get", ALIASES))
    state = ("litellm_router.present", {"name": ALIASES, "value": {"three": "gpt-4"}})
    for test in (True, False):
        assert seen(STATES, states.run(state, test=test))["changes"][ALIASES]["old"]


def wrong(key):
    """Settings with a secret in a place that has none."""
    return [
        {"redis_password": key},
        {"redis_url": f"redis://:{key}@example.com"},
        {"retry_policy": {"api_key": key}},
        {"retry_policy": key},
        {ALIASES: {"one": {"model": "gpt-4", "api_key": key}}},
        {ALIASES: {"one": [f"Bearer {key}"]}},
        {"default_litellm_params": {"extra_headers": {"X-Token": key}}},
        {"num_retries": key},
        {"routing_strategy": f"sk-{key}"},
        {"timeout": {"password": key}},
        {"cache_kwargs": json.dumps({"password": key})},
    ]


def test_what_is_refused(seen, canary, states, call, recorder, recent):  # noqa: F811
    key = canary("a refused value")
    for settings in wrong(key):
        state = ("litellm_router.managed", {"name": "several", "settings": settings})
        assert seen(STATES, states.run(state))["result"] is False
        try:
            said = call("litellm_router.manage", "several", settings, test=True)
        except (CommandExecutionError, SaltInvocationError) as err:
            said = str(err)
        seen("refusals, an outputter each", {"said": said})
    for given in ({"api_key": key}, [{"api_key": key}], f"sk-{key}"):
        state = ("litellm_fallback.present", {"name": "gpt-4", "fallback_models": given})
        assert seen(STATES, states.run(state))["result"] is False
    sent = [one.json for one in recorder.requests if one.method != "GET"]
    # LiteLLM does not say of what type it is, and refuses it itself.
    assert sent == [{"router_settings": {"retry_policy": key}}] * len(sent)


@pytest.mark.parametrize(
    "status", [400, *(pytest.param(one, marks=pytest.mark.survive) for one in (401, 422, 500))]
)
def test_an_echo_in_an_error(status, seen, canary, states, recorder, recent, models, name):  # noqa: F811
    """What a gateway might echo: the request with all its headers."""
    for state, path in zip(changes(name), ("/fallback", "/config/update"), strict=True):
        recorder.clear()
        recorder.fault(method="POST", path=path, drop=True)
        states.run(state)
        request = next(one for one in recorder.requests if one.path == path and one.json)
        text = json.dumps({"body": request.json, "headers": dict(request.headers)})
        assert len(canary.leaked(text)) > 2
        for shape in SHAPES.values():
            for spelling in SPELLINGS.values():
                recorder.mend()
                answer = shape(spelling(text))
                recorder.fault(method="POST", path=path, status=status, **answer)
                result = states.run(state)
                assert result["result"] is False
                seen("errors that echo the request, an outputter each", result)
        recorder.mend()
