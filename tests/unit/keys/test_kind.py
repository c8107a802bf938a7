"""Arguments of a key, and rows as LiteLLM shows them."""

from datetime import datetime, timedelta, timezone

import pytest

from saltext_litellm.errors import InvalidInput, NothingThere, Refused
from saltext_litellm.keys import kind
from tests.support.key_cluster import hashed

KEY = "sk-0123456789abcdef"


class Vault:
    def __init__(self, **values):
        self.values = values

    def __call__(self, value):
        if not str(value).startswith("sdb://"):
            return value
        if value not in self.values:
            raise NothingThere(f"Cannot resolve {value}")
        return self.values[value]

    def keep(self, reference, value):
        return self.values.setdefault(reference, value)


def declared(resolve=None, **arguments):
    return kind.declared({"name": "search", **arguments}, resolve or Vault())


@pytest.mark.parametrize(
    ("argument", "value", "path", "stored"),
    [
        ("team", "alpha", ("team_id",), "alpha"),
        ("user_id", "ada", ("user_id",), "ada"),
        ("models", ["a", "b"], ("models",), ["a", "b"]),
        ("max_budget", "5", ("max_budget",), 5),
        ("budget_duration", "30d", ("budget_duration",), "30d"),
        ("budget_id", "shared", ("budget_id",), "shared"),
        ("tpm_limit", "100", ("tpm_limit",), 100),
        ("rpm_limit", 0, ("rpm_limit",), 0),
        ("max_parallel_requests", 3, ("max_parallel_requests",), 3),
        ("duration", "90d", ("duration",), "90d"),
        ("blocked", False, ("blocked",), False),
        ("aliases", {"best": "a"}, ("aliases", "best"), "a"),
        ("metadata", {"cost": {"centre": 4}}, ("metadata", "cost", "centre"), 4),
        ("settings", {"allowed_routes": ["x"]}, ("settings", "allowed_routes"), ["x"]),
    ],
)
def test_each_argument_has_its_place(argument, value, path, stored):
    assert declared(**{argument: value}).values == {path: stored}


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"key": "0123456789abcdef"}, "key must begin with sk- and have at least 16 characters"),
        ({"key": "sk-short"}, "key must begin with sk-"),
        ({"key": "sk-012345 6789abcdef"}, "key must begin with sk-"),
        ({"key": ["sk-0123456789abcdef"]}, "key must be"),
        ({"key": KEY, "generate": True}, "generate needs an sdb:// reference as key"),
        ({"generate": True}, "generate needs an sdb:// reference as key"),
        ({"generate": "maybe"}, "generate must be"),
        ({"rotate": 5}, "rotate must be"),
        ({"models": []}, "models is empty, which LiteLLM takes for all models"),
        ({"models": "a"}, "models must be a list"),
        ({"duration": "soon"}, "duration must be"),
        ({"max_budget": -1}, "max_budget must"),
        ({"aliases": {"best": ["a"]}}, "aliases:best must be the name of a model"),
        ({"aliases": {"a": {"b": "c"}}}, "aliases:a must be the name of a model, not a mapping"),
        ({"duration": 30}, "duration must be a number with s, m, h, d, w or mo"),
        ({"settings": {"created_at": "2026"}}, "created_at cannot be declared: LiteLLM sets that"),
        ({"settings": {"team_id": "x"}}, "the argument team says that"),
        ({"settings": {"max_budget": 1}}, "has an argument of its own: max_budget"),
        ({"settings": {"soft_budget": 1}}, "LiteLLM keeps it in a budget"),
        ({"metadata": {"saltext_litellm": {}}}, "it is the marker of this extension"),
        (
            {"metadata": {"api_key": "x"}},
            "is a secret, or named like one, but LiteLLM shows what a key has",
        ),
        ({"settings": {"config": {"api_key": "x"}}}, "is a secret"),
    ],
)
def test_what_is_refused(arguments, words):
    with pytest.raises(InvalidInput) as err:
        declared(**arguments)
    assert words in str(err.value)
    assert "0123456789" not in str(err.value)


def test_all_mistakes_are_named_at_once():
    with pytest.raises(InvalidInput) as err:
        declared(models=[], tpm_limit="many", duration="soon")
    assert len(err.value.mistakes) == 3


def test_a_key_behind_a_reference_is_read():
    one = declared(Vault(**{"sdb://v/a": f" {KEY}\n"}), key="sdb://v/a")
    assert (one.key, one.place, one.token) == (KEY, "sdb://v/a", hashed(KEY))
    assert KEY not in repr(one)
    assert one.keep is None  # without `generate` nothing is put anywhere


def test_where_there_is_none_it_is_made_only_if_that_is_declared():
    with pytest.raises(Refused, match="Cannot resolve sdb://v/a"):
        declared(key="sdb://v/a")
    one = declared(key="sdb://v/a", generate=True)
    assert (one.key, one.token) == (None, None)
    assert one.keep("sdb://v/a", KEY) == KEY


def test_a_value_that_is_no_key_is_never_shown():
    with pytest.raises(InvalidInput) as err:
        declared(Vault(**{"sdb://v/a": "hunter2"}), key="sdb://v/a")
    assert "key must begin with sk-" in str(err.value)
    assert "hunter2" not in str(err.value)


def test_a_reference_to_a_reference_is_no_key():
    with pytest.raises(InvalidInput, match="key must"):
        declared(Vault(**{"sdb://v/a": "sdb://v/b"}), key="sdb://v/a")


def row(**data):
    return kind.parse({"token": "t" * 64, "key_alias": "search", **data})


def test_a_row():
    marker = {"name": "search", "keys": ["duration"], "duration": "30d"}
    one = row(metadata={"saltext_litellm": marker, "note": 1}, tpm_limit=5, duration="never")
    assert (one.id, one.address, one.marker.name) == ("search", "t" * 64, "search")
    assert one.get(("duration",)) == "30d"  # as the marker says; LiteLLM does not show it
    assert one.get(("settings", "tpm_limit")) == 5
    assert "t" * 64 not in repr(one)


@pytest.mark.parametrize(
    "data",
    [{}, {"token": None}, {"token": 5}, {"token": "t", "team_id": "litellm-dashboard"}],
)
def test_what_is_no_row_of_ours(data):
    assert kind.parse(data) is None


def test_a_key_without_an_alias_is_told_by_its_end():
    one = kind.parse({"token": "abcdefgh" * 8, "key_name": "sk-...wxyz", "key_alias": None})
    assert one.id == "(no key_alias) sk-...wxyz abcdefgh"


@pytest.mark.parametrize("metadata", [None, "text", ["list"], {"saltext_litellm": 5}])
def test_odd_metadata_has_no_marker(metadata):
    assert row(metadata=metadata).marker is None


@pytest.mark.parametrize(("offset", "expired"), [(-60, True), (60, False)])
def test_when_it_has_expired(offset, expired):
    at = datetime.now(timezone.utc) + timedelta(seconds=offset)
    for text in (at.isoformat(), at.isoformat().replace("+00:00", "Z"), f"{at:%Y-%m-%dT%H:%M:%S}"):
        assert (row(expires=text).expired() is not None) is expired
    assert row(expires=None).expired() is None
    assert row(expires="soon").expired() is None


def test_what_is_shown_has_no_key_and_no_hash():
    one = row(token=hashed(KEY), key_name="sk-...cdef", metadata={"api_token": "tok-0123456789"})
    for shown in (kind.summary(one), kind.whole(one)):
        assert hashed(KEY) not in str(shown)
        assert "tok-0123456789" not in str(shown)
    assert kind.summary(one)["key_name"] == "sk-...cdef"
