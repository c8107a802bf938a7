"""The model of LiteLLM's credentials stands in for LiteLLM: what it must not get wrong."""

import inspect

import pytest

from saltext_litellm.credentials.endpoints import CredentialEndpoints
from saltext_litellm.errors import (
    AlreadyThere,
    GatewayError,
    NotInDatabase,
    OutcomeUnknown,
    Unchangeable,
)
from saltext_litellm.values.ciphertext import is_ciphertext
from tests.support.credential_cluster import CredentialClient, CredentialCluster

VERSIONS = ["1.83.14", "1.106.2", "1.110.2"]
SINCE_106 = VERSIONS[1:]
VALUES = {"api_key": "sk-0123456789", "api_base": "one"}
MASKED = {"api_key": "sk****89", "api_base": "one"}
CONFIG = {"credential_name": "c", "credential_values": VALUES, "credential_info": {"from": "file"}}


def body(name="a", values=VALUES, info=None, **more):
    info = {"description": "old"} if info is None else info
    return {"credential_name": name, "credential_values": values, "credential_info": info, **more}


def change(values=None, info=None, **more):
    return {"credential_values": values or {}, "credential_info": info or {}, **more}


def names(client):
    return [row["credential_name"] for row in client.list()]


def one(client, name="a"):
    (row,) = [row for row in client.list() if row["credential_name"] == name]
    return row


def info(client, name="a"):
    return one(client, name)["credential_info"]


def values(client, name="a"):
    return one(client, name)["credential_values"]


def test_a_client_has_the_methods_of_our_endpoints():
    ours, theirs = (
        {
            name: list(inspect.signature(method).parameters)
            for name, method in inspect.getmembers(kind, inspect.isfunction)
            if not name.startswith("_")
        }
        for kind in (CredentialEndpoints, CredentialClient)
    )
    del theirs["refresh"]  # what a PATCH of a model does as well
    assert ours == theirs


@pytest.mark.parametrize("version", VERSIONS)
def test_a_worker_knows_what_it_has_written_and_what_it_has_polled(version):
    cluster = CredentialCluster(version, workers=2)
    one_, two = cluster.client(0), cluster.client(1)
    one_.create(body())
    assert (names(one_), names(two)) == (["a"], [])
    cluster.poll(1)
    one_.update("a", change({"api_base": "two"}, {"description": "new"}))
    assert (values(one_)["api_base"], values(two)["api_base"]) == ("two", "one")
    assert one_.delete("a") is True
    assert (names(one_), names(two)) == ([], ["a"])
    cluster.poll(1)
    assert names(two) == []
    assert cluster.writes == cluster.requests == 3


@pytest.mark.parametrize("version", VERSIONS)
def test_only_since_106_a_worker_reads_when_it_is_asked_to(version):
    cluster = CredentialCluster(version, workers=2)
    cluster.client(0).create(body())
    two = cluster.client(1)
    assert two.refresh() is (version in SINCE_106)
    assert names(two) == (["a"] if version in SINCE_106 else [])
    assert (cluster.writes, cluster.requests) == (1, 2 if version in SINCE_106 else 1)


@pytest.mark.parametrize("version", VERSIONS)
def test_info_merges_in_the_memory_and_only_since_110_in_the_database(version):
    cluster = CredentialCluster(version)
    client = cluster.client()
    client.create(body(info={"description": "old", "theirs": 1}))
    client.update("a", change(info={"description": "new"}))
    assert info(client) == {"description": "new", "theirs": 1}
    client.update("a", change({"api_base": "two"}))  # without info
    cluster.poll(0)
    kept = {"theirs": 1} if version == "1.110.2" else {}
    assert info(client) == {"description": "new", **kept}


def test_a_write_through_a_worker_whose_memory_is_old():
    cluster = CredentialCluster(workers=2)
    first, second = cluster.client(0), cluster.client(1)
    first.create(body())
    cluster.poll(1)
    first.update("a", change({"api_base": "two", "first": "1"}, {"description": "new"}))
    second.update("a", change({"second": "2"}, {"other": 1}))
    assert values(second) == {**MASKED, "second": "2"}
    assert info(second) == {"description": "old", "other": 1}
    second.refresh()
    assert values(second) == {**MASKED, "api_base": "two", "first": "1", "second": "2"}
    assert info(second) == {"other": 1}


@pytest.mark.parametrize("version", VERSIONS)
def test_a_worker_that_has_not_heard_of_it(version):
    cluster = CredentialCluster(version, workers=2)
    first, second = cluster.client(0), cluster.client(1)
    first.create(body())
    with pytest.raises(AlreadyThere) as caught:
        second.create(body(values={"api_key": "sk-other-0123"}))
    assert caught.value.status == (409 if version in SINCE_106 else 500)
    second.update("a", change({"api_base": "two"}))
    assert names(second) == []
    assert second.delete("a") is True
    with pytest.raises(NotInDatabase) as caught:
        first.update("a", {})
    assert (caught.value.status, names(first)) == (404, ["a"])
    assert first.delete("a") is (version not in SINCE_106)
    assert names(first) == (["a"] if version in SINCE_106 else [])
    second.create(body(values={"api_key": "sk-other-0123"}))
    first.refresh()
    cluster.poll(0)
    assert values(first) == {"api_key": "sk****23"}


