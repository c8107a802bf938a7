"""What a state declares of a fallback, what LiteLLM's settings mean, and what is refused."""

import pytest

from saltext_litellm.errors import InvalidInput, Refused
from saltext_litellm.objects.plan import CREATE, NONE, UPDATE
from saltext_litellm.objects.row import Rows
from saltext_litellm.routing import rules

TARGETS = ["b", "c"]


def declared(**given):
    return rules.declared({"name": "a", "fallback_models": TARGETS, **given}, lambda value: value)


def settings(source="db", **values):
    return {"current_values": values, "source": dict.fromkeys(values, source)}


@pytest.mark.parametrize(
    ("given", "row_id"),
    [
        ({}, "general/a"),
        ({"model": "m"}, "general/m"),
        ({"model": None, "fallback_type": None}, "general/a"),
        ({"model": "x/y", "fallback_type": "context_window"}, "context_window/x/y"),
        ({"name": "any", "model": " m "}, "general/m"),
        ({"model": "openai/*"}, "general/openai/*"),
    ],
)
def test_a_rule_is_told_by_its_type_and_model(given, row_id):
    wanted = declared(**given)
    assert wanted.id == row_id
    assert rules.body(wanted) == {
        "model": row_id.partition("/")[2],
        "fallback_type": row_id.partition("/")[0],
        "fallback_models": TARGETS,
    }


@pytest.mark.parametrize(
    ("given", "mistake"),
    [
        ({"fallback_models": None}, "fallback_models is missing"),
        ({"fallback_models": []}, "fallback_models must not be empty"),
        ({"fallback_models": "b"}, "fallback_models must be a list, not a string"),
        ({"fallback_models": {"b": 1}}, "fallback_models must be a list, not a mapping"),
        ({"fallback_models": ["b", 3]}, "each of fallback_models must be a string, not a number"),
        ({"fallback_models": ["b", " "]}, "each of fallback_models must not be empty"),
        ({"fallback_models": ["b", "c", "b "]}, "fallback_models has b twice in it"),
        ({"fallback_models": ["b", "a"]}, "fallback_models has a itself"),
        ({"model": "*"}, "model must not be *: LiteLLM has no endpoint"),
        ({"model": 5}, "model must be a string"),
        ({"model": " "}, "model must not be empty"),
        ({"fallback_type": "content-policy"}, "(did you mean content_policy?)"),
        ({"fallback_type": ["general"]}, "fallback_type must be general, context_window"),
    ],
)
def test_a_mistake_is_named(given, mistake):
    with pytest.raises(InvalidInput) as caught:
        declared(**given)
    assert mistake in str(caught.value)


def test_all_mistakes_are_named_at_once():
    with pytest.raises(InvalidInput) as caught:
        declared(model="*", fallback_models="b", fallback_type="x")
    assert len(caught.value.mistakes) == 3


def test_rows_are_the_first_of_each_model():
    found = rules.parse(
        settings(
            fallbacks=[{"a": ["b"]}, {"c": ["d"], "e": ["f"]}, {"a": ["z"]}, "odd", {"*": ["x"]}],
            context_window_fallbacks=None,
            content_policy_fallbacks=[{"a": ["q"]}],
        )
    )
    assert {row.id: row.data["fallback_models"] for row in found} == {
        "general/a": ["b"],
        "general/c": ["d"],
        "general/e": ["f"],
        "general/*": ["x"],
        "content_policy/a": ["q"],
    }
    assert all(row.from_database for row in found)


@pytest.mark.parametrize("source", ["config", "db", None])
def test_the_source_tells_what_is_of_the_file(source):
    found = settings(source, fallbacks=[{"a": ["b"]}])
    if source is None:
        del found["source"]
    (row,) = rules.parse(found)
    assert row.from_database is (source != "config")
    assert rules.configured(found) == ({"general"} if source == "config" else set())


@pytest.mark.parametrize(
    ("stored", "action"), [(None, CREATE), (TARGETS, NONE), (TARGETS[::-1], UPDATE), ([], UPDATE)]
)
def test_a_plan_and_its_step(stored, action):
    rows = Rows() if stored is None else rules.parse(settings(fallbacks=[{"a": stored}]))
    plan = rules.make_plan(declared(), rows)
    step = rules.next_step(declared(), plan)
    assert plan.action == action
    assert (step is None) is (action == NONE)
    if step is not None:
        assert step.body == rules.body(declared())
        assert plan.changes["fallback_models"] == {"old": stored, "new": TARGETS}


@pytest.mark.parametrize(
    ("entries", "configured", "words"),
    [
        ([{"a": ["b"]}], set(), None),
        ([{"a": ["b"]}], {"context_window"}, None),
        ([{"a": ["b"]}], {"general"}, "general/a belongs to the gateway's config file"),
        ([{"a": ["b"], "x": ["y"]}], set(), "LiteLLM has general/a in one entry with x"),
    ],
)
def test_what_litellm_would_not_change_alone_is_refused(entries, configured, words):
    row = rules.parse(settings(fallbacks=entries)).get("general/a")
    if words is None:
        rules.refuse_foreign("general/a", row, configured)
        return
    with pytest.raises(Refused) as caught:
        rules.refuse_foreign("general/a", row, configured)
    assert words in str(caught.value)


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("gpt-4", None),
        ("openai/*", None),
        ("gpt-5", "the gateway has no model gpt-5 (did you mean gpt-4?)"),
        ("an-alias", "an-alias is an alias"),
        ("openai/gpt-4o", "openai/gpt-4o is no model of its own, only openai/* covers it"),
    ],
)
def test_names_that_are_not_those_of_models_are_refused(name, words):
    wanted = declared(model=name, fallback_models=["claude"])
    known = {"gpt-4", "claude", "openai/*"}
    if words is None:
        rules.refuse_unknown(wanted, known, {"an-alias"})
        return
    with pytest.raises(Refused) as caught:
        rules.refuse_unknown(wanted, known, {"an-alias"})
    assert words in str(caught.value)


def test_what_dangles():
    row = rules.parse(settings(fallbacks=[{"a": ["b", "al", "o/x", {"model": "c"}]}])).get(
        "general/a"
    )
    known = rules.summary(row, {"b", "o/*"}, {"al"})
    assert known["dangling"] == ["a"]
    assert rules.summary(row, {"a"}, ())["dangling"] == ["b", "al", "o/x"]


@pytest.mark.parametrize(
    ("row_id", "fits"),
    [("general/a", True), ("general/ä b?", True), ("general/a/b", False), ("general/..", False)],
)
def test_a_url_holds_no_slash(row_id, fits):
    assert rules.fits_in_url(row_id) is fits
    old = {"current_values": {}}
    rules.refuse_undeletable(row_id, settings())
    if fits:
        rules.refuse_undeletable(row_id, old)
    else:
        with pytest.raises(Refused, match="too old to delete"):
            rules.refuse_undeletable(row_id, old)


def test_the_others_are_written_back_as_they_are():
    entries = [{"a/b": ["c"]}, {"x": ["y"]}, "odd", {"a/b": ["d"]}]
    found = settings(fallbacks=entries)
    assert rules.without(found, "general/a/b") == ("fallbacks", [{"x": ["y"]}, "odd"])


def test_secrets_in_a_rule_are_not_shown():
    odd = [{"model": "b", "api_key": "sk-0123456789"}]
    (row,) = rules.parse(settings(fallbacks=[{"a": odd}]))
    assert "sk-0123456789" not in str(rules.summary(row, (), ()))
    assert "sk-0123456789" not in str(rules.make_plan(declared(), Rows([row])).changes)
