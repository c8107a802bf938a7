"""What has become of a set, in names, keys and numbers."""

from saltext_litellm.objects.outcome import Outcome, compact

CHANGE = {"rpm": {"old": 1, "new": 2}, "model_api_key": {"old": "**********", "new": "**********"}}


def test_each_model_is_under_what_becomes_of_it():
    told = compact(
        [
            Outcome("same", "none"),
            Outcome("new", "create", changes=CHANGE),
            Outcome("changed", "update", changes=CHANGE, replaces=True),
            Outcome("adopted", "update", changes={"owner": {"old": None, "new": "s"}, **CHANGE}),
            Outcome("unserved", "none", failure="LiteLLM does not serve it"),
            Outcome("gone", "delete", changes=CHANGE, declared=False),
            Outcome("kept", "none", declared=False, kept=True),
            Outcome("spared", "none", declared=False),
        ],
        ["stray (row-1)"],
        "models",
    )
    assert told.pop("counts") == {
        "models": 5,
        "as_declared": 1,
        **dict.fromkeys(set(told) - {"pending"}, 1),
    }
    assert told == {
        "pending": True,
        "created": ["new"],
        "updated": {"changed": ["model_api_key", "rpm"]},
        "adopted": {"adopted": ["model_api_key", "owner", "rpm"]},
        "replaced": ["changed"],
        "failed": {"unserved": "LiteLLM does not serve it"},
        "deleted": ["gone"],
        "undeclared": ["kept"],
        "not_deleted": ["spared"],
        "unowned": ["stray (row-1)"],
    }


def test_the_form_is_always_the_same_and_names_are_sorted():
    none, two = (
        compact([], [], "models"),
        compact([Outcome(name, "create", changes=CHANGE) for name in "ba"], [], "models"),
    )
    assert list(none) == list(two)
    assert list(none["counts"]) == list(two["counts"])
    assert none["pending"] is False
    assert two["created"] == ["a", "b"]
