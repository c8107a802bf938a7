"""The execution functions, against what LiteLLM's own API says."""

import pytest
from salt.exceptions import CommandExecutionError, SaltInvocationError

from .conftest import MODEL, States


def test_ping_and_version(modules, api):
    assert modules("ping") is True
    expected = api("GET", "/public/model_hub/info")["litellm_version"]
    assert modules("version") == expected


def test_list_is_short_and_says_who_owns_what(modules, api, states, name):
    foreign = api.create(f"{name}-foreign")
    states.present(name, rpm=5)
    listed = {row["model_id"]: row for row in modules("list")}
    assert set(listed) == {row["model_info"]["id"] for row in api.rows()}
    assert listed[foreign] == {
        "model_name": f"{name}-foreign",
        "model_id": foreign,
        "model": "openai/gpt-4",
        "provider": "openai",  # which LiteLLM takes from the model
        "blocked": False,
        "owner": None,
        "source": "database",
    }
    (ours,) = [row for row in listed.values() if row["owner"] == name]
    assert (ours["provider"], ours["model_name"]) == ("openai", name)


def test_get_shows_one_without_its_secrets(modules, api, states, name):
    secret = "sk-nested-0123456789"
    states.present(name, rpm=5, litellm_params={"extra_headers": {"X-Token": secret, "X-A": "b"}})
    shown = modules("get", name)
    assert shown["litellm_params"]["rpm"] == 5
    assert shown["litellm_params"]["extra_headers"]["X-A"] == "b"
    assert secret[:4] not in str(shown)
    by_id = modules("get", model_id=api.one(name)["model_info"]["id"])
    assert by_id == shown
    assert modules("get", f"{name}-none") is None


def test_create_creates_once(modules, api, name):
    done = modules("create", name, **MODEL, rpm=5)
    row = api.one(name)
    assert (done["action"], done["model_id"]) == ("create", row["model_info"]["id"])
    assert row["litellm_params"]["rpm"] == 5
    with pytest.raises(CommandExecutionError, match="is there already"):
        modules("create", name, **MODEL, rpm=6)
    assert api.one(name)["litellm_params"]["rpm"] == 5


def test_update_changes_what_is_given_and_nothing_else(modules, api, states, name):
    states.present(name, rpm=5, tpm=6, tier="paid", model_api_key="sk-0123456789")
    before = api.one(name)
    done = modules("update", name, rpm=7)
    assert done["changes"] == {"rpm": {"old": 5, "new": 7}}
    after = api.one(name)
    assert after["litellm_params"] == {**before["litellm_params"], "rpm": 7}
    assert after["model_info"] == before["model_info"]
    # The state still owns it, and sees what was changed behind its back.
    result = states.present(name, rpm=5, tpm=6, tier="paid", model_api_key="sk-0123456789")
    assert result["changes"] == {"rpm": {"old": 7, "new": 5}}


def test_a_secret_updated_by_hand_is_seen_by_the_state(modules, api, states, name):
    states.present(name, model_api_key="sk-declared-0123")
    modules("update", name, model_api_key="sk-by-hand-4567")
    assert api.secrets(api.one(name)["model_info"]["id"])["api_key"] == "sk****67"
    assert "model_api_key" in states.present(name, model_api_key="sk-declared-0123")["changes"]
    assert api.secrets(api.one(name)["model_info"]["id"])["api_key"] == "sk****23"


def test_update_adopts_nothing(modules, api, name):
    api.create(name)
    modules("update", name, rpm=7)
    row = api.one(name)
    assert row["litellm_params"]["rpm"] == 7
    assert "saltext_litellm" not in row["model_info"]
    with pytest.raises(CommandExecutionError, match="no deployment"):
        modules("update", f"{name}-none", rpm=7)


def test_plan_only_looks(modules, api, states, recorder, name):
    states.present(name, rpm=5)
    recorder.clear()
    planned = modules("plan", name, **MODEL, rpm=6)
    assert planned["action"] == "update"
    assert planned["changes"] == {"rpm": {"old": 5, "new": 6}}
    assert {record.method for record in recorder.requests} == {"GET"}
    assert api.one(name)["litellm_params"]["rpm"] == 5


def test_apply_is_what_the_state_does(modules, api, name):
    assert modules("apply", name, **MODEL, rpm=5)["action"] == "create"
    assert modules("apply", name, **MODEL, rpm=5)["action"] == "none"
    assert modules("apply", name, **MODEL, rpm=6)["changes"] == {"rpm": {"old": 5, "new": 6}}
    assert api.one(name)["litellm_params"]["rpm"] == 6


