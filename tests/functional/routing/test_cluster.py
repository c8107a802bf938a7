"""The model of LiteLLM's fallbacks and settings lives through histories beside LiteLLM itself."""

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from saltext_litellm.errors import GatewayError
from saltext_litellm.http import profile as profiles
from saltext_litellm.http.session import Session
from saltext_litellm.routing.endpoints import FallbackEndpoints, RouterEndpoints
from tests.functional.conftest import Api
from tests.support.routing_cluster import (
    DEFAULTS,
    KEYS,
    RoutingCluster,
)

from .conftest import RoutingApi

pytestmark = pytest.mark.long

NAMES = ["a", "b", "c/d"]
EMPTY = {**DEFAULTS, **{key: [] for key in KEYS.values()}}
kinds = st.sampled_from(list(KEYS))
any_names = st.sampled_from([*NAMES, "unknown"])
lists = st.lists(any_names, min_size=1, max_size=3, unique=True)
# Since 1.109, LiteLLM takes one model in an entry of content policies.
replacements = st.tuples(st.sampled_from(list(KEYS.values())), st.integers(1, 2)).flatmap(
    lambda drawn: st.tuples(
        st.just("replace"),
        st.just(drawn[0]),
        st.lists(
            st.dictionaries(
                st.sampled_from(NAMES),
                lists,
                min_size=1,
                max_size=1 if drawn[0] == KEYS["content_policy"] else drawn[1],
            ),
            max_size=2,
        ),
    )
)
values = st.fixed_dictionaries(
    {},
    optional={
        "num_retries": st.integers(0, 3),
        "timeout": st.sampled_from([60, 30]),
        "allowed_fails": st.integers(1, 5),
        "routing_strategy": st.sampled_from(["least-busy", "simple-shuffle"]),
        "model_group_alias": st.dictionaries(st.sampled_from(["x"]), any_names, max_size=1),
    },
)
steps = st.one_of(
    st.tuples(st.just("set"), any_names, lists, kinds),
    st.tuples(st.just("set"), any_names, lists, kinds),
    st.tuples(st.just("delete"), kinds, st.sampled_from(["a", "b", "unknown"])),
    replacements,
    st.tuples(st.just("settings"), values),
    st.just(("refresh",)),
)
histories = st.lists(st.tuples(st.sampled_from([0, 1]), steps), min_size=8, max_size=15)


def outcome(fallbacks, router, step):
    """Do a step. Returns what it returned, or the class and the status of its error."""
    action, *what = step
    try:
        if action == "set":
            body = dict(zip(("model", "fallback_models", "fallback_type"), what, strict=True))
            return fallbacks.create(body)
        if action == "delete":
            return fallbacks.delete("/".join(what))
        if action == "replace":
            return fallbacks.replace(*what)
        return router.refresh() if action == "refresh" else router.update("", *what)
    except GatewayError as err:
        return type(err)


def seen(fallbacks, router):
    """What one worker shows, and what its router follows, of all that is in these histories.

    What is empty may be a null. 1.106.2 does not show which content policies are live.
    """
    shown, live = fallbacks.settings(), router.live()
    live["content_policy_fallbacks"] = None
    return [
        {key: None if one.get(key) == [] else one.get(key) for key in EMPTY}
        for one in (shown["current_values"], shown["source"], live)
    ]


def empty(processes):
    """Empty what both processes have. Nothing else empties the content policies of 1.106."""
    rule = {"model": "a", "fallback_models": ["b"], "fallback_type": "content_policy"}
    for process in processes:
        api = RoutingApi(process)
        api.set(**EMPTY)
        assert api("POST", "/fallback", json=rule).ok
        assert api.delete_rule("a", "content_policy").ok
    for process in processes:
        RoutingApi(process)("POST", "/config/update", json={})


@pytest.fixture
def models(processes):
    api = Api(processes[0])
    ids = [api.create(one) for one in NAMES]
    RoutingApi(processes[1])("POST", "/config/update", json={})
    yield
    for one in ids:
        api.delete(one)


@settings(
    max_examples=8,
    phases=[Phase.generate],
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(history=histories)
def test_litellm_shows_what_its_model_shows(processes, models, history):
    api = RoutingApi(processes[0])
    version = api("GET", "/public/model_hub/info").json()["litellm_version"]
    if not api.since("1.106"):
        pytest.skip("LiteLLM 1.83 reads its database every few seconds, whatever it is told")
    empty(processes)
    cluster = RoutingCluster(version, workers=2, models=NAMES)
    cluster.stored = dict(EMPTY)
    real, modelled = [], []
    for worker, process in enumerate(processes):
        cluster.poll(worker)
        cluster.routers[worker]["content_policy_fallbacks"] = []
        login = {"url": process.url, "api_key": process.key}
        session = Session(profiles.load(login, {}.get, lambda value: value))
        real.append((FallbackEndpoints(session), RouterEndpoints(session)))
        client = cluster.client(worker)
        modelled.append((client.fallbacks, client.router))
        real[-1][0].settings()  # which shows whether an empty write does nothing else
        real[-1][1].settings()
    for worker, step in history:
        done = outcome(*real[worker], step)
        assert done == outcome(*modelled[worker], step), step
        for each in (0, 1):
            assert seen(*real[each]) == seen(*modelled[each]), (worker, step, each)
