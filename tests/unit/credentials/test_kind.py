"""What a state declares of a credential, and what a row is before and after our writes."""

import json

import pytest

from saltext_litellm.credentials import export, kind, steps
from saltext_litellm.credentials.kind import FIELDS
from saltext_litellm.errors import InvalidInput
from saltext_litellm.objects.export import Secret
from saltext_litellm.objects.marker import KEY, Marker
from saltext_litellm.objects.row import MISSING, Rows
from saltext_litellm.values.paths import parse, spell
from tests.support.build import FINGERPRINTER, credential, credential_row

SECRET = "sk-0123456789"
VAULT = {"sdb://vault/key": SECRET}


def declared(name="key", **arguments):
    return kind.declared({"name": name, **arguments}, lambda value: VAULT.get(value, value))


def mistakes(name="key", **arguments):
    with pytest.raises(InvalidInput) as err:
        declared(name, **arguments)
    return list(err.value.mistakes)


# ---------------------------------------------------------------- declared


@pytest.mark.parametrize(
    ("arguments", "values"),
    [
        pytest.param({}, {}, id="nothing"),
        pytest.param(
            {"credential_values": {"api_key": SECRET, "api_base": None}},
            {"credential_values/api_key": SECRET},
            id="a null declares nothing",
        ),
        pytest.param(
            {"credential_values": {"api_key": "sdb://vault/key"}},
            {"credential_values/api_key": SECRET},
            id="a secret from elsewhere",
        ),
        pytest.param(
            {"credential_values": {"api_key": f"{SECRET}\n"}},
            {"credential_values/api_key": SECRET},
            id="a line break at its end is left out",
        ),
        pytest.param(
            {"credential_values": {"vertex_credentials": {"b": 1, "a": "sdb://vault/key"}}},
            {"credential_values/vertex_credentials": json.dumps({"a": SECRET, "b": 1})},
            id="a mapping that LiteLLM would not encrypt is sent as text",
        ),
        pytest.param(
            {"credential_values": {"retries": 5, "headers": {"X-Team": "a"}}},
            {"credential_values/retries": 5, "credential_values/headers/X-Team": "a"},
            id="other values",
        ),
        pytest.param(
            {"credential_info": {"custom_llm_provider": "openai", "team": {"name": "a"}}},
            {"credential_info/custom_llm_provider": "openai", "credential_info/team/name": "a"},
            id="what is known of it",
        ),
        pytest.param({"display_name": " Our key\n"}, {"display_name": "Our key"}, id="a label"),
        pytest.param({"display_name": "x" * 255}, {"display_name": "x" * 255}, id="a long label"),
        pytest.param(
            {
                "credential_info": {"note": " as it\nis ", "empty": "", "env": "os.environ/X"},
                "credential_values": {"headers": {"a": " as it is ", "empty": ""}},
            },
            {
                "credential_info/note": " as it\nis ",
                "credential_info/empty": "",
                "credential_info/env": "os.environ/X",
                "credential_values/headers/a": " as it is ",
                "credential_values/headers/empty": "",
            },
            id="texts that LiteLLM sends nowhere stay as they are",
        ),
        pytest.param(
            {"credential_values": {"api_base": "None"}},
            {"credential_values/api_base": "None"},
            id="what is no secret may be called None",
        ),
    ],
)
def test_each_value_has_its_place(arguments, values):
    found = declared(**arguments)
    assert {spell(path): value for path, value in found.values.items()} == values
    assert (found.name, found.id) == ("key", "key")


