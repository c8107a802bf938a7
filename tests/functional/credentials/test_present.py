"""The state `present`, on a real gateway."""

import pytest

from tests.functional.conftest import MARKER, sent

from .conftest import VALUES

KEY, NEXT = VALUES["api_key"], "sk-9876543210"
LIST = ("GET", "/credentials")
REDACTED = "**********"


@pytest.fixture
def present(states, name):
    """The state, for the credential of the test."""

    def present(test=False, name=name, **args):
        return states.run(("litellm_credential.present", {"name": name, **args}), test=test)

    return present


def marker(row):
    return row["credential_info"][MARKER]


def test_it_is_made_and_then_as_declared_by_one_request(present, api, name, recorder):
    declared = {"credential_values": VALUES, "credential_info": {"custom_llm_provider": "openai"}}
    predicted = present(test=True, **declared)
    result = present(**declared)
    assert (predicted["result"], result["result"]) == (None, True)
    assert predicted["changes"] == result["changes"]
    assert result["changes"] == {
        "credential_name": {"old": None, "new": name},
        "credential_values:api_key": {"old": None, "new": REDACTED},
        "credential_values:api_base": {"old": None, "new": VALUES["api_base"]},
        "credential_info:custom_llm_provider": {"old": None, "new": "openai"},
    }
    assert result["comment"] == f"{name} was created"
    row = api.one(name)
    assert row["credential_values"] == {"api_key": "sk****89", "api_base": VALUES["api_base"]}
    assert row["credential_info"]["custom_llm_provider"] == "openai"
    assert marker(row)["name"] == marker(row)["id"] == name
    assert KEY not in str(row)
    recorder.clear()
    again = present(**declared)
    assert (again["result"], again["changes"]) == (True, {})
    assert again["comment"] == f"{name} is as declared"
    assert sent(recorder) == [LIST]


def test_a_rotated_key_is_one_write(present, api, name, recorder):
    present(credential_values=VALUES)
    recorder.clear()
    rotated = {**VALUES, "api_key": NEXT}
    predicted = present(test=True, credential_values=rotated)
    recorder.clear()
    result = present(credential_values=rotated)
    (write,) = [one for one in recorder.requests if one.method != "GET" and one.json]
    assert (write.method, write.path) == ("PATCH", f"/credentials/{name}")
    assert set(write.json["credential_values"]) == {"api_key"}
    assert result["changes"] == predicted["changes"]
    assert result["changes"] == {"credential_values:api_key": {"old": REDACTED, "new": REDACTED}}
    assert "credential_values:api_key was rotated" in result["comment"]
    assert api.one(name)["credential_values"]["api_key"] == "sk****10"
    assert present(credential_values=rotated)["changes"] == {}


def test_what_others_have_set_stays(present, api, name):
    """LiteLLM up to 1.109 replaces credential_info, so it is sent whole."""
    present(credential_values={"api_key": KEY}, credential_info={"description": "ours"})
    row = api.one(name)
    info = {**row["credential_info"], "team": {"name": "theirs", "ids": [1, 2]}}
    api.patch(name, {"region": "eu", "api_secret": "theirs-0123456789"}, info)
    assert (
        present(credential_values={"api_key": KEY}, credential_info={"description": "ours"})[
            "changes"
        ]
        == {}
    )
    present(credential_values={"api_key": NEXT}, credential_info={"description": "changed"})
    row = api.one(name)
    assert row["credential_values"] == {
        "api_key": "sk****10",
        "region": "eu",
        "api_secret": "th****89",
    }
    assert row["credential_info"]["team"] == {"name": "theirs", "ids": [1, 2]}
    assert row["credential_info"]["description"] == "changed"


