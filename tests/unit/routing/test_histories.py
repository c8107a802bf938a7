"""Random histories of fallbacks and router settings, on the model of LiteLLM."""

import copy
from itertools import cycle

import pytest
from hypothesis import given
from hypothesis import strategies as st

from saltext_litellm.errors import Refused
from saltext_litellm.objects.outcome import Options
from saltext_litellm.routing import rules, settings
from tests.support.properties import VERSIONS, few
from tests.support.routing_cluster import DEFAULTS, KEYS, RoutingCluster

TABLE = "Fallbacks and router settings: histories, on the model of LiteLLM"
MODELS = ["a", "b", "c/d", "e"]
TEST = Options(test=True)

kinds = st.sampled_from(list(KEYS))
models = st.sampled_from(MODELS)
targets = st.lists(models, min_size=1, max_size=3, unique=True)
aliases = st.dictionaries(st.sampled_from(["x", "y"]), models, max_size=2)
VALUES = {
    "num_retries": st.integers(0, 3),
    "timeout": st.sampled_from([1, 60.0, 5]),
    "routing_strategy": st.sampled_from(["simple-shuffle", "least-busy"]),
    "model_group_alias": aliases,
}
some_settings = st.fixed_dictionaries({}, optional=VALUES)
a_rule = st.tuples(models, targets, kinds).filter(lambda rule: rule[0] not in rule[1])
steps = st.one_of(
    st.tuples(st.just("rule"), a_rule),
    st.tuples(st.just("no rule"), st.tuples(models, kinds)),
    st.tuples(st.just("settings"), some_settings.filter(bool)),
    st.tuples(st.just("rule by hand"), a_rule),
    st.tuples(st.just("no rule by hand"), st.tuples(models, kinds)),
    st.tuples(st.just("settings by hand"), some_settings),
    st.tuples(st.just("one entry by hand"), st.tuples(kinds, targets, models)),
)
histories = st.lists(steps, min_size=1, max_size=8)


class State:
    """What a step declares: how it is applied, and what the database has when it is done."""

    def __init__(self, step, what):
        self.step, self.what = step, what
        if step == "settings":
            self.key = "num_retries"
            given = {"name": "several", "settings": what}
            self._declared = settings.declared(given, lambda value: value)
            return
        self.key = (what[-1], what[0])
        if step == "rule":
            given = dict(zip(("name", "fallback_models", "fallback_type"), what, strict=True))
            self._declared = rules.declared(given, lambda value: value)
        else:
            self._declared = rules.named(what[0], None, what[1])

    def apply(self, client, options=Options()):  # noqa: B008
        """Apply it in a run of its own."""
        if self.step == "no rule":
            return client.open_fallbacks().remove(self._declared, test=options.test)
        objects = client.open_router() if self.step == "settings" else client.open_fallbacks()
        (outcome,) = objects.apply([self._declared], options)
        return outcome

    def expected(self, before):
        """The rules and settings of the database, as they are to be."""
        found, own = before
        if self.step == "settings":
            return found, {**own, **self.what}
        others = {key: value for key, value in found.items() if key != self.key}
        return {**others, self.key: self.what[1]} if self.step == "rule" else others, own

    def may_be_refused(self, cluster):
        """Whether LiteLLM could not do it, or not without harm."""
        if self.step == "settings":
            return not cluster.merges
        kind, model = self.key
        shared = any(
            model in entry and len(entry) > 1 for entry in cluster.stored.get(KEYS[kind], ())
        )
        return shared or (self.step == "no rule" and "/" in model and not cluster.merges)


def by_hand(cluster, step, what, worker=0):
    """Change something as another client does, through one worker."""
    if step == "rule by hand":
        model, targets, kind = what
        body = {"model": model, "fallback_models": targets, "fallback_type": kind}
        cluster.set_rule(worker, body)
    elif step == "no rule by hand":
        cluster.delete_rule(worker, what[1], what[0])
    elif cluster.merges and step == "settings by hand":
        cluster.set_settings(worker, what)
    elif cluster.merges:
        kind, of, target = what
        cluster.set_settings(worker, {KEYS[kind]: [{model: [target] for model in of}]})


def database(cluster):
    """The rules, and the other settings as they act: what is not stored, the router has."""
    others = {**cluster.routers[0], **cluster.stored}
    own = {key: value for key, value in others.items() if key not in KEYS.values()}
    return copy.deepcopy((cluster.rules(), own))


def refused(state, cluster, options=Options()):  # noqa: B008
    """Whether a state is refused, with nothing written."""
    before, writes = copy.deepcopy(cluster.stored), cluster.writes
    try:
        state.apply(cluster.client(), options)
    except Refused:
        assert state.may_be_refused(cluster)
        assert (cluster.stored, cluster.writes) == (before, writes)
        return True
    return False


