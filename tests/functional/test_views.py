"""Rows that only one of the two views shows: that of the database, or what a worker serves."""

import logging

import pytest

from .conftest import DATABASE, MARKER, MODEL, States, id_of, managed_set


def is_database_view(record):
    return record.path == DATABASE[1] and "search" in record.query


def make_unserved(api, name, params, info):
    """A row that is in the database and not served, as an upgrade of LiteLLM may leave it."""
    params = {"model": "no-such-provider/gpt-4", **params}
    body = {"model_name": name, "litellm_params": params, "model_info": info}
    api.gateway.request("POST", "/model/new", json=body)
    (row,) = api.in_database(name)
    assert api.named(name) == []
    return id_of(row)


# ---------------------------------------------------------------- unserved rows


def test_an_unserved_row_is_seen_by_all(api, states, name):
    api.create(f"{name}-other")  # while LiteLLM serves nothing, it shows nothing
    model_id = make_unserved(api, name, {}, {})
    predicted = states.absent(name, test=True)
    done = states.absent(name)
    assert predicted["changes"] == done["changes"]
    assert done["changes"]["model_id"] == {"old": model_id, "new": None}
    assert api.in_database(name) == []


def test_an_unserved_row_of_a_set_is_predicted_and_pruned(api, states, name):
    api.create(f"{name}-other")
    marker = {"version": 1, "name": name, "set": f"set-{name}", "keys": []}
    model_id = make_unserved(api, name, {}, {MARKER: marker})
    predicted = states.run(managed_set(name, {name: MODEL}), test=True)
    assert predicted["changes"][name]["custom_llm_provider"] == {"old": None, "new": "openai"}
    assert "model_name" not in predicted["changes"][name]  # it is not created
    result = states.run(managed_set(name, {}, prune=True, allow_empty=True))
    assert result["changes"][name]["model_id"] == {"old": model_id, "new": None}
    assert api.in_database(name) == []


def test_a_row_for_another_environment_is_well(second_api, loaders, gateway_can_block, name):
    if not gateway_can_block:
        pytest.skip("this LiteLLM does not vouch for what it saves")
    elsewhere = {"supported_environments": ["production"]}  # the gateway is one for development
    login = {"url": second_api.gateway.url, "api_key": second_api.gateway.key}
    states = States(loaders, login)
    assert states.present(f"{name}-other")["result"] is True
    for base in ("https://a.example.com", "https://b.example.com"):
        result = states.present(name, model_api_base=base, model_info=elsewhere)
        assert result["result"] is True, result["comment"]
        assert states.present(name, model_api_base=base, model_info=elsewhere)["changes"] == {}


# ---------------------------------------------------------------- views that lack rows


@pytest.mark.parametrize("adopted", [True, False])
def test_a_view_of_the_database_that_shows_nothing_is_not_trusted(
    api, states, recorder, caplog, name, adopted
):
    """A version that closes it, or a row that LiteLLM cannot read."""
    if adopted:
        api.create(name, {"custom_llm_provider": "openai"}, {"tier": "free", "base_model": "gpt-4"})
    states.present(name)
    model_id = id_of(api.one(name))
    caplog.set_level(logging.INFO, "saltext_litellm")
    recorder.fault(when=is_database_view, status=200, json={"data": []})
    # A worker may serve what is deleted, so without a PATCH nobody can say which of both is so.
    predicted = states.present(name, test=True)
    assert predicted["result"] is None
    assert "serves models that its database does not show: they count" in predicted["comment"]
    result = states.present(name)
    assert (result["result"], result["changes"]) == (True, {}), result
    assert "does not show all of its database" in caplog.text
    assert states.present(name, rpm=5)["changes"] == {"rpm": {"old": None, "new": 5}}
    assert id_of(api.one(name)) == model_id
    assert states.absent(name)["changes"]["model_id"]["old"] == model_id
    created = states.present(name)
    assert (created["result"], len(api.named(name))) == (True, 1)


def test_a_view_that_is_cut_short_leads_to_no_second_row(api, states, recorder, name):
    """LiteLLM 1.83.14 leaves out the rows after one that it cannot read."""
    api.create(f"{name}-first")
    api.create(name, {"custom_llm_provider": "openai"}, {"tier": "free", "base_model": "gpt-4"})
    states.present(name)
    rows = api.in_database(f"{name}-first")
    recorder.fault(
        when=lambda r: is_database_view(r) and r.query["search"] == ["%%"],
        status=200,
        json={"data": rows},
    )
    for test in (True, False):
        result = states.present(name, test=test)
        assert (result["result"], result["changes"]) == (True, {})
    assert len(api.in_database(name)) == 1


def test_a_row_that_only_the_router_still_has_is_gone(api, states, recorder, name):
    """It was deleted through another worker."""
    states.present(name)
    api.create(f"{name}-other")
    stale = api.rows()
    api.delete(id_of(api.one(name)))
    recorder.fault(
        when=lambda r: r.path == DATABASE[1] and "search" not in r.query,
        status=200,
        json={"data": stale},
        times=3,
    )
    for test in (True, False):
        assert states.absent(name, test=test)["changes"] == {}
    assert states.present(name)["changes"]["model_name"] == {"old": None, "new": name}
    assert len(api.named(name)) == 1


def test_a_name_with_a_wildcard_in_it(api, states, name):
    for odd in (f"{name}-100%", f"{name}_%_x", f"{name}\\x"):
        assert states.present(odd)["result"] is True
        assert states.present(odd)["changes"] == {}
        assert states.absent(odd)["changes"]
        assert api.named(odd) == []
