"""`salt-call --local` with the published example."""

import re

import pytest

from tests.functional.conftest import LIST, Api, sent

EXAMPLE = """
{name}:
  litellm_model.present:
    - custom_llm_provider: openai
    - model_api_key: {{{{ pillar['provider_keys']['openai'] }}}}
    - model_api_base: https://api.openai.com/v1
    - api_version: 2023-05-15
    - base_model: gpt-4
    - tier: paid
    - mode: completion
    - tpm: 100000
    - rpm: {{{{ pillar['rpm'] }}}}
    - input_cost_per_million_tokens: 30.0
    - output_cost_per_million_tokens: 60.0
    - aws_access_key_id: your-aws-access-key-id
    - aws_secret_access_key: your-aws-secret-access-key
    - aws_region_name: us-west-2
"""
NAME = "integration-gpt-4-proxy"
KEY = "sk-provider-0123456789"


@pytest.fixture
def salt_call(salt_call, gateway, recorder):
    salt_call.pillar(
        {
            "litellm": {"url": recorder.url, "api_key": gateway.key},
            "provider_keys": {"openai": KEY},
            "rpm": 1000,
        }
    )
    salt_call.states("models", EXAMPLE.format(name=NAME))
    salt_call.states("gone", f"{NAME}:\n  litellm_model.absent")
    yield salt_call
    api = Api(gateway)
    for row in api.named(NAME):
        api.delete(row["model_info"]["id"])


def test_the_main_job(salt_call, gateway, recorder):
    api = Api(gateway)
    (predicted,) = salt_call.apply("models", "test=True")
    assert predicted["result"] is None
    assert api.named(NAME) == []
    (created,) = salt_call.apply("models")
    assert created["result"] is True
    assert created["changes"] == predicted["changes"]
    params = api.one(NAME)["litellm_params"]
    assert (params["api_version"], params["input_cost_per_token"]) == ("2023-05-15", 3e-05)
    assert api.secrets(api.one(NAME)["model_info"]["id"])["api_key"] == "sk****89"

    recorder.clear()
    (again,) = salt_call.apply("models")
    assert (again["result"], again["changes"]) == (True, {})
    assert sent(recorder) == [LIST]

    (changed,) = salt_call.apply("models", "pillar={rpm: 2000}")
    assert changed["changes"] == {"rpm": {"old": 1000, "new": 2000}}

    (removed,) = salt_call.apply("gone")
    assert removed["changes"]
    assert api.named(NAME) == []
    (rested,) = salt_call.apply("gone")
    assert (rested["result"], rested["changes"]) == (True, {})


def test_nothing_printed_or_logged_holds_a_secret(salt_call, gateway):
    everything = ""
    for arguments in (
        ("state.apply", "models"),
        ("state.apply", "models", "pillar={provider_keys: {openai: sk-rotated-abcdefghij}}"),
        ("litellm_model.list",),
        ("litellm_model.get", NAME),
        ("litellm_model.plan", NAME, "litellm_params={model: openai/gpt-4}"),
    ):
        done = salt_call.run("--log-level=debug", *arguments)
        assert done.returncode == 0, done.stderr
        # Salt logs the SLS it has rendered; what we log and return is ours to answer for.
        ours = [
            line for line in done.stderr.splitlines() if "[saltext" in line or "Gateway" in line
        ]
        everything += done.stdout + "\n".join(ours)
    assert "**********" in everything
    for secret in (KEY, "sk-rotated", "your-aws-secret", "your-aws-access", gateway.key):
        assert secret not in everything


def test_list_is_a_table_for_people_and_data_for_programs(salt_call):
    salt_call.apply("models")
    done = salt_call.run("--no-color", "litellm_model.list", NAME)
    _, head, row = (re.split("  +", line.strip()) for line in done.stdout.splitlines())
    (listed,) = salt_call("litellm_model.list", NAME)
    shown = dict(zip(head, row, strict=True))
    assert head[0] == "model_name"
    assert shown.pop("model_id") == f"{listed['model_id'][:8]}…"
    assert listed["owner"].startswith(shown.pop("owner").rstrip("…"))
    assert shown == {key: str(listed[key]) for key in shown}
    assert len(done.stdout.splitlines()[1]) <= 100
    assert (listed["owner"], listed["provider"], listed["blocked"]) == (NAME, "openai", False)
    assert salt_call.run("--no-color", "litellm_model.list", "none*").stdout == "local:\n"


def test_an_error_is_a_sentence_and_an_exit_code(salt_call):
    salt_call.states("bad", "x:\n  litellm_model.present:\n    - base_model: gpt-4\n")
    done = salt_call.run("--retcode-passthrough", "state.apply", "bad")
    assert done.returncode == 2
    assert "base_model needs custom_llm_provider too" in done.stdout
    assert "Traceback" not in done.stdout + done.stderr
    done = salt_call.run("litellm_model.update", "no-such-model", "rpm=5")
    assert done.returncode == 1
    assert "There is no deployment 'no-such-model' to update" in done.stderr
    assert "Traceback" not in done.stdout + done.stderr
    assert "Passed invalid arguments" not in done.stdout + done.stderr


