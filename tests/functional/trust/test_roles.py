"""Who may do what on a gateway: a viewer's key, and a wrong key."""

import pytest

from ..budgets.conftest import BudgetApi
from ..conftest import MODEL, States
from ..credentials.conftest import CredentialApi
from ..keys.conftest import KeyApi
from ..routing.conftest import RoutingApi
from ..teams.conftest import TeamApi

TABLE = "Transport and roles"
MEMBERS = "team_member_budget"

pytestmark = pytest.mark.usefixtures("no_environment")


@pytest.fixture
def viewer(api, recorder):
    user = api("POST", "/user/new", json={"user_role": "proxy_admin_viewer"})
    key = user["key"]
    return {"url": recorder.url, "api_key": key, "retries": 0, "fingerprint_key": "a key of ours"}


READ_ONLY = {
    "list": {},
    "get": {"name": "NAME"},
    "plan": {"name": "NAME", **MODEL, "rpm": 6},
    "export": {},
    "ping": {},
    "version": {},
}


def test_a_viewer_may_read(modules, states, recorder, viewer, name, survived):
    states.present(name, rpm=5)
    recorder.clear()
    for function, given in READ_ONLY.items():
        told = {key: name if value == "NAME" else value for key, value in given.items()}
        shown, whole = (modules(function, **told, **by) for by in ({"profile": viewer}, {}))
        # LiteLLM 1.83.14 shows a viewer no masks, and export says so.
        assert shown == whole or (function == "export" and name in shown)
        survived(TABLE, "a viewer's key: reads")
    assert {record.method for record in recorder.requests} == {"GET"}


def test_a_viewer_may_foresee_but_not_do(api, states, loaders, viewer, name, survived):
    states.present(name, rpm=5)
    by_viewer = States(loaders, viewer)
    foreseen = by_viewer.present(name, test=True, rpm=6)
    assert (foreseen["result"], foreseen["changes"]) == (None, {"rpm": {"old": 5, "new": 6}})
    assert by_viewer.absent(name, test=True)["result"] is None
    models = {f"{name}-2": MODEL}
    managed = by_viewer.run(("managed", {"name": f"{name}-set", "models": models}), test=True)
    assert managed["result"] is None
    survived(TABLE, "a viewer's key: test=True", 3)
    for result in (
        by_viewer.present(name, rpm=6),
        by_viewer.present(f"{name}-2", rpm=6),
        by_viewer.absent(name),
    ):
        assert (result["result"], result["changes"]) == (False, {})
        assert "proxy_admin_viewer" in result["comment"] or "admin" in result["comment"]
        assert viewer["api_key"] not in result["comment"]
    assert api.one(name)["litellm_params"]["rpm"] == 5
    survived(TABLE, "a viewer's key: writes", 3)


def test_a_viewer_may_not_change_credentials(states, loaders, gateway, viewer, name, survived):
    """From 1.106 on it may see them. 1.83 forbids that, too."""
    api, by_viewer = CredentialApi(gateway), States(loaders, viewer)
    declared = {"name": name, "credential_values": {"api_base": "one"}}
    changed = {"name": name, "credential_values": {"api_base": "two"}}
    states.run(("litellm_credential.present", declared))
    sees = api.since("1.106")
    foreseen = by_viewer.run(("litellm_credential.present", changed), test=True)
    assert (foreseen["result"], bool(foreseen["changes"])) == (
        (None, True) if sees else (False, False)
    )
    for function, args in (("present", changed), ("absent", {"name": name})):
        result = by_viewer.run((f"litellm_credential.{function}", args))
        assert (result["result"], result["changes"]) == (False, {})
        assert "403" in result["comment"] or "admin" in result["comment"]
        assert viewer["api_key"] not in result["comment"]
        survived(TABLE, "a viewer's key: writes")
    assert api.one(name)["credential_values"] == {"api_base": "one"}
    api.clean(name)


def test_a_viewer_may_not_change_where_requests_go(
    api, loaders, gateway, recorder, viewer, name, survived
):
    """From 1.106 on it may see fallbacks and router settings. 1.83 forbids that, too."""
    routing, by_viewer = RoutingApi(gateway), States(loaders, viewer)
    made = [api.create(one) for one in (name, f"{name}-reserve", f"{name}-other")]
    reserve, other = f"{name}-reserve", f"{name}-other"
    routing.set_rule(name, [reserve])
    before = routing.settings()
    changes = [
        ("litellm_fallback.present", {"name": name, "fallback_models": [other]}),
        ("litellm_fallback.present", {"name": other, "fallback_models": [reserve]}),
        ("litellm_fallback.absent", {"name": name}),
        ("litellm_router.present", {"name": "num_retries", "value": 7}),
        ("litellm_router.managed", {"name": "several", "settings": {"timeout": 77}}),
    ]
    sees = routing.since("1.106")
    recorder.clear()
    for change in changes:
        foreseen = by_viewer.run(change, test=True)
        told = (None, True) if sees else (False, False)
        assert (foreseen["result"], bool(foreseen["changes"])) == told, foreseen
    assert {one.method for one in recorder.requests} == {"GET"}
    survived(TABLE, "a viewer's key: test=True", len(changes))
    for change in changes:
        result = by_viewer.run(change)
        assert (result["result"], result["changes"]) == (False, {})
        assert "\n" not in result["comment"]
        assert "admin" in result["comment"] or "401" in result["comment"]
        assert viewer["api_key"] not in result["comment"]
        survived(TABLE, "a viewer's key: writes")
    assert routing.settings() == before
    routing.clean(name)
    for one in made:
        api.delete(one)


