"""Rows: what a place holds, who owns a row, and finding rows without a search."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from saltext_litellm.errors import WrongGateway
from saltext_litellm.objects.marker import Marker
from saltext_litellm.objects.row import MISSING, Row, Rows, refuse_other_gateway
from saltext_litellm.values.paths import parse
from tests.support.build import examples

DATA = {"p": {"zero": 0, "no": False, "empty": {}, "text": "", "null": None, "h": {"x": 1}}}


@pytest.mark.parametrize(
    ("place", "value"),
    [
        ("p/zero", 0),
        ("p/no", False),
        ("p/text", ""),
        ("p/empty", {}),
        ("p/h/x", 1),
        ("p/null", MISSING),
        ("p/absent", MISSING),
        ("p/text/inside", MISSING),
        ("q/x", MISSING),
    ],
)
def test_a_null_is_no_value_and_zero_is_one(place, value):
    found = Row("a", None, DATA).get(parse(place))
    assert found is value if value is MISSING else found == value


def test_a_row_is_called_by_its_owner_or_else_by_its_id():
    assert Row("id-1", None, {}).owner == "id-1"
    assert Row("id-1", Marker("gpt", set="s"), {}).owner == "gpt"


def test_a_row_prints_nothing_of_what_it_holds():
    assert "sk-secret" not in repr(Row("a", None, {"p": {"api_key": "sk-secret"}}))


# ---------------------------------------------------------------- many rows

ids = st.sampled_from("abc")
owners = st.sampled_from(
    [None, Marker("gpt"), Marker("gpt", set="s"), Marker("other"), Marker("other", set="s")]
)
changes = st.lists(st.tuples(ids, st.just("drop") | owners), max_size=12)


@examples
@given(changes)
def test_rows_are_found_as_by_a_search(changes):
    rows, expected = Rows[Row](), {}
    for row_id, what in changes:
        if what == "drop":
            rows.drop(row_id)
            expected.pop(row_id, None)
        else:
            row = Row(row_id, what, {})
            rows.add(row)
            expected.pop(row_id, None)
            expected[row_id] = row
    assert list(rows) == list(expected.values())
    assert len(rows) == len(expected)
    for row_id in "abc":
        assert rows.get(row_id) is expected.get(row_id)
        assert (row_id in rows) is (row_id in expected)
    for set_ in (None, "s"):
        for name in ("gpt", "other"):
            owned = [
                row
                for row in expected.values()
                if row.marker is not None and (row.marker.set, row.marker.name) == (set_, name)
            ]
            assert rows.owned_by(set_, name) == owned


def test_no_row_has_no_id():
    rows = Rows([Row("a", None, {})])
    assert rows.get(None) is None
    assert None not in rows


# ---------------------------------------------------------------- other gateways


@pytest.mark.parametrize(
    ("names", "written_for", "refused"),
    [
        pytest.param((), "prod", False, id="the profile names none"),
        pytest.param(("prod",), "prod", False, id="this one"),
        pytest.param(("new", "prod"), "prod", False, id="a former name"),
        pytest.param(("prod",), None, False, id="written before it had a name"),
        pytest.param(("prod",), "dev", True, id="another one"),
        pytest.param(("new", "prod"), "dev", True, id="another one, with a former name"),
    ],
)
def test_rows_that_were_written_for_another_gateway_are_refused(names, written_for, refused):
    rows = [Row("theirs", None, {}), Row("ours", Marker("gpt", gateway=written_for), {})]
    if not refused:
        refuse_other_gateway(rows, names, "http://gateway")
        return
    with pytest.raises(WrongGateway) as err:
        refuse_other_gateway(rows, names, "http://gateway")
    assert str(err.value) == (
        "http://gateway is the gateway 'dev', as the marker of ours says, but gateway_name of the "
        f"profile is {names[0]!r}"
    )