@pytest.mark.parametrize(("declared", "code"), [("models={}", 0), ("pillar=nowhere", 1)])
def test_a_plan_with_nothing_to_do_and_one_that_fails_have_exit_codes(salt_call, declared, code):
    plan = ("--retcode-passthrough", "litellm_model.plan_set", NAME, declared)
    assert salt_call.run(*plan).returncode == code


def test_every_function_is_there_and_documented(salt_call):
    functions = set(salt_call("sys.list_functions", "litellm_model"))
    assert functions == {
        f"litellm_model.{name}"
        for name in ("apply", "block", "create", "delete", "export", "get", "health", "list")
        + ("manage", "ping", "plan", "plan_set", "test_connection", "unblock", "update", "version")
    }
    for function, text in salt_call("sys.doc", "litellm_model").items():
        _, _, example = text.partition("CLI Example:")
        assert re.search(rf"salt(-call| '\*'| [\w-]+) {re.escape(function)}\b", example), function
    states = {
        "litellm_model.absent",
        "litellm_model.managed",
        "litellm_model.mod_watch",
        "litellm_model.present",
    }
    assert set(salt_call("sys.list_state_functions", "litellm_model")) == states
    assert states <= set(salt_call("sys.state_doc", "litellm_model"))


def test_a_run_resolves_its_profile_once(salt_call, gateway, recorder, tmp_path):
    modules, asked = tmp_path / "modules", tmp_path / "asked"
    (modules / "sdb").mkdir(parents=True)
    (modules / "sdb/counting.py").write_text(
        f"def get(key, profile=None):\n"
        f"    with open({str(asked)!r}, 'a') as asked:\n"
        f"        asked.write(key)\n"
        f"    return {gateway.key!r}\n"
    )
    salt_call.configure(f"module_dirs: [{modules}]\nvault: {{driver: counting}}\n")
    salt_call.pillar({"litellm": {"url": recorder.url, "api_key": "sdb://vault/k"}})
    salt_call.states("gone", "".join(f"a{n}:\n  litellm_model.absent\n" for n in range(5)))
    assert all(result["result"] for result in salt_call.apply("gone"))
    assert asked.read_text() == "k"
    # Both views, once for all. A gateway that shows nothing at all is looked at four times more,
    # and asked for each row.
    assert len(sent(recorder)) in (2, 2 + 4 + 5)


def test_a_plan_in_a_condition_decides_no_other(salt_call):
    models = f"{{{NAME}-2: {{litellm_params: {{model: openai/gpt-4}}}}}}"
    salt_call.states(
        "conditions",
        f"""
        planned:
          test.succeed_without_changes:
            - onlyif:
              - fun: litellm_model.plan_set
                args: [set]
                models: {models}
                get_return: pending
        another:
          test.succeed_without_changes:
            - onlyif: [{{fun: test.true}}]
        """,
    )
    done = salt_call.run("--retcode-passthrough", "--out=json", "state.apply", "conditions")
    assert done.returncode == 0, done
    assert done.stdout.count('"comment": "Success!"') == 2


def test_a_source_of_an_environment_that_is_written_first(salt_call, gateway, tmp_path):
    """As people write it: the file and the set in one SLS, both of one environment."""
    (tmp_path / "dev").mkdir()
    minion, dev = tmp_path / "minion", f"file_roots: {{dev: [{tmp_path}/dev], base:"
    minion.write_text(minion.read_text().replace("file_roots: {base:", dev))
    entry = f"{{model_name: {NAME}-3, litellm_params: {{model: openai/gpt-4}}}}"
    (tmp_path / "dev/models.sls").write_text(
        f"""
        {tmp_path}/dev/config.yaml:
          file.managed:
            - contents: "model_list: [{entry}]"
        set:
          litellm_model.managed:
            - source: salt://config.yaml
            - require: [{{file: {tmp_path}/dev/config.yaml}}]
        """
    )
    _, predicted = salt_call.apply("models", "saltenv=dev", "test=True")
    assert (predicted["result"], predicted["changes"]) == (None, {})
    assert "cannot be predicted" in predicted["comment"]
    _, done = salt_call.apply("models", "saltenv=dev")
    assert list(done["changes"]) == [f"{NAME}-3"]
    Api(gateway).delete(Api(gateway).one(f"{NAME}-3")["model_info"]["id"])


MISSPELT = f"""
misspelt:
  litellm_model.present:
    - custom_llm_provider: openai
    - base_model: gpt-4
    - rmp: 5

{NAME}:
  litellm_model.present:
    - litellm_params:
      model: openai/gpt-4

after:
  test.nop: []
"""


def test_a_misspelt_argument_fails_its_state_alone(salt_call, recorder):
    salt_call.states("misspelt", MISSPELT)
    recorder.clear()
    misspelt, indented, other = salt_call.apply("misspelt")
    assert misspelt["comment"] == (
        "misspelt was not changed: there is no argument rmp (did you mean rpm?)"
    )
    assert indented["comment"] == (
        f"{NAME} was not changed: there is no argument model (did you mean mode?)\n"
        "Indent more what belongs to litellm_params, which is empty"
    )
    assert [one["result"] for one in (misspelt, indented, other)] == [False, False, True]
    assert sent(recorder) == []