def test_what_somebody_has_changed_is_repaired(present, api, name):
    declared = {"credential_values": VALUES, "credential_info": {"description": "ours"}}
    present(**declared)
    info = {**api.one(name)["credential_info"], "description": "theirs"}
    api.patch(name, {"api_key": NEXT, "api_base": "https://elsewhere.example.com"}, info)
    predicted = present(test=True, **declared)
    result = present(**declared)
    assert result["changes"] == predicted["changes"]
    assert result["changes"].keys() == {
        "credential_values:api_key",
        "credential_values:api_base",
        "credential_info:description",
    }
    assert "because the gateway had another one" in result["comment"]
    row = api.one(name)
    assert row["credential_values"] == {"api_key": "sk****89", "api_base": VALUES["api_base"]}
    assert row["credential_info"]["description"] == "ours"


@pytest.mark.parametrize("test", [True, False])
def test_it_is_taken_over_if_nobody_owns_it(present, api, name, test):
    api.create(name, info={"description": "by hand"})
    result = present(test=test, credential_values=VALUES)
    assert result["changes"]["owner"] == {"old": None, "new": name}
    assert result["changes"].keys() <= {"owner", "credential_values:api_key"}
    row = api.one(name)
    assert row["credential_info"]["description"] == "by hand"
    assert (MARKER in row["credential_info"]) is not test


@pytest.mark.parametrize("test", [True, False])
def test_another_owner_is_respected(states, present, api, name, test):
    states.run(
        (
            "litellm_credential.managed",
            {"name": f"set-{name}", "credentials": {name: {"credential_values": VALUES}}},
        )
    )
    before = api.one(name)
    result = present(test=test, credential_values={"api_key": NEXT})
    assert (result["result"], result["changes"]) == (False, {})
    assert f"{name} belongs to '{name} in set-{name}'" in result["comment"]
    gone = states.run(("litellm_credential.absent", {"name": name}), test=test)
    assert (gone["result"], gone["changes"]) == (False, {})
    assert api.one(name) == before


def test_a_value_that_is_not_declared_any_more_is_removed(present, api, name, recorder):
    present(credential_values=VALUES, credential_info={"a": "1", "b": {"c": 2, "d": 3}})
    recorder.clear()
    declared = {"credential_values": {"api_key": KEY}, "credential_info": {"b": {"c": 2}}}
    predicted = present(test=True, **declared)
    result = present(**declared)
    assert result["result"] is True, result
    assert result["changes"] == predicted["changes"]
    assert result["changes"] == {
        "credential_values:api_base": {"old": VALUES["api_base"], "new": None},
        "credential_info:a": {"old": "1", "new": None},
        "credential_info:b:d": {"old": 3, "new": None},
    }
    row = api.one(name)
    assert row["credential_values"] == {"api_key": "sk****89"}
    assert row["credential_info"].get("a") is None
    assert row["credential_info"]["b"] == {"c": 2}
    writes = [record.method for record in recorder.requests if record.method != "GET"]
    assert writes == (["PATCH"] if api.since("1.106") else ["DELETE", "POST"])
    assert present(**declared)["changes"] == {}


def test_a_secret_of_others_is_not_lost_where_it_must_be_made_anew(present, api, name):
    present(credential_values=VALUES)
    api.patch(name, {"api_secret": "theirs-0123456789"}, api.one(name)["credential_info"])
    result = present(credential_values={"api_key": KEY})
    left = api.one(name)["credential_values"]
    assert left["api_secret"] == "th****89"
    if api.since("1.106"):
        assert (result["result"], "api_base" in left) == (True, False)
    else:
        assert (result["result"], "api_base" in left) == (False, True)
        assert "credential_values:api_secret, which is not declared" in result["comment"]


def test_its_label(present, api, name):
    if not api.since("1.106"):
        result = present(credential_values=VALUES, display_name="First")
        assert "too old for display_name" in result["comment"]
        assert api.one(name) is None
        return
    present(credential_values=VALUES, display_name="First")
    assert api.one(name)["display_name"] == "First"
    result = present(credential_values=VALUES, display_name="Second")
    assert result["changes"] == {"display_name": {"old": "First", "new": "Second"}}
    assert present(credential_values=VALUES)["changes"] == {
        "display_name": {"old": "Second", "new": None}
    }
    assert api.one(name)["display_name"] is None
    assert present(credential_values=VALUES)["changes"] == {}


