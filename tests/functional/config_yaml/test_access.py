"""Who may use what, in the document that says what there is: budgets, teams and keys."""

import uuid

import pytest
import requests

from tests.functional.conftest import sent
from tests.support.upstream import Upstream

from ..keys.conftest import loaders, vault  # noqa: F401 - fixtures
from .conftest import KEY

SECTIONS = ("budgets", "teams", "keys")


class Access:
    """The teams, keys and budgets of a gateway, asked with plain requests."""

    def __init__(self, whole):
        self.whole = whole

    def team(self, alias):
        """The team of an alias; ``None`` if there is none."""
        listed = self.whole("GET", "/v2/team/list", params={"page_size": 100}).json()["teams"]
        return next((one for one in listed if one["team_alias"] == alias), None)

    def key(self, alias):
        query = {"key_alias": alias, "return_full_object": "true"}
        keys = self.whole("GET", "/key/list", params=query).json()["keys"]
        return next((one for one in keys if one["key_alias"] == alias), None)

    def budget(self, name):
        listed = self.whole("GET", "/budget/list").json()
        return next((one for one in listed if one["budget_id"] == name), None)

    def clean(self, alias):
        if key := self.key(alias):
            self.whole("POST", "/key/delete", json={"keys": [key["token"]]})
        if team := self.team(alias):
            self.whole("POST", "/team/delete", json={"team_ids": [team["team_id"]]})
        self.whole("POST", "/budget/delete", json={"id": alias})


@pytest.fixture
def access(whole):
    return Access(whole)


@pytest.fixture
def alias(access):
    name = f"access-{uuid.uuid4().hex[:8]}"
    yield name
    access.clean(name)


def served(name, **params):
    return {"model_name": name, "litellm_params": {"model": "openai/gpt-4o", **params}}


def asked(whole, key, name):
    body = {"model": name, "messages": [{"role": "user", "content": "?"}]}
    url, login = f"{whole.gateway.url}/v1/chat/completions", {"Authorization": f"Bearer {key}"}
    return requests.post(url, json=body, headers=login, timeout=60).status_code


def test_a_document_says_who_may_use_what(managed, whole, access, alias, recorded):
    """From an empty gateway to a call with the key of a team, a changed limit, and away again."""
    key = f"sk-{uuid.uuid4().hex}"
    with Upstream(KEY) as upstream:
        document = {
            "model_list": [
                served(name, api_base=upstream.url, api_key=KEY) for name in ("chat", "large")
            ],
            "budgets": {alias: {"max_budget": 10, "budget_duration": "30d"}},
            "teams": {alias: {"models": ["chat"], "rpm_limit": 100}},
            "keys": {alias: {"key": key, "team": alias, "budget_id": alias}},
        }
        predicted = managed(document, test=True)
        assert predicted["result"] is None, predicted["comment"]
        result = managed(document)
        assert result["result"] is True, result["comment"]
        assert [[*result["changes"][kind]] for kind in SECTIONS] == [[alias]] * len(SECTIONS)
        assert predicted["changes"].keys() == result["changes"].keys()
        team = access.team(alias)
        assert (access.key(alias)["team_id"], team["rpm_limit"]) == (team["team_id"], 100)
        assert access.budget(alias)["max_budget"] == 10
        assert asked(whole, key, "chat") == 200
        assert asked(whole, key, "large") in (401, 403)

        recorded.clear()
        rests = managed(document)
        assert (rests["result"], rests["changes"]) == (True, {}), rests
        lists = ("/budget/list", "/v2/team/list", "/v2/model/info", "/key/list")
        assert [path for _, path in sent(recorded) if path in lists] == list(lists)
        assert {method for method, _ in sent(recorded)} == {"GET"}

        whole("POST", "/team/update", json={"team_id": team["team_id"], "rpm_limit": 5})
        repaired = managed(document)
        assert repaired["changes"] == {"teams": {alias: {"rpm_limit": {"old": 5, "new": 100}}}}
        assert access.team(alias)["rpm_limit"] == 100

        without = {**document, "teams": {}, "keys": {}}
        refused = managed(without, prune=True)
        assert refused["result"] is False
        assert "prune would delete all of the set" in refused["comment"]
        assert access.key(alias)
        foreseen = managed(without, prune=True, allow_empty=True, test=True)
        gone = managed(without, prune=True, allow_empty=True)
        assert (foreseen["result"], foreseen["changes"]) == (None, gone["changes"]), foreseen
        assert gone["result"] is True, gone["comment"]
        assert (access.key(alias), access.team(alias)) == (None, None)
        assert access.budget(alias)  # nobody owns a budget
        assert asked(whole, key, "chat") == 401
    told = str([predicted, result, rests, repaired, refused, gone])
    assert key not in told


