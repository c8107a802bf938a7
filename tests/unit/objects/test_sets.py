"""What a set declares: each object with its defaults, and every mistake where it was made."""

import pytest

from saltext_litellm.errors import InvalidInput
from saltext_litellm.objects import sets
from saltext_litellm.values.paths import spell
from tests.support.tiny_kind import READER

TWICE = "watts and settings:watts say the same thing: keep one"


def read(objects, defaults=None, reader=READER):
    return sets.read(reader, "s", objects.items(), defaults, lambda value: value)


def read_values(objects, defaults=None):
    return {
        one.name: {spell(path).removeprefix("settings/"): v for path, v in one.values.items()}
        for one in read(objects, defaults)
    }


def mistakes(objects, defaults=None):
    with pytest.raises(InvalidInput) as err:
        read(objects, defaults)
    return list(err.value.mistakes)


ROUND = {"shape": "round"}
# The arguments of an object, the defaults of its set, and the values that it declares.
MERGED = [
    pytest.param({}, None, ROUND, id="the defaults of the kind"),
    pytest.param(None, {}, ROUND, id="no arguments at all"),
    pytest.param({"watts": 5}, None, {**ROUND, "watts": 5}, id="its own"),
    pytest.param({}, {"settings": {"shape": "oval"}}, {"shape": "oval"}, id="one in a section"),
    pytest.param({}, {"watts": 5}, {**ROUND, "watts": 5}, id="a default"),
    pytest.param({"watts": 6}, {"watts": 5}, {**ROUND, "watts": 6}, id="its own counts"),
    pytest.param({"watts": None}, {"watts": 5}, {**ROUND, "watts": 5}, id="null declares nothing"),
    pytest.param({"watts": 0}, {"watts": 5}, {**ROUND, "watts": 0}, id="zero is a value"),
    pytest.param({}, {"shape": "oval"}, {"shape": "oval"}, id="a default of the set counts more"),
    pytest.param({"shape": "flat"}, {"shape": "oval"}, {"shape": "flat"}, id="its own counts most"),
    pytest.param(
        {"settings": {"watts": 6}},
        {"watts": 5},
        {**ROUND, "watts": 6},
        id="its section counts more than a default argument",
    ),
    pytest.param(
        {"watts": 6},
        {"settings": {"watts": 5}},
        {**ROUND, "watts": 6},
        id="its argument counts more than a default section",
    ),
    pytest.param(
        {"settings": {"colour": "red"}},
        {"settings": {"size": 1, "colour": "blue"}},
        {**ROUND, "size": 1, "colour": "red"},
        id="sections are merged",
    ),
    pytest.param(
        {"settings": {"labels": {"a": 1}}},
        {"settings": {"labels": {"a": 2, "b": 2}}},
        {**ROUND, "labels/a": 1, "labels/b": 2},
        id="mappings inside of them as well",
    ),
    pytest.param(
        {"settings": {"tags": ["a"]}},
        {"settings": {"tags": ["b"]}},
        {**ROUND, "tags": ["a"]},
        id="lists are not",
    ),
    pytest.param(
        {"settings": {"labels": None}},
        {"settings": {"labels": {"b": 2}}},
        {**ROUND, "labels/b": 2},
        id="a null inside declares nothing",
    ),
    pytest.param(
        {"settings": None}, {"settings": {"size": 1}}, {**ROUND, "size": 1}, id="a section of null"
    ),
    pytest.param(
        {"settings": {"size": 1}}, {"settings": None}, {**ROUND, "size": 1}, id="defaults of null"
    ),
    pytest.param(
        {"settings": {"labels": "none"}},
        {"settings": {"labels": {"b": 2}}},
        {**ROUND, "labels": "none"},
        id="a text in the place of a mapping",
    ),
    pytest.param(
        {"settings": {"labels": {"b": 2}}},
        {"settings": {"labels": "none"}},
        {**ROUND, "labels/b": 2},
        id="a mapping in the place of a text",
    ),
    pytest.param(
        {"settings": {"shape": "oval"}},
        {"shape": "flat"},
        {"shape": "oval"},
        id="a section counts more than the default of the kind",
    ),
]


@pytest.mark.parametrize(("arguments", "defaults", "values"), MERGED)
def test_what_an_object_does_not_declare_it_has_from_the_defaults(arguments, defaults, values):
    assert read_values({"a": arguments}, defaults) == {"a": values}


