"""A write that LiteLLM cannot load, and that would keep the gateway from starting, is undone."""

import pytest

from saltext_litellm import errors
from saltext_litellm.models import desired as deployments
from saltext_litellm.models.deployments import Deployments
from saltext_litellm.models.options import ModelOptions
from saltext_litellm.models.undo import former, may_break
from saltext_litellm.models.versions import NEWEST, RECENT
from tests.support.cluster import Client, Cluster
from tests.support.properties import FINGERPRINTER

FLAG = "os.environ/FLAG"  # LiteLLM reads it as true, and cannot load a text that is none
BACK = "LiteLLM cannot load the change, so what was there before is back"
KEY = "sk-abc-0123456789"


@pytest.fixture(params=["1.106.2", "1.110.2"])
def cluster(request):
    cluster = Cluster(request.param)
    cluster.unloadable = lambda row: FLAG in row["litellm_params"].values()
    client = cluster.client()
    for name in ("before", "name", "later"):
        assert apply(client, name=name).changes
    return cluster


def wanted(name="name", **more):
    params = {"model": "openai/gpt-4", "api_key": KEY, "organization": "one", **more}
    arguments = {"name": name, "litellm_params": params}
    return deployments.desired(arguments, lambda value: value)


def apply(client, name="name", **more):
    (outcome,) = Deployments(client, FINGERPRINTER).apply([wanted(name, **more)], ModelOptions())
    return outcome


def stored(cluster, name="name"):
    (row,) = (row for row in cluster.table.values() if row["model_name"] == name)
    return row


def is_whole(cluster):
    """Whether the gateway shows each row, and would start again."""
    cluster.poll(0)
    assert not any(map(cluster.unloadable, cluster.table.values()))
    return len(cluster.client().database()) == len(cluster.table)


def is_as_declared(cluster, **more):
    """Whether the former SLS makes the row as it was, in this run at the latest."""
    assert apply(cluster.client(), **more).failure is None
    expected = {"model": "openai/gpt-4", "api_key": KEY, "organization": "one", **more}
    params = stored(cluster)["litellm_params"]
    assert {key: params.get(key) for key in expected} == expected
    return apply(cluster.client(), **more).changes == {}


@pytest.mark.parametrize(
    ("change", "stays"),
    [
        ({"organization": FLAG}, ""),
        ({"organization": FLAG, "rpm": 5, "temperature": 1}, None),
        ({"api_key": FLAG}, ", but for model_api_key"),
        ({"api_version": FLAG}, ", but for api_version"),
        ({"organization": FLAG, "api_key": "sk-new-0123456789"}, ", but for model_api_key"),
    ],
)
def test_a_change_that_cannot_be_loaded_is_taken_back(cluster, change, stays):
    if cluster.since_109 and "api_version" in change:
        stays = ""  # LiteLLM can remove it
    before = stored(cluster)["litellm_params"]["organization"]
    outcome = apply(cluster.client(), **change)
    assert outcome.failure.startswith(BACK)
    assert stays is None or outcome.failure == BACK + stays
    assert stored(cluster)["litellm_params"]["organization"] == before
    assert is_whole(cluster)
    assert is_as_declared(cluster)


def test_nothing_that_was_taken_back_is_reported_as_done(cluster):
    outcome = apply(cluster.client(), organization=FLAG)
    assert (outcome.action, outcome.changes) == ("none", {})


def test_a_row_that_was_only_adopted_is_as_it_was(cluster):
    cluster.client().create(
        {
            "model_name": "theirs",
            "litellm_params": {"model": "openai/gpt-4", "organization": "theirs"},
            "model_info": {"id": "theirs"},
        }
    )
    outcome = apply(cluster.client(), name="theirs", organization=FLAG)
    assert outcome.failure.startswith(BACK)
    assert stored(cluster, "theirs")["litellm_params"]["organization"] == "theirs"
    assert is_whole(cluster)


def test_a_renamed_row_gets_its_name_back(cluster):
    renamed = deployments.desired(
        {
            "name": "name",
            "model_name": "renamed",
            "litellm_params": {"model": "openai/gpt-4", "api_key": KEY, "organization": FLAG},
            "model_info": {"note": "new"},
        },
        lambda value: value,
    )
    (outcome,) = Deployments(cluster.client(), FINGERPRINTER).apply([renamed], ModelOptions())
    assert outcome.failure.startswith(BACK)
    assert stored(cluster)["litellm_params"]["organization"] == "one"
    assert is_whole(cluster)


def test_the_others_of_a_set_are_made_all_the_same(cluster):
    names = ("before", "name", "later", "new")
    many = [wanted(one, **({"organization": FLAG} if one == "name" else {})) for one in names]
    outcomes = Deployments(cluster.client(), FINGERPRINTER).apply(many, ModelOptions())
    assert [one.failure for one in outcomes] == [None, BACK, None, None]
    assert is_whole(cluster)


@pytest.mark.parametrize("done", [True, False])
@pytest.mark.parametrize("lost", [1, 2])
def test_no_lost_answer_leaves_the_change_behind(cluster, lost, done):
    cluster.lose(lost, done=done)
    outcome = apply(cluster.client(), organization=FLAG)
    assert outcome.failure
    assert is_whole(cluster) is True
    assert is_as_declared(cluster)