def test_the_days_of_a_team(managed, whole, access, alias, vault):  # noqa: F811
    """It comes, with a key that lands in the vault; its budget doubles; somebody leaves."""
    ada, bob, eve = (f"{one}-{alias}@example.com" for one in ("ada", "bob", "eve"))

    def declared(upstream, budget=100, members=(ada, bob), **key):
        team = {"models": ["chat"], "max_budget": budget, "budget_duration": "30d"}
        return {
            "model_list": [
                served(name, api_base=upstream.url, api_key=KEY) for name in ("chat", "large")
            ],
            "teams": {alias: {**team, "members": dict.fromkeys(members, "user")}},
            "keys": {
                alias: {"team": alias, "key": f"sdb://vault/{alias}", "generate": True, **key}
            },
        }

    def members():
        found = {one["user_email"] for one in access.team(alias)["members_with_roles"]}
        return found - {None}

    with Upstream(KEY) as upstream:
        predicted = managed(declared(upstream), test=True)
        assert predicted["result"] is None, predicted["comment"]
        assert (vault.get(alias), access.team(alias)) == (None, None)
        made = managed(declared(upstream))
        assert made["result"] is True, made["comment"]
        assert made["changes"].keys() == predicted["changes"].keys()
        assert members() == {ada, bob}
        key = vault[alias]
        assert (asked(whole, key, "chat"), asked(whole, key, "large")) in ((200, 401), (200, 403))

        doubled = managed(declared(upstream, budget=200))
        assert doubled["changes"] == {"teams": {alias: {"max_budget": {"old": 100.0, "new": 200}}}}
        assert access.team(alias)["max_budget"] == 200

        team = access.team(alias)["team_id"]
        theirs = {"team_id": team, "member": {"role": "user", "user_email": eve}}
        assert whole("POST", "/team/member_add", json=theirs).ok
        left = managed(declared(upstream, budget=200, members=(ada,)))
        assert left["result"] is True, left["comment"]
        assert members() == {ada, eve}  # whom somebody else has added stays

        token = access.key(alias)["token"]
        assert whole("POST", "/key/update", json={"key": token, "rpm_limit": 1, "models": []}).ok
        limited = declared(upstream, budget=200, members=(ada,), rpm_limit=50)
        repaired = managed(limited)
        assert repaired["changes"]["keys"][alias]["rpm_limit"] == {"old": 1, "new": 50}
        rests = managed(limited)
        assert (rests["result"], rests["changes"]) == (True, {}), rests
        assert vault[alias] == key
        assert asked(whole, key, "chat") == 200
        told = str([predicted, made, doubled, left, repaired, rests])
    assert key not in told
    assert token not in told


def test_nothing_is_written_if_a_team_is_wrong(managed, whole, access, alias, recorded):
    document = {
        "model_list": [served("chat")],
        "teams": {alias: {"models": []}},
        "keys": {alias: {"key": "sk-0123456789abcdef", "team": "no-such-team"}},
    }
    recorded.clear()
    refused = managed(document)
    assert refused["result"] is False
    assert f"teams: {alias}: models is empty" in refused["comment"]
    assert sent(recorded) == []
    del document["teams"]
    refused = managed(document)
    assert refused["comment"] == f"keys: {alias}: there is no team 'no-such-team' on the gateway"
    assert whole.models() == []


def test_what_is_kept_while_something_of_another_belongs_to_it(managed, whole, access, alias):
    document = {"teams": {alias: {"models": ["chat"]}}, "keys": {}}
    assert managed(document)["result"] is True
    team = access.team(alias)["team_id"]
    theirs = whole("POST", "/key/generate", json={"team_id": team, "key_alias": alias}).json()
    kept = managed({"teams": {}}, prune=True, allow_empty=True)
    assert kept["result"] is False
    assert "LiteLLM would delete 1 key with the team" in kept["comment"]
    assert access.team(alias)
    assert theirs["key_alias"] == alias
