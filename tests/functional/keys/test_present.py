"""The state `present` for keys, on a real gateway."""

import time

import pytest

from tests.functional.conftest import MARKER, sent

from .conftest import hashed, marker, writes

LIST, INFO = ("GET", "/key/list"), ("GET", "/key/info")
REDACTED = "**********"
LIMITS = {
    "models": ["gpt-a", "gpt-b"],
    "max_budget": 5,
    "budget_duration": "30d",
    "tpm_limit": 1000,
    "rpm_limit": "10",
    "max_parallel_requests": 3,
    "aliases": {"best": "gpt-a"},
    "metadata": {"cost_centre": "42"},
    "settings": {"model_rpm_limit": {"gpt-a": 5}, "allowed_routes": ["/v1/models"]},
}


@pytest.fixture
def place(name):
    return {"key": f"sdb://vault/{name}", "generate": True}


def test_a_key_is_made_in_the_vault_and_on_the_gateway(present, api, name, place, vault, recorder):
    predicted = present(test=True, **place, **LIMITS)
    assert vault.get(name) is None
    assert api.one(name) is None
    assert not [one for one in vault.asked() if one.startswith("set")]
    result = present(**place, **LIMITS)
    assert (predicted["result"], result["result"]) == (None, True), result["comment"]
    assert predicted["changes"] == result["changes"]
    assert result["comment"] == f"{name} was created"
    assert result["changes"]["key_alias"] == {"old": None, "new": name}
    assert "key" not in result["changes"]
    key, row = vault[name], api.one(name)
    assert key.startswith("sk-")
    assert len(key) > 40
    assert row["token"] == hashed(key)
    assert (row["models"], row["max_budget"], row["tpm_limit"]) == (["gpt-a", "gpt-b"], 5, 1000)
    assert (row["rpm_limit"], row["max_parallel_requests"]) == (10, 3)
    assert row["aliases"] == {"best": "gpt-a"}
    assert row["metadata"]["cost_centre"] == "42"
    assert row["metadata"]["model_rpm_limit"] == {"gpt-a": 5}
    assert marker(row)["name"] == name
    assert api.works(key)
    for text in (str(predicted), str(result), str(row["metadata"])):
        assert key not in text
        assert hashed(key) not in text
    recorder.clear()
    again = present(**place, **LIMITS)
    assert (again["result"], again["changes"]) == (True, {})
    assert again["comment"] == f"{name} is as declared"
    assert sent(recorder) == [LIST]


def test_a_completion_beyond_its_models_is_refused(present, api, name, place, vault, gateway):
    ids = []
    for model in (f"{name}-a", f"{name}-b"):
        params = {"model": "openai/gpt-4", "mock_response": "hello", "api_key": "sk-x"}
        body = {"model_name": model, "litellm_params": params}
        ids.append(api("POST", "/model/new", json=body)["model_id"])
    try:
        assert present(**place, models=[f"{name}-a"])["result"] is True
        assert api.complete(vault[name], f"{name}-a") == 200
        assert api.complete(vault[name], f"{name}-b") in (401, 403)
    finally:
        for model_id in ids:
            gateway.request("POST", "/model/delete", json={"id": model_id})


def test_without_a_place_no_key_is_made(present, api, name, recorder):
    result = present(**LIMITS)
    assert result["result"] is False
    assert "key must be an sdb:// reference" in result["comment"]
    assert "Salt's output is no place for it" in result["comment"]
    assert api.one(name) is None
    assert writes(recorder) == []


@pytest.mark.parametrize(
    ("place", "words"),
    [
        ("sdb://forgetful/a", "its driver has not kept it"),
        ("sdb://readonly/a", "there is no such driver, or it has no such function"),
        ("sdb://nowhere/a", "wasnt found"),
    ],
)
def test_a_driver_that_does_not_keep_a_key_is_noticed(present, api, name, place, words, recorder):
    result = present(key=place, generate=True)
    assert result["result"] is False
    assert words in result["comment"]
    assert api.one(name) is None
    assert writes(recorder) == []


def test_a_variable_is_no_place_for_a_new_key(present, api, name, recorder, monkeypatch):
    place = f"sdb://osenv/KEY_OF_{name}"
    for test in (True, False):
        result = present(key=place, generate=True, test=test)
        assert result["result"] is False
        assert f"Cannot put a value under {place}: a variable of the env" in result["comment"]
    assert (api.one(name), sent(recorder)) == (None, [])
    monkeypatch.setenv(f"KEY_OF_{name}", f"sk-{name}-0123456789")
    assert present(key=place, generate=True)["result"] is True


