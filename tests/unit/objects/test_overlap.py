"""Writes that overlap: what is sent, when, and what is said of each."""

from __future__ import annotations

import threading
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from saltext_litellm.errors import GatewayError, OutcomeUnknown
from saltext_litellm.models import desired as deployments
from saltext_litellm.models.deployments import Deployments
from saltext_litellm.models.options import ModelOptions
from saltext_litellm.objects.outcome import Outcome
from tests.support.cluster import Client, Cluster
from tests.support.properties import FINGERPRINTER, VERSIONS, relaxed

CONNECTIONS = 4


class Counting(Client):
    """A client whose writes take their time: each waits until as many are under way as may be.

    `fails` says by its number, from 1 on, what becomes of a create: an error, done or not done.
    """

    def __init__(self, cluster: Cluster, connections: int, waits: bool = True, fails: Any = None):
        super().__init__(cluster, 0, connections)
        self.shared = {"now": 0, "most": 0, "creates": 0, "threads": set()}
        self.change = threading.Condition()
        self.waits, self.fails = waits, fails or {}

    def another(self) -> Client:
        return self  # so that all count in one place

    def create(self, body):
        with self.change:
            self.shared["creates"] += 1
            number = self.shared["creates"]
        return self._counted(number, super().create, body)

    def update(self, model_id, body):
        return self._counted(0, super().update, model_id, body)

    def _counted(self, number, write, *what):
        with self.change:
            self.shared["now"] += 1
            self.shared["most"] = max(self.shared["most"], self.shared["now"])
            self.shared["threads"].add(threading.get_ident())
            self.change.notify_all()
            if self.waits:
                self.change.wait_for(lambda: self.shared["most"] >= self.connections, timeout=0.2)
            try:
                error, done = self.fails.get(number, (None, True))
                answer = write(*what) if done else None
                if error is not None:
                    raise error
                return answer
            finally:
                self.shared["now"] -= 1


def wanted(count: int, **more: Any) -> list[deployments.Deployment]:
    return [
        deployments.desired(
            {"name": f"m{n}", "litellm_params": {"model": "openai/gpt-4"}, **more},
            lambda value: value,
        )
        for n in range(count)
    ]


def warm(version: str = "1.106.2") -> Cluster:
    """A gateway that shows its database, because it serves something."""
    cluster = Cluster(version)
    params = {"model": "openai/x"}
    cluster.client().create(
        {"model_name": "other", "litellm_params": params, "model_info": {"id": "other"}}
    )
    return cluster


def apply(client: Client, declared: list[deployments.Deployment], **options: Any) -> list[Outcome]:
    return Deployments(client, FINGERPRINTER).apply(declared, ModelOptions(**options))


@pytest.mark.parametrize("version", VERSIONS)
def test_so_many_creates_are_under_way_as_the_profile_allows(version):
    cluster = warm(version)
    client = Counting(cluster, CONNECTIONS)
    done = apply(client, wanted(20))
    assert [one.name for one in done] == [f"m{n}" for n in range(20)]
    assert {one.status for one in done} == {"created"}
    assert client.shared["most"] == CONNECTIONS
    assert client.shared["creates"] == 20
    assert len(cluster.table) == 21


@pytest.mark.parametrize("connections", [1, CONNECTIONS])
def test_one_deployment_or_one_connection_takes_no_thread(connections):
    client = Counting(warm(), connections, waits=False)
    apply(client, wanted(1 if connections > 1 else 3))
    assert client.shared["threads"] == {threading.get_ident()}


def test_progress_is_reported_in_order():
    seen = []
    apply(Counting(warm(), CONNECTIONS), wanted(9), progress=lambda *what: seen.append(what))
    assert seen == [(n + 1, 9, f"m{n}") for n in range(9)]


def test_nothing_is_sent_ahead_before_the_database_is_seen():
    """The first create of an empty gateway may turn out to be too much."""
    client = Counting(Cluster(), CONNECTIONS, waits=False)
    first = []

    def progress(done, *_):
        if done == 1:
            first.append(client.shared["creates"])

    assert {one.status for one in apply(client, wanted(9), progress=progress)} == {"created"}
    assert first == [1]


