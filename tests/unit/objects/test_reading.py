"""Arguments become values by place: each is checked, trimmed and resolved where that is right."""

import json

import pytest

from saltext_litellm.errors import InvalidInput
from saltext_litellm.objects.reading import bounded, texts_in, with_trimmed_names
from saltext_litellm.values.paths import parse, spell
from tests.support.tiny_kind import FIELDS, read_arguments

TRIMMED = "has spaces or line breaks at its ends, which are left out"
VAULT = {"sdb://vault/a": "sk-of-the-vault", "sdb://vault/json": '{"user": "me"}'}


def read(arguments, resolve=lambda value: VAULT.get(value, value)):
    return read_arguments({"name": "a", **arguments}, resolve)


def read_values(arguments):
    return {spell(path): value for path, value in read(arguments).values.items()}


def mistakes(arguments):
    with pytest.raises(InvalidInput) as err:
        read(arguments)
    return list(err.value.mistakes)


@pytest.mark.parametrize(
    ("arguments", "values"),
    [
        pytest.param({}, {}, id="nothing"),
        pytest.param({"watts": None, "settings": None}, {}, id="null declares nothing"),
        pytest.param({"watts": "5"}, {"settings/watts": 5}, id="an argument is checked"),
        pytest.param({"euros": 2}, {"settings/cents": 200}, id="and may have another unit"),
        pytest.param({"other": 5}, {}, id="other names are ignored"),
        pytest.param(
            {"settings": {"size": "5", "labels": {"a": 1, "b": None}}},
            {"settings/size": "5", "settings/labels/a": 1},
            id="a section is taken as it is, by its leaves",
        ),
        pytest.param(
            {"settings": {"labels": {}}}, {"settings/labels": {}}, id="an empty mapping is a value"
        ),
        pytest.param({"settings": {"tags": []}}, {"settings/tags": []}, id="a list is one value"),
        pytest.param({"settings": {"login_token": None}}, {}, id="a null that would be JSON"),
        pytest.param(
            {"settings": {"colour": '{"a": 1}'}},
            {"settings/colour": '{"a": 1}'},
            id="JSON elsewhere is a text",
        ),
        pytest.param({"shape": "round"}, {"settings/shape": "round"}, id="a default"),
        pytest.param(
            {"shape": "round", "settings": {"shape": "oval"}},
            {"settings/shape": "oval"},
            id="a default gives way to a section",
        ),
    ],
)
def test_each_value_has_its_place(arguments, values):
    assert read_values(arguments) == values


@pytest.mark.parametrize(
    ("arguments", "values"),
    [
        pytest.param(
            {"token": "sdb://vault/a"}, {"settings/token": "sk-of-the-vault"}, id="a secret"
        ),
        pytest.param(
            {"settings": {"labels": {"api_key": "sdb://vault/a"}}},
            {"settings/labels/api_key": "sk-of-the-vault"},
            id="a secret inside of a mapping",
        ),
        pytest.param(
            {"settings": {"api_key": ["sdb://vault/a"]}},
            {"settings/api_key": ["sk-of-the-vault"]},
            id="secrets in a list",
        ),
        pytest.param(
            {"token": "Bearer sdb://vault/a"},
            {"settings/token": "Bearer sk-of-the-vault"},
            id="after a word",
        ),
        pytest.param(
            {"settings": {"login_token": "sdb://vault/json"}},
            {"settings/login_token": '{"user": "me"}'},
            id="JSON",
        ),
        pytest.param(
            {"settings": {"list": [{"api_key": "sdb://vault/a", "note": "sdb://vault/a"}]}},
            {"settings/list": [{"api_key": "sk-of-the-vault", "note": "sdb://vault/a"}]},
            id="a secret in a mapping in a list",
        ),
        pytest.param(
            {"settings": {"colour": "sdb://vault/a"}, "shape": "sdb://vault/a"},
            {"settings/colour": "sdb://vault/a", "settings/shape": "sdb://vault/a"},
            id="what is no secret stays as it is",
        ),
    ],
)
def test_a_reference_is_resolved_where_a_secret_stands(arguments, values):
    assert read_values(arguments) == values


@pytest.mark.parametrize(
    ("given", "sent"),
    [
        pytest.param({"b": 1, "a": "sdb://vault/a"}, '{"a": "sk-of-the-vault", "b": 1}', id="map"),
        pytest.param('{"b": 1,   "a": 2}', '{"a": 2, "b": 1}', id="JSON in another spelling"),
        pytest.param("  {\n}\n", "{}", id="JSON with spaces around it"),
        pytest.param("a word", "a word", id="what is no JSON"),
    ],
)
def test_a_mapping_that_must_be_sent_as_json(given, sent):
    assert read_values({"settings": {"login_token": given}}) == {"settings/login_token": sent}


@pytest.mark.parametrize(
    ("arguments", "values", "warnings"),
    [
        pytest.param(
            {"settings": {"colour": " red\n"}},
            {"settings/colour": "red"},
            (f"settings:colour {TRIMMED}",),
            id="a text of one line",
        ),
        pytest.param(
            {"settings": {"colour": [" red", "blue"]}},
            {"settings/colour": ["red", "blue"]},
            (f"settings:colour {TRIMMED}",),
            id="in a list",
        ),
        pytest.param(
            {"settings": {"login_token": {"colour": " red"}}},
            {"settings/login_token": '{"colour": "red"}'},
            (f"settings:login_token:colour {TRIMMED}",),
            id="in a mapping that is sent as JSON",
        ),
        pytest.param(
            {"token": "sk-0123456789\n"},
            {"settings/token": "sk-0123456789"},
            (f"token {TRIMMED}",),
            id="an argument",
        ),
        pytest.param(
            {"settings": {"note": " red\n"}}, {"settings/note": " red\n"}, (), id="any other text"
        ),
        pytest.param(
            {"settings": {"colour": "none"}},
            {"settings/colour": "none"},
            ("settings:colour looks like the word None, null or undefined; it is sent as given",),
            id="a text that is probably not meant",
        ),
    ],
)
def test_what_is_trimmed_or_doubtful_is_warned_of(arguments, values, warnings):
    assert read_values(arguments) == values
    assert read(arguments).warnings == warnings


