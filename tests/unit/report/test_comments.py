"""What states say: what is true now comes first, and each model is counted once."""

import pytest

from saltext_litellm.report import comments


def names(count, word="m"):
    return [f"{word}{number}" for number in range(count)]


@pytest.mark.parametrize(
    ("outcome", "test", "said"),
    [
        (
            {"models": 300, "created": names(2)},
            True,
            "2 of 300 models would be created, 298 are as declared",
        ),
        (
            {"models": 300, "created": names(2)},
            False,
            "2 of 300 models were created, 298 are as declared",
        ),
        ({"models": 2}, False, "All 2 models are as declared"),
        ({"models": 1}, True, "1 model is as declared"),
        ({"models": 0}, True, "No model is declared"),
        (
            {"models": 0, "deleted": ["a"]},
            False,
            "No model is declared, 1 that is no longer declared was deleted",
        ),
        (
            {"models": 3, "deleted": names(2)},
            True,
            "All 3 models are as declared, 2 that are no longer declared would be deleted",
        ),
        (
            {"models": 6, "created": names(3), "updated": ["b"], "failed": ["c"]},
            False,
            "3 of 6 models were created, 1 was updated, 1 failed, 1 is as declared",
        ),
        (
            {"models": 6, "created": names(3), "written": ["a", "b"]},
            False,
            "3 of 6 models were created, 2 were written, but are not known to work, "
            "1 is as declared",
        ),
        (
            {
                "models": 5,
                "changed": ["a"],
                "unknown": ["b"],
                "failed": ["c"],
                "not_tried": ["d", "e"],
            },
            False,
            "1 of 5 models was changed, but is not as declared yet, "
            "1 may have been changed or not, 1 failed, 2 were not tried",
        ),
    ],
)
def test_a_summary_counts_each_model_once(outcome, test, said):
    assert comments.summary(outcome, test, "model") == said


OWNED = {"old": None, "new": "a in set"}


def test_what_a_prediction_takes_into_a_set():
    outcome = {"changes": {"k": {"owner": {"old": "k", "new": "k in set"}}}}
    assert list(comments.details(outcome, True, "model")) == [
        "Would be taken into the set from states of their own: k"
    ]


def test_the_details_of_a_set():
    outcome = {
        "models": 4,
        "changed": ["a"],
        "written": ["i"],
        "unknown": ["b"],
        "failed": ["c"],
        "not_tried": ["d"],
        "not_deleted": ["e", "f"],
        "perhaps_deleted": ["g"],
        "undeclared": names(22)[::-1],
        "changes": {"k": {"owner": {"old": "k", "new": "k in set"}}, "a": {"owner": OWNED}},
        "failures": {"a": "A", "b": "B", "c": "C", "e": "E", "g": "G", "i": "J"},
        "notes": {"h": ("H", "I")},
    }
    assert list(comments.details(outcome, False, "model")) == [
        "Taken into the set from states of their own: k",
        "a was changed, but is not as declared yet: A",
        "b may have been changed or not: B",
        "c was not changed: C",
        "e was not deleted: E",
        "g may have been deleted or not: G",
        "i was written as declared: J",
        "Not tried, because the gateway takes no more requests: d",
        "Not deleted, because a model failed: f",
        "No longer declared, but left alone without `prune: True`: "
        f"{', '.join(sorted(names(22))[:20])} and 2 more",
        "h: H",
        "h: I",
    ]


CREATED = {"model_name": {"old": None, "new": "m"}, "model_id": {"old": None, "new": "1"}}
DELETED = {"model_name": {"old": "m", "new": None}, "model_id": {"old": "2", "new": None}}
UPDATED = {
    "rpm": {"old": None, "new": 5},
    "model_api_key": {"old": "**********", "new": "**********"},
    "tags": {"old": ["a"], "new": "b" * 100},
}


def test_few_changes_are_shown_in_full():
    changes = dict.fromkeys(names(20), UPDATED)
    assert comments.collapsed(changes, "model_id") == changes


def test_many_changes_are_a_line_each():
    changes = dict.fromkeys(names(20), UPDATED) | {"new": CREATED, "old": DELETED}
    collapsed = comments.collapsed(changes, "model_id")
    assert list(collapsed) == list(changes)
    assert collapsed["new"] == "new: model_name m, model_id 1"
    assert collapsed["old"] == "gone: model_name m, model_id 2"
    assert collapsed["m0"] == (
        f'rpm: None -> 5, model_api_key: ********** -> **********, tags: ["a"] -> {"b" * 80}…'
    )


@pytest.mark.parametrize(
    ("outcome", "test", "said"),
    [
        ({"action": "none"}, True, "m is as declared"),
        ({"action": "none", "failure": "Why"}, False, "m is not as declared. Why"),
        ({"action": "create"}, True, "m would be created"),
        ({"action": "update", "adopted": True, "notes": ("So",)}, True, "m would be adopted. So"),
        (
            {"action": "update", "failure": "Why"},
            False,
            "m was changed, but is not as declared yet. Why",
        ),
        ({"action": "update", "failure": "Why", "written": True}, False, "m was updated. Why"),
        (
            {"action": "update", "failure": "Why", "unknown": True},
            False,
            "m may have been changed or not. Why",
        ),
    ],
)
def test_one_deployment_that_is_to_be_there(outcome, test, said):
    assert comments.present("m", outcome, test) == said


@pytest.mark.parametrize(
    ("outcome", "test", "said"),
    [
        ({"action": "none"}, True, "m is absent"),
        ({"action": "none", "failure": "m is still served"}, False, "m is still served"),
        ({"action": "delete"}, True, "m would be deleted"),
        (
            {"action": "delete", "failure": "m is still there"},
            False,
            "m was deleted. m is still there",
        ),
        (
            {"action": "update", "failure": "Why"},
            False,
            "m was deleted in part, but is not absent yet. Why",
        ),
        (
            {"action": "none", "failure": "Why", "unknown": True},
            False,
            "m may have been deleted or not. Why",
        ),
    ],
)
def test_one_deployment_that_is_not_to_be_there(outcome, test, said):
    assert comments.absent("m", outcome, test) == said


def test_hostile_text_stays_in_its_line():
    told = comments.result("m", False, ["a\nb", "c\x1b[1m"], **comments.warned(["d\ne"]))
    assert told["comment"] == "a\\nb\nc\\x1b[1m"
    assert told["warnings"] == ["d\\ne."]
    assert comments.warned(()) == {}


def test_a_warning_of_many_models_is_said_once():
    outcome = {
        "warnings": {"a": ["x", "y"], "b": ["x"], **{name: ["z"] for name in names(300)}},
        "profile_warnings": ["p"],
    }
    shown = ", ".join(names(20))
    assert list(comments.warnings(outcome)) == ["a, b: x", "a: y", f"{shown} and 280 more: z", "p"]


def test_what_may_write_a_source_is_told_in_a_few_words():
    told = comments.unpredictable([f"cmd: {'x' * 500}{number}" for number in range(300)])
    assert told.startswith("What would change cannot be predicted, as the source may be written")
    assert told.endswith(" and 280 more")
    assert len(told) < 2000
