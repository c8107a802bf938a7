"""The credential endpoints, on a real gateway of each version."""

import json

import pytest

from saltext_litellm.errors import (
    AlreadyThere,
    GatewayError,
    NotInDatabase,
    OutcomeUnknown,
    Unchangeable,
)

from .conftest import FILED, VALUES, CredentialApi, connect

MARKER = {"keys": ["credential_values/a~1b"], "deep": {"list": [1, None, "ü"], "empty": {}}}
INFO = {"description": "of the tests", "saltext_litellm": MARKER}
MASKED = {"api_key": "sk****89", "api_base": VALUES["api_base"]}


def body(name, **more):
    return {"credential_name": name, "credential_values": VALUES, "credential_info": INFO, **more}


def test_a_life(credentials, api, name):
    credentials.create(body(name))
    (row,) = [row for row in credentials.list() if row["credential_name"] == name]
    assert row == api.one(name)
    assert (row["credential_values"], row["credential_info"]) == (MASKED, INFO)
    assert row.get("source") == ("db" if api.since("1.106") else None)
    values, info = {"api_key": "sk-9876543210"}, {**INFO, "description": "changed"}
    credentials.update(name, {"credential_values": values, "credential_info": info})
    assert api.one(name)["credential_values"] == {**MASKED, "api_key": "sk****10"}
    assert api.one(name)["credential_info"] == info
    assert credentials.delete(name) is True
    assert api.one(name) is None
    assert all(row["credential_name"] != name for row in credentials.list())


def test_an_empty_update_changes_nothing(credentials, api, name):
    api.create(name, info=INFO)
    before = api.one(name)
    credentials.update(name, {})
    assert api.one(name) == before


def test_an_update_never_renames(credentials, api, name):
    """LiteLLM 1.83.14 renames a credential if the body names another one."""
    api.create(name)
    credentials.update(name, {"credential_name": f"{name}-other"})
    assert (api.one(name) is None, api.one(f"{name}-other")) == (False, None)


def test_values_are_deleted_where_litellm_can(credentials, api, name):
    api.create(name)
    credentials.update(name, {"credential_values_to_delete": ["api_base", "unknown"]})
    left = {"api_key"} if api.since("1.106") else {"api_key", "api_base"}
    assert api.one(name)["credential_values"].keys() == left


def test_what_exists_is_not_created_again(credentials, api, name):
    api.create(name)
    with pytest.raises(AlreadyThere):
        credentials.create(body(name, credential_values={"api_key": "sk-9876543210"}))
    assert api.one(name)["credential_values"] == MASKED


def test_what_is_missing(credentials, api, name):
    with pytest.raises(NotInDatabase) as caught:
        credentials.update(name, {"credential_info": INFO})
    assert caught.value.status == 404
    says = api.since("1.103")  # older ones answer as if it had been there
    assert credentials.delete(name) is not says


@pytest.mark.parametrize(
    "part", ["a/b", "/a/../b/", "100%25", "?#&=+;", " ü é\u0301 😀 ", "a\tb", "\\", "x" * 300]
)
def test_names_that_a_url_must_encode(credentials, api, name, part):
    name = f"{name}{part}"
    credentials.create(body(name))
    credentials.update(name, {"credential_info": {"description": "changed"}})
    assert api.one(name)["credential_info"]["description"] == "changed"
    assert credentials.delete(name) is True
    assert api.one(name) is None


@pytest.mark.parametrize("name", [".", "..", "two\nlines"])
def test_names_that_no_url_can_hold(credentials, recorder, name):
    """Requests makes `/credentials/` of `/credentials/.`: the credential without a name."""
    for change in (lambda: credentials.update(name, {}), lambda: credentials.delete(name)):
        with pytest.raises(Unchangeable):
            change()
    assert recorder.requests == []


def test_what_litellm_refuses(credentials, api, name):
    for wrong in ({"credential_values": {}}, {"credential_info": None}):
        with pytest.raises(GatewayError) as caught:
            credentials.create(body(name, **wrong))
        assert caught.value.status == 422
        assert VALUES["api_key"] not in str(caught.value)
    assert api.one(name) is None


