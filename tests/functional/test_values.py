"""Values that are surely wrong, on a real gateway: mended they work, or nothing is sent."""

import json

import pytest
from salt.exceptions import CommandExecutionError, SaltInvocationError

from tests.support.upstream import Upstream

from .conftest import MARKER, MODEL, States, bodies, id_of, managed_set

KEY = "sk-provider-0123456789"
LEFT_OUT = "has spaces or line breaks at its ends, which are left out"
PEM = "-----BEGIN PRIVATE KEY-----\nMIIE\n-----END PRIVATE KEY-----\n"
ACCOUNT = {"type": "service_account", "project_id": "p", "private_key": PEM}
MEGABYTE = "aB1:/.$" * 150_000


def call(api, name):
    body = {"model": name, "messages": [{"role": "user", "content": "Hello"}]}
    return api.gateway.request("POST", "/v1/chat/completions", json=body)


def test_a_key_and_a_url_from_a_file_make_calls_that_work(api, states, name):
    with Upstream(KEY) as upstream:
        declared = {
            "model_api_key": f"{KEY}\r\n",
            "model_api_base": f"{upstream.url}\n",
            "litellm_params": {"extra_headers": {"X-Token": " header-0123456789"}},
        }
        done = states.present(name, **declared)
        assert (done["result"], len(done["warnings"])) == (True, 3)
        assert all(LEFT_OUT in one for one in done["warnings"])
        assert call(api, name).status_code == 200
        assert upstream.calls == [KEY]
    assert states.present(name, **declared)["changes"] == {}


def test_a_line_break_that_was_sent_before_is_written_once(api, states, name):
    """Before, the key was stored with its line break, and its fingerprint was of that."""
    states.present(name, model_api_key=KEY)
    row_id = id_of(api.one(name))
    marker = api.one(name)["model_info"][MARKER]
    marker["secrets"] = dict.fromkeys(marker["secrets"], "0" * 16)
    api.patch(
        row_id, litellm_params={"api_key": f"{KEY}\n"}, model_info={"id": row_id, MARKER: marker}
    )
    done = states.present(name, model_api_key=f"{KEY}\n")
    assert "model_api_key was rotated" in done["comment"]
    assert api.secrets(row_id)["api_key"] == "sk****89"
    assert states.present(name, model_api_key=f"{KEY}\n")["changes"] == {}


def test_another_spelling_of_credentials_is_no_change(api, states, recorder, name):
    spellings = [ACCOUNT, json.dumps(ACCOUNT), json.dumps(ACCOUNT, indent=2) + "\n"]
    made = states.present(name, litellm_params={"vertex_credentials": spellings[0]})
    assert made["result"] is True
    assert json.loads(bodies(recorder)[0]["litellm_params"]["vertex_credentials"]) == ACCOUNT
    for spelling in spellings:
        again = states.present(name, litellm_params={"vertex_credentials": spelling})
        assert (again["result"], again["changes"]) == (True, {})
    rotated = {**ACCOUNT, "private_key": PEM.replace("MIIE", "MIIF")}
    done = states.present(name, litellm_params={"vertex_credentials": json.dumps(rotated)})
    assert "litellm_params:vertex_credentials was rotated" in done["comment"]


REFUSED = [
    {"model_api_key": "None"},
    {"model_api_key": "${OPENAI_API_KEY}"},
    {"model_api_key": f"{KEY}\n{KEY}"},
    {"model_api_key": "-----BEGIN PGP MESSAGE-----\n\nhQEMA0\n-----END PGP MESSAGE-----\n"},
    {"litellm_params": {"api_base": "https://{{ host }}/v1"}},
    {"litellm_params": {"extra_headers": {"X-Token": "<your-token>"}}},
    {"litellm_params": {"vertex_credentials": json.dumps(ACCOUNT).replace("\\n", "\n")}},
]