IN_TWO = " (on a command line in two: '\"…\"')"
MISTAKES = [
    pytest.param({"name": ""}, "name must not be empty", id="no name"),
    pytest.param(
        {"name": 5},
        "name must be a string, not a number: put it in quotes" + IN_TWO,
        id="a number",
    ),
    pytest.param({"name": None}, "name must be a string, not empty", id="null"),
    pytest.param(
        {"name": ".."}, "name must not be ..: LiteLLM could not find it by that", id="a path"
    ),
    pytest.param(
        {"credential_values": {"api_key": ""}},
        "credential_values:api_key must not be empty",
        id="no key",
    ),
    pytest.param(
        {"credential_values": {"api_base": ""}},
        "credential_values:api_base must not be empty",
        id="no text",
    ),
    pytest.param(
        {"credential_values": {"api_key": "None"}},
        "credential_values:api_key has the word None, null or undefined instead of a value",
        id="a template that had nothing to render",
    ),
    pytest.param(
        {"credential_info": {"password": 5}},
        "credential_info:password is a secret, or named like one, but LiteLLM shows "
        "credential_info and does not encrypt it: it belongs in credential_values",
        id="a number where LiteLLM shows it",
    ),
    pytest.param(
        {"credential_values": {"headers": {"password": "plain"}}},
        "credential_values:headers:password is a secret inside a mapping or a list, which LiteLLM "
        "shows and does not encrypt: make it a text that stands directly in credential_values",
        id="a secret inside of a mapping, by its name",
    ),
    pytest.param(
        {"credential_values": {"api_key": 5}},
        "credential_values:api_key must be a string, not a number: put it in quotes",
        id="a key that is no text",
    ),
    pytest.param(
        {"credential_values": {"api_key": "sk****89"}},
        "credential_values:api_key is a mask or a placeholder, not a secret",
        id="a mask",
    ),
    pytest.param(
        {"credential_values": {"api_base": "os.environ/BASE"}},
        "credential_values:api_base has an os.environ/ reference, which LiteLLM would not resolve: "
        "it resolves them in the credentials of its config file only; write an sdb:// reference or "
        "the value",
        id="a reference",
    ),
    pytest.param(
        {"credential_values": {"headers": {"X-Api-Key": SECRET}}},
        "credential_values:headers:X-Api-Key is a secret inside a mapping or a list, which LiteLLM "
        "shows and does not encrypt: make it a text that stands directly in credential_values",
        id="a secret inside of a mapping",
    ),
    pytest.param(
        {"credential_values": {"urls": ["https://me:pass-0123@host.example.com"]}},
        "credential_values:urls is a secret inside a mapping or a list, which LiteLLM "
        "shows and does not encrypt: make it a text that stands directly in credential_values",
        id="a secret inside of a list, by its form",
    ),
    pytest.param(
        {"credential_info": {"api_key": SECRET}},
        "credential_info:api_key is a secret, or named like one, but LiteLLM shows "
        "credential_info and does not encrypt it: it belongs in credential_values",
        id="a secret where LiteLLM shows it",
    ),
    pytest.param(
        {"credential_info": {KEY: {"name": "x"}}},
        f"credential_info:{KEY}:name cannot be declared: it is the marker of this extension",
        id="our marker",
    ),
    pytest.param(
        {"display_name": "x" * 256},
        "display_name must not be longer than 255 characters",
        id="a long label",
    ),
    pytest.param(
        {"credential_values": "text"}, "credential_values must be a mapping, not a string", id="map"
    ),
]


@pytest.mark.parametrize(("arguments", "told"), MISTAKES)
def test_what_litellm_would_not_keep_or_not_keep_secret_is_refused(arguments, told):
    found = mistakes(**arguments)
    assert found == [told]
    assert SECRET not in str(found)


def test_all_mistakes_are_told_at_once():
    assert len(mistakes("", credential_values={"api_key": ""}, display_name=5)) == 3


def test_mistakes_in_arguments_that_may_be_incomplete():
    arguments = {"credential_values": {"api_key": ""}}
    found = kind.mistakes_in(arguments, lambda value: value)
    assert found == ("credential_values:api_key must not be empty",)


@pytest.mark.parametrize(
    ("arguments", "warning"),
    [
        pytest.param(
            {"credential_values": {"api_key": " sk-0123456789"}},
            "credential_values:api_key has spaces or line breaks at its ends, which are left out",
            id="spaces",
        ),
        pytest.param(
            {"credential_values": {"api_key": "k-0123456789"}},
            None,
            id="nothing to warn of",
        ),
        pytest.param(
            {"credential_values": {"api_key": "changeme"}},
            "credential_values:api_key looks like a placeholder that nobody has filled in "
            "(<x> or YOUR_X); it is sent as given",
            id="a placeholder",
        ),
    ],
)
def test_what_is_probably_not_meant_is_warned_of(arguments, warning):
    assert declared(**arguments).warnings == (() if warning is None else (warning,))


# ---------------------------------------------------------------- what is secret


@pytest.mark.parametrize(
    ("place", "secret"),
    [
        ("credential_values/api_key", True),
        ("credential_values/AWS_SECRET_ACCESS_KEY", True),
        ("credential_values/mytokens", True),
        ("credential_values/aws_access_key_id", True),
        ("credential_values/passwd2", True),
        ("credential_values/api_base", False),
        ("credential_values/aws_region_name", False),
        ("credential_info/api_key", False),
        ("display_name", False),
    ],
)
def test_what_litellm_masks_is_compared_by_its_fingerprint(place, secret):
    assert FIELDS.is_secret(parse(place)) is secret


@pytest.mark.parametrize(
    ("place", "hidden"),
    [
        ("credential_values/api_key", True),
        ("credential_values/passphrase", True),
        ("credential_info/api_key", True),
        ("credential_values/api_base", False),
        ("credential_values/aws_region_name", False),
    ],
)
def test_what_people_treat_as_a_secret_is_never_shown(place, hidden):
    assert FIELDS.is_hidden(parse(place)) is hidden


# ---------------------------------------------------------------- rows


