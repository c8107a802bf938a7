"""Credentials as states, or as the objects of a set, that declare the same."""

import pytest

from saltext_litellm.credentials import kind
from saltext_litellm.credentials.export import export
from saltext_litellm.objects.export import Secret
from saltext_litellm.objects.marker import Marker
from saltext_litellm.values.secrets import REDACTED
from tests.support.build import credential_row, marker

MASK = "sk****89"


def exported(*rows, set_=None):
    return export(rows, set_)


def secret(key, managed=False):
    return Secret("key", key, REDACTED, managed)


@pytest.mark.parametrize(
    ("tree", "arguments"),
    [
        pytest.param({}, {}, id="nothing"),
        pytest.param(
            {"credential_values": {"api_base": "https://x", "headers": {"a": "b"}}},
            {"credential_values": {"api_base": "https://x", "headers": {"a": "b"}}},
            id="values",
        ),
        pytest.param(
            {"credential_info": {"custom_llm_provider": "openai"}, "display_name": "Our key"},
            {"credential_info": {"custom_llm_provider": "openai"}, "display_name": "Our key"},
            id="info and label",
        ),
        pytest.param(
            {"credential_values": {"api_key": MASK, "null": None}, "display_name": ""},
            {"credential_values": {"api_key": secret("credential_values:api_key")}},
            id="a secret is filled in by the user; what is not set is left out",
        ),
    ],
)
def test_what_a_row_has_is_declared(tree, arguments):
    found = exported(credential_row("key", tree))
    assert found.states == {"key": arguments}
    assert (found.module, found.noun, found.left_out) == ("litellm_credential", "credential", {})


def test_our_marker_is_not_declared():
    row = credential_row("key", {"credential_info": {"a": 1}}, marker("key"))
    assert exported(row).states == {"key": {"credential_info": {"a": 1}}}


def test_a_secret_that_salt_has_set_must_be_filled_in():
    """Else the export would remove it, or the fingerprint would not fit."""
    owner = marker("key", "credential_values/api_key")
    row = credential_row("key", {"credential_values": {"api_key": MASK, "other_key": MASK}}, owner)
    assert exported(row).states["key"]["credential_values"] == {
        "api_key": secret("credential_values:api_key", managed=True),
        "other_key": secret("credential_values:other_key"),
    }


def test_rows_of_the_config_file_are_left_out_and_names_are_sorted():
    rows = [credential_row(name) for name in "ba"]
    found = exported(*rows, credential_row("c", source="config"))
    assert (list(found.states), found.left_out) == (["a", "b"], {})


def test_a_row_that_no_state_could_declare_is_left_out_with_the_reason():
    row = credential_row("key", {"credential_info": {"api_key": "sk-0123456789"}})
    found = exported(row, credential_row("b"))
    assert list(found.states) == ["b"]
    assert found.left_out["key"].startswith(
        "credential_info:api_key is a secret, or named like one"
    )
    assert "0123456789" not in str(found)


@pytest.mark.parametrize(
    ("owner", "set_", "owners"),
    [
        pytest.param(None, None, {}, id="nobody's"),
        pytest.param(Marker("key"), None, {}, id="a state's, as states"),
        pytest.param(Marker("key"), "s", {}, id="a state's, which joins the set"),
        pytest.param(Marker("key", set="s"), "s", {}, id="the set's"),
        pytest.param(Marker("key", set="t"), "s", {"key": "key in t"}, id="another set's"),
        pytest.param(Marker("key", set="t"), None, {"key": "key in t"}, id="a set's, as states"),
    ],
)
def test_what_cannot_be_taken_over_has_an_owner(owner, set_, owners):
    found = exported(credential_row("key", owner=owner), set_=set_)
    assert (found.owners, found.set, list(found.states)) == (owners, set_, ["key"])


def test_what_is_exported_declares_the_same():
    tree = {
        "credential_values": {"api_base": "https://x", "headers": {"a": "b"}, "n": 5},
        "credential_info": {"team": {"ids": [1, 2]}},
        "display_name": "Our key",
    }
    (arguments,) = exported(credential_row("key", tree)).states.values()
    again = kind.declared({"name": "key", **arguments}, lambda value: value)
    assert dict(again.values) == {
        ("credential_values", "api_base"): "https://x",
        ("credential_values", "headers", "a"): "b",
        ("credential_values", "n"): 5,
        ("credential_info", "team", "ids"): [1, 2],
        ("display_name",): "Our key",
    }