def test_what_is_no_value_does_not_replace_a_good_one(api, states, recorder, tmp_path, name):
    states.present(name, model_api_key=KEY)
    recorder.clear()
    models = {f"{name}-{number}": {**MODEL, **declared} for number, declared in enumerate(REFUSED)}
    listed = [
        {
            "model_name": key,
            "litellm_params": {"model": "openai/gpt-4", **_as_params(declared)},
        }
        for key, declared in models.items()
    ]
    file = tmp_path / "config.yaml"
    file.write_text(json.dumps({"model_list": listed}))
    in_a_set = [
        managed_set(name, models),
        managed_set(name, {name: MODEL}, defaults=REFUSED[0]),
        ("managed", {"name": f"set-{name}", "source": str(file)}),
    ]
    alone = [("present", {"name": name, **one}) for one in models.values()]
    results = [*states.run(*alone, *in_a_set), *states.run(*alone, *in_a_set, test=True)]
    assert len(results) == 20
    for result in results:
        assert (result["result"], result["changes"]) == (False, {})
        assert KEY not in str(result)
        assert "MIIE" not in str(result)
    assert all(f"{model}: " in results[7]["comment"] for model in models)
    assert all(f"{model}: " in results[9]["comment"] for model in models)
    assert recorder.requests == []
    assert api.secrets(id_of(api.one(name)))["api_key"] == "sk****89"


def _as_params(declared):
    params = dict(declared.get("litellm_params", {}))
    if "model_api_key" in declared:
        params["api_key"] = declared["model_api_key"]
    return params


def test_no_comment_grows_with_what_is_declared(states, name):
    arguments = ["model_name", "custom_llm_provider", "base_model", "model_api_key", "tier", "rpm"]
    arguments += ["model_api_base", "mode", "profile", "model_id", "preflight", "litellm_params"]
    declared = [{**MODEL, "name": name, argument: MEGABYTE} for argument in arguments]
    for done in states.run(*(("present", one) for one in declared), test=True):
        assert len(done["comment"]) + sum(map(len, done.get("warnings", ()))) < 10_000


@pytest.mark.parametrize(
    ("function", "arguments"),
    [
        ("list", {"owner": MEGABYTE}),
        ("list", {"blocked": MEGABYTE}),
        ("get", {"name": MEGABYTE}),
        ("delete", {"model_id": MEGABYTE}),
        ("export", {"path": f"/{MEGABYTE}"}),
        ("export", {"set": MEGABYTE}),
        ("manage", {"name": MEGABYTE, "models": {}}),
        ("manage", {"name": "set", "models": {MEGABYTE: {MEGABYTE: MEGABYTE}}}),
        ("manage", {"name": "set", "models": {}, "defaults": {MEGABYTE: 1}}),
        ("manage", {"name": "set", "pillar": MEGABYTE}),
        ("manage", {"name": "set", "pillar": "a:" * 500_000}),
        ("manage", {"name": "set", "source": f"/{MEGABYTE}"}),
        ("manage", {"name": "set", "source": MEGABYTE}),
        ("ping", {"profile": MEGABYTE}),
        ("ping", {"profile": "a:" * 500_000}),
        ("ping", {"profile": {MEGABYTE: 1}}),
        ("ping", {"profile": {"url": f"http://{'a' * 1_000_000}", "api_key": "sk-1"}}),
    ],
    ids=range(17),
)
def test_no_error_grows_with_what_is_given(modules_unasked, function, arguments):
    with pytest.raises((SaltInvocationError, CommandExecutionError)) as err:
        modules_unasked(function, **arguments)
    assert len(str(err.value)) < 1500


def test_an_admin_key_in_another_header_is_enough(api, states, profile, name):
    """LiteLLM takes `x-litellm-api-key` before `Authorization`."""
    headers = {"X-Litellm-Api-Key": f"Bearer {profile['api_key']}"}
    profile.update(api_key="sk-of-something-in-front", headers=headers)
    assert states.present(name)["result"] is True
    assert api.one(name)


def test_a_header_that_the_key_would_replace_is_refused(states_unasked, name):
    states_unasked.profile["headers"] = {"authorization": "Bearer of-something-in-front"}
    done = states_unasked.present(name)
    assert "would be replaced by the api_key" in done["comment"]
    assert "of-something-in-front" not in str(done)


def test_a_reference_follows_a_word_in_headers(
    api, loaders_with, recorder, profile, name, monkeypatch
):
    monkeypatch.setenv("SALTEXT_TEST_HEADER", "header-0123456789\n")
    value = "Bearer sdb://osenv/SALTEXT_TEST_HEADER"
    profile["headers"] = {"X-Proxy": value}
    states = States(loaders_with(osenv={"driver": "env"}), profile)
    done = states.present(name, litellm_params={"extra_headers": {"Authorization": value}})
    assert done["result"] is True
    assert "header-0123456789" not in str(done)
    sent = "Bearer header-0123456789"
    assert {record.headers["X-Proxy"] for record in recorder.requests} == {sent}
    stored = api.stored(id_of(api.one(name)))["litellm_params"]["extra_headers"]
    assert stored == {"Authorization": sent}