def test_nothing_in_the_vault_is_refused_without_generate(present, name, recorder):
    result = present(key=f"sdb://vault/{name}")
    assert result["result"] is False
    assert "there is nothing under this name" in result["comment"]
    assert sent(recorder) == []


def test_a_key_that_is_in_the_vault_is_taken(present, api, name, vault, place):
    vault.put(name, f"sk-{name}-0123456789")
    assert present(**place)["result"] is True
    assert api.works(f"sk-{name}-0123456789")
    assert not [one for one in vault.asked() if one.startswith("set")]


def test_a_run_killed_after_the_vault_is_finished_by_the_next(present, api, name, vault, place):
    vault.put(name, f"sk-made-before-{name}")
    assert present(**place)["changes"]["key_alias"]["new"] == name
    assert api.one(name)["token"] == hashed(f"sk-made-before-{name}")


def test_hand_made_changes_are_seen_and_repaired(present, api, name, place):
    present(**place, **LIMITS)
    api.update(name, max_budget=50, models=["gpt-z"], aliases={"best": "gpt-z", "other": "x"})
    predicted = present(test=True, **place, **LIMITS)
    result = present(**place, **LIMITS)
    assert (
        predicted["changes"]
        == result["changes"]
        == {
            "max_budget": {"old": 50.0, "new": 5.0},
            "models": {"old": ["gpt-z"], "new": ["gpt-a", "gpt-b"]},
            "aliases:best": {"old": "gpt-z", "new": "gpt-a"},
        }
    )
    row = api.one(name)
    assert row["aliases"] == {"best": "gpt-a", "other": "x"}
    assert (row["max_budget"], row["models"]) == (5, ["gpt-a", "gpt-b"])


def test_what_is_no_longer_declared_is_cleared_and_the_key_still_works(
    present, api, name, place, vault
):
    present(**place, **LIMITS, duration="30d", blocked=True)
    kept = {}
    if not api.since("1.106.0"):
        result = present(**place)
        assert "LiteLLM is too old to clear budget_duration" in result["comment"]
        kept = {"budget_duration": "30d"}
    place = {**place, **kept}
    predicted = present(test=True, **place)
    result = present(**place)
    assert result["changes"] == predicted["changes"]
    assert {key: one["new"] for key, one in result["changes"].items()} == dict.fromkeys(
        result["changes"]
    )
    row = api.one(name)
    for field in ("max_budget", "budget_duration", "tpm_limit", "rpm_limit", "expires"):
        assert row[field] == kept.get(field), field
    assert (row["models"], row["aliases"], row["allowed_routes"]) == ([], {}, [])
    assert set(row["metadata"]) == {MARKER}
    assert api.works(vault[name])
    assert present(**place)["changes"] == {}


def test_the_metadata_of_others_stay(present, api, name, place):
    present(**place, metadata={"ours": 1})
    row = api.one(name)
    theirs = {**row["metadata"], "theirs": {"deep": [1, {"x": None}]}}
    api.update(name, metadata=theirs, tpm_limit=77)
    assert present(**place, metadata={"ours": 1})["changes"] == {}
    present(**place, metadata={"ours": 2}, max_budget=3)
    present(**place)
    row = api.one(name)
    assert row["metadata"]["theirs"] == {"deep": [1, {"x": None}]}
    assert "ours" not in row["metadata"]
    assert (row["tpm_limit"], row["max_budget"]) == (77, None)


def test_another_key_is_refused_without_rotate(present, api, name, place, vault, recorder):
    present(**place)
    old = vault[name]
    vault.put(name, f"sk-another-{name}")
    recorder.clear()
    result = present(**place)
    assert result["result"] is False
    assert "has another key, which LiteLLM cannot change: rotate: True" in result["comment"]
    vault.put(name, None)
    result = present(**place)
    assert f"has a key, and there is none at sdb://vault/{name}" in result["comment"]
    assert vault.get(name) is None
    assert api.works(old)
    assert writes(recorder) == []


