"""What a gateway has as a resource: its functions, its states and its grains, without a master."""

import json

import pytest
import salt.config
import salt.minion

from .conftest import LIST, as_job, sent

context = pytest.importorskip("salt.loader.context")
if not hasattr(context, "resource_ctxvar"):
    pytest.skip("Salt has resources from 3008 on", allow_module_level=True)

PING = LIST  # but of one row
VERSION = ("GET", "/public/model_hub/info")
GATEWAY = "prod-eu"


class Manager:
    """A minion that manages gateways, in this process."""

    def __init__(self, root, gateways, pillar, **more):
        self.root = root
        for folder in ("states", "pillar"):
            (root / folder).mkdir()
        data = {"resources": {"litellm": gateways}, **pillar}
        (root / "pillar/top.sls").write_text("base: {'manager': [data]}")
        (root / "pillar/data.sls").write_text("#!json\n" + json.dumps(data))
        opts = salt.config.minion_config(None)
        for key in ("cachedir", "pki_dir", "sock_dir", "conf_file"):
            opts[key] = str(root / key)
        opts.update(root_dir=str(root), id="manager", file_client="local", __cli="salt-call")
        opts.update(**{"file_roots": {"base": [str(root / "states")]}, **more})
        opts.update(pillar_roots={"base": [str(root / "pillar")]})
        self.minion = salt.minion.SMinion(opts)

    def states(self, name, text):
        (self.root / f"states/{name}.sls").write_text(text)

    def __call__(self, function, *args, gateway=GATEWAY, **kwargs):
        """Call a function as Salt does for a job that is addressed to a gateway."""
        token = context.resource_ctxvar.set({"id": gateway, "type": "litellm"})
        try:
            return self.minion.resource_loaders["litellm"][function](*args, **kwargs)
        finally:
            context.resource_ctxvar.reset(token)

    @property
    def retcode(self):
        return self.minion.resource_loaders["litellm"].pack["__context__"].get("retcode")


@pytest.fixture
def manage(tmp_path, profile):
    def manage(entry=None, pillar=None, more=None, **options):
        gateways = {GATEWAY: {**profile, **(entry or {})}, **(more or {})}
        return Manager(tmp_path, gateways, pillar or {}, **options)

    return manage


def model(name, *more):
    lines = ("custom_llm_provider: openai", "base_model: gpt-4", *more)
    return f"{name}:\n  litellm_model.present:\n" + "".join(f"    - {line}\n" for line in lines)


def test_nothing_to_do_takes_a_ping_and_the_list(manage, recorder, name):
    manager = manage()
    manager.states("models", model(name))
    manager("state.apply", "models")
    recorder.clear()
    (result,) = manager("state.apply", "models").values()
    assert (result["result"], result["changes"], bool(manager.retcode)) == (True, {}, False)
    assert sent(recorder) == [PING, LIST]


def test_an_sls_sees_the_pillar_and_the_grains_of_its_gateway(manage, api, name):
    other = {"url": "http://127.0.0.1:9", "api_key": "sk-other-0123456789"}
    manager = manage({"pillar": {"rpm": 5}}, {"rpm": 1, "tpm": 7}, {"other": other})
    seen = (
        "{{ salt['pillar.get']('rpm') }} {{ salt['grains.get']('id') }} {{ grains['litellm_url'] }}"
        " {{ pillar['litellm']['url'] }} {{ 'resources' in pillar }}"
    )
    limits = ("rpm: {{ pillar['rpm'] }}", "tpm: {{ pillar['tpm'] }}")
    manager.states("lib", f"{{% macro seen() %}}{seen}{{% endmacro %}}")
    text = "{% from 'lib.sls' import seen with context %}\n" + model(name, *limits)
    manager.states("models", f"{text}    - model_info: {{seen: '{{{{ seen() }}}}'}}\n")
    (result,) = manager("state.apply", "models", pillar={"tpm": 8}).values()
    assert result["result"] is True
    row = api.one(name)
    assert (row["litellm_params"]["rpm"], row["litellm_params"]["tpm"]) == (5, 8)
    url = manager.minion.opts["pillar"]["resources"]["litellm"][GATEWAY]["url"]
    assert row["model_info"]["seen"] == f"5 {GATEWAY} {url} {url} False"


def test_the_top_file_means_the_gateway(manage, api, name):
    manager = manage()
    top = {
        GATEWAY: ["models"],
        "manager": ["absent"],
        f"litellm_url:{manager.minion.opts['id']}": [{"match": "grain"}, "absent"],
        "litellm_database:True": [{"match": "grain"}, "more"],
    }
    manager.states("top", json.dumps({"base": top}))
    manager.states("models", model(name))
    manager.states("more", model(f"{name}-more"))
    predicted = manager("state.highstate", test=True)
    assert {one["result"] for one in predicted.values()} == {None}
    assert api.named(name) == []
    done = manager("state.apply")
    assert {one["name"]: one["result"] for one in done.values()} == {
        name: True,
        f"{name}-more": True,
    }
    assert len(api.named(name)) == 1


