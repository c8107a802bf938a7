"""The cluster stands in for LiteLLM in many tests: what it must not get wrong."""

import pytest

from saltext_litellm.errors import (
    AlreadyThere,
    GatewayError,
    NotInDatabase,
    NotServed,
    OutcomeUnknown,
)
from saltext_litellm.values.ciphertext import is_ciphertext
from tests.support.cluster import Cluster

VERSIONS = ["1.83.14", "1.106.2", "1.110.2"]
SINCE_106 = VERSIONS[1:]
CONFIG = {
    "model_name": "Static",
    "litellm_params": {"model": "openai/x"},
    "model_info": {"id": "c"},
}


def body(model_id="a", params=None, info=None, **more):
    params = {"model": "openai/gpt-4", **(params or {})}
    info = {"id": model_id, "db_model": True, **(info or {})}
    return {"model_name": f"Name-{model_id}", "litellm_params": params, "model_info": info, **more}


def ids(rows):
    return sorted(row["model_info"]["id"] for row in rows)


def stored(cluster, model_id="a"):
    """The parameters that are stored, but those that are false."""
    params = cluster.table[model_id]["litellm_params"]
    return {key: value for key, value in params.items() if value is not False}


def test_routers_are_stale_and_the_database_is_not():
    cluster = Cluster(workers=2, config=[CONFIG])
    one, two = cluster.client(0), cluster.client(1)
    one.create(body())
    assert (ids(one.router()), ids(two.router())) == (["a", "c"], ["c"])
    assert ids(one.database()) == ids(two.database()) == ["a"]
    cluster.poll(1)
    one.update("a", {"model_name": "other"})
    assert [row["model_name"] for row in two.database()] == ["other"]
    assert [row["model_name"] for row in two.router()] == ["Static", "Name-a"]
    assert two.update("a", {})["model_name"] == "other"  # changes nothing, reads everything
    assert [row["model_name"] for row in two.router()] == ["Static", "other"]
    assert one.delete("a")
    assert not one.delete("a")
    assert (ids(one.router()), ids(two.router()), two.database()) == (["c"], ["a", "c"], [])
    assert [row["model_info"]["db_model"] for row in two.router()] == [False, True]
    assert cluster.writes == 4  # the empty one did not carry anything


def test_the_database_is_searched_as_litellm_does_it():
    cluster = Cluster(workers=2)
    one, two = cluster.client(0), cluster.client(1)
    one.create(body())
    assert two.database() == []  # a router without anything
    two.update("a", {})
    cluster.table["b"] = {**cluster.table["a"], "model_name": "100%%_b"}
    every = {"%": "ab", "%%": "ab", "_": "ab", "100%": "b", r"\%": "b", "n_me-a": "a", "x": ""}
    for pattern, found in every.items():
        assert ids(two.database(pattern)) == list(found), pattern
    assert ids(two.database(" ")) == ids(two.router()) == ["a"]
    cluster.poll(1)
    one.delete("b")
    assert ids(two.database("100%")) == ["b"]  # to the letter, so from the stale router
    assert ids(two.database("%%%")) == ["a"]


@pytest.mark.parametrize(("version", "found"), [("1.106.2", []), ("1.110.2", ["c"])])
def test_since_109_a_router_is_also_searched_for_the_upstream_model(version, found):
    assert ids(Cluster(version, config=[CONFIG]).client().database("openai")) == found


@pytest.mark.parametrize("version", VERSIONS)
def test_what_is_stored(version):
    cluster = Cluster(version)
    params = {"rpm": "100", "timeout": 30, "stream_timeout": "30", "input_cost_per_token": "5e-06"}
    params |= {"use_litellm_proxy": "yes", "extra": "false", "nothing": None, "nested": {"x": None}}
    info = {"rpm": "100", "nothing": None, "nested": {"x": None}, "input_cost_per_token": 1}
    raw = cluster.client().create(body(params=params, info=info, blocked=True))
    kept = {"model": "openai/gpt-4", "rpm": 100, "timeout": 30.0, "stream_timeout": "30"}
    kept |= {"input_cost_per_token": 5e-06, "use_litellm_proxy": True, "extra": "false"}
    assert stored(cluster) == {**kept, "nested": {"x": None}}
    assert isinstance(stored(cluster)["timeout"], float)
    modern = version in SINCE_106
    price = {} if modern else {"input_cost_per_token": 1}
    plain = {"id": "a", "db_model": True, "rpm": "100", "nested": {"x": None}, **price}
    assert cluster.table["a"]["model_info"] == raw["model_info"] == plain
    assert (cluster.table["a"]["blocked"], "blocked" in raw) == (modern, modern)
    assert raw["model_id"] == "a"
    assert raw["litellm_params"]["rpm"] == 100
    assert is_ciphertext(raw["litellm_params"]["extra"])