def test_a_rotation_makes_the_new_key_first(present, api, name, place, vault, recorder):
    present(**place, **LIMITS)
    api.update(name, metadata={**api.one(name)["metadata"], "theirs": 1}, user_id="ada")
    old, new = vault[name], f"sk-another-{name}"
    vault.put(name, new)
    predicted = present(test=True, **place, **LIMITS, rotate=True)
    assert api.works(old)
    assert not api.works(new)
    recorder.clear()
    result = present(**place, **LIMITS, rotate=True)
    assert result["changes"] == predicted["changes"] == {"key": {"old": REDACTED, "new": REDACTED}}
    assert result["comment"] == f"{name} was updated"
    paths = [path for path, _ in writes(recorder)]
    assert paths == ["/key/generate", "/key/delete", "/key/update"]
    assert api.works(new)
    assert not api.works(old)
    (row,) = api.having(name).values()
    assert (row["token"], row["user_id"], row["tpm_limit"]) == (hashed(new), "ada", 1000)
    assert row["metadata"]["theirs"] == 1
    assert "replaces" not in marker(row)
    assert present(**place, **LIMITS, rotate=True)["changes"] == {}
    assert new not in str(result)
    assert old not in str(result)


def test_a_lost_key_is_made_anew(present, api, name, place, vault):
    present(**place)
    old = vault[name]
    vault.put(name, None)
    predicted = present(test=True, **place, rotate=True)
    assert vault.get(name) is None
    result = present(**place, rotate=True)
    assert result["changes"] == predicted["changes"] == {"key": {"old": REDACTED, "new": REDACTED}}
    assert vault[name] != old
    assert api.works(vault[name])
    assert not api.works(old)
    assert list(api.having(name)) == [name]


@pytest.mark.parametrize("done", [1, 2])
def test_a_rotation_that_was_killed_is_finished(present, api, name, place, vault, done, states):
    present(**place, max_budget=3)
    old, new = vault[name], f"sk-another-{name}"
    row = api.one(name)
    copied = {**row["metadata"][MARKER], "replaces": name}
    api.create(f"{name}.new", key=new, max_budget=3, metadata={MARKER: copied})
    if done == 2:
        api.delete(name)
    vault.put(name, new)
    predicted = present(test=True, **place, max_budget=3, rotate=True)
    result = present(**place, max_budget=3)  # even if nobody asks for a rotation any more
    assert result["result"] is True, result["comment"]
    assert predicted["changes"] == result["changes"]
    assert list(api.having(name)) == [name]
    assert api.works(new)
    assert not api.works(old)
    assert present(**place, max_budget=3)["changes"] == {}


def test_a_rotation_that_was_killed_can_be_called_off(present, api, name, place, vault):
    present(**place)
    old, new = vault[name], f"sk-another-{name}"
    copied = {**api.one(name)["metadata"][MARKER], "replaces": name}
    api.create(f"{name}.new", key=new, metadata={MARKER: copied})
    assert present(**place)["result"] is True
    assert list(api.having(name)) == [name]
    assert api.works(old)
    assert not api.works(new)


def test_one_that_nobody_owns_is_adopted_if_it_is_the_declared_key(present, api, name):
    key = api.create(name, max_budget=7, metadata={"theirs": 1})
    predicted = present(test=True, key=key, tpm_limit=5)
    result = present(key=key, tpm_limit=5)
    assert result["changes"] == predicted["changes"]
    assert result["changes"]["owner"] == {"old": None, "new": name}
    row = api.one(name)
    assert (row["max_budget"], row["tpm_limit"], row["metadata"]["theirs"]) == (7, 5, 1)
    assert key not in str(result)


def test_the_limits_of_a_key_can_be_managed_without_it(present, api, name, vault):
    key = api.create(name)
    result = present(max_budget=7)
    assert result["changes"]["max_budget"]["new"] == 7
    assert api.works(key)
    assert api.one(name)["max_budget"] == 7


def test_another_key_that_nobody_owns_is_left_alone(present, api, name, recorder):
    key = api.create(name)
    recorder.clear()
    result = present(key=f"sk-another-{name}", rotate=True)
    assert result["result"] is False
    assert "has another key, and nobody manages it" in result["comment"]
    assert api.works(key)
    assert writes(recorder) == []


def test_another_owners_key_is_left_alone(present, absent, states, api, name, place):
    present(**place)
    result = states.run(
        ("litellm_key.present", {"name": f"{name}-b", "key_alias": name, "max_budget": 1})
    )
    assert result["result"] is False
    assert f"{name} belongs to '{name}'" in result["comment"]
    assert api.one(name)["max_budget"] is None