# ----------------------------------------------------------------- answers that are not as usual


@pytest.mark.parametrize("answer", [None, {}, [], "done", {"success": True}, {"credentials": []}])
def test_not_every_200_is_an_answer_of_litellm(credentials, recorder, name, answer):
    recorder.fault(status=200, body=json.dumps(answer))
    for write in (
        lambda: credentials.create(body(name)),
        lambda: credentials.update(name, {}),
        lambda: credentials.delete(name),
    ):
        with pytest.raises(OutcomeUnknown, match="not as a LiteLLM gateway does"):
            write()
    if answer != {"credentials": []}:
        with pytest.raises(GatewayError, match="not in a form LiteLLM sends"):
            credentials.list()


def test_an_error_that_comes_with_200(credentials, recorder, name):
    """LiteLLM 1.83.14 answers so if its database fails."""
    error = {"message": f"No row with {VALUES['api_key']}", "type": "error", "code": "500"}
    recorder.fault(status=200, json=error)
    with pytest.raises(OutcomeUnknown, match="failed: No row with") as caught:
        credentials.update(name, {"credential_values": VALUES})
    assert VALUES["api_key"] not in str(caught.value)
    with pytest.raises(OutcomeUnknown, match="failed: No row with"):
        credentials.delete(name)


def test_a_url_that_is_not_litellms_is_no_missing_credential(credentials, recorder, name):
    recorder.fault(status=404, json={"detail": "Not Found"})
    for change in (lambda: credentials.update(name, {}), lambda: credentials.delete(name)):
        with pytest.raises(GatewayError) as caught:
            change()
        assert (type(caught.value), caught.value.status) == (GatewayError, 404)


def test_a_create_whose_answer_is_lost_is_not_sent_again(gateway, recorder, api, name):
    recorder.fault(method="POST", lose_response=True)
    with pytest.raises(OutcomeUnknown):
        connect(recorder.url, gateway.key, retries=2).create(body(name))
    assert len(recorder.requests) == 1
    assert api.one(name)["credential_info"] == INFO


# ----------------------------------------------------------------- processes, and the config file


@pytest.fixture
def apart(processes, name):
    """A plain connection to one process, and our endpoints for the other one."""
    first, second = processes
    api = CredentialApi(first)
    yield api, connect(second.url, second.key)
    api.clean(name)


def names(credentials):
    return [row["credential_name"] for row in credentials.list()]


def test_writes_ask_the_database_and_not_the_memory_of_a_worker(apart, name):
    api, ours = apart
    api.create(name, info=INFO)
    with pytest.raises(AlreadyThere):
        ours.create(body(name))
    ours.update(name, {"credential_info": {"description": "changed"}})
    assert ours.delete(name) is True
    with pytest.raises(NotInDatabase):
        ours.update(name, {})
    ours.create(body(name))
    assert ours.delete(name) is True
    assert ours.delete(name) is not api.since("1.103")


def test_what_the_config_file_has(apart):
    api, credentials = apart
    name, changed = FILED["credential_name"], {"credential_info": {"description": "changed"}}
    (row,) = [row for row in credentials.list() if row["credential_name"] == name]
    assert row["credential_info"] == FILED["credential_info"]
    if not api.since("1.106"):  # it does not say that there is such a thing
        assert "source" not in row
        with pytest.raises(NotInDatabase):
            credentials.update(name, changed)
        return
    assert row["source"] == "config"
    for write, status in (
        (lambda: credentials.create(body(name)), 409),
        (lambda: credentials.update(name, changed), 405),
        (lambda: credentials.delete(name), 405),
    ):
        with pytest.raises(GatewayError, match=f"'{name}' is defined in config") as caught:
            write()
        assert (type(caught.value), caught.value.status) == (GatewayError, status)
    assert row in credentials.list()
