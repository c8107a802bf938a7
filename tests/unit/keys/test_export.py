"""States made of keys."""

from saltext_litellm.keys import kind
from saltext_litellm.keys.export import export
from saltext_litellm.objects.export import Secret
from saltext_litellm.values.secrets import REDACTED
from tests.support.key_cluster import hashed

KEY = "sk-0123456789abcdef"


def row(alias="search", token="t", **data):
    return kind.parse({"token": token * 64, "key_alias": alias, "metadata": {}, **data})


def exported(*rows, set_=None):
    return export(rows, set_)


def test_what_a_key_may_do_without_the_key():
    one = row(
        token=hashed(KEY)[0],
        models=["a"],
        max_budget=4,
        team_id="team-1",
        aliases={"x": "a"},
        metadata={"note": {"of": 1}, "api_token": "tok-0123456789", "saltext_litellm": {}},
        allowed_routes=["/v1/models"],
        spend=3,
        permissions={},
        rpm_limit=None,
    )
    found = exported(one)
    key = found.states["search"].pop("key")
    assert key == Secret("search", "key", REDACTED, example=key.example)
    assert found.states == {
        "search": {
            "team": "team-1",
            "models": ["a"],
            "max_budget": 4,
            "aliases": {"x": "a"},
            "metadata": {"note": {"of": 1}},
            "settings": {"allowed_routes": ["/v1/models"]},
        }
    }
    assert found.lacking == ("metadata:api_token of search, a secret or named like one",)


def test_a_name_that_is_not_the_alias():
    marker = {"name": "state", "set": "one"}
    one = row(metadata={"saltext_litellm": marker})
    assert exported(one).states["state"]["key_alias"] == "search"
    assert exported(one).owners == {"state": "state in one"}
    assert exported(one, set_="one").owners == {}


def test_one_without_an_alias_is_left_out():
    found = exported(row(None))
    assert found.states == {}
    assert list(found.left_out.values()) == ["it has no key_alias"]


def test_what_salt_would_refuse_is_left_out():
    found = exported(row(models=["a"], aliases={"x": ["odd"]}))
    assert found.states == {}
    assert "aliases:x must be the name of a model" in found.left_out["search"]