def test_nothing_happens_to_the_minion(manage, tmp_path, name):
    made = tmp_path / "made"
    manager = manage()
    manager.states(
        "machine",
        f"run:\n  cmd.run:\n    - name: touch {made}\ntouch:\n  file.touch:\n    - name: {made}\n"
        f"module:\n  module.run:\n    - cmd.run:\n      - touch {made}\n",
    )
    done = manager("state.apply", "machine")
    assert [one["result"] for one in done.values()] == [False] * 3
    assert "'cmd.run' is not available" in str(done)
    assert manager.retcode == 2
    manager.states("template", f"{{{{ salt['cmd.run']('touch {made}') }}}}")
    (error,) = manager("state.apply", "template")
    assert "Rendering SLS 'base:template' failed" in error
    assert manager.retcode == 1
    assert not made.exists()


def test_a_state_may_call_a_function_of_its_gateway(manage, name):
    manager = manage()
    manager.states("call", "call:\n  module.run:\n    - litellm_model.version: []\n")
    (result,) = manager("state.apply", "call").values()
    assert result["result"] is True
    assert result["changes"] == {"litellm_model.version": manager("litellm_model.version")}


def test_no_state_leaves_its_gateway(manage, profile, api, name):
    """Not by a profile of the minion, nor by one that is given to the run."""
    manager = manage(pillar={"litellm": {"prod": profile}, "other": profile}, litellm=profile)
    for other in ("litellm:prod", "other"):
        manager.states("models", model(name, f"profile: {other}"))
        (result,) = manager("state.apply", "models").values()
        assert result["result"] is False
        assert f"runs for the gateway {GATEWAY}, which its states cannot leave" in result["comment"]
    manager.states("models", model(name))
    elsewhere = {"litellm": {"url": "http://127.0.0.1:9", "api_key": "sk-9"}}
    (result,) = manager("state.apply", "models", pillar=elsewhere).values()
    assert result["result"] is True
    assert len(api.named(name)) == 1


def test_gateways_of_one_process_are_kept_apart(manage, profile, api, second_api, name):
    """As in one job: the loader has loaded the modules for another gateway meanwhile."""
    second = second_api.gateway
    other = {"url": second.url, "api_key": second.key, "pillar": {"rpm": 2}}
    manager = manage({"pillar": {"rpm": 1}}, more={"other": other})
    manager.states("models", model(name, "rpm: {{ pillar['rpm'] }}"))
    gateways = {GATEWAY: (api, 1), "other": (second_api, 2)}
    for one in (*gateways, *gateways):
        (result,) = manager("state.apply", "models", gateway=one).values()
        assert result["result"] is True
        row = manager("litellm_model.get", name, gateway=one)
        assert row["litellm_params"]["rpm"] == gateways[one][1]
    for one, (reached, limit) in gateways.items():
        assert reached.one(name)["litellm_params"]["rpm"] == limit, one
    assert manager("litellm_model.delete", name, gateway="other")["action"] == "delete"


def test_functions_are_checked_and_explained_as_on_a_minion(manage, name):
    manager = manage()
    loader = manager.minion.resource_loaders["litellm"]
    create = loader["litellm_model.create"]
    arguments = [name, {"__kwarg__": True, "rpm": 5}]
    assert salt.minion.load_args_and_kwargs(create, arguments) == ([name], {"rpm": 5})
    with pytest.raises(salt.exceptions.SaltInvocationError, match="profile=litellm"):
        salt.minion.load_args_and_kwargs(create, [{"__kwarg__": True, "profile": "litellm"}])
    texts = manager("sys.doc")
    assert set(texts) == set(loader)
    assert list(manager("sys.doc", "state.apply", "test")) == ["state.apply", "test.ping"]


def test_grains_are_asked_for_once(manage, recorder, name, monkeypatch):
    manager = manage()
    first = manager("grains.items")
    assert set(first) == {"id"} | {
        f"litellm_{fact}" for fact in ("url", "version", "database", "deployments")
    }
    assert sent(recorder) == [VERSION, LIST]
    assert manager("grains.items") == first
    assert len(recorder.requests) == 2
    # One that does not answer keeps what it had.
    monkeypatch.setattr("saltext_litellm.adapter.resources._GRAINS_AGE", -1)
    recorder.leave()
    assert manager("grains.items") == first


