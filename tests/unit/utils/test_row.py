"""Rows as the gateway reports them."""

from saltext_litellm.utils.models import row as rows


def test_a_teams_row_bears_the_name_that_the_team_uses():
    info = {"id": "x", "db_model": True, "team_public_model_name": "gpt-4"}
    data = {"model_name": "model_name_team-1_0b5c", "litellm_params": {}, "model_info": info}
    assert rows.parse(data).model_name == "model_name_team-1_0b5c"
    assert rows.parse({**data, "model_info": {**info, "team_id": "team-1"}}).model_name == "gpt-4"
