"""A row whose id has a slash, such as a key of LiteLLM's cost map, on a real gateway."""

import pytest

from .conftest import LIST, sent


@pytest.fixture
def model_id(name):
    return f"azure/eu/{name}"


def ids(api, name):
    return [row["model_info"]["id"] for row in api.in_database(name)]


def test_it_is_created_and_stays(api, states, recorder, name, model_id):
    result = states.present(name, model_id=model_id, rpm=5)
    assert (result["result"], ids(api, name)) == (True, [model_id]), result
    recorder.requests.clear()
    result = states.present(name, model_id=model_id, rpm=5)
    assert (result["result"], result["changes"]) == (True, {}), result
    assert sent(recorder) == [LIST]


@pytest.mark.parametrize("test", [True, False])
def test_a_change_is_refused_in_one_sentence(api, states, name, model_id, test):
    states.present(name, model_id=model_id, rpm=5)
    result = states.present(name, model_id=model_id, rpm=6, test=test)
    assert (result["result"], result["changes"]) == (False, {})
    assert (
        "would have to change (rpm), but LiteLLM cannot change a row whose id has a slash"
        in (result["comment"])
    )
    (row,) = api.in_database(name)
    assert row["litellm_params"]["rpm"] == 5


@pytest.mark.parametrize("by_id", [True, False])
def test_one_of_nobody_cannot_be_adopted(api, states, name, model_id, by_id):
    api.create(name, info={"id": model_id})
    result = states.present(name, **({"model_id": model_id} if by_id else {}))
    assert result["result"] is False
    assert f"{model_id} cannot be adopted" in result["comment"]
    (row,) = api.in_database(name)
    assert "saltext_litellm" not in row["model_info"]


def test_it_is_deleted_by_its_id(api, states, name, model_id):
    api.create(name, info={"id": model_id})
    result = states.absent(name, model_id=model_id)
    assert (result["result"], ids(api, name)) == (True, []), result
    assert states.absent(name, model_id=model_id)["changes"] == {}


def test_it_takes_the_place_of_another_row(api, states, name, model_id):
    states.present(name, rpm=5)
    result = states.present(name, rpm=5, model_id=model_id)
    assert (result["result"], ids(api, name)) == (True, [model_id]), result
    assert states.present(name, rpm=5, model_id=model_id)["changes"] == {}


def test_a_set_creates_and_prunes_it(api, managed, name, model_id):
    model = {"custom_llm_provider": "openai", "base_model": "gpt-4"}
    result = managed(models={name: {**model, "model_id": model_id}})
    assert (result["result"], ids(api, name)) == (True, [model_id]), result
    other = f"{name}-other"
    assert managed(models={other: model}, prune=True)["result"] is True
    assert (ids(api, name), len(ids(api, other))) == ([], 1)


def test_the_functions_take_it(api, modules, name, model_id):
    api.create(name, {"api_key": "sk-0123456789"}, {"id": model_id})
    assert modules("get", model_id=model_id)["model_id"] == model_id
    assert [row["model_id"] for row in modules("list", model_name=name)] == [model_id]
    assert name not in modules("export", data=True)  # no state could adopt it
    assert modules("delete", model_id=model_id)
    assert ids(api, name) == []


def test_one_of_ours_is_exported(states, modules, name, model_id):
    states.present(name, model_id=model_id)
    assert name in modules("export", data=True)


def test_its_secrets_are_not_verified(api, states, name, model_id):
    secret = {"model_api_key": "sk-0123456789"}
    states.present(name, model_id=model_id, **secret)
    result = states.present(name, model_id=model_id, verify_secrets=True, **secret)
    assert (result["result"], result["changes"]) == (True, {})
    assert "whose id has a slash" in result["comment"]
    assert ids(api, name) == [model_id]