@pytest.mark.parametrize("version", VERSIONS)
def test_which_values_are_stored_and_how_they_are_shown(version):
    cluster = CredentialCluster(version)
    client = cluster.client()
    shown = {
        "number_key": 5,
        "list_key": ["plain-0123"],
        "my_pw": "plain-0123",
        "x": {"token": "t"},
    }
    hidden = {"short_key": "abcd", "empty_key": "", "monkey": "banana", "API_KEY": "äöüöä"}
    nested = {"secrets": {"token": "hidden-0123", "name": "n", "deep": {"key": "hidden-0123"}}}
    client.create(body(values={**shown, **hidden, **nested, "none": None, "empty": ""}))
    nulls = {} if version in SINCE_106 else {"none": None}
    masks = {
        "short_key": "*****",
        "empty_key": "*****",
        "monkey": "ba****na",
        "API_KEY": "äö****öä",
    }
    inside = {"token": "hi****23", "name": "n", "deep": {"key": "hidden-0123"}}
    assert values(client) == {**shown, **masks, "secrets": inside, **nulls, "empty": ""}
    cluster.poll(0)
    assert is_ciphertext(values(client)["empty"]) is (version not in SINCE_106)
    client.update("a", change({"my_pw": None}))
    assert values(client)["my_pw"] == ("plain-0123" if version in SINCE_106 else None)


@pytest.mark.parametrize("version", VERSIONS)
def test_values_are_deleted_by_their_names_since_106(version):
    cluster = CredentialCluster(version)
    client = cluster.client()
    client.create(body())
    client.update("a", change({"x": "1"}, credential_values_to_delete=["api_base", "unknown"]))
    left = {"api_key", "x"} if version in SINCE_106 else {"api_key", "api_base", "x"}
    assert values(client).keys() == cluster.table["a"]["credential_values"].keys() == left


@pytest.mark.parametrize("version", ["1.83.14", "1.106.2", "1.109.1", "1.110.2"])
@pytest.mark.parametrize("mask", ["sk****89", "*****"])
def test_a_mask_that_is_sent_back_is_stored_until_109(version, mask):
    cluster = CredentialCluster(version)
    client = cluster.client()
    client.create(body(values={"api_key": "sk-0123456789", "plain": "x"}))
    client.update("a", change({"api_key": mask, "plain": mask}))
    keeps = version >= "1.109" and not version.startswith("1.83")
    secret = "sk-0123456789" if keeps else mask
    assert cluster.table["a"]["credential_values"] == {"api_key": secret, "plain": mask}


@pytest.mark.parametrize("version", VERSIONS)
def test_labels_came_with_106(version):
    cluster = CredentialCluster(version, workers=2)
    client = cluster.client()
    client.create(body(display_name=" Label "))
    client.update("a", change({"x": "1"}))
    if version not in SINCE_106:
        assert one(client).keys() == {"credential_name", "credential_values", "credential_info"}
        client.update("a", change(display_name=" "))
        return
    assert (one(client)["display_name"], one(client)["source"]) == ("Label", "db")
    with pytest.raises(GatewayError, match="blank"):
        client.update("a", change(display_name=" "))
    client.update("a", change(display_name=None))
    assert one(client)["display_name"] is None


# ----------------------------------------------------------------- the config file


@pytest.mark.parametrize("version", SINCE_106)
def test_what_the_file_has_is_refused(version):
    client = CredentialCluster(version, config=[CONFIG]).client()
    before = client.list()
    assert before[0]["source"] == "config"
    for write, status in (
        (lambda: client.create(body("c")), 409),
        (lambda: client.update("c", change(info={"x": 1})), 405),
        (lambda: client.delete("c"), 405),
    ):
        with pytest.raises(GatewayError) as caught:
            write()
        assert (type(caught.value), caught.value.status) == (GatewayError, status)
    client.refresh()
    assert client.list() == before


def test_1_83_does_not_say_that_the_file_has_it():
    cluster = CredentialCluster("1.83.14", config=[CONFIG])
    client = cluster.client()
    assert info(client, "c") == {"from": "file"}
    with pytest.raises(NotInDatabase):
        client.update("c", {})
    assert client.delete("c") is True
    cluster.poll(0)
    assert client.list() == []
    cluster.restart()
    assert names(client) == ["c"]
    client.create(body("c", info={"from": "database"}))
    assert info(client, "c") == {"from": "database"}


