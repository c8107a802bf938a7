"""What the endpoints make of LiteLLM's answers, on the model of LiteLLM."""

import pytest

from saltext_litellm.errors import (
    AlreadyThere,
    GatewayError,
    NotDone,
    NotInDatabase,
    OutcomeUnknown,
)
from saltext_litellm.keys.endpoints import KeyEndpoints
from tests.support.key_cluster import KeyCluster, hashed

KEY = "sk-0123456789abcdef"


class Between(KeyCluster):
    """Somebody else does something before a request of a number."""

    def __init__(self):
        super().__init__()
        self.due = {}
        self.answers = {}  # in the place of LiteLLM's, by path

    def call(self, method, path, body=None, **more):
        self.due.pop(self.steps + 1, lambda: None)()
        answer = self.answers.get(path)
        if isinstance(answer, Exception):
            raise answer
        found = super().call(method, path, body, **more)
        return found if answer is None else answer


@pytest.fixture
def cluster():
    cluster = Between()
    for number in range(150):
        create(cluster, number)
    cluster.steps = 0
    return cluster


def create(cluster, number):
    cluster.call("POST", "/key/generate", {"key": f"sk-{number:016}", "key_alias": f"key-{number}"})


def aliases(cluster):
    return {row["key_alias"] for row in KeyEndpoints(cluster).list()}


def test_pages(cluster):
    assert aliases(cluster) == {f"key-{number}" for number in range(150)}
    assert cluster.steps == 2


def test_a_key_that_is_deleted_meanwhile_hides_no_other(cluster):
    """It moves another one to the page that was read already, and the numbers add up."""
    first = min(cluster.table)
    gone = cluster.table[first]["key_alias"]
    cluster.due[2] = lambda: cluster.table.pop(first)
    assert aliases(cluster) == {f"key-{number}" for number in range(150)} - {gone}
    assert cluster.steps == 4


def test_one_that_is_made_meanwhile_is_no_trouble(cluster):
    cluster.answers["/key/list"] = {
        "keys": [{"token": "a", "key_alias": "a"}, {"token": "b", "key_alias": "b"}],
        "total_count": 1,
    }
    assert aliases(cluster) == {"a", "b"}
    assert cluster.steps == 1


def test_a_list_that_is_cut_is_read_again_and_then_refused(cluster):
    cluster.answers["/key/list"] = {"keys": [{"token": "a", "key_alias": "a"}], "total_count": 2}
    with pytest.raises(GatewayError, match="lists 1 keys, but says that it has 2"):
        aliases(cluster)
    assert cluster.steps == 3


@pytest.mark.parametrize("answer", [[], {}, "text", {"keys": []}, {"keys": None, "total_count": 0}])
def test_an_odd_list(cluster, answer):
    cluster.answers["/key/list"] = answer
    with pytest.raises(GatewayError, match="not in a form LiteLLM sends"):
        aliases(cluster)


def test_a_key_that_breaks_the_list_is_named_with_the_cure(cluster):
    token = max(cluster.table)
    cluster.table[token]["aliases"] = None
    alias = cluster.table[token]["key_alias"]
    with pytest.raises(GatewayError) as err:
        aliases(cluster)
    assert str(err.value) == (
        f"LiteLLM cannot list keys, because aliases of {alias} is null: set it to {{}} by "
        "POST /key/update"
    )


def test_only_litellm_says_that_there_is_no_key(cluster):
    keys = KeyEndpoints(cluster)
    assert keys.info(hashed(KEY)) is None
    cluster.answers["/key/info"] = GatewayError("refused (404): no such page", 404)
    with pytest.raises(GatewayError, match="no such page"):
        keys.info(hashed(KEY))


@pytest.mark.parametrize(
    "answer",
    [[], {}, "text", {"key": "x", "info": {"key_alias": "x"}}, {"key": hashed(f"sk-{1:016}")}],
)
def test_an_odd_key(cluster, answer):
    cluster.answers["/key/info"] = answer
    with pytest.raises(GatewayError, match="The gateway's key is not in a form LiteLLM sends"):
        KeyEndpoints(cluster).info(hashed(f"sk-{1:016}"))


def test_one_that_was_deleted_is_gone(cluster):
    keys, token = KeyEndpoints(cluster), hashed(f"sk-{1:016}")
    assert keys.info(token)["key_alias"] == "key-1"
    assert keys.delete(token) is True
    assert keys.info(token) is None  # LiteLLM goes on to show it
    assert keys.delete(token) is False


def test_a_key_that_is_there_under_another_alias(cluster):
    """LiteLLM answers 200, and has done nothing."""
    body = {"key": f"sk-{1:016}", "key_alias": "another", "metadata": {}}
    with pytest.raises(AlreadyThere, match="has this key already, under another alias"):
        KeyEndpoints(cluster).create(body)


def test_a_create_that_is_not_seen_is_unknown(cluster):
    cluster.answers["/key/info"] = GatewayError("cannot reach", None)
    with pytest.raises(OutcomeUnknown, match="cannot reach"):
        KeyEndpoints(cluster).create({"key": KEY, "key_alias": "new"})


@pytest.mark.parametrize("answer", [[], {}, "text"])
def test_an_odd_answer_to_a_write_is_unknown(cluster, answer):
    keys, token = KeyEndpoints(cluster), hashed(f"sk-{1:016}")
    cluster.answers |= {"/key/update": answer, "/key/delete": answer}
    for write in (lambda: keys.update(token, {"max_budget": 3}), lambda: keys.delete(token)):
        with pytest.raises(OutcomeUnknown, match="but not as a LiteLLM gateway does"):
            write()


def test_what_needs_a_licence_is_said_in_one_sentence(cluster):
    said = "This is only available for a LiteLLM Enterprise user: tags"
    cluster.answers["/key/generate"] = GatewayError(f"{said}. You must set a licence", 403)
    with pytest.raises(NotDone) as err:
        KeyEndpoints(cluster).create({"key": KEY, "key_alias": "new"})
    assert str(err.value) == said


def test_an_update_keeps_what_others_have(cluster):
    keys, token = KeyEndpoints(cluster), hashed(f"sk-{1:016}")
    cluster.table[token]["metadata"] = {"theirs": [1], "ours": 1}
    keys.update(token, {"metadata": {"ours": None, "more": 2}, "max_budget": 3})
    assert cluster.table[token]["metadata"] == {"theirs": [1], "more": 2}
    assert cluster.table[token]["max_budget"] == 3
    with pytest.raises(NotInDatabase):
        keys.update(hashed(KEY), {"max_budget": 3})


def test_requests_name_a_key_by_its_hash(cluster):
    """What is in an address is in logs."""
    asked = []
    whole = cluster.call
    cluster.call = lambda *args, **more: asked.append((args, more)) or whole(*args, **more)
    keys = KeyEndpoints(cluster)
    keys.create({"key": KEY, "key_alias": "new"})
    keys.update(hashed(KEY), {"max_budget": 3})
    keys.delete(hashed(KEY))
    assert [args[1] for args, _ in asked if KEY in str(args)] == ["/key/generate"]
    assert not [more for _, more in asked if KEY in str(more)]
