"""Which argument declares which place, and what a place is called."""

import pytest

from saltext_litellm.values.paths import parse
from tests.support.build import paths
from tests.support.tiny_kind import FIELDS


@pytest.mark.parametrize(
    ("place", "label"),
    [
        pytest.param("settings/watts", "watts", id="an argument"),
        pytest.param("settings/cents", "euros", id="an argument of another name and unit"),
        pytest.param("settings/colour", "settings:colour", id="a key of a section"),
        pytest.param("settings/labels/a", "settings:labels:a", id="inside of a mapping"),
        pytest.param("settings/a\x1b[0mb", "settings:a\\x1b[0mb", id="a control character"),
    ],
)
def test_a_place_is_called_as_the_user_declares_it(place, label):
    assert FIELDS.label(parse(place)) == label


def test_the_arguments_that_describe_an_object():
    assert FIELDS.known == {"watts", "euros", "token", "shape", "lamp_id", "settings"}
    assert FIELDS.place("euros") == ("settings", "cents")
    assert FIELDS.place("settings") is FIELDS.place("lamp_id") is None
    assert FIELDS.argument_at(("settings", "cents")) == "euros"
    assert FIELDS.argument_at(("settings", "colour")) is None


@pytest.mark.parametrize(
    ("arguments", "declared"),
    [
        pytest.param({"watts": 5}, ["settings/watts"], id="an argument"),
        pytest.param({"watts": None}, [], id="none"),
        pytest.param({"watts": 0}, ["settings/watts"], id="zero is a value"),
        pytest.param({"settings": {"colour": "red", "a": None}}, ["settings/colour"], id="section"),
        pytest.param(
            {"settings": {"labels": {"a": 1}}}, [], id="a mapping is merged, not replaced"
        ),
        pytest.param({"settings": "red"}, [], id="a section that is none"),
        pytest.param({"lamp_id": "x", "other": 1}, [], id="what has no place"),
    ],
)
def test_the_places_that_arguments_declare(arguments, declared):
    assert FIELDS.places(arguments) == paths(*declared)