def test_a_viewer_may_foresee_what_becomes_of_keys(
    states, loaders, gateway, viewer, name, survived
):
    api, by_viewer = KeyApi(gateway), States(loaders, viewer)
    present, absent = "litellm_key.present", "litellm_key.absent"
    declared = {"name": name, "key": f"sk-first-of-{name}", "max_budget": 5, "rotate": True}
    states.run((present, declared))
    before = api.one(name)
    told = {
        "as declared": (present, declared, {}),
        "changed": (present, {**declared, "max_budget": 6}, {"max_budget"}),
        "rotated": (present, {**declared, "key": f"sk-second-of-{name}"}, {"key"}),
        "deleted": (absent, {"name": name}, {"key_alias"}),
    }
    try:
        for function, args, changes in told.values():
            foreseen = by_viewer.run((function, args), test=True)
            assert foreseen["result"] is (None if changes else True), foreseen["comment"]
            assert foreseen["changes"].keys() == set(changes)
            survived(TABLE, "a viewer's key: test=True")
            if not changes:
                continue
            result = by_viewer.run((function, args))
            assert (result["result"], result["changes"]) == (False, {})
            assert "proxy_admin_viewer" in result["comment"] or "admin" in result["comment"]
            assert viewer["api_key"] not in result["comment"]
            survived(TABLE, "a viewer's key: writes")
        assert api.having(name) == {name: before}
        listed = loaders.modules["litellm_key.list"](name, profile=viewer)
        assert [one["key_alias"] for one in listed] == [name]
    finally:
        for alias in api.having(name):
            api.delete(alias)


def test_a_viewer_may_foresee_what_becomes_of_teams(
    states, loaders, gateway, viewer, name, survived
):
    api, by_viewer = TeamApi(gateway), States(loaders, viewer)
    member = f"ada-{name}@example.com"
    declared = {"name": name, "max_budget": 5, "team_member_budget": 2, "models": ["gpt-4"]}
    states.run(("litellm_team.present", declared))
    before = api.one(name)
    told = {
        "as declared": ("present", declared, {}),
        "changed": ("present", {**declared, "max_budget": 6}, {"max_budget"}),
        "members": ("present", {**declared, "members": {member: "user"}}, {f"members:{member}"}),
        "limits of members": ("present", {**declared, "team_member_budget": 3}, {MEMBERS}),
        "deleted": ("absent", {"name": name}, {"team_id"}),
        "made": ("present", {**declared, "name": f"{name}-2"}, None),
    }
    sees = api.since("1.106")  # 1.83 shows a viewer no budgets, where the limits of members are
    try:
        for function, args, changes in told.values():
            change = (f"litellm_team.{function}", args)
            foreseen = by_viewer.run(change, test=True)
            if sees:
                assert foreseen["result"] is (True if changes == {} else None), foreseen["comment"]
                assert changes is None or foreseen["changes"].keys() == set(changes)
            else:
                refused_by_role(foreseen, viewer)
            survived(TABLE, "a viewer's key: test=True")
            if changes != {}:
                refused_by_role(by_viewer.run(change), viewer)
                survived(TABLE, "a viewer's key: writes")
        assert api.teams(name) == [before]
        if sees:
            listed = loaders.modules["litellm_team.list"](name, profile=viewer)
            assert [one["team_id"] for one in listed] == [before["team_id"]]
    finally:
        api.clean(name)


def test_a_viewer_may_foresee_what_becomes_of_budgets(
    states, loaders, gateway, viewer, name, survived
):
    """From 1.106 on it may see them. 1.83 forbids that, too."""
    api, by_viewer = BudgetApi(gateway), States(loaders, viewer)
    declared = {"name": name, "max_budget": 5}
    states.run(("litellm_budget.present", declared))
    before = api.one(name)
    told = {
        "as declared": ("present", declared, {}),
        "changed": ("present", {**declared, "max_budget": 6}, {"max_budget"}),
        "deleted": ("absent", {"name": name}, {"budget_id"}),
        "made": ("present", {**declared, "name": f"{name}-2"}, {"budget_id", "max_budget"}),
    }
    try:
        for function, args, changes in told.values():
            change = (f"litellm_budget.{function}", args)
            foreseen = by_viewer.run(change, test=True)
            if api.since("1.106"):
                assert foreseen["result"] is (None if changes else True), foreseen["comment"]
                assert foreseen["changes"].keys() == set(changes)
            else:
                refused_by_role(foreseen, viewer)
            survived(TABLE, "a viewer's key: test=True")
            if changes:
                refused_by_role(by_viewer.run(change), viewer)
                survived(TABLE, "a viewer's key: writes")
        assert api.one(name) == before
        assert api.one(f"{name}-2") is None
    finally:
        api.clean(name)


def refused_by_role(result, viewer):
    """One sentence says that the key may not do it."""
    assert (result["result"], result["changes"]) == (False, {}), result
    assert "\n" not in result["comment"]
    assert "admin" in result["comment"] or "403" in result["comment"], result["comment"]
    assert viewer["api_key"] not in result["comment"]


def test_a_wrong_key(loaders, loaders_with, gateway, name, survived):
    """LiteLLM before 1.109 tells the end of a wrong key and its hash without salt; we do not."""
    wrong = {"url": gateway.url, "api_key": "sk-wrong-0123456789WXYZ", "retries": 0}
    given = States(loaders, wrong).present(name)
    named = States(loaders_with({"litellm": {"prod": wrong}}), "litellm:prod").present(name)
    for result, whose in ((given, "the given profile"), (named, "profile 'litellm:prod'")):
        said = f"{name} was not changed: {gateway.url} refuses the api_key of {whose} (401)"
        assert result["comment"] in (
            said,
            f"{said}: Authentication Error, Invalid API key provided.",
        )
    survived(TABLE, "a wrong key", 2)
