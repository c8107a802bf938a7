"""Writes a state's comment and warnings from what the execution module returns. Pure.

A comment begins with what is true now. It never says that something was done if it was not.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from ..values.quote import joined, line, quoted, short

Outcome = Mapping[str, Any]
Changes = Mapping[str, Any]

_MOST_DETAILED = 20  # models of a set whose changes are shown in full

# For one deployment: the words of a real run, and those of a run with test=True.
_ACTIONS = {
    "create": ("was created", "would be created"),
    "adopt": ("was adopted", "would be adopted"),
    "update": ("was updated", "would be updated"),
    "delete": ("was deleted", "would be deleted"),
}
# For several models: the same, by the keys under which the execution module lists them.
_DECLARED = {
    "created": ("{was} created", "would be created"),
    "adopted": ("{was} adopted", "would be adopted"),
    "updated": ("{was} updated", "would be updated"),
    "changed": ("{was} changed, but {is} not as declared yet",) * 2,
    "written": ("{was} written, but {is} not known to work",) * 2,
    "unknown": ("may have been changed or not",) * 2,
    "failed": ("failed", "failed"),
    "not_tried": ("{was} not tried",) * 2,
    "as_declared": ("{is} as declared",) * 2,
}
_UNDECLARED = {
    "deleted": ("{was} deleted", "would be deleted"),
    "perhaps_deleted": ("may have been deleted or not",) * 2,
    "not_deleted": ("{was} not deleted",) * 2,
}
# What has become of a model that failed.
_FAILURES = {
    "unknown": "may have been changed or not",
    "changed": "was changed, but is not as declared yet",
    "written": "was written as declared",
    "perhaps_deleted": "may have been deleted or not",
    "not_deleted": "was not deleted",
}


def result(name: str, passed: bool | None, comment: Iterable[str], **more: Any) -> dict[str, Any]:
    """The mapping that a state returns.

    :param comment: The lines of the comment. They may contain names and reasons from the gateway.
    """
    return {
        "name": name,
        "result": passed,
        "changes": {},
        "comment": "\n".join(map(line, comment)),
        **more,
    }


def warned(warnings: Iterable[str]) -> dict[str, list[str]]:
    """The ``warnings`` of a state's result; nothing if there are none.

    Each is a whole sentence, because Salt prints them as one text.
    """
    lines = list(map(line, warnings))
    ended = [one if one.endswith((".", "?", "…")) else f"{one}." for one in lines]
    return {"warnings": ended} if ended else {}


# -------------------------------------------------------------------- one deployment


def present(name: str, outcome: Outcome, test: bool) -> str:
    """The comment of ``present``."""
    failure, action = outcome.get("failure"), outcome["action"]
    if failure and outcome.get("unknown"):
        what = _FAILURES["unknown"]
    elif action == "none":
        what = "is not as declared" if failure else "is as declared"
    elif failure and action == "update" and not outcome.get("written"):
        what = _FAILURES["changed"]
    else:
        what = _ACTIONS["adopt" if outcome.get("adopted") else action][test]
    return _sentences(f"{name} {what}", failure, *outcome.get("notes", ()))


def absent(name: str, outcome: Outcome, test: bool) -> str:
    """The comment of ``absent``."""
    failure, action = outcome.get("failure"), outcome["action"]
    if failure and outcome.get("unknown"):
        what = f"{name} {_FAILURES['perhaps_deleted']}"
    elif action == "none":
        what = "" if failure else f"{name} is absent"  # the failure says what is still there
    elif action == "update":
        what = f"{name} was deleted in part, but is not absent yet"
    else:
        what = f"{name} {_ACTIONS[action][test]}"
    return _sentences(what, failure, *outcome.get("notes", ()))


def _sentences(*sentences: str | None) -> str:
    return ". ".join(filter(None, sentences))


# -------------------------------------------------------------------- a set


def summary(outcome: Outcome, test: bool, noun: str) -> str:
    """A sentence that counts the objects of a set by what became of them, each once."""
    total = outcome[f"{noun}s".replace(" ", "_")]
    counts = {status: len(outcome.get(status, ())) for status in _DECLARED}
    counts["as_declared"] = total - sum(counts.values())
    parts = [] if total else [f"No {noun} is declared"]
    for status, wordings in _DECLARED.items():
        if counts[status]:
            amount = str(counts[status]) if parts else _amount(counts[status], total, noun)
            parts.append(f"{amount} {_with_verbs(wordings[test], counts[status])}")
    for status, wordings in _UNDECLARED.items():
        if number := len(outcome.get(status, ())):
            wording = f"that {{is}} no longer declared {wordings[test]}"
            parts.append(f"{number} {_with_verbs(wording, number)}")
    return ", ".join(parts)


def _amount(number: int, total: int, noun: str) -> str:
    if number < total:
        return f"{number} of {total} {noun}s"
    return f"1 {noun}" if total == 1 else f"All {total} {noun}s"


def _with_verbs(wording: str, number: int) -> str:
    verbs = {"was": "was", "is": "is"} if number == 1 else {"was": "were", "is": "are"}
    return wording.format(**verbs)


def unpredictable(writers: list[str]) -> str:
    """That a forecast would be of a file that other states of the run would write first."""
    names = joined([short(one) for one in writers])
    return f"What would change cannot be predicted, as the source may be written before: by {names}"


def details(outcome: Outcome, test: bool, noun: str) -> Iterator[str]:
    """A line for each failure, for objects that were not tried or deleted, and for each note."""
    if moved := [name for name, change in outcome["changes"].items() if _had_a_state(change)]:
        verb = "Would be taken" if test else "Taken"
        yield f"{verb} into the set from states of their own: {joined(sorted(moved))}"
    failures = outcome.get("failures", {})
    for model, failure in failures.items():
        words = (what for status, what in _FAILURES.items() if model in outcome.get(status, ()))
        yield f"{model} {next(words, 'was not changed')}: {failure}"
    if outcome.get("not_tried"):
        names = joined(outcome["not_tried"])
        why = outcome.get("reason")
        gone = f"Not tried, because the gateway takes no more requests: {names}"
        yield gone if why is None else f"Not tried: {names}. {why}"
    if left := [one for one in outcome.get("not_deleted", ()) if one not in failures]:
        yield f"Not deleted, because a {noun} failed: {joined(left)}"
    if outcome.get("undeclared"):
        names = joined(sorted(outcome["undeclared"]))
        yield f"No longer declared, but left alone without `prune: True`: {names}"
    for model, notes in outcome.get("notes", {}).items():
        for note in notes:
            yield f"{model}: {note}"


def _had_a_state(change: Mapping[str, Any]) -> bool:
    """Whether an object of a set had another owner before: a state of the same name."""
    return bool(change.get("owner", {}).get("old"))


def of_document(outcome: Outcome, kinds: Mapping[str, tuple[str, str]], test: bool) -> list[str]:
    """The lines of the comment on a whole document.

    :param kinds: What one object of each kind is called, and LiteLLM's word for its id.
    """
    changes = outcome["changes"]
    found = [
        ({**outcome[kind], "changes": changes.get(kind, {})}, noun)
        for kind, (noun, _) in kinds.items()
        if kind in outcome
    ]
    counted = ". ".join(summary(part, test, noun) for part, noun in found)
    lines = (line for part, noun in found for line in details(part, test, noun))
    nothing = "The document declares nothing for the gateway's database"
    return [counted or nothing, *lines, *outcome.get("notes", ())]


def warnings(outcome: Outcome) -> Iterator[str]:
    """The warnings of all models, each once, and those of the profile."""
    models: dict[str, list[str]] = {}  # a value in `defaults` is one for all of them
    for model, found in outcome.get("warnings", {}).items():
        for warning in found:
            models.setdefault(warning, []).append(short(model))
    for warning, names in models.items():
        yield f"{joined(names)}: {warning}"
    yield from outcome.get("profile_warnings", ())


def collapsed(changes: Changes, id_label: str) -> Changes:
    """The changes of a set. If they are of many objects, each object has one line.

    :param id_label: LiteLLM's word for the id of one.
    """
    if len(changes) <= _MOST_DETAILED:
        return changes
    return {model: _in_a_line(change, id_label) for model, change in changes.items()}


def _in_a_line(change: Mapping[str, Mapping[str, Any]], id_label: str) -> str:
    """The changes of one object, the same in a prediction as when it is done."""
    ids = change.get(id_label, {"old": "", "new": ""})
    for side, other, word in (("new", "old", "new"), ("old", "new", "gone")):
        if ids[other] is None:
            keys = [*(key for key in change if key != id_label), id_label]
            return line(
                f"{word}: {', '.join(f'{key} {_value(change[key][side])}' for key in keys)}"
            )
    return line(
        ", ".join(
            f"{key}: {_value(one['old'])} -> {_value(one['new'])}" for key, one in change.items()
        )
    )


def _value(value: Any) -> str:
    """A value of a change, in which secrets are hidden already."""
    if isinstance(value, (list, dict)):
        value = json.dumps(value, default=str)
    return short(value) if isinstance(value, str) else quoted(value)