def test_a_key_that_is_there_under_another_alias_is_never_made_again(present, api, name):
    """LiteLLM answers 200, repeats what was sent, and changes nothing."""
    key = api.create(f"{name}-old")
    result = present(key=key)
    assert result["result"] is False
    assert f"The gateway has this key already, as {name}-old" in result["comment"]
    assert key not in result["comment"]
    assert api.one(name) is None


def test_another_alias_is_one_write(present, states, api, name, place, recorder):
    present(**place)
    recorder.clear()
    result = present(**place, key_alias=f"{name}-b")
    assert result["changes"] == {"key_alias": {"old": name, "new": f"{name}-b"}}
    assert list(api.having(name)) == [f"{name}-b"]
    assert [path for path, _ in writes(recorder)] == ["/key/update"]
    assert present(**place, key_alias=f"{name}-b")["changes"] == {}


def test_a_duration_is_written_once(present, api, name, place, recorder):
    present(**place, duration="30d")
    expires = api.one(name)["expires"]
    assert expires is not None
    recorder.clear()
    assert present(**place, duration="30d")["changes"] == {}
    assert sent(recorder) == [LIST]
    present(**place, duration="30d", max_budget=3)
    assert api.one(name)["expires"] == expires
    result = present(**place, duration="60d", max_budget=3)
    assert result["changes"] == {"duration": {"old": "30d", "new": "60d"}}
    assert api.one(name)["expires"] > expires


def test_an_expired_key_is_said_to_be_expired(present, api, name, place, vault):
    present(**place, duration="1s")
    time.sleep(2)
    result = present(**place, duration="1s")
    assert result["result"] is False
    assert "has expired, on" in result["comment"]
    assert "LiteLLM refuses it" in result["comment"]
    assert present(test=True, **place, duration="1s")["result"] is False
    assert not api.works(vault[name])
    assert present(**place, duration="1h")["result"] is True
    assert api.works(vault[name])


def test_a_team_by_its_alias_and_one_that_this_run_makes(states, api, name, place, vault):
    declared = [
        ("litellm_team.present", {"name": f"{name}-team"}),
        ("litellm_key.present", {"name": name, **place, "team": f"{name}-team"}),
    ]
    predicted = states.run(*declared, test=True)
    assert [one["result"] for one in predicted] == [None, None]
    done = states.run(*declared)
    assert [one["result"] for one in done] == [True, True], done
    assert [one["changes"] for one in done] == [one["changes"] for one in predicted]
    team_id = api.one(name)["team_id"]
    assert team_id == done[0]["changes"]["team_id"]["new"]
    assert [one["changes"] for one in states.run(*declared)] == [{}, {}]
    result = states.run(("litellm_key.present", {"name": name, **place, "team": team_id}))
    assert result["changes"] == {}
    result = states.run(("litellm_key.present", {"name": name, **place}))
    assert api.one(name)["team_id"] is None


def test_a_team_of_which_there_are_two_is_named_by_its_id(present, api, name, place, vault):
    ids = [api("POST", "/team/new", json={"team_alias": name})["team_id"] for _ in range(2)]
    result = present(**place, team=name)
    assert f"say which one is meant, as `team: {min(ids)}`" in result["comment"]
    assert present(**place, team=min(ids))["result"] is True
    assert api.one(name)["team_id"] == min(ids)
    api("POST", "/team/delete", json={"team_ids": ids})


def test_an_unknown_team_or_budget_is_refused(present, api, name, place, vault):
    result = present(**place, team="nowhere")
    assert result["result"] is False
    assert "there is no team 'nowhere'" in result["comment"]
    result = present(**place, budget_id="nowhere")
    assert result["result"] is False
    assert "There is no budget 'nowhere'" in result["comment"]
    assert vault.get(name) is None
    assert api.one(name) is None


def test_a_budget_in_common(present, api, name, place):
    api("POST", "/budget/new", json={"budget_id": f"{name}-budget", "max_budget": 5})
    try:
        assert present(**place, budget_id=f"{name}-budget")["result"] is True
        assert api.info(name)["budget_id"] == f"{name}-budget"
        assert present(**place, budget_id=f"{name}-budget")["changes"] == {}
        assert present(**place)["changes"]["budget_id"]["new"] is None
        assert api.info(name)["budget_id"] is None
        assert present(**place)["changes"] == {}
    finally:
        api("POST", "/budget/delete", json={"id": f"{name}-budget"})