def test_a_name_that_is_probably_not_meant_is_warned_of():
    assert read({"name": "lamp-{{ x }}"}).warnings == (
        "name looks like a template that nothing has rendered ({{ x }}); it is sent as given",
    )


# ---------------------------------------------------------------- mistakes

MISTAKES = [
    pytest.param({"settings": "red"}, ["settings must be a mapping, not a string"], id="a section"),
    pytest.param({"watts": -1}, ["watts must not be negative, but is -1"], id="an argument"),
    pytest.param(
        {"watts": 5, "settings": {"watts": 5}},
        ["watts and settings:watts say the same thing: keep one"],
        id="a value that is declared twice",
    ),
    pytest.param(
        {"shape": "oval", "settings": {"shape": "oval"}},
        ["shape and settings:shape say the same thing: keep one"],
        id="but not a default",
    ),
    pytest.param({"lamp_id": "a b"}, ["lamp_id 'a b' cannot stand in a URL"], id="the id"),
    pytest.param({"name": ""}, ["name must not be empty"], id="the name"),
    pytest.param(
        {"token": "**********"}, ["token is a mask or a placeholder, not a secret"], id="a mask"
    ),
    pytest.param(
        {"token": "sk-0***********6789"},
        ["token is a mask or a placeholder, not a secret"],
        id="a mask that the gateway shows",
    ),
    pytest.param(
        {"settings": {"url": "https://**********@host"}},
        ["settings:url has a mask for a login"],
        id="a mask in a URL",
    ),
    pytest.param(
        {"settings": {"login_token": json.dumps({"key": "**********"})}},
        ["settings:login_token:key is a mask or a placeholder, not a secret"],
        id="a mask in a secret that is JSON",
    ),
    pytest.param(
        {"settings": {"colour": "{{ x }}"}},
        ["settings:colour has a template that nothing has rendered"],
        id="a template",
    ),
    pytest.param(
        {"settings": {"tags": ["a", "{{ x }}"]}},
        ["settings:tags has a template that nothing has rendered"],
        id="a template in a list",
    ),
    pytest.param({"settings": {"api_key": ""}}, ["api_key must not be empty"], id="no secret"),
    pytest.param(
        {"settings": {"colour": "red\nblue"}},
        ["settings:colour has a line break inside: it must be one line"],
        id="two lines",
    ),
    pytest.param(
        {"settings": {"login_token": '{"a": '}}, ["settings:login_token is no JSON"], id="no JSON"
    ),
    pytest.param(
        {"watts": -1, "euros": "x", "settings": {"api_key": "****"}},
        ["watts must", "euros must", "settings:api_key is a mask"],
        id="all of them at once",
    ),
]


@pytest.mark.parametrize(("arguments", "told"), MISTAKES)
def test_every_mistake_is_told(arguments, told):
    found = mistakes(arguments)
    assert len(found) == len(told)
    for words in told:
        assert any(words in one for one in found), found


@pytest.mark.parametrize(
    "arguments",
    [
        {"token": "canary-x\ncanary-y"},
        {"settings": {"login_token": '{"key": "canary-x"'}},
        {"settings": {"api_key": "<your canary key>"}},
        {"settings": {"api_key": {5: "canary"}}},
    ],
)
def test_no_mistake_tells_a_secret(arguments):
    assert "canary" not in str(mistakes(arguments))


# ---------------------------------------------------------------- smaller parts


def test_names_are_trimmed():
    given = {"lamp_id": " a\n", "watts": " 5", "name": " b "}
    assert with_trimmed_names(FIELDS, given) == {"lamp_id": "a", "watts": " 5", "name": " b "}
    assert with_trimmed_names(FIELDS, {"lamp_id": 5}) == {"lamp_id": 5}  # which is refused later


@pytest.mark.parametrize(
    ("place", "value", "texts"),
    [
        pytest.param("settings/colour", "red", {"settings/colour": ["red"]}, id="a text"),
        pytest.param("settings/watts", 5, {}, id="a number"),
        pytest.param("settings/tags", ["a", ["b"]], {"settings/tags": ["a", "b"]}, id="a list"),
        pytest.param(
            "settings/list", [{"a": "x"}], {"settings/list/a": ["x"]}, id="a mapping in a list"
        ),
        pytest.param(
            "settings/api_key", '{"a": "x"}', {"settings/api_key/a": ["x"]}, id="a secret in JSON"
        ),
        pytest.param(
            "settings/colour", '{"a": "x"}', {"settings/colour": ['{"a": "x"}']}, id="other JSON"
        ),
        pytest.param("settings/api_key", "{broken", {"settings/api_key": ["{broken"]}, id="broken"),
    ],
)
def test_the_texts_in_a_value(place, value, texts):
    found = {}
    for path, text in texts_in(FIELDS, parse(place), value):
        found.setdefault(spell(path), []).append(text)
    assert found == texts


def test_each_warning_is_given_once_and_not_too_many_of_them():
    assert bounded(["a", "b", "a"]) == ("a", "b")
    many = bounded(map(str, range(25)))
    assert (len(many), many[-1]) == (21, "and 5 more warnings")
    assert bounded(map(str, range(21)))[-1] == "and 1 more warnings"
    assert len(bounded(map(str, range(20)))) == 20