@pytest.mark.parametrize("value", [5, 1.5, True, False, [1, "a"], {"a": {"b": 1}}, "5", "true"])
def test_types_stay(present, api, name, value):
    present(credential_values={"api_key": KEY, "some_setting": value})
    assert api.one(name)["credential_values"]["some_setting"] == value
    again = present(credential_values={"api_key": KEY, "some_setting": value})
    assert (again["result"], again["changes"]) == (True, {})


@pytest.mark.parametrize("key", ["monkey", "my_pw", "passphrase", "certificate", "API_KEY", "auth"])
def test_names_that_litellm_takes_for_secrets_or_not(present, api, name, key):
    """It masks by other names here than in models. Whatever it shows, nothing is written again."""
    for value in ("first-0123456789", "second-9876543210"):
        declared = {"credential_values": {key: value}}
        assert present(**declared)["result"] is True
        again = present(**declared)
        assert (again["result"], again["changes"]) == (True, {})
    api.patch(name, {key: "theirs-0123456789"}, api.one(name)["credential_info"])
    assert present(**declared)["changes"].keys() == {f"credential_values:{key}"}


NESTED = "is a secret inside a mapping or a list"


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ({"credential_values": {"headers": {"X-Auth-Token": KEY}}}, NESTED),
        ({"credential_values": {"urls": ["https://me:pass-0123@example.com"]}}, NESTED),
        ({"credential_values": {"api_key": "****"}}, "is a mask or a placeholder"),
        ({"credential_values": {"api_key": ""}}, "must not be empty"),
        ({"credential_values": {"api_base": ""}}, "must not be empty"),
        ({"credential_values": {"api_key": 5}}, "must be a string, not a number"),
        ({"credential_values": {"api_key": "{{ pillar['x'] }}"}}, "api_key"),
        ({"credential_values": {"api_key": "sdb://nowhere/x"}}, "Cannot resolve"),
        ({"credential_values": {"api_base": "sdb://nowhere/x"}}, "Cannot resolve"),
        ({"credential_values": {"api_key": "os.environ/KEY"}}, "would not resolve"),
        ({"credential_values": {"headers": {"X-A": "os.environ/KEY"}}}, "would not resolve"),
        ({"credential_values": ["a"]}, "must be a mapping"),
        ({"credential_info": {"api_key": KEY}}, "it belongs in credential_values"),
        ({"credential_info": {MARKER: {}}}, "the marker of this extension"),
        ({"display_name": "x" * 256}, "must not be longer than 255 characters"),
        ({}, "credential_values is missing"),
        ({"credential_info": {"description": "x"}}, "credential_values is missing"),
    ],
)
def test_what_is_wrong_is_refused_before_anything_is_written(
    present, name, recorder, arguments, said
):
    result = present(**arguments)
    assert (result["result"], result["changes"]) == (False, {})
    assert said in result["comment"]
    assert "\n" not in result["comment"]
    assert KEY not in str(result)
    assert all(record.method == "GET" for record in recorder.requests)


@pytest.mark.parametrize("odd", ["a/b", "a b", "ü", "50%", "a?b#c", "x" * 300])
def test_any_name(present, api, name, odd):
    odd = f"{name} {odd}"
    assert present(name=odd, credential_values=VALUES)["result"] is True
    assert present(name=odd, credential_values={**VALUES, "api_key": NEXT})["result"] is True
    assert api.one(odd)["credential_values"]["api_key"] == "sk****10"
    assert present(name=odd, credential_values={**VALUES, "api_key": NEXT})["changes"] == {}