def test_each_object_belongs_to_the_set_and_keeps_its_place():
    found = read({"b": {}, "a": {"lamp_id": "id-1"}})
    assert [(one.name, one.set, one.id) for one in found] == [("b", "s", None), ("a", "s", "id-1")]


def test_defaults_are_not_changed_by_what_is_merged_with_them():
    defaults = {"settings": {"labels": {"b": 2}}}
    read({"a": {"settings": {"labels": {"a": 1}}}}, defaults)
    assert defaults == {"settings": {"labels": {"b": 2}}}


MISTAKES = [
    # The objects, the defaults, and what is wrong with them.
    pytest.param(
        {"a": {"watts": -1}}, None, ["a: watts must not be negative, but is -1"], id="one"
    ),
    pytest.param(
        {"a": {"watts": -1}, "b": {}, "c": {"euros": "x"}},
        None,
        [
            "a: watts must not be negative, but is -1",
            "c: euros must be a number, not 'x'",
        ],
        id="each of each object",
    ),
    pytest.param(
        {"a": {}, "b": {}},
        {"watts": -1},
        ["defaults: watts must not be negative, but is -1"],
        id="in the defaults, once",
    ),
    pytest.param(
        {"a": {"euros": -1}, "b": {}},
        {"watts": -1},
        [
            "defaults: watts must not be negative, but is -1",
            "a: euros must not be negative, but is -1",
        ],
        id="in the defaults and beside",
    ),
    pytest.param({"a": {}}, [1], ["defaults: they must be a mapping, not a list"], id="defaults"),
    pytest.param(
        {"a": {"wats": 5}},
        None,
        ["a: there is no argument wats (did you mean watts?)"],
        id="an unknown argument",
    ),
    pytest.param(
        {"a": {}},
        {"wats": 5},
        ["defaults: there is no argument wats (did you mean watts?)"],
        id="an unknown default",
    ),
    pytest.param({"a": 5}, None, ["a: its arguments must be a mapping, not a number"], id="no map"),
    pytest.param(
        {"a": {"settings": "red"}},
        {"settings": {"size": 1}},
        ["a: settings must be a mapping, not a string"],
        id="a section that is none",
    ),
    pytest.param(
        {"a": {"settings": {"size": 1}}},
        {"settings": "red"},
        ["defaults: settings must be a mapping, not a string"],
        id="a section of the defaults that is none",
    ),
    pytest.param(
        {5: {}}, None, ["5: the name of a lamp must be a string: put it in quotes"], id="a name"
    ),
    pytest.param({"a": {"watts": 5, "settings": {"watts": 5}}}, None, [f"a: {TWICE}"], id="twice"),
    pytest.param(
        {"a": {"lamp_id": "x"}, "b": {"lamp_id": "x"}, "c": {"lamp_id": "y"}},
        None,
        ["lamp_id x is given twice"],
        id="an id that is given twice",
    ),
]


@pytest.mark.parametrize(("objects", "defaults", "told"), MISTAKES)
def test_every_mistake_is_told_where_it_was_made(objects, defaults, told):
    assert mistakes(objects, defaults) == told


# ---------------------------------------------------------------- objects in another form


class Entry:
    """An object in another form than arguments."""

    def __init__(self, watts):
        self.watts, self.warnings = watts, ["from a list"]

    def arguments(self, mistakes):
        if self.watts < 0:
            mistakes.add("an entry has no watts below 0")
            return {}
        return {"watts": self.watts}


def with_warnings(declared, entry):
    assert entry.warnings
    return type(declared)(declared.name, declared.values, warnings=tuple(entry.warnings))


def test_an_object_in_another_form_is_turned_into_arguments():
    """It has no defaults of the kind, as nobody has called ``present`` with it."""
    reader = sets.Reader(
        READER.noun, READER.id_label, READER.fields, READER.read, READER.mistakes_in, with_warnings
    )
    one, two = read({"a": Entry(5), "b": {}}, {"euros": 1}, reader)
    assert dict(one.values) == {("settings", "watts"): 5, ("settings", "cents"): 100}
    assert (one.set, one.warnings, two.warnings) == ("s", ("from a list",), ())


def test_its_mistakes_are_told_as_those_of_others():
    assert mistakes({"a": Entry(-1), "b": {"watts": -1}}) == [
        "a: an entry has no watts below 0",
        "b: watts must not be negative, but is -1",
    ]
