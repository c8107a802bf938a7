"""Sets of keys, lists, and exports, on a real gateway."""

import pytest
import yaml

from tests.functional.conftest import sent

from .conftest import hashed, marker, writes

LIST = ("GET", "/key/list")


@pytest.fixture
def managed(states, name):
    def managed(test=False, **args):
        return states.run(("litellm_key.managed", {"name": f"set-{name}", **args}), test=test)

    return managed


@pytest.fixture
def keys(name):
    return {
        f"{name}-{letter}": {"key": f"sdb://vault/{name}-{letter}", "max_budget": 1}
        for letter in "abc"
    }


GENERATED = {"generate": True, "rpm_limit": 5}


def test_a_set_is_made_kept_and_pruned(managed, api, name, keys, vault, recorder):
    predicted = managed(test=True, keys=keys, defaults=GENERATED)
    assert api.having(name) == {}
    result = managed(keys=keys, defaults=GENERATED)
    assert predicted["changes"] == result["changes"]
    assert result["comment"] == "All 3 keys were created"
    rows = api.having(name)
    assert sorted(rows) == sorted(keys)
    for alias, row in rows.items():
        assert (row["rpm_limit"], row["token"]) == (5, hashed(vault[alias]))
        assert marker(row)["set"] == f"set-{name}"
    recorder.clear()
    assert managed(keys=keys, defaults=GENERATED, prune=True)["changes"] == {}
    assert set(sent(recorder)) == {LIST}
    fewer = {alias: one for alias, one in keys.items() if not alias.endswith("b")}
    assert "No longer declared" in managed(keys=fewer, defaults=GENERATED)["comment"]
    predicted = managed(test=True, keys=fewer, defaults=GENERATED, prune=True)
    result = managed(keys=fewer, defaults=GENERATED, prune=True)
    assert predicted["changes"] == result["changes"]
    assert sorted(api.having(name)) == sorted(fewer)


def test_a_key_of_nobody_is_never_pruned(managed, api, name, keys):
    api.create(f"{name}-theirs")
    managed(keys=keys, defaults=GENERATED)
    one = dict([next(iter(keys.items()))])
    managed(keys=one, defaults=GENERATED, prune=True)
    assert sorted(api.having(name)) == sorted([*one, f"{name}-theirs"])


def test_one_place_for_two_keys_is_refused(managed, api, name, recorder):
    place = {"key": f"sdb://vault/{name}", "generate": True}
    result = managed(keys={f"{name}-a": place, f"{name}-b": place})
    assert result["result"] is False
    assert "have the same key, but a key has one key_alias" in result["comment"]
    assert writes(recorder) == []


def test_one_place_for_the_keys_of_two_states_is_foreseen(states, api, name, vault):
    place = {"key": f"sdb://vault/{name}", "generate": True}
    both = [("litellm_key.present", {"name": f"{name}-{one}", **place}) for one in "ab"]
    predicted, done = states.run(*both, test=True), states.run(*both)
    assert [one["result"] for one in predicted] == [None, False], predicted
    assert [one["result"] for one in done] == [True, False]
    assert predicted[1]["comment"] == done[1]["comment"]
    assert f"The gateway has this key already, as {name}-a" in done[1]["comment"]
    assert [*api.having(name)] == [f"{name}-a"]


def test_a_key_that_was_renamed_and_rotated_at_once_is_named(managed, api, name, keys, vault):
    assert managed(keys=keys, defaults=GENERATED, prune=True)["result"] is True
    first = next(iter(keys))
    api.update(first, key_alias=f"{name}-theirs")
    vault.put(keys[first]["key"].rpartition("/")[2], f"sk-{name}-0123456789")
    predicted = managed(keys=keys, defaults=GENERATED, prune=True, test=True)
    result = managed(keys=keys, defaults=GENERATED, prune=True)
    assert (result["result"], result["changes"]) == (True, predicted["changes"]), result
    for one in (predicted, result, managed(keys=keys, defaults=GENERATED, prune=True)):
        assert f"has renamed it: {name}-theirs" in one["comment"], one
    assert f"{name}-theirs" in api.having(name)


def test_every_key_without_its_team_is_named(managed, keys, recorder):
    keys = {one: {**keys[one], "team": f"no team of {one}"} for one in keys}
    result = managed(keys=keys, defaults=GENERATED)
    assert result["comment"] == "; ".join(
        f"{one}: there is no team 'no team of {one}' on the gateway" for one in keys
    )
    assert writes(recorder) == []


