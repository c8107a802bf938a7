"""Texts of one line: without breaks at their ends and inside. JSON: in one spelling."""

import json

import pytest

from saltext_litellm.errors import InvalidInput
from saltext_litellm.models import model_list
from saltext_litellm.models.desired import desired
from saltext_litellm.models.fields import FIELDS
from saltext_litellm.objects import plan
from saltext_litellm.values.fingerprints import Fingerprinter

MINIMAL = {"name": "gpt", "custom_llm_provider": "openai", "base_model": "gpt-4"}
CUT = "has spaces or line breaks at its ends, which are left out"
INSIDE = "has a line break inside: it must be one line"
ENDS = [
    "{}\n",
    "{}\r\n",
    "\n{}",
    " {}",
    "{} ",
    "\t{}\t",
    "\ufeff{}",
    "{}\u200b",
    "{}\xa0",
    "{}\n\n",
]
KEY_PATH = ("litellm_params", "api_key")
PEM = "-----BEGIN PRIVATE KEY-----\nMIIE\nabc\n-----END PRIVATE KEY-----\n"
ACCOUNT = {"type": "service_account", "private_key": PEM, "client_email": "a@b.c", "n": 1}
STORE = {"sdb://key": "sk-1\n", "sdb://account": json.dumps(ACCOUNT, indent=2) + "\n"}

# Each place of a text of one line, and the arguments that declare it.
PLACES = {
    "model_api_key": lambda text: {"model_api_key": text},
    "aws_access_key_id": lambda text: {"aws_access_key_id": text},
    "aws_secret_access_key": lambda text: {"litellm_params": {"aws_secret_access_key": text}},
    "model_api_base": lambda text: {"model_api_base": text},
    "api_version": lambda text: {"api_version": text},
    "aws_region_name": lambda text: {"litellm_params": {"aws_region_name": text}},
    "mode": lambda text: {"mode": text},
    "base_model": lambda text: {"model_info": {"base_model": text}, "base_model": None},
    "litellm_params:extra_headers:X-Token": lambda text: {
        "litellm_params": {"extra_headers": {"X-Token": text}}
    },
    "litellm_params:extra_headers:X-Team": lambda text: {
        "litellm_params": {"extra_headers": {"X-Team": text}}
    },
    "litellm_params:fallbacks:api_key": lambda text: {
        "litellm_params": {"fallbacks": [{"model": "x", "api_key": text}]}
    },
    "litellm_params:vertex_credentials:client_email": lambda text: {
        "litellm_params": {"vertex_credentials": {"client_email": text, "private_key": PEM}}
    },
    "litellm_params:vertex_project": lambda text: {"litellm_params": {"vertex_project": text}},
    "litellm_params:client_secret": lambda text: {"litellm_params": {"client_secret": text}},
}


def resolve(value):
    return STORE.get(value, value) if isinstance(value, str) else value


def declared(**arguments):
    return desired({**MINIMAL, **arguments}, resolve)


def refused(**arguments):
    with pytest.raises(InvalidInput) as err:
        declared(**arguments)
    return str(err.value)


@pytest.mark.parametrize("ends", ENDS)
@pytest.mark.parametrize("place", PLACES)
def test_what_is_at_the_ends_of_a_text_is_left_out_with_a_warning(place, ends):
    clean = declared(**PLACES[place]("chat"))
    wanted = declared(**PLACES[place](ends.format("chat")))
    assert wanted.values == clean.values
    assert wanted.warnings == (f"{place} {CUT}", *clean.warnings)


@pytest.mark.parametrize("break_", ["\n", "\r\n", "\r", "\u2028"])
@pytest.mark.parametrize("place", PLACES)
def test_a_break_inside_is_refused(place, break_):
    said = refused(**PLACES[place](f"sk-one{break_}sk-two"))
    assert f"{place} {INSIDE}" in said
    assert "sk-" not in said


@pytest.mark.parametrize("place", PLACES)
def test_what_has_nothing_but_blanks_is_empty(place):
    assert f"{place} must not be empty" in refused(**PLACES[place](" \n"))


@pytest.mark.parametrize(("key", "attribute"), [("model_name", "model_name"), ("model_id", "id")])
def test_names_of_a_row_are_trimmed(key, attribute):
    wanted = declared(**{key: "gpt\n"})
    assert (getattr(wanted, attribute), wanted.warnings) == ("gpt", (f"{key} {CUT}",))
    assert refused(**{key: "g\npt"}).startswith(key)


def test_pem_and_json_may_have_breaks():
    params = {"oci_key": PEM, "ssl_certificate": f"Bag\n{PEM}", "auth_json": '{\n "a": [1]\n}'}
    wanted = declared(litellm_params=params)
    assert {key: wanted.values[("litellm_params", key)] for key in params} == params
    assert wanted.warnings == ()


def test_texts_that_litellm_takes_as_they_are_keep_their_ends():
    info = {"description": "One line.\n", "key_features": "fast\ncheap\n"}
    wanted = declared(model_info=info, litellm_params={"mock_response": "Hello\n", "x": " y"})
    assert wanted.values[("model_info", "description")] == info["description"]
    assert wanted.values[("model_info", "key_features")] == info["key_features"]
    assert wanted.values[("litellm_params", "mock_response")] == "Hello\n"
    assert wanted.values[("litellm_params", "x")] == " y"
    assert wanted.warnings == ()