@pytest.mark.parametrize(
    ("data", "told"),
    [
        pytest.param({}, None, id="nothing"),
        pytest.param({"credential_name": 5}, None, id="a name that is no text"),
        pytest.param({"credential_name": "key"}, ("key", True), id="as 1.83.14 lists it"),
        pytest.param({"credential_name": "key", "source": "db"}, ("key", True), id="database"),
        pytest.param({"credential_name": "key", "source": "config"}, ("key", False), id="config"),
        pytest.param(
            {"credential_name": "key", "credential_values": None, "credential_info": None},
            ("key", True),
            id="without values",
        ),
    ],
)
def test_what_a_row_says_of_itself(data, told):
    row = kind.parse(data)
    assert (row and (row.id, row.from_database)) == told
    if row:
        assert row.get(("credential_values", "api_key")) is MISSING
        assert row.get(("display_name",)) is MISSING


def test_a_marker_that_somebody_has_copied_owns_nothing():
    owner = Marker("first", id="first")
    assert credential_row("first", owner=owner).marker == owner
    copy = credential_row("second", owner=owner)
    assert (copy.marker, copy.copied) == (None, "first")


CHANGES = [
    # What the row shows, the body; and the row afterwards.
    pytest.param(
        {"credential_values": {"a": "1", "b": "2"}},
        {"credential_values": {"a": "3"}},
        {"credential_values": {"a": "3", "b": "2"}, "credential_info": {}, "display_name": None},
        id="values are merged",
    ),
    pytest.param(
        {"credential_values": {"a": "1", "b": "2"}},
        {"credential_values_to_delete": ["a", "gone"]},
        {"credential_values": {"b": "2"}, "credential_info": {}, "display_name": None},
        id="values go by their names",
    ),
    pytest.param(
        {"credential_info": {"a": 1, "b": 2}},
        {"credential_info": {"a": 3}},
        {"credential_values": {}, "credential_info": {"a": 3, "b": 2}, "display_name": None},
        id="credential_info is merged, as the memory of a worker does",
    ),
    pytest.param(
        {"credential_info": {"a": 1}},
        {"credential_info": {}},
        {"credential_values": {}, "credential_info": {"a": 1}, "display_name": None},
        id="an empty one changes nothing",
    ),
    pytest.param(
        {"display_name": "old"},
        {"display_name": "new"},
        {"credential_values": {}, "credential_info": {}, "display_name": "new"},
        id="a label",
    ),
    pytest.param(
        {"display_name": "old"},
        {"display_name": None},
        {"credential_values": {}, "credential_info": {}, "display_name": None},
        id="no label any more",
    ),
    pytest.param(
        {"display_name": "old"},
        {},
        {"credential_values": {}, "credential_info": {}, "display_name": "old"},
        id="the label stays",
    ),
]


@pytest.mark.parametrize(("shown", "body", "data"), CHANGES)
def test_a_change_makes_the_row_that_litellm_makes(shown, body, data):
    row = credential_row("key", shown)
    before = json.dumps(row.data)
    assert kind.changed(row, body, None).data == data
    assert json.dumps(row.data) == before


def test_a_create_makes_the_row_of_its_body():
    body = {
        "credential_name": "key",
        "credential_values": {"api_key": SECRET},
        "credential_info": {KEY: Marker("key").dump()},
    }
    row = kind.created(body, None)
    assert (row.id, row.marker.name, row.from_database) == ("key", "key", True)


def test_a_row_in_short_and_as_a_whole_has_no_secrets():
    row = credential_row(
        "key",
        {
            "credential_values": {"api_key": SECRET, "api_base": "https://x", "null": None},
            "credential_info": {"custom_llm_provider": "openai", "note": f"Bearer {SECRET}"},
            "display_name": "Our key",
        },
        Marker("key", set="s"),
        source="db",
    )
    assert kind.summary(row) == {
        "credential_name": "key",
        "display_name": "Our key",
        "provider": "openai",
        "values": "api_base, api_key, null",
        "owner": "key in s",
        "source": "database",
    }
    whole = kind.whole(row)
    assert whole.items() >= kind.summary(row).items()
    assert whole["credential_values"] == {"api_key": "**********", "api_base": "https://x"}
    assert SECRET not in str(whole)


def test_a_row_that_nobody_owns_in_short():
    row = credential_row("key", source="config")
    assert kind.summary(row) == {
        "credential_name": "key",
        "display_name": None,
        "provider": None,
        "values": "",
        "owner": None,
        "source": "config",
    }


@pytest.mark.parametrize("key", ["groqkey", "tokens", "keys", "mytokens", "passwordhash", "monkey"])
def test_what_litellm_masks_is_never_shown(key):
    declared = credential("key", {"credential_values": {key: "plain-secret-0123"}})
    plan = steps.make_plan(declared, Rows(), FINGERPRINTER)
    assert "plain-secret-0123" not in str(plan.changes)
    row = credential_row("key", {"credential_values": {key: "pl****23"}})
    exported = export.export([row], None).states["key"]["credential_values"][key]
    assert isinstance(exported, Secret)


@pytest.mark.parametrize("value", [5, True])
def test_a_number_is_no_secret_whatever_litellm_makes_of_its_name(value):
    """It masks texts only. Inside of a mapping of another name it masks nothing."""
    for values in ({"max_tokens": value}, {"params": {"max_tokens": value}}):
        assert declared(credential_values=values).warnings == ()