class Refusing(Client):
    """Refuses each PATCH but the first."""

    patched = False

    def update(self, model_id, body):
        if self.patched:
            raise errors.GatewayError("the database is read-only", 500)
        self.patched = True
        return super().update(model_id, body)


def test_a_change_that_cannot_be_taken_back_is_said(cluster):
    outcome = apply(Refusing(cluster, 0), organization=FLAG)
    model_id = next(key for key, row in cluster.table.items() if row["model_name"] == "name")
    assert outcome.failure == (
        "LiteLLM cannot load the change, and shows nothing of its database since. Taking it back "
        f"has failed (the database is read-only): until {model_id} is changed or deleted, it may "
        "not start again"
    )


@pytest.mark.parametrize("lost", [None, (1, True), (1, False), (2, True), (2, False)])
def test_a_new_row_that_cannot_be_loaded_is_deleted(cluster, lost):
    if lost is not None:
        cluster.lose(lost[0], done=lost[1])
    outcome = apply(cluster.client(), name="new", organization=FLAG)
    assert outcome.failure
    assert outcome.changes == {}
    assert sorted(row["model_name"] for row in cluster.table.values()) == [
        "before",
        "later",
        "name",
    ]
    assert is_whole(cluster)


def test_it_is_said_if_the_gateway_shows_nothing_after_that(cluster):
    client = Deployments(cluster.client(), FINGERPRINTER)
    client.views.rows()
    stored(cluster, "later")["litellm_params"]["theirs"] = FLAG
    (outcome,) = client.apply([wanted("new", organization=FLAG)], ModelOptions())
    assert "It was deleted again, but the gateway shows nothing of its database" in outcome.failure


def test_a_failed_replacement_leaves_what_it_would_replace_as_it_was():
    cluster = Cluster("1.106.2")
    client = cluster.client()
    apply(client, temperature=1)
    outcome = apply(client, model="no-such-provider/x")
    assert "so it was taken back" in outcome.failure
    assert not any("made anew" in note or "replaced by" in note for note in outcome.notes)
    assert outcome.changes == {}
    assert stored(cluster)["litellm_params"]["model"] == "openai/gpt-4"
    assert apply(client, temperature=1).changes == {}


# ---------------------------------------------------------------- the body that takes back


def test_only_the_environment_decides_about_a_reference():
    assert may_break({"litellm_params": {"organization": FLAG}})
    assert not may_break({"litellm_params": {"organization": "x"}, "model_info": {"id": "a"}})
    assert not may_break({"blocked": True})


@pytest.mark.parametrize("can", [RECENT, NEWEST])
def test_a_mask_is_never_written_back(can):
    cluster = Cluster("1.106.2")
    client = cluster.client()
    headers = {"X-Token": "token-0123456789", "X-Team": "one"}
    apply(client, azure_ad_token="token-0123456789", extra_headers=headers)
    gateway = Deployments(client, FINGERPRINTER)
    (row,) = gateway.views.rows()
    body = {
        "litellm_params": {
            "azure_ad_token": "token-9876543210",
            "extra_headers": {**headers, "X-Team": "two"},
            "api_key": "sk-new-0123456789",
            "organization": FLAG,
        }
    }
    back, stays = former(row, body, can)
    assert back["litellm_params"] == {"organization": "one"}
    assert "****" not in str(back)
    assert stays == [
        "litellm_params:azure_ad_token",
        "litellm_params:extra_headers",
        "model_api_key",
    ]


# ---------------------------------------------------------------- what somebody else has broken


@pytest.mark.parametrize(
    ("place", "alone"),
    [("organization", False), ("api_key", False), ("model", False)]
    + [("organization", True), ("model", True)],
)
def test_a_row_that_cannot_be_loaded_is_repaired_by_its_state(cluster, place, alone):
    client = cluster.client()
    if alone:
        for model_id in [key for key, row in cluster.table.items() if row["model_name"] != "name"]:
            client.delete(model_id)
    model_id = next(key for key, row in cluster.table.items() if row["model_name"] == "name")
    client.update(model_id, {"litellm_params": {place: FLAG}})
    assert client.database() == []
    outcome = apply(cluster.client())
    assert outcome.failure is None
    assert "because LiteLLM cannot load what it has" in " ".join(outcome.notes)
    assert f"All declared values of {model_id} were written again" in " ".join(outcome.notes)
    assert is_whole(cluster)
    assert is_as_declared(cluster)


def test_another_row_that_cannot_be_loaded_is_left_alone(cluster):
    client = cluster.client()
    model_id = next(key for key, row in cluster.table.items() if row["model_name"] == "before")
    client.update(model_id, {"litellm_params": {"organization": FLAG}})
    outcome = apply(cluster.client())
    assert (outcome.failure, outcome.changes) == (None, {})


def test_a_value_that_is_not_declared_cannot_be_repaired(cluster):
    client = cluster.client()
    model_id = next(key for key, row in cluster.table.items() if row["model_name"] == "name")
    client.update(model_id, {"litellm_params": {"theirs": FLAG}})
    outcome = apply(cluster.client())
    assert outcome.failure.startswith(f"LiteLLM cannot load what is stored in {model_id}, and")
    Deployments(cluster.client(), FINGERPRINTER).remove(
        deployments.named(None, model_id), any_owner=True
    )
    assert is_whole(cluster)
    assert is_as_declared(cluster)