def test_what_needs_a_licence_changes_nothing(present, api, name, place):
    present(**place)
    result = present(**place, max_budget=3, settings={"tags": ["a"]})
    assert result["result"] is False
    assert "only available for LiteLLM Enterprise users: tags" in result["comment"]
    assert "trial" not in result["comment"]
    assert api.one(name)["max_budget"] is None


def test_what_litellm_does_not_store_is_never_called_done(present, api, name, place):
    result = present(**place, settings={"no_such_setting": 1})
    assert result["result"] is False
    assert "LiteLLM has taken settings:no_such_setting, and not stored that" in result["comment"]


def test_nothing_is_ever_null_where_that_breaks_a_key(present, api, name, place, vault, recorder):
    settings = {
        "config": {"a": 1},
        "permissions": {"a": False, "b": 1},
        "object_permission": {"vector_stores": ["v1"]},
        "router_settings": {"num_retries": 3},
        "budget_limits": [{"budget_duration": "1d", "max_budget": 3}],
        "tag_rpm_limit": {"t": 1} if api.since("1.106.0") else None,
        "enforced_params": ["user"],
    }
    assert present(**place, settings=settings, aliases={"a": "b"})["result"] is True
    again = present(**place, settings=settings, aliases={"a": "b"})
    assert again["changes"] == {}
    result = present(**place)
    assert result["result"] is True, result["comment"]
    for _, body in writes(recorder):
        for field in ("aliases", "config", "permissions", "router_settings", "metadata"):
            assert body.get(field, "") is not None
    assert present(**place)["changes"] == {}
    assert api.works(vault[name])


def test_a_block_is_declared_or_done_by_hand(present, modules, api, name, place, vault):
    present(**place, blocked=True)
    assert not api.works(vault[name])
    result = present(**place, blocked=False)
    assert result["changes"] == {"blocked": {"old": True, "new": False}}
    assert api.works(vault[name])
    assert modules("block", name) is True
    assert not api.works(vault[name])
    assert modules("unblock", name) is True
    assert api.works(vault[name])


def test_absent(present, absent, api, name, place, vault):
    present(**place)
    key = vault[name]
    predicted, result = absent(test=True), absent()
    assert (predicted["result"], result["result"]) == (None, True)
    assert result["changes"] == predicted["changes"] == {"key_alias": {"old": name, "new": None}}
    assert api.one(name) is None
    assert not api.works(key)
    assert vault[name] == key
    assert absent()["changes"] == {}


def test_absent_by_an_alias_that_is_not_the_name(present, absent, api, name, place):
    alias = f"{name}-alias"
    present(**place, key_alias=alias)
    assert list(api.having(name)) == [alias]
    result = absent(name=alias)
    assert result["result"] is False
    assert f"{alias} belongs to '{name}'" in result["comment"]
    predicted, result = absent(test=True, key_alias=alias), absent(key_alias=alias)
    assert result["changes"] == predicted["changes"] == {"key_alias": {"old": alias, "new": None}}
    assert api.having(name) == {}


def test_the_key_that_the_profile_logs_in_with_is_left_alone(gateway, loaders, api, name, recorder):
    key = api.create(name, user_id="default_user_id")
    # A key of an admin: LiteLLM takes it for the user's role.
    api("POST", "/user/update", json={"user_id": "default_user_id", "user_role": "proxy_admin"})
    from tests.functional.conftest import States

    own = {"url": recorder.url, "api_key": key, "retries": 0}
    states = States(loaders, own)
    if not api.works(key):
        pytest.skip("this LiteLLM makes no admin of it")
    for function in ("present", "absent"):
        result = states.run((f"litellm_key.{function}", {"name": name}))
        assert result["result"] is False, result
        assert "the key that the profile logs in with" in result["comment"]
    listed = loaders.modules["litellm_key.list"](profile=own)
    assert name not in [row["key_alias"] for row in listed]
    assert api.works(key)


def test_absent_finds_that_somebody_else_has_just_deleted_it(
    present, absent, api, name, place, recorder
):
    present(**place)

    def gone(answer):
        api.delete(name)
        return answer

    recorder.fault(path="/key/list", times=1, rewrite=gone)
    result = absent()
    assert (result["result"], result["changes"]) == (True, {}), result["comment"]
    assert result["comment"] == f"{name} is absent"