# ---------------------------------------------------------------- references


@pytest.mark.parametrize("reference", ["sdb://key", " sdb://key\n", "sdb://key "])
def test_what_a_reference_leads_to_is_trimmed(reference):
    wanted = declared(model_api_key=reference)
    assert (wanted.values[KEY_PATH], wanted.warnings) == ("sk-1", (f"model_api_key {CUT}",))


@pytest.mark.parametrize("word", ["Bearer", "Basic", "Token", "ApiKey"])
def test_a_reference_may_follow_a_word(word):
    headers = {"Authorization": f"{word} sdb://key", "X-Key": f"{word}  sdb://key\n"}
    values = declared(litellm_params={"extra_headers": headers}).values
    assert values[("litellm_params", "extra_headers", "Authorization")] == f"{word} sk-1"
    assert values[("litellm_params", "extra_headers", "X-Key")] == f"{word}  sk-1"


def test_what_is_no_text_cannot_follow_a_word():
    with pytest.raises(InvalidInput, match="model_api_key has an sdb:// reference"):
        desired({**MINIMAL, "model_api_key": "Bearer sdb://x"}, lambda _: {"a": 1})


# ---------------------------------------------------------------- sets


@pytest.mark.parametrize(
    ("models", "defaults"),
    [
        ({"x": {"model_api_key": "sk-1\n", "custom_llm_provider": "a", "base_model": "b"}}, None),
        ({"x": {"custom_llm_provider": "a", "base_model": "b"}}, {"model_api_key": "sk-1\n"}),
        ([{"model_name": "x", "litellm_params": {"model": "a/b", "api_key": "sk-1\r\n"}}], None),
        ([{"model_name": "x", "litellm_params": {"model": "a/b"}}], {"model_api_key": "sdb://key"}),
    ],
)
def test_a_set_trims_too(models, defaults):
    (wanted,) = model_list.read("set", models, defaults, resolve)
    assert (wanted.values[KEY_PATH], wanted.warnings) == ("sk-1", (f"model_api_key {CUT}",))


# ---------------------------------------------------------------- JSON

SPELLINGS = {
    "mapping": ACCOUNT,
    "other order": dict(reversed(ACCOUNT.items())),
    "compact": json.dumps(ACCOUNT, separators=(",", ":")),
    "block": json.dumps(ACCOUNT, indent=2) + "\n",
    "byte order mark": "\ufeff" + json.dumps(ACCOUNT),
    "reference": "sdb://account",
    "reference inside": {**ACCOUNT, "client_email": "sdb://email"},
    "reference inside JSON": json.dumps({**ACCOUNT, "client_email": "sdb://email"}),
}


@pytest.mark.parametrize("key", ["vertex_credentials", "vertex_ai_credentials"])
@pytest.mark.parametrize("spelling", SPELLINGS)
def test_credentials_are_the_same_however_they_are_spelt(key, spelling):
    """What was sent for a mapping stays as it was, so that its fingerprints stay valid."""
    known = {**STORE, "sdb://email": "a@b.c"}
    wanted = desired(
        {**MINIMAL, "litellm_params": {key: SPELLINGS[spelling]}},
        lambda value: known.get(value, value) if isinstance(value, str) else value,
    )
    assert wanted.values[("litellm_params", key)] == json.dumps(ACCOUNT, sort_keys=True)
    assert wanted.warnings == ()


def test_another_spelling_has_the_same_fingerprint():
    marks = {
        plan.marker_of(
            FIELDS,
            declared(litellm_params={"vertex_credentials": SPELLINGS[spelling]}),
            Fingerprinter("key"),
            "id",
        ).secrets[("litellm_params", "vertex_credentials")]
        for spelling in ("mapping", "compact", "block", "reference")
    }
    assert len(marks) == 1


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (
            json.dumps(ACCOUNT).replace("\\n", "\n"),
            "line breaks inside a string; write them as \\n",
        ),
        (str(ACCOUNT), "a mapping in Python's notation; render it with the filter tojson"),
        ('{"private_key": "SECRET"', "there is a mistake in line 1"),
        ('{\n"private_key": "SECRET",\n}', "there is a mistake in line 3"),
        ('{"a":' * 5000, "nested too deeply"),
    ],
)
def test_json_that_cannot_be_read_is_refused(text, words):
    for value in (text, f"\n{text}\n"):
        said = refused(litellm_params={"vertex_credentials": value})
        assert said.startswith("litellm_params:vertex_credentials is no JSON: ")
        assert "MIIE" not in said
        assert "SECRET" not in said
    assert words in refused(litellm_params={"vertex_credentials": text})


@pytest.mark.parametrize("path", ["/etc/account.json", "os.environ/ACCOUNT", "/etc/account.json\n"])
def test_a_path_of_credentials_is_no_json(path):
    values = declared(litellm_params={"vertex_credentials": path}).values
    assert values[("litellm_params", "vertex_credentials")] == path.strip()
