"""`diff`: in what a document and a gateway differ, and which of the two is in force."""

import pytest
import yaml

from tests.functional.conftest import States
from tests.support.recorder import Recorder

from .conftest import Whole, calling

KEY = "sk-secret-0123456789"
CONFIG = {
    "credential_list": [
        {
            "credential_name": "of-the-file",
            "credential_values": {"api_key": KEY},
            "credential_info": {},
        }
    ],
    "model_list": [
        {"model_name": "chat", "litellm_params": {"model": "openai/gpt-4o", "api_key": KEY}},
        {"model_name": "large", "litellm_params": {"model": "openai/gpt-4o", "api_key": KEY}},
    ],
    "router_settings": {"num_retries": 3, "fallbacks": [{"chat": ["large"]}]},
}


NAMES = ("chat", "large")


def line(name, key, file, database, in_force):
    found = {"object": name, "key": key, "file": file, "database": database}
    return {**found, "in_force": in_force}


def left(whole):
    """The settings that tests leave in the database."""
    return [
        line(f"router setting {key}", "", "absent", "present", "database") for key in whole.stored()
    ]


def test_a_gateway_that_is_as_the_document_says(managed, call, whole, name):
    document = {key: CONFIG[key] for key in ("credential_list", "model_list")}
    document["router_settings"] = {"fallbacks": CONFIG["router_settings"]["fallbacks"]}
    assert call("diff", f"set-{name}", document=document) == [
        line("credential of-the-file", "", "present", "absent", "neither"),
        line("model chat", "", "present", "absent", "neither"),
        line("model large", "", "present", "absent", "neither"),
        line("fallback general/chat", "", "present", "absent", "neither"),
        *left(whole),
    ]
    assert managed(document)["result"] is True
    assert call("diff", f"set-{name}", document=document) == left(whole)


def test_what_differs_and_what_only_the_database_has(managed, call, whole, name, tmp_path):
    document = {key: CONFIG[key] for key in ("credential_list", "model_list")}
    managed(document)
    row = whole.one_model("large")
    path = f"/model/{row['model_info']['id']}/update"
    whole("PATCH", path, json={"litellm_params": {"rpm": 7, "api_key": "sk-other-0123456789"}})
    body = {"model_name": "unknown", "litellm_params": {"model": "openai/gpt-4o"}}
    whole("POST", "/model/new", json=body)
    document["model_list"] = [
        document["model_list"][0],
        {**document["model_list"][1], "model_info": {"tier": "paid"}},
    ]
    document["model_list"][1]["litellm_params"] = {
        **document["model_list"][1]["litellm_params"],
        "rpm": 5,
    }
    (tmp_path / "config.yaml").write_text(yaml.safe_dump(document))
    found = call("diff", f"set-{name}", source=f"{tmp_path}/config.yaml")
    assert found == [
        line("model large", "rpm", 5, 7, "database"),
        line("model large", "tier", "paid", None, "database"),
        line("model unknown", "", "absent", "present", "database"),
        *left(whole),
    ]
    assert KEY not in str(found)


@pytest.fixture
def its_own(shared_gateway):
    """A gateway whose own config file is the document."""
    gateway = shared_gateway(**CONFIG)
    whole = Whole(gateway)
    yield gateway, whole
    for row in whole.models():
        if row["model_info"]["db_model"]:
            whole("POST", "/model/delete", json={"id": row["model_info"]["id"]})


def test_the_document_is_the_gateways_own_config_file(its_own, loaders):
    gateway, whole = its_own
    with Recorder(gateway.url) as recorder:
        call = calling(loaders, recorder.url, gateway.key)
        found = call("diff", "own", document=CONFIG)
        models = [line(f"model {one}", "", "present", "absent", "config") for one in NAMES]
        if whole.has_settings():
            of_config = ("fallback general/chat", "router setting num_retries")
            assert found == [
                line("credential of-the-file", "", "present", "absent", "config"),
                *models,
                *(line(one, "", "present", "absent", "config") for one in of_config),
            ]
        else:  # 1.83 does not say what else is of its file
            assert [one for one in found if one["object"].startswith("model")] == models
        assert {one.method for one in recorder.requests} <= {"GET"}
    states = States(loaders, {"url": gateway.url, "api_key": gateway.key})
    models = {"model_list": CONFIG["model_list"]}
    result = states.run(("litellm_gateway.managed", {"name": "own", "document": models}))
    assert result["result"] is True
    assert "The gateway's config file defines chat" in result["comment"]
    call = calling(loaders, gateway.url, gateway.key)
    found = call("diff", "own", document=models)
    assert not [one for one in found if one["object"].startswith("model")]
    if whole.has_settings():
        result = states.run(("litellm_gateway.managed", {"name": "own", "document": CONFIG}))
        assert result["result"] is False
        assert (
            "of-the-file belongs to the gateway's config file, which Salt never touches"
            in (result["comment"])
        )
