"""Lists as people see them."""

import uuid

import pytest
import salt.config
import salt.loader

from saltext_litellm.output import litellm_table


def printed(rows):
    return litellm_table.output({"local": rows}).split("\n")


def test_the_columns_keep_the_order_of_their_keys():
    assert printed([{"name": "b", "id": 1, "blocked": False}, {"name": "cc", "id": None}]) == [
        "local:",
        "    name  id  blocked",
        "    b     1   False",
        "    cc    -   -",
    ]


def test_a_column_without_a_value_is_left_out():
    assert printed([{"name": "b", "owner": None, "team": ""}])[1:] == ["    name", "    b"]


def test_an_id_shows_its_beginning():
    row_id = str(uuid.uuid4())
    assert printed([{"id": row_id, "other": f"{row_id}0"}])[2].split() == [
        f"{row_id[:8]}…",
        f"{row_id}0",
    ]


@pytest.mark.parametrize("columns", [1, 3, 12])
def test_a_line_has_at_most_100_characters(columns):
    row = {f"key{number}": "v" * (30 * number + 1) for number in range(columns)}
    assert max(map(len, printed([row]))) <= 100


def test_the_name_is_the_last_that_is_cut():
    name = "n" * 45
    assert printed([{"name": name, "owner": "o" * 60}])[2] == f"    {name}  {'o' * 48}…"


def test_more_columns_than_fit_are_shown_all_the_same():
    assert len(printed([{f"key{number}": "v" * 9 for number in range(40)}])) == 3


def test_a_value_stays_in_its_line():
    assert printed([{"name": "a\nb\x1b[0m"}])[2] == "    a\\nb\\x1b[0m"


def test_an_empty_list_is_only_a_minion():
    assert printed([]) == ["local:"]


@pytest.mark.parametrize("data", ["text", {"local": "an error"}, {"local": ["one"]}, None])
def test_what_is_no_list_of_objects_is_printed_as_salt_does(data):
    printers = salt.loader.outputters(salt.config.minion_config(None))
    assert printers["litellm_table"](data) == printers["nested"](data)