def test_a_failure_for_want_of_a_licence_lets_the_others_go_on(managed, api, name, keys):
    first = next(iter(keys))
    keys = {**keys, first: {**keys[first], "settings": {"tags": ["a"]}}}
    result = managed(keys=keys, defaults=GENERATED)
    assert result["result"] is False
    assert "Enterprise users: tags" in result["comment"]
    assert sorted(api.having(name)) == sorted([*keys][1:])


def test_one_state_reads_its_key_and_more_read_pages(states, api, name, recorder):
    for number in range(3):
        api.create(f"{name}-{number:03}", metadata={"n": number})
    pages = -(-len(api.rows()) // 100)
    declared = [
        ("litellm_key.present", {"name": f"{name}-{number:03}", "metadata": {"n": number}})
        for number in range(3)
    ]
    states.run(*declared)
    recorder.clear()
    assert {one["result"] for one in states.run(*declared)} == {True}
    assert sent(recorder) == [LIST] * (1 + pages)
    recorder.clear()
    states.run(declared[0])
    assert sent(recorder) == [LIST]


COPIES = """INSERT INTO "LiteLLM_VerificationToken"
SELECT (jsonb_populate_record(one, jsonb_build_object(
    'token', encode(sha256(('sk-' || alias)::bytea), 'hex'),
    'key_alias', alias,
    'metadata', replace(one.metadata::text, '{name}-0000', alias)::jsonb))).*
FROM "LiteLLM_VerificationToken" one, generate_series(1, {number} - 1) AS number,
    LATERAL (SELECT '{name}-' || lpad(number::text, 4, '0') AS alias) AS aliases
WHERE one.key_alias = '{name}-0000'"""


@pytest.mark.parametrize("number", [1, 100, 1000])
def test_a_large_set_at_rest(managed, gateway, api, name, recorder, number):
    """A request for each hundred keys. Their copies are made in the database, which is quick."""
    if not gateway.psql:
        pytest.skip("the database of a gateway that was running before is not known")
    keys = {
        f"{name}-{one:04}": {"key": f"sk-{name}-{one:04}", "max_budget": 1} for one in range(number)
    }
    assert managed(keys=dict([*keys.items()][:1]))["result"] is True
    gateway.sql(COPIES.format(name=name, number=number))
    try:
        pages = -(-len(api.rows()) // 100)
        for test in (True, False):
            recorder.clear()
            result = managed(test=test, keys=keys, prune=True)
            assert (result["result"], result["changes"]) == (True, {}), result["comment"]
            assert sent(recorder) == [LIST] * pages
        changed = {alias: {**one, "rpm_limit": 3} for alias, one in keys.items()}
        assert len(managed(test=True, keys=changed)["changes"]) == number
    finally:
        gateway.sql(f"DELETE FROM \"LiteLLM_VerificationToken\" WHERE key_alias LIKE '{name}-%'")


def test_a_list_and_one(modules, api, name):
    key = api.create(name, models=["a"], max_budget=4, metadata={"api_token": "tok-0123456789"})
    (row,) = modules("list", f"{name}*")
    assert (row["key_alias"], row["models"], row["owner"]) == (name, "a", None)
    assert row["key_name"].endswith(key[-4:])
    one = modules("get", name)
    assert one["max_budget"] == 4
    for shown in (str(row), str(one)):
        assert hashed(key) not in shown
        assert key not in shown
        assert "tok-0123456789" not in shown
    assert modules("get", f"{name}-nowhere") is None


def test_an_export_without_keys_adopts_what_they_may_do(modules, states, managed, api, name):
    settings = {"allowed_routes": ["/v1/models"], "model_rpm_limit": {"a": 3}}
    key = api.create(name, models=["a"], max_budget=4, aliases={"x": "a"}, **settings)
    text = modules("export", set=f"set-{name}")
    assert key not in text
    assert hashed(key) not in text
    declared = yaml.safe_load(text)["litellm_keys"]
    mine = {alias: one for alias, one in declared.items() if name in alias}
    assert mine[name]["key"] is None
    before = api.one(name)
    result = managed(keys=mine)
    assert result["result"] is True, result["comment"]
    assert set(result["changes"][name]) == {"owner"}
    after = api.one(name)
    for field in ("models", "max_budget", "aliases", "allowed_routes", "token"):
        assert before[field] == after[field]
    assert after["metadata"]["model_rpm_limit"] == {"a": 3}
    assert api.works(key)
    assert managed(keys=mine)["changes"] == {}


def test_an_exported_sls_wants_each_key_from_the_pillar(modules, api, name):
    api.create(name)
    data = modules("export", data=True)
    assert (
        data[name]["key"]
        == '{{ pillar.get("litellm_key_secrets", {}).get("'
        + name
        + '", {}).get("key", "**********") | tojson }}'
    )