@pytest.mark.parametrize("version", VERSIONS)
def test_a_patch_merges_and_clears_what_its_version_clears(version):
    cluster = Cluster(version)
    client = cluster.client()
    params = {"input_cost_per_token": 1, "rpm": 1, "tpm": 1, "nested": {"x": 1}}
    params |= {"use_litellm_proxy": True, "use_xai_oauth": True}
    client.create(body(params=params, info={"note": "n", "owner": {"x": 1}}))
    patch = {"input_cost_per_token": None, "rpm": None, "nested": {"y": 1}}
    info = {"id": "a", "db_model": True, "note": None, "owner": {"y": 1}}
    client.update(
        "a",
        {"litellm_params": patch, "litellm_params_to_remove": ["tpm", "not-there"]}
        | {"model_info": info, "model_name": "", "blocked": None},
    )
    after = {"model": "openai/gpt-4", "rpm": 1, "tpm": 1, "nested": {"y": 1}}
    if version == "1.83.14":
        after |= {"input_cost_per_token": 1.0, "use_xai_oauth": True}  # it does not know the latter
    if version == "1.110.2":  # it resets nothing, and can remove anything
        after |= {"use_litellm_proxy": True, "use_xai_oauth": True}
        del after["tpm"]
    assert stored(cluster) == after
    assert cluster.table["a"]["model_info"] == {**info, "note": "n"}
    assert cluster.table["a"]["model_name"] == "Name-a"
    client.update("a", {"model_info": {"id": "a"}})
    assert cluster.table["a"]["model_info"]["db_model"] is False


@pytest.mark.parametrize("removed", ["model", "rpm"])
def test_what_must_not_be_removed(removed):
    client = Cluster("1.110.2").client()
    client.create(body())
    with pytest.raises(GatewayError) as caught:
        client.update("a", {"litellm_params": {"rpm": None}, "litellm_params_to_remove": [removed]})
    assert caught.value.status == 422


@pytest.mark.parametrize("version", VERSIONS)
def test_what_a_read_shows(version):
    cluster = Cluster(version)
    client = cluster.client()
    cluster.cost_map = {"gpt-4": {"max_tokens": 8, "mode": "chat"}}
    secrets = {
        "api_key": "sk-0123456789",
        "vertex_credentials": "four",
        "azure_ad_token": "12345678",
    }
    params = {"extra_headers": {"X-Auth": "header-0123456789", "X-Team": "t", "none": None}}
    params |= {"list_key": ["abcdefghijkl", 123456789], "session-cookie": "cookie-0123456789"}
    params |= {"password": "os.environ/X", "litellm_credential_name": "credential", "a_key": ""}
    params |= {"input_cost_per_token": 1e-06, "my_token_cost": "not masked"}
    client.create(body(params={**secrets, **params}, info={"mode": "own", "secret": "mine"}))
    ((name, shown, info),) = [tuple(row.values()) for row in client.router()]
    modern = version in SINCE_106
    assert name == "Name-a"
    assert {key: value for key, value in shown.items() if value is not False} == {
        "model": "openai/gpt-4",
        "azure_ad_token": "********" if modern else "12345678",
        "extra_headers": {"X-Auth": "head*********6789", "X-Team": "t", "none": "None"},
        "list_key": ["abcd****ijkl", 123456789],
        "session-cookie": "cook*********6789" if modern else "cookie-0123456789",
        **({} if modern else {"password": "os.e****on/X"}),  # an unset variable
        "litellm_credential_name": "credential",
        "a_key": "",
        "input_cost_per_token": 1e-06,
        "my_token_cost": "not masked",
    }
    assert list(shown.values()).count(False) == (5 if modern else 3)
    assert info == {
        "id": "a",
        "db_model": True,
        "mode": "own",
        "secret": "mine",
        "max_tokens": 8,
        "input_cost_per_token": 1e-06,
        **({"blocked": False} if modern else {}),
    }
    masks = {"api_key": "sk****89", "vertex_credentials": "*****"}
    assert client.masked_secrets("a") == masks | ({"azure_ad_token": "12****78"} if modern else {})
    client.update("a", {"blocked": True})
    assert (client.masked_secrets("a") is None) is modern
    cluster.environ["X"] = "resolved-0123"
    assert client.database()[0]["litellm_params"]["password"] == (
        "reso*****0123" if modern else "os.e****on/X"
    )