@pytest.mark.parametrize("version", SINCE_106)
def test_a_name_that_the_file_and_the_database_have(version):
    """The file's is back after a restart only, and another worker never notices a deletion."""
    cluster = CredentialCluster(version, workers=2, config=[CONFIG])
    first, second = cluster.client(0), cluster.client(1)
    cluster.file.clear()  # made through a process that has no such file
    cluster.memories[0].clear()
    first.create(body("c", info={"from": "database"}))
    cluster.file["c"] = cluster.memories[1]["c"]
    second.refresh()
    assert (info(second, "c"), one(second, "c")["source"]) == ({"from": "database"}, "db")
    first.delete("c")
    for client in (first, second):
        client.refresh()
    assert (names(first), info(second, "c")) == ([], {"from": "database"})
    with pytest.raises(NotInDatabase):
        second.update("c", {})


# ----------------------------------------------------------------- what else can happen


def test_refusals_change_nothing():
    cluster = CredentialCluster()
    client = cluster.client()
    client.create(body())
    before = repr((cluster.table, cluster.memories))
    for write, status in (
        (lambda: client.create(body("b", values={})), 422),
        (lambda: client.create({**body("b"), "credential_info": None}), 422),
        (lambda: client.create(body("b", display_name="")), 400),
        (lambda: client.create(body(info={"x": 1})), 409),
        (lambda: client.update("a", {"credential_info": None}), 422),
        (lambda: client.update("a", change({"x": "1"}, credential_values_to_delete=["x"])), 400),
        (lambda: client.update("b", change({"x": "1"})), 404),
    ):
        with pytest.raises(GatewayError) as caught:
            write()
        assert caught.value.status == status
    assert client.delete("b") is False
    assert repr((cluster.table, cluster.memories)) == before


@pytest.mark.parametrize("name", [".", "..", "two\nlines"])
def test_names_that_no_url_can_hold(name):
    client = CredentialCluster().client()
    client.create(body(name))
    for write in (lambda: client.update(name, {}), lambda: client.delete(name)):
        with pytest.raises(Unchangeable):
            write()
    assert names(client) == [name]


@pytest.mark.parametrize("done", [True, False])
def test_a_lost_answer(done):
    cluster = CredentialCluster(workers=2)
    client = cluster.client()
    cluster.lose(2, done)
    client.create(body("a"))
    with pytest.raises(OutcomeUnknown):
        client.create(body("b"))
    client.create(body("c"))
    assert sorted(cluster.table) == (["a", "b", "c"] if done else ["a", "c"])
    cluster.lose(1, done)
    with pytest.raises(OutcomeUnknown):
        cluster.client(1).refresh()
    assert names(cluster.client(1)) == (["a", "b", "c"] if done else [])
    cluster.lose(1, done)
    with pytest.raises(OutcomeUnknown):  # whatever else it would have been
        client.create(body("a"))


@pytest.mark.parametrize("version", VERSIONS)
def test_another_salt_key(version):
    cluster = CredentialCluster(version)
    client = cluster.client()
    client.create(body(values={**VALUES, "number": 5, "map": {"x": "plain"}}))
    cluster.change_key()
    shown = values(client)
    assert (shown["number"], shown["map"]) == (5, {"x": "plain"})
    assert shown["api_key"] != MASKED["api_key"]
    assert is_ciphertext(shown["api_base"])
    client.update("a", change(VALUES))
    cluster.poll(0)
    assert values(client) == {**MASKED, "number": 5, "map": {"x": "plain"}}


def test_a_worker_may_poll_before_any_request():
    cluster = CredentialCluster(workers=2)
    cluster.client(0).create(body())
    due = iter([False, True])
    cluster.polls = lambda _: next(due)
    assert [names(cluster.client(1)) for _ in range(2)] == [[], ["a"]]


def test_which_worker_is_met():
    cluster = CredentialCluster(workers=2)
    fixed = cluster.client(0)
    fixed.create(body())
    fixed.elsewhere(60)
    assert (names(fixed), names(fixed.another())) == ([], [])
    fixed.elsewhere(60)
    assert names(fixed) == ["a"]
    turns = iter([0, 1, 0])
    balanced = cluster.client(lambda: next(turns))
    assert [names(balanced) for _ in range(3)] == [["a"], [], ["a"]]


def test_nothing_is_shared_by_accident():
    cluster = CredentialCluster(workers=2)
    client = cluster.client()
    sent = body(values={"map": {"x": [1]}}, info={"map": {"x": [1]}})
    client.create(sent)
    client.update("a", change(sent["credential_values"], sent["credential_info"]))
    client.refresh()
    for row in (sent, *client.list()):
        row["credential_values"]["map"]["x"].append(2)
        row["credential_info"]["map"]["x"].append(2)
    cluster.table["a"]["credential_values"]["map"]["x"].append(3)
    assert values(client) == info(client) == {"map": {"x": [1]}}
