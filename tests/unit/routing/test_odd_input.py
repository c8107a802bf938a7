"""Arbitrary values of each argument: one sentence, or something that can be sent."""

import contextlib
import datetime
import json

from hypothesis import given
from hypothesis import strategies as st

from saltext_litellm.errors import InvalidInput
from saltext_litellm.objects.row import Rows
from saltext_litellm.routing import rules, settings
from tests.support.build import examples

WORDS = ["", " ", "*", "a/b", "é", "\0", "two\nlines", "\ud800", "{{ x }}", "**********", "general"]
WORDS += ["fallbacks", "num_retries", "api_key", "x" * 600]
ODD = [{1, 2}, b"bytes", 1j, (1, 2), datetime.date(2024, 1, 1), object(), 10**5000, float("nan")]
keys = st.sampled_from(WORDS) | st.none() | st.integers() | st.booleans()
wild = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=9) | keys,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(keys, inner, max_size=3),
    max_leaves=6,
) | st.sampled_from(ODD)


def declared(read, arguments):
    """What is declared; ``None`` if that was refused in a sentence."""
    try:
        return read(arguments, lambda one: one)
    except InvalidInput as err:
        refusal = str(err)
    assert len(refusal) < 5000
    return None


@examples
@given(
    st.fixed_dictionaries({}, optional=dict.fromkeys(["name", "model", "fallback_type"], wild)),
    wild,
)
def test_a_rule(more, targets):
    wanted = declared(rules.declared, {"name": "a", **more, "fallback_models": targets})
    if wanted is not None:
        assert json.dumps(rules.body(wanted))
        assert rules.make_plan(wanted, Rows()).changes


@examples
@given(wild, wild)
def test_settings(found, value):
    for more in ({"settings": found}, {"name": found, "value": value}, {"settings": {"x": value}}):
        wanted = declared(settings.declared, {"name": "x", **more})
        if wanted is not None:
            assert json.dumps({path[0]: one for path, one in wanted.values.items()})


@examples
@given(wild, wild, wild)
def test_what_a_gateway_shows(fallbacks, value, live):
    """It may hold anything that is JSON."""
    with contextlib.suppress(TypeError, ValueError):
        shown = json.loads(json.dumps([fallbacks, value, live]))
        answer = {"current_values": {"fallbacks": shown[0], "x": shown[1]}, "source": {"x": "db"}}
        for row in rules.parse(answer):
            rules.summary(row, {"a"}, ())
            rules.names(row, "a")
        row = settings.parse(answer)
        settings.shown(row, {"x": shown[2]}, "x")
        settings.inactive(row, {"x": shown[2]}, ["x"])
