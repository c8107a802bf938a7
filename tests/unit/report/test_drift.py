"""The configuration of the beacon, and when an event is due."""

import pytest

from saltext_litellm.beacons.litellm import validate
from saltext_litellm.report import drift

SETS = {"production": {"pillar": "models"}}
GOOD = {"sets": SETS, "interval": 60}


def config(settings):
    """A configuration as Salt hands it over: a list of settings."""
    return [{key: value} for key, value in {**GOOD, **settings}.items()]


@pytest.mark.parametrize(
    "settings",
    [
        {},
        {"timeout": 0.5, "retries": 2, "repeat": 3600},
        {"disable_during_state_run": True, "enabled": True, "run_once": False},
        {"beacon_module": "litellm", "_beacon_name": "another"},
        {"sets": {"a": {"pillar": "x:y", "defaults": {"rpm": 1}, "prune": True, "profile": "p"}}},
        {"sets": {"a": {"pillar": "x", "allow_empty": False, "profile": {"url": "u"}}}},
    ],
)
def test_a_valid_configuration(settings):
    assert validate(config(settings)) == (True, "Valid beacon configuration")


def of_a_set(**settings):
    return {"sets": {"a": {"pillar": "models", **settings}}}


IN_TWO = " (on a command line in two: '\"…\"')"


@pytest.mark.parametrize(
    ("settings", "mistakes"),
    [
        ({"interval": "10"}, ["interval must be a positive number of seconds, not '10'"]),
        ({"interval": 0}, ["interval must be a positive number of seconds, not 0"]),
        ({"repeat": True}, ["repeat must be a positive number of seconds, not True"]),
        ({"timeout": "soon"}, ["timeout of the beacon must be a positive number, not 'soon'"]),
        ({"retries": 0.5}, ["retries of the beacon must be a whole number, not 0.5"]),
        ({"set": SETS}, ["there is no setting set (did you mean sets?)"]),
        ({1: 2}, ["there is no setting 1: a name must be a string, so put it in quotes"]),
        (
            {"sets": []},
            ["sets must be a mapping that has the name of each set with its pillar key"],
        ),
        (
            {"sets": {}},
            ["sets must be a mapping that has the name of each set with its pillar key"],
        ),
        ({"sets": {"a": "models"}}, ["a must be a mapping, not a string"]),
        ({"sets": {"a": {}}}, ["a: pillar is missing, the key that has the models"]),
        (
            {"sets": {7: {"pillar": "x"}}},
            ["the name of a set must be a string, not a number: put it in quotes" + IN_TWO],
        ),
        (
            of_a_set(pillar=5),
            ["a: pillar must be a string, not a number: put it in quotes"],
        ),
        (of_a_set(models={}), ["a: there is no setting models"]),
        (of_a_set(defaults=[]), ["a: defaults must be a mapping, not a list"]),
        (of_a_set(prune="yes"), ["a: prune must be true or false, not 'yes'"]),
        (of_a_set(profile=None), ["a: profile must be a config key or a mapping, not None"]),
        (
            {"interval": None, "sets": {"a": {"pilar": "x"}, "b": 1}},
            [
                "interval must be a positive number of seconds, not None",
                "a: there is no setting pilar (did you mean pillar?)",
                "a: pillar is missing, the key that has the models",
                "b must be a mapping, not a number",
            ],
        ),
    ],
)
def test_each_mistake_is_a_sentence(settings, mistakes):
    assert validate(config(settings)) == (False, "\n".join(mistakes))


@pytest.mark.parametrize("given", [GOOD, [GOOD], "sets", ["sets"], None])
def test_what_is_no_list_of_settings(given):
    assert validate(given) == (
        False,
        "The configuration of the beacon must be a list: a dash before each setting",
    )


def test_without_an_interval():
    assert validate([{"sets": SETS}]) == (
        False,
        "interval is missing: without it Salt would read the gateway each second",
    )


DRIFT, OTHER = (drift.Found(drift.DRIFT, {}, digest) for digest in ("1", "2"))
CONVERGED, AWAY = drift.Found(drift.CONVERGED, {}), drift.Found(drift.UNREACHABLE, {})


@pytest.mark.parametrize(
    ("before", "found", "due"),
    [
        (None, DRIFT, True),
        (None, CONVERGED, False),
        (None, AWAY, True),
        ({}, CONVERGED, False),
        ({"what": "drift"}, DRIFT, True),
        (DRIFT, DRIFT, False),
        (DRIFT, OTHER, True),
        (DRIFT, AWAY, True),
        (AWAY, DRIFT, True),
        (AWAY, AWAY, False),
        (AWAY, CONVERGED, True),
        (CONVERGED, CONVERGED, False),
        (CONVERGED, DRIFT, True),
    ],
)
def test_when_an_event_is_due(before, found, due):
    kept = drift.record(before, 100.0) if isinstance(before, drift.Found) else before
    assert drift.is_news(kept, found, 10_000.0, None) is due


@pytest.mark.parametrize(
    ("found", "now", "due"),
    [(DRIFT, 159.9, False), (DRIFT, 160.0, True), (AWAY, 160.0, True), (CONVERGED, 160.0, False)],
)
def test_when_an_event_is_repeated(found, now, due):
    assert drift.is_news(drift.record(found, 100.0), found, now, 60) is due


def test_what_is_left_alone_is_no_drift():
    outcome = {"models": 2, "changes": {}, "undeclared": ["a"], "notes": {"b": ["x"]}}
    assert drift.of_plan(outcome) == drift.Found(drift.CONVERGED, {"models": 2})