@pytest.mark.parametrize(
    ("status", "reason", "database"),
    [
        (401, "Invalid proxy server token passed", {}),
        (500, "DB not connected. See the docs", {"litellm_database": False}),
        (500, "something else", {}),
    ],
)
def test_what_a_gateway_does_not_say_is_no_grain(manage, recorder, status, reason, database):
    recorder.fault(path="/v2/model/info", status=status, json={"error": {"message": reason}})
    found = manage()("grains.items")
    assert set(found) == {"id", "litellm_url", "litellm_version", *database}
    assert database.items() <= found.items()


def test_a_gateway_that_hangs_is_given_up_before_its_states_are_run(manage, recorder, monkeypatch):
    manager = manage()
    manager.states("models", model("a") + model("b"))
    recorder.fault(delay=30)
    monkeypatch.setattr("saltext_litellm.adapter.resources._PING_SECONDS", 0.5)
    (error,) = manager("state.apply", "models")
    assert error == f"{recorder.url} did not answer GET /v2/model/info within 0.5 s"
    assert manager.retcode == 2
    assert set(sent(recorder)) <= {PING}


WRONG = "sk-wrong-0123456789"


def test_a_wrong_key_is_told_by_its_gateway_before_its_states_are_run(manage, recorder):
    manager = manage({"api_key": WRONG})
    manager.states("models", model("a") + model("b"))
    refused = f"{recorder.url} refuses the api_key of the gateway {GATEWAY} (401)"
    (error,) = manager("state.apply", "models")
    assert (error.partition(": Auth")[0], manager.retcode) == (refused, 2)
    assert sent(recorder) == [PING]
    for call in (("test.ping",), ("litellm_model.ping",), ("litellm_model.list",)):
        with pytest.raises(salt.exceptions.CommandExecutionError) as failed:
            manager(*call)
        assert str(failed.value).startswith(refused)
        assert WRONG not in str(failed.value)


def test_a_key_that_is_refused_in_the_middle_is_told_by_its_gateway(manage, recorder, name):
    manager = manage()
    manager.states("models", model(name))
    recorder.fault(method="POST", status=401, json={"error": {"message": "No"}})
    (result,) = manager("state.apply", "models").values()
    assert result["result"] is False
    assert f"refuses the api_key of the gateway {GATEWAY} (401): No" in result["comment"]


def test_the_name_of_the_minion_is_left_out(manage, caplog):
    manager = manage(more={"manager": {"url": "http://127.0.0.1:9", "api_key": "sk-9"}})
    assert manager.minion.opts["resources"] == {"litellm": [GATEWAY]}
    assert "manager is left out: the minion has the same id" in caplog.text


def test_a_broken_entry_is_told_by_its_gateway_alone(manage, name):
    manager = manage(more={"broken": "sk-only-a-key-0123456789"})
    manager.states("models", model(name))
    (error,) = manager("state.apply", "models", gateway="broken")
    assert error.endswith("no mapping with url and api_key at resources:litellm:broken")
    assert "sk-only" not in error
    assert manager("grains.items", gateway="broken") == {"id": "broken"}
    assert manager("test.ping") is True


def test_a_pillar_that_cannot_be_rendered_runs_nothing(manage, recorder, name):
    manager = manage()
    manager.minion.opts["pillar"]["_errors"] = ["it is broken"]
    loaded = manager.minion.resource_loaders["litellm"].opts["pillar"]
    loaded["_errors"] = ["it is broken"]
    done = manager("state.apply", "models")
    assert done == ["Pillar failed to render with the following messages:", "it is broken"]
    assert (manager.retcode, recorder.requests) == (5, [])


def test_a_source_comes_from_the_environment_of_the_run(manage, api, tmp_path, name):
    base, dev = tmp_path / "states", tmp_path / "dev"
    manager = manage(file_roots={"base": [str(base)], "dev": [str(dev)]})
    entry = "{model_name: %s, litellm_params: {model: openai/gpt-4}}"
    dev.mkdir()
    for root, model_name in ((base, name), (dev, f"{name}-dev")):
        (root / "config.yaml").write_text("include: [more.yaml]")
        (root / "more.yaml").write_text(f"model_list: [{entry % model_name}]")
        (root / "models.sls").write_text(
            f"set-{name}:\n  litellm_model.managed:\n    - source: salt://config.yaml\n"
        )
    (result,) = manager("state.apply", "models", saltenv="dev").values()
    assert (result["result"], list(result["changes"])) == (True, [f"{name}-dev"])
    (result,) = manager("state.apply", "models", test=True).values()
    assert list(result["changes"]) == [name], result


def test_a_plan_has_an_exit_code_only_if_it_is_what_is_asked_for(manage, name):
    manager = manage()
    models = {name: {"custom_llm_provider": "openai", "base_model": "gpt-4"}}
    for job, code in (("litellm_model.plan_set", 2), ("mine.update", 0)):
        with as_job(job):
            assert manager("litellm_model.plan_set", name, models=models)["pending"] is True
        assert manager.retcode == code
