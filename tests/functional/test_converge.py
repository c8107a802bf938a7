"""Each key of a full deployment, through its whole life on the real gateway.

Changed, applied again, removed from the SLS, applied again; and changed by somebody else, declared
or not. What is on the gateway is read from LiteLLM's API: secrets by their masks, and that a key is
gone by the key set that a write returns.
"""

import copy
import json

import pytest

pytestmark = pytest.mark.long

ARGUMENTS = {
    "custom_llm_provider": "openai",
    "base_model": "gpt-4",
    "model_api_key": "sk-first-0123456789",
    "model_api_base": "https://one.example.com/v1",
    "api_version": "2023-05-15",
    "tier": "paid",
    "mode": "completion",  # not what the cost map says of the model
    "tpm": 100000,
    "rpm": 1000,
    "input_cost_per_million_tokens": 30.0,
    "output_cost_per_million_tokens": 60.0,
    "aws_access_key_id": "AKIA-first-0123456789",
    "aws_secret_access_key": "aws-first-0123456789",
    "aws_region_name": "us-west-2",
    "blocked": False,
    "litellm_params": {
        "timeout": 600,
        "stream_timeout": 30,
        "max_retries": 2,
        "temperature": 0.5,
        "weight": 3,
        "order": 1,
        "drop_params": True,
        "merge_reasoning_content_in_choices": True,
        "tags": ["one", "two"],
        "stop": ["a", "b"],
        "organization": "org-one",
        "cache_read_input_token_cost": 1e-06,
        "azure_ad_token": "token-first-0123456789",
        "vertex_credentials": {"type": "x", "private_key": "vertex-first-0123"},
        "extra_headers": {"X-Team": "one", "X-Auth-Token": "header-first-0123456789"},
        "extra_body": {"deep": {"er": 1, "list": [1, 2]}},
    },
    "model_info": {
        "access_groups": ["x", "y"],
        "owner": {"team": "one", "mail": "one@example.com"},
        "note": "first",
        "max_input_tokens": 1000,
    },
}

# What is declared, another value, and where it is on the gateway.
KEYS = {
    "custom_llm_provider": ("azure", "litellm_params/custom_llm_provider"),
    "base_model": ("gpt-4o", "model_info/base_model"),
    "model_api_key": ("sk-second-9876543210", "litellm_params/api_key"),
    "model_api_base": ("https://two.example.com/v1", "litellm_params/api_base"),
    "api_version": ("2024-10-21", "litellm_params/api_version"),
    "tier": ("free", "model_info/tier"),
    "mode": ("responses", "model_info/mode"),
    "tpm": (0, "litellm_params/tpm"),
    "rpm": (2000, "litellm_params/rpm"),
    "input_cost_per_million_tokens": (0, "litellm_params/input_cost_per_token"),
    "output_cost_per_million_tokens": (0.1, "litellm_params/output_cost_per_token"),
    "aws_access_key_id": ("AKIA-second-9876543210", "litellm_params/aws_access_key_id"),
    "aws_secret_access_key": ("aws-second-9876543210", "litellm_params/aws_secret_access_key"),
    "aws_region_name": ("eu-central-1", "litellm_params/aws_region_name"),
    "blocked": (True, "blocked"),
    "litellm_params/timeout": (30.5, None),
    "litellm_params/stream_timeout": (60, None),
    "litellm_params/max_retries": (0, None),
    "litellm_params/temperature": (0, None),
    "litellm_params/weight": (4, None),
    "litellm_params/order": (2, None),
    "litellm_params/drop_params": (False, None),
    "litellm_params/merge_reasoning_content_in_choices": (False, None),
    "litellm_params/tags": (["two", "three"], None),
    "litellm_params/stop": (["b", "a"], None),
    "litellm_params/organization": ("org-two", None),
    "litellm_params/cache_read_input_token_cost": (2e-06, None),
    "litellm_params/azure_ad_token": ("token-second-9876543210", None),
    "litellm_params/vertex_credentials": ({"type": "x", "private_key": "vertex-second"}, None),
    "litellm_params/extra_headers/X-Team": ("two", None),
    "litellm_params/extra_headers/X-Auth-Token": ("header-second-9876543210", None),
    "litellm_params/extra_body/deep/er": (2, None),
    "litellm_params/extra_body/deep/list": ([2, 1], None),
    "model_info/access_groups": (["z"], None),
    "model_info/owner/team": ("two", None),
    "model_info/note": ("second", None),
    "model_info/max_input_tokens": (2000, None),
}
# Without them there is no deployment, or they have a value of their own that is not nothing.
NEVER_GONE = {"custom_llm_provider", "base_model", "tier", "blocked"}
# LiteLLM always has a value for it, and sets it to false on a PATCH that does not send it.
RESET = "litellm_params/merge_reasoning_content_in_choices"
HIDDEN = {
    key
    for key in KEYS
    if key.rsplit("/", 1)[-1]
    in ("model_api_key", "aws_access_key_id", "aws_secret_access_key", "azure_ad_token")
    or key.endswith(("vertex_credentials", "X-Auth-Token"))
}


def declare(key, value):
    """The full declaration with one key changed, or left out for `None`."""
    arguments = copy.deepcopy(ARGUMENTS)
    *parents, last = key.split("/")
    node = arguments
    for parent in parents:
        node = node[parent]
    if value is None:
        del node[last]
    else:
        node[last] = value
    return arguments


def place(key):
    return (KEYS[key][1] or key).split("/")


def at(row, path):
    for key in path:
        row = (row or {}).get(key)
    return row


