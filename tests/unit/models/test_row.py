"""Rows as the gateway reports them."""

import pytest

from saltext_litellm.models import row as rows


def test_a_teams_row_bears_the_name_that_the_team_uses():
    info = {"id": "x", "db_model": True, "team_public_model_name": "gpt-4"}
    data = {"model_name": "model_name_team-1_0b5c", "litellm_params": {}, "model_info": info}
    assert rows.parse(data).model_name == "model_name_team-1_0b5c"
    assert rows.parse({**data, "model_info": {**info, "team_id": "team-1"}}).model_name == "gpt-4"


@pytest.mark.parametrize("entry", [{"max_output_tokens": 8}, {"max_input_tokens": 8}])
def test_a_cost_map_without_a_key_that_rows_show(entry):
    """LiteLLM 1.110.2: an export must not take the key for a value that somebody has set."""
    info = {"id": "x", "db_model": True, "key": "gpt", "max_tokens": 8, "note": "theirs", **entry}
    row = rows.parse({"model_name": "x", "litellm_params": {"model": "gpt"}, "model_info": info})
    assert dict(rows.own_info(row, rows.known_info(row, {"gpt": entry}))) == {"note": "theirs"}