@pytest.mark.parametrize("version", VERSIONS)
def test_what_cannot_be_served_is_saved_all_the_same(version):
    cluster = Cluster(version, config=[CONFIG])
    client = cluster.client()
    client.create(body("fine"))
    dead = body("dead", {"model": "no-such-provider/x"})
    if version in SINCE_106:
        for write in (
            lambda: client.create(dead),
            lambda: client.update("dead", {}),
            lambda: client.block("dead", True),
        ):
            with pytest.raises(NotServed):
                write()
    else:
        client.create(dead)
        client.update("dead", {})
        with pytest.raises(NotInDatabase):
            client.block("dead", True)
    assert (ids(client.router()), ids(client.database())) == (["c", "fine"], ["dead", "fine"])
    assert client.masked_secrets("dead") is None


@pytest.mark.parametrize("version", SINCE_106)
def test_a_change_that_cannot_be_served_leaves_what_was_served(version):
    cluster = Cluster(version)
    client = cluster.client()
    client.create(body("a"))
    client.update("a", {"litellm_params": {"model": "no-such-provider/x"}})
    (shown,), (stored,) = client.router(), client.database()
    assert stored["litellm_params"]["model"] == "no-such-provider/x"
    assert shown["litellm_params"]["model"] != "no-such-provider/x"


def test_refusals_change_nothing():
    cluster = Cluster(workers=2)
    client = cluster.client()
    client.create(body())
    before = repr(cluster.table)
    with pytest.raises(AlreadyThere):
        client.create(body(params={"rpm": 1}))
    with pytest.raises(NotInDatabase):
        client.update("b", {})
    for wrong in ({"rpm": 1.5}, {"rpm": "abc"}, {"use_litellm_proxy": "perhaps"}, {"timeout": {}}):
        with pytest.raises(GatewayError) as caught:
            client.update("a", {"model_name": "b", "litellm_params": wrong})
        assert caught.value.status == 422
    with pytest.raises(ValueError, match="not JSON compliant"):
        client.update("a", {"litellm_params": {"input_cost_per_token": float("nan")}})
    with pytest.raises(NotInDatabase):
        client.block("b", True)
    assert repr(cluster.table) == before
    with pytest.raises(AssertionError, match="random id"):
        client.update("a", {"model_info": {"note": "n"}})


@pytest.mark.parametrize("done", [True, False])
def test_a_lost_answer(done):
    cluster = Cluster(workers=2)
    cluster.lose(2, done)
    cluster.client(0).create(body("a"))
    with pytest.raises(OutcomeUnknown):
        cluster.client(1).create(body("b"))
    cluster.client(0).create(body("c"))
    assert ids(cluster.client().database()) == ["a", "b", "c"] if done else ["a", "c"]
    cluster.lose(1, done)
    with pytest.raises(OutcomeUnknown):  # whatever else it would have been
        cluster.client().create(body("a"))


def test_a_patch_on_1_83_empties_the_routers_for_a_moment():
    cluster = Cluster("1.83.14")
    client = cluster.client()
    client.create(body())
    cluster.patching = 3
    assert (client.router(), client.database(), client.masked_secrets("a")) == ([], [], None)
    assert ids(client.router()) == ids(client.database()) == ["a"]
    cluster.config["c"] = CONFIG
    cluster.patching = 2
    assert (ids(client.router()), ids(client.database())) == (["c"], ["a"])


def test_which_worker_is_met():
    cluster = Cluster(workers=2, config=[CONFIG])
    fixed = cluster.client(0)
    fixed.create(body())
    fixed.elsewhere(60)
    assert ids(fixed.router()) == ["c"]
    fixed.elsewhere(60)
    assert ids(fixed.router()) == ["a", "c"]
    turns = iter([0, 1, 0])
    balanced = cluster.client(lambda: next(turns))
    assert [ids(balanced.router()) for _ in range(3)] == [["a", "c"], ["c"], ["a", "c"]]


def test_nothing_is_shared_by_accident():
    cluster = Cluster()
    client = cluster.client()
    sent = body(params={"nested": {"x": [1]}}, info={"nested": {"x": [1]}})
    raw = client.create(sent)
    for row in (sent, raw, *client.router(), *client.database()):
        row["litellm_params"]["nested"]["x"].append(2)
        row["model_info"]["nested"]["x"].append(2)
    cluster.table["a"]["model_info"]["nested"]["x"].append(3)
    (row,) = client.router()
    assert row["litellm_params"]["nested"] == row["model_info"]["nested"] == {"x": [1]}
    assert cluster.table["a"]["litellm_params"]["nested"] == {"x": [1]}
