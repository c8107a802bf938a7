"""The model of LiteLLM's credentials lives through random histories side by side with LiteLLM."""

from copy import deepcopy
from itertools import count, product

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from saltext_litellm.errors import GatewayError
from saltext_litellm.values.ciphertext import is_ciphertext
from tests.support.credential_cluster import CredentialCluster

from .conftest import FILED, CredentialApi, connect

pytestmark = pytest.mark.long
numbers = count()

SECRETS = ["sk-0123456789", "sk-abcdefghijk", "abcd", "a-b", "sk****89", "*****"]
VALUES = {
    "api_key": st.sampled_from([*SECRETS, None, 5]),
    "api_base": st.sampled_from(["https://one.example.com", "https://two.example.com", "", None]),
    "headers": st.sampled_from([{"X-Token": "plain-0123"}, {"X-Other": None}, {}, []]),
    "monkeys": st.sampled_from([{"token": "hidden-0123", "name": "shown"}, "banana-0123", 1.5]),
}
INFO = {
    "description": st.sampled_from(["first", "second", None]),
    "custom_llm_provider": st.sampled_from(["openai", "azure"]),
    "saltext_litellm": st.sampled_from([{"keys": ["a", None]}, {"secrets": {"api_key": "f0"}}]),
}
LABELS = st.sampled_from(["Label", "  Other ", None, ""])
NAMES = ["a", "b/ü %"]
some_names = st.sampled_from(["a", *NAMES])
any_names = st.sampled_from([*NAMES, FILED["credential_name"]])
values = st.fixed_dictionaries({}, optional=VALUES)
infos = st.fixed_dictionaries({}, optional=INFO)
changes = st.fixed_dictionaries(
    {"credential_values": values, "credential_info": infos},
    optional={
        "credential_values_to_delete": st.lists(st.sampled_from([*VALUES, "other"]), max_size=1),
        "display_name": LABELS,
    },
)
creates = st.fixed_dictionaries(
    {"credential_values": values, "credential_info": infos}, optional={"display_name": LABELS}
)
updates = st.tuples(st.just("update"), some_names, changes)
refreshes = st.just(("refresh",))
others = [
    st.tuples(st.just("create"), any_names, creates),
    st.tuples(st.just("update"), any_names, st.one_of(changes, st.just({}))),
    st.tuples(st.just("delete"), any_names),
]
steps = st.one_of(updates, updates, updates, refreshes, *others)
FULL = {
    "credential_values": dict.fromkeys(VALUES) | {"api_key": "sk-at-first-0", "x": ""},
    "credential_info": {"description": "at first", "theirs": [1]},
}
BEGINNING = [(0, ("create", each, FULL)) for each in NAMES] + [(1, ("refresh",))]
histories = st.lists(st.tuples(st.sampled_from([0, 1]), steps), min_size=15, max_size=30)


def outcome(client, step, own):
    """Do a step. Returns what it returned, or the class and the status of its error."""
    action, *what = step
    if what and what[0] != FILED["credential_name"]:
        what[0] = own + what[0]
    try:
        if action == "create":
            return client.create({**what[1], "credential_name": what[0]})
        return getattr(client, action)(*what)
    except GatewayError as err:
        return type(err), err.status


def shown(rows, own):
    """What is listed of this history and of the file. No two ciphertexts are the same."""
    return {
        row["credential_name"]: {**row, "credential_values": readable(row["credential_values"])}
        for row in rows
        if row["credential_name"].startswith((own, FILED["credential_name"]))
    }


def readable(values):
    return {key: "ciphertext" if is_ciphertext(v) else v for key, v in values.items()}


def states_after(cluster, worker, step, own):
    """What the model may answer and show after a step.

    The workers of 1.83.14 cannot be told not to poll, so each may do so before it and after it.
    """
    polls = [()] if cluster.since_106 else [(), (0,), (1,), (0, 1)]
    before = cluster.table, cluster.memories
    for early, late in product(polls, polls):
        cluster.table, cluster.memories = deepcopy(before)
        for each in early:
            cluster.poll(each)
        done = outcome(cluster.client(worker), step, own)
        for each in late:
            cluster.poll(each)
        yield done, [shown(cluster.shown(each), own) for each in (0, 1)]


@settings(
    max_examples=15,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(history=histories)
def test_litellm_shows_what_its_model_shows(processes, name, history):
    api = CredentialApi(processes[0])
    version = api("GET", "/public/model_hub/info").json()["litellm_version"]
    cluster = CredentialCluster(version, workers=2, config=[FILED])
    clients = [connect(process.url, process.key) for process in processes]
    own = f"{name}-{next(numbers)}-"
    for worker, step in BEGINNING + history:
        if FILED["credential_name"] in step and not cluster.since_106:
            continue  # it would be gone until the process is started again
        done = outcome(clients[worker], step, own)
        seen = done, [shown(client.list(), own) for client in clients]
        assert any(state == seen for state in states_after(cluster, worker, step, own)), (
            worker,
            step,
            seen,
        )
    for part in NAMES:
        api.delete(own + part)