@pytest.mark.parametrize("function", ["create", "apply", "update"])
def test_with_test_nothing_is_written(modules, api, recorder, name, function):
    if function == "update":
        api.create(name)
    before = api.named(name)
    arguments = {"rpm": 5} if function == "update" else {**MODEL, "rpm": 5}
    recorder.clear()
    predicted = modules(function, name, **arguments, test=True)
    assert {record.method for record in recorder.requests} == {"GET"}
    assert api.named(name) == before
    done = modules(function, name, **arguments)
    assert (done["action"], done["changes"]) == (predicted["action"], predicted["changes"])
    assert api.one(name)["litellm_params"]["rpm"] == 5


@pytest.mark.parametrize("function", ["create", "apply", "update"])
def test_test_is_true_or_false(modules_unasked, name, function):
    with pytest.raises(SaltInvocationError, match="test must be true or false"):
        modules_unasked(function, name, **MODEL, test="no")


def test_create_with_test_says_that_it_is_there(modules, api, name):
    api.create(name)
    with pytest.raises(CommandExecutionError, match="is there already"):
        modules("create", name, **MODEL, test=True)


def test_what_there_is_refuses_without_the_usage_text(modules, api, states, name):
    """For a SaltInvocationError, salt-call prints how a function is called."""
    states.present(name)
    model_id = api.one(name)["model_info"]["id"]
    for number in range(2):
        api.create(f"{name}-twice", {"seed": number})
    newer = {"version": 2, "name": f"{name}-newer"}
    api.create(f"{name}-newer", info={"saltext_litellm": newer})
    refused = {
        "no deployment": lambda: modules("update", f"{name}-none", rpm=1),
        "Several deployments": lambda: modules("apply", f"{name}-twice", **MODEL),
        "belongs to": lambda: modules("apply", f"{name}-x", **MODEL, model_id=model_id),
        "newer saltext-litellm": lambda: modules("apply", f"{name}-newer", **MODEL),
        "does not know the provider": lambda: modules(
            "apply", f"{name}-y", custom_llm_provider="nobody", base_model="x"
        ),
        "neither in the pillar": lambda: modules("list", profile="no:such:profile"),
        "no 'no:such:key' in the pillar": lambda: modules("manage", name, pillar="no:such:key"),
        "no file": lambda: modules("manage", name, source="salt://no-such-file"),
        "Cannot resolve sdb://": lambda: modules(
            "apply", f"{name}-y", **MODEL, model_api_key="sdb://nowhere/key"
        ),
    }
    for sentence, call in refused.items():
        with pytest.raises(CommandExecutionError, match=sentence):
            call()


def test_delete(modules, api, name):
    model_id = api.create(name)
    assert modules("delete", name, test=True)["action"] == "delete"
    assert api.one(name)
    assert modules("delete", name)["model_id"] == model_id
    assert api.named(name) == []
    assert modules("delete", name)["action"] == "none"
    model_id = api.create(name)
    assert modules("delete", model_id=model_id)["action"] == "delete"
    assert api.named(name) == []


def test_block_and_unblock(modules, api, name, gateway_can_block):
    api.create(name)
    if not gateway_can_block:
        with pytest.raises(CommandExecutionError, match="too old to block"):
            modules("block", name)
        return
    assert modules("block", name) is True
    assert api.one(name)["model_info"]["blocked"] is True
    assert modules("unblock", name) is True
    assert api.one(name)["model_info"]["blocked"] is False
    with pytest.raises(CommandExecutionError, match="no deployment"):
        modules("block", f"{name}-none")


@pytest.mark.parametrize("function", ["get", "delete", "block", "unblock"])
def test_something_must_be_named(modules_unasked, function):
    with pytest.raises(SaltInvocationError, match="name or model_id is needed"):
        modules_unasked(function)


def test_a_call_by_hand_always_looks_again(modules, api, name):
    api.create(name)
    assert modules("get", name)
    api.delete(api.one(name)["model_info"]["id"])
    assert modules("get", name) is None


@pytest.mark.parametrize("function", ["list", "ping"])
def test_a_wrong_key_is_said_plainly(modules, gateway, function):
    wrong = {"url": gateway.url, "api_key": "sk-wrong-0123456789", "retries": 0}
    with pytest.raises(CommandExecutionError) as err:
        modules(function, profile=wrong)
    assert "refuses the api_key of the given profile" in str(err.value)
    assert "sk-wrong-0123456789" not in str(err.value)