def rests(state, client, cluster):
    writes = cluster.writes
    for options in (TEST, Options()):
        done = state.apply(client, options)
        assert (done.action, done.changes, done.failure) == ("none", {}, None)
    assert cluster.writes == writes or state.step == "no rule"  # which asks the database


@pytest.mark.parametrize("version", VERSIONS)
@few
@given(history=histories)
def test_every_history_converges(version, history, survived):
    survived(TABLE, f"{version}: one worker")
    cluster = RoutingCluster(version, models=MODELS)
    for step, what in history:
        if "by hand" in step:
            by_hand(cluster, step, what)
            continue
        state = State(step, what)
        if refused(state, cluster, TEST):
            assert refused(state, cluster)
            continue
        before = database(cluster)
        predicted = state.apply(cluster.client(), TEST)
        assert database(cluster) == before
        done = state.apply(cluster.client())
        assert done.failure is None, done
        assert (done.changes, done.action) == (predicted.changes, predicted.action)
        assert database(cluster) == state.expected(before)
        assert bool(done.changes) is (database(cluster) != before)
        rests(state, cluster.client(), cluster)


faults = st.dictionaries(st.integers(1, 4), st.sampled_from(["lost", "lost but done", "undone"]))


@pytest.mark.parametrize("version", VERSIONS)
@few
@given(history=st.lists(st.tuples(steps, faults), min_size=1, max_size=6))
def test_lost_answers_and_writes_that_others_undo(version, history, survived):
    survived(TABLE, f"{version}: lost answers, and writes that others undo")
    cluster = RoutingCluster(version, models=MODELS)
    # Else a router keeps what its database does not have, and shows it.
    cluster.stored = {**copy.deepcopy(DEFAULTS), **{key: [] for key in KEYS.values()}}
    for (step, what), due in history:
        if "by hand" in step:
            by_hand(cluster, step, what)
            continue
        state = State(step, what)
        if refused(state, cluster, TEST):
            continue
        before = database(cluster)
        for number, how in due.items():
            if how == "undone" and cluster.merges:  # an older one does not show what is stored
                cluster.overwritten.add(cluster.writes + number)
            elif how != "undone":
                cluster.faults[cluster.writes + number] = how == "lost but done"
        done = state.apply(cluster.client())
        cluster.faults, cluster.overwritten = {}, set()
        after, expected = database(cluster), state.expected(before)
        assert after in (before, expected)
        if done.failure is None:
            assert after == expected, done
        if not done.unknown:
            assert bool(done.changes) is (after != before), (done, before, after)
        cluster.poll(0)
        assert state.apply(cluster.client()).failure is None
        assert database(cluster) == expected
        rests(state, cluster.client(), cluster)


@pytest.mark.parametrize("version", VERSIONS[1:])
@pytest.mark.parametrize(
    ("step", "what"), [("rule", ("a", ["b"], "general")), ("settings", {"num_retries": 3})]
)
def test_what_only_the_router_has_is_not_taken_for_stored(version, step, what):
    """Another client has overwritten the first write of all, and the router still follows it."""
    cluster, state = RoutingCluster(version, models=MODELS), State(step, what)
    cluster.overwritten = {1}
    before = database(cluster)
    done = state.apply(cluster.client())
    assert (done.failure, cluster.writes) == (None, 2)
    assert bool(done.changes)
    cluster.routers[0] = copy.deepcopy(DEFAULTS)
    assert database(cluster) == state.expected(before)


of_workers = st.lists(st.tuples(st.integers(0, 2), steps), min_size=1, max_size=6)
some_polls = st.lists(st.booleans(), min_size=1, max_size=9)


@pytest.mark.parametrize("version", VERSIONS)
@few
@given(history=of_workers, polls=some_polls)
def test_what_a_worker_knows_may_be_old(version, history, polls, survived):
    """What was written is so, with all that others have; half a minute later one run does all."""
    survived(TABLE, f"{version}: three workers")
    cluster = RoutingCluster(version, workers=3, models=MODELS)
    due = cycle(polls)
    for worker, (step, what) in history:
        cluster.polls = lambda _: next(due)
        if "by hand" in step:
            by_hand(cluster, step, what, worker)
            continue
        state, before = State(step, what), database(cluster)
        try:
            done = state.apply(cluster.client(worker))
        except Refused:
            assert database(cluster) == before
        else:
            assert done.failure is None
            expected = state.expected(before)
            if done.changes or (step == "no rule" and "/" not in what[0]):
                assert database(cluster) == expected
            else:
                assert database(cluster) == before
        cluster.polls = lambda _: True  # half a minute later
        if not refused(state, cluster):
            assert database(cluster) == state.expected(before)
            for each in range(3):
                cluster.poll(each)
                rests(state, cluster.client(each), cluster)
