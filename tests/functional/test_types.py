"""Types of values: those that LiteLLM keeps as they are, and those that it makes itself."""

import pytest

from .conftest import id_of


@pytest.mark.parametrize(
    ("before", "after"), [("false", False), ("5", 5), (1, True), ("1.0", 1.0), (True, "true")]
)
@pytest.mark.parametrize("section", ["litellm_params", "model_info"])
def test_a_corrected_type_is_written_where_litellm_keeps_it(
    api, states, name, section, before, after
):
    def declared(value):
        model = {"model": "openai/gpt-4"} if section == "litellm_params" else {}
        return {section: {**model, "own_extra": value, "own": {"extra": [value]}}}

    states.present(name, **declared(before))
    for changed in (True, False):
        result = states.present(name, **declared(after))
        assert bool(result["changes"]) is changed
    stored = api.stored(id_of(api.one(name)))[section]
    assert stored["own"]["extra"] == [after]
    assert type(stored["own"]["extra"][0]) is type(after)


def test_a_type_that_litellm_makes_itself_is_no_change(states, name):
    loose = {"rpm": "5", "litellm_params": {"max_retries": "2", "use_litellm_proxy": "true"}}
    strict = {"rpm": 5, "litellm_params": {"max_retries": 2, "use_litellm_proxy": True}}
    assert states.present(name, **loose)["result"] is True
    assert states.present(name, **loose)["changes"] == {}
    assert states.present(name, **strict)["changes"] == {}