@pytest.mark.parametrize(
    ("version", "most"), [("1.83.14", 1), ("1.106.2", CONNECTIONS), ("1.110.2", CONNECTIONS)]
)
def test_changes_overlap_where_litellm_serves_meanwhile(version, most):
    cluster = warm(version)
    apply(Counting(cluster, 1, waits=False), wanted(9, rpm=1))
    client = Counting(cluster, CONNECTIONS)
    done = apply(client, wanted(9, rpm=2))
    assert {one.status for one in done} == {"updated"}
    assert client.shared["most"] == most
    assert {row["litellm_params"].get("rpm") for row in cluster.table.values()} == {None, 2}


@pytest.mark.parametrize("done", [True, False])
def test_after_a_hopeless_error_what_is_under_way_is_still_told(done):
    """The key is revoked with the third create: what was sent is told as it is, the rest is not."""
    revoked = GatewayError("refuses the api_key (401)", 401)
    fails = dict.fromkeys(range(4, 30), (revoked, False))
    fails[3] = (OutcomeUnknown("broke off"), done)
    cluster = warm()
    client = Counting(cluster, CONNECTIONS, fails=fails)
    told = {one.name: one for one in apply(client, wanted(20))}
    names = {row["model_name"] for row in cluster.table.values()} - {"other"}
    assert {name for name, one in told.items() if one.status == "created"} == names
    tried = [name for name, one in told.items() if one.status in ("created", "failed")]
    assert len(tried) == client.shared["creates"] <= 3 + 2 * CONNECTIONS
    assert {one.status for one in told.values()} == {"created", "failed", "not_tried"}


declared = st.dictionaries(
    st.sampled_from("abcdefgh"),
    st.fixed_dictionaries(
        {"model": st.sampled_from(["openai/gpt-4", "openai/gpt-4o", "no-such-provider/x"])},
        optional={"rpm": st.sampled_from([1, 2]), "api_key": st.sampled_from(["sk-1", "sk-2"])},
    ),
    min_size=1,
)


def told(cluster: Cluster, connections: int, models: dict[str, Any]) -> list[tuple[Any, ...]]:
    """What one run says of each deployment."""
    client = Counting(cluster, connections, waits=False)
    arguments = [{"name": key, "litellm_params": params} for key, params in models.items()]
    done = apply(client, [deployments.desired(one, lambda value: value) for one in arguments])
    return [(one.name, one.status, one.changes, one.failure, one.notes) for one in done]


@pytest.mark.parametrize("version", VERSIONS)
@relaxed
@given(history=st.lists(declared, min_size=1, max_size=4))
def test_it_comes_to_the_same_whether_writes_overlap_or_not(version, history):
    one, many = Cluster(version), Cluster(version)
    for models in history:
        assert told(one, 1, models) == told(many, CONNECTIONS, models)
        assert one.table == many.table
        assert one.requests == many.requests


@pytest.mark.parametrize("version", VERSIONS)
@relaxed
@given(
    history=st.lists(
        st.tuples(declared, st.dictionaries(st.integers(1, 12), st.booleans(), max_size=4)),
        min_size=1,
        max_size=3,
    )
)
def test_whatever_answers_are_lost_what_is_told_is_true(version, history):
    """Lost are the answers of some writes, each of them done or not done."""
    cluster = warm(version)
    for given_models, faults in history:
        models = {key: params | {"model": "openai/gpt-4"} for key, params in given_models.items()}
        before = {row["model_name"]: rpm(row) for row in cluster.table.values()}
        for number, done in faults.items():
            cluster.lose(number, done)
        for name, fate, changes, _failure, _notes in told(cluster, CONNECTIONS, models):
            rows = [row for row in cluster.table.values() if row["model_name"] == name]
            if len(rows) == 2:  # a replacement whose delete was not done
                assert fate == "changed"
                continue
            if fate != "unknown":
                assert len(rows) == (name in before or fate in ("created", "updated"))
            if fate in ("created", "updated", "as_declared"):
                assert rpm(rows[0]) == models[name].get("rpm"), fate
            if "rpm" not in changes and fate != "unknown" and name in before:
                assert rpm(rows[0]) == before[name], fate
        cluster.faults.clear()
        assert {fate for _, fate, *_ in told(cluster, CONNECTIONS, models)} <= {
            "created",
            "updated",
            "as_declared",
        }
        assert {fate for _, fate, *_ in told(cluster, 1, models)} == {"as_declared"}


def rpm(row):
    return row["litellm_params"].get("rpm")