def stored(api, model_id):
    """The raw row as the database has it, sections parsed."""
    row = api.stored(model_id)
    for section in ("litellm_params", "model_info"):
        if isinstance(row[section], str):
            row[section] = json.loads(row[section])
    return row


def observed(api, name):
    """All that can be seen of a deployment but its marker and id."""
    row = api.one(name)
    info = {k: v for k, v in row["model_info"].items() if k not in ("saltext_litellm", "id")}
    return {"litellm_params": row["litellm_params"], "model_info": info}


def differences(before, after, path=()):
    if isinstance(before, dict) and isinstance(after, dict):
        for key in before.keys() | after.keys():
            yield from differences(before.get(key), after.get(key), (*path, key))
    elif before != after:
        yield "/".join(path)


@pytest.fixture
def apply(modules, name):
    def apply(arguments):
        return modules("apply", name, **arguments)

    return apply


def side_effects(key):
    """What LiteLLM changes along with a key, or shows beside it."""
    path = "/".join(place(key))
    also = {path, f"{path}/*"}
    if key in ("custom_llm_provider", "base_model"):
        also |= {"litellm_params/model", "model_info/*"}  # another entry of the cost map
    if "cost" in key:
        also |= {path.replace("litellm_params", "model_info"), "model_info/pricing_overrides"}
    if key == "blocked":
        also |= {"model_info/blocked"}
    return also


@pytest.mark.parametrize("key", KEYS)
def test_a_declared_key_is_changed_and_nothing_else(apply, api, name, key, gateway_can_block):
    if key == "blocked" and not gateway_can_block:
        pytest.skip("this LiteLLM cannot block")
    apply(ARGUMENTS)
    before = observed(api, name)
    model_id = api.one(name)["model_info"]["id"]
    raw = stored(api, model_id)
    done = apply(declare(key, KEYS[key][0]))
    assert list(done["changes"]) == [key.replace("/", ":")]
    after = observed(api, name)
    changed = set(differences(before, after))
    allowed = side_effects(key)
    surprises = {
        path
        for path in changed - allowed
        if not any(one.endswith("/*") and path.startswith(one[:-1]) for one in allowed)
    }
    assert not surprises
    if key in HIDDEN:
        # A string at rest is encrypted, and so another one whenever it is written.
        assert at(stored(api, model_id), place(key)) != at(raw, place(key))
    else:
        assert changed
    assert apply(declare(key, KEYS[key][0]))["changes"] == {}


@pytest.mark.parametrize("key", sorted(KEYS.keys() - NEVER_GONE))
def test_a_key_that_is_declared_no_longer_is_removed(apply, api, name, key):
    apply(ARGUMENTS)
    done = apply(declare(key, None))
    word = key.replace("/", ":")
    # Where LiteLLM cannot clear it in place, the deployment is replaced.
    assert list(done["changes"]) in ([word], [word, "model_id"])
    assert done["changes"][key.replace("/", ":")]["new"] is None
    row = api.one(name)  # exactly one: a replacement leaves nothing behind
    raw = stored(api, row["model_info"]["id"])
    gone = (None, False) if key == RESET else (None,)
    assert at(raw, place(key)) in gone
    assert raw["model_info"]["saltext_litellm"]["name"] == name
    assert apply(declare(key, None))["changes"] == {}
    assert len(api.named(name)) == 1
    again = apply(ARGUMENTS)
    assert list(again["changes"]) == [key.replace("/", ":")]


@pytest.mark.parametrize("key", sorted(KEYS.keys() - {"blocked"}))
def test_a_key_that_somebody_else_sets(apply, api, name, key):
    """Repaired if it is declared, as far as it can be seen; left alone if it is not."""
    required = {"custom_llm_provider", "base_model"}
    undeclared = ARGUMENTS if key in required else declare(key, None)
    apply(undeclared)
    model_id = api.one(name)["model_info"]["id"]
    theirs = KEYS[key][0]
    section, top, *rest = place(key)
    if key.endswith("million_tokens"):
        theirs = theirs / 1_000_000
    if key.endswith("vertex_credentials"):
        theirs = json.dumps(theirs)
    value = theirs
    if rest:
        value = copy.deepcopy(stored(api, model_id)[section].get(top) or {})
        node = value
        for parent in rest[:-1]:
            node = node.setdefault(parent, {})
        node[rest[-1]] = theirs
    body = {section: {top: value}}
    if section == "litellm_params" and key != RESET:
        body[section]["merge_reasoning_content_in_choices"] = True
    if section == "model_info":
        body[section].update(id=model_id, db_model=True)
    api.patch(model_id, **body)
    if key not in required | {"tier"}:
        raw = stored(api, model_id)
        assert at(raw, place(key)) is not None
        assert apply(undeclared)["changes"] == {}
        assert stored(api, model_id) | {"updated_at": 0} == raw | {"updated_at": 0}
    api.patch(model_id, **body)
    done = apply(ARGUMENTS)
    assert key.replace("/", ":") in done["changes"]
    assert apply(ARGUMENTS)["changes"] == {}
    if key not in HIDDEN:
        shown = at(api.one(name), place(key))
        assert shown != theirs


def test_thirty_keys_are_one_request(apply, api, recorder):
    apply(ARGUMENTS)
    recorder.clear()
    assert apply(ARGUMENTS)["changes"] == {}
    assert [(record.method, record.path) for record in recorder.requests] == [
        ("GET", "/v2/model/info")
    ]
    assert len(KEYS) >= 30