def test_a_ping_tells_of_a_failing_database_and_takes_one_request(modules, recorder):
    recorder.fault(status=500, json={"error": {"message": "Internal server error"}})
    with pytest.raises(CommandExecutionError, match=r"failed \(500\): Internal server error"):
        modules("ping")
    assert len(recorder.requests) == 1


def test_a_gateway_that_is_not_there(modules):
    with pytest.raises(CommandExecutionError, match=r"Cannot reach http://127\.0\.0\.1:9"):
        modules("ping", profile={"url": "http://127.0.0.1:9", "api_key": "sk-1", "retries": 0})


def test_a_viewer_may_plan_but_not_apply(modules, api, states, name, recorder):
    states.present(name, rpm=5)
    user = api("POST", "/user/new", json={"user_role": "proxy_admin_viewer"})
    viewer = {"url": recorder.url, "api_key": user["key"], "retries": 0, "fingerprint_key": "k"}
    assert modules("plan", name, **MODEL, rpm=6, profile=viewer)["action"] == "update"
    with pytest.raises(CommandExecutionError) as err:
        modules("apply", name, **MODEL, rpm=6, profile=viewer)
    assert "forbids this (403): user not allowed" in str(err.value)
    assert api.one(name)["litellm_params"]["rpm"] == 5


def test_a_viewer_is_told_what_it_cannot_see(modules, api, states, name, recorder):
    models = {one: {**MODEL, "model_api_key": "sk-0123456789"} for one in (name, f"{name}-too")}
    assert states.run(("managed", {"name": f"{name}-set", "models": models}))["result"] is True
    user = api("POST", "/user/new", json={"user_role": "proxy_admin_viewer"})
    login = {"Authorization": f"Bearer {user['key']}"}
    masks = f"/credentials/by_model/{api.one(name)['model_info']['id']}"
    sees = api.gateway.request("GET", masks, headers=login).ok
    viewer = {"url": recorder.url, "api_key": user["key"], "retries": 0, "fingerprint_key": "k"}
    said = "Its secrets were not verified: the api_key may not see which ones the gateway has"

    recorder.clear()
    arguments = {"name": f"{name}-set", "models": models, "verify_secrets": True}
    result = States(states.loaders, viewer).run(("managed", arguments), test=True)
    assert (result["comment"].count(said) == 2) is not sees
    asked = [one for one in recorder.requests if one.path.startswith("/credentials/")]
    assert len(asked) == (2 if sees else 1)
    changes = {"tier": "paid", "verify_secrets": True, "profile": viewer}
    planned = modules("update", name, **changes, test=True)
    assert planned["changes"]["tier"] == {"old": "free", "new": "paid"}
    assert (said in planned.get("notes", ())) is not sees

    text = modules("export", profile=viewer)
    assert f"{name}:" in text
    assert ("The api_key may not see which secrets they have" in text) is not sees
    assert "tojson" in text  # the marker of each row names its secrets to everybody


def test_list_has_health_in_each_row_or_in_none(modules, api, recorder, name):
    checked, other = api.create(name, {"model": "gpt-4"}), api.create(f"{name}-other")
    checks = {checked: {"status": "healthy"}, "of-another": {"status": "unhealthy"}}
    recorder.fault(path="/health/latest", status=200, json={"latest_health_checks": checks})
    (one, two) = sorted(modules("list", f"{name}*"), key=lambda row: row["model_name"])
    assert (one["model_id"], one["health"]) == (checked, "healthy")
    assert (two["model_id"], two["health"]) == (other, None)
    assert one["provider"] == "openai"  # LiteLLM's cost map says so
    recorder.fault(path="/health/latest", status=200, json={"latest_health_checks": checks})
    assert "health" not in modules("list", f"{name}-other")[0]


def test_list_can_be_narrowed(modules, api, states, name):
    foreign = api.create(f"{name}-foreign", {"model": "azure/gpt-4"})
    states.present(f"{name}-ours")

    def ids(**filters):
        return [row["model_id"] for row in modules("list", f"{name}-*", **filters)]

    assert len(ids()) == 2
    assert ids(owner="") == [foreign]
    assert ids(owner=f"{name}-*") == ids(provider="openai") != [foreign]
    assert ids(provider="az*") == [foreign]
    assert ids(blocked=True) == []
