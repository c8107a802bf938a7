"""An exported file, rendered."""

from dataclasses import replace

import jinja2
import pytest
import salt.utils.yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from saltext_litellm.errors import InvalidInput, NotAllowed
from saltext_litellm.models import export, identity
from saltext_litellm.models.desired import desired
from saltext_litellm.models.row import parse_all
from saltext_litellm.report import exported as sls
from saltext_litellm.values.paths import leaves


def row(model_name, model_id="one", **params):
    params = {"model": "openai/gpt-4", **params}
    info = {"id": model_id, "db_model": True}
    return {"model_name": model_name, "litellm_params": params, "model_info": info}


def exported(*rows, ask=lambda _: {"api_key": "sk****89"}, set_=None):
    return export.export(parse_all(list(rows)), ask, {}, set_)


def text_of(found, pillar="secrets", **more):
    return sls.text(found, pillar, "https://gateway.example.com", **more)


def rendered(text, **pillar):
    return salt.utils.yaml.safe_load(jinja2.Template(text).render(pillar=pillar))


@pytest.mark.parametrize(
    "odd",
    ["a\u2028b", "a\x85b", "\U0001f600", "{{ x }}\n{% y %}", "{{{%{#", "'\"\\", " a ", "\ttab"],
)
def test_any_text_is_rendered_to_itself(odd):
    name = odd if odd.isprintable() else "name"  # no state may have such a name
    found = exported(row(name, value=odd, nested={odd: [odd]}))
    text = text_of(found)
    secret = "sk-{{ secret }}\n'\"\u2028: #"
    ((state, declared),) = rendered(text, secrets={name: {"model_api_key": secret}}).items()
    arguments = {
        key: value for one in declared["litellm_model.present"] for key, value in one.items()
    }
    assert state == name
    assert arguments["model_api_key"] == secret
    assert arguments["litellm_params"] == {
        "model": "openai/gpt-4",
        "value": odd,
        "nested": {odd: [odd]},
    }


@pytest.mark.parametrize("name", ["include", "exclude", "extend", "__name", ".name"])
def test_what_means_something_else_to_salt_is_no_id(name):
    text = text_of(exported(row(name)))
    high = rendered(text, secrets={name: {"model_api_key": "x"}})
    assert list(high) == [f"model {name}"]
    assert {"name": name} in high[f"model {name}"]["litellm_model.present"]


def test_a_key_that_may_not_see_masks_is_asked_once_and_the_head_says_so():
    asked = []

    def ask(row):
        asked.append(row.id)
        raise NotAllowed("forbids this (403)", 403)

    found = exported(row("a", "1"), row("b", "2"), ask=ask)
    assert (list(found.states), asked) == (["a", "b"], ["1"])
    text = text_of(found)
    assert "The api_key may not see which secrets they have" in text


def test_the_head_says_of_which_secrets_nothing_is_known_and_why():
    masks = {"1": None, "2": {}, "3": {"api_key": "sk****89"}, "4": None, "5": {}}
    rows = [row(model_id * 2, model_id) for model_id in masks]
    rows[3]["model_info"]["blocked"] = True
    rows[4]["litellm_params"]["litellm_credential_name"] = "shared"
    text = text_of(exported(*rows, ask=lambda row: masks[row.id]))
    _, _, missing = text.partition("# Not in this file, and left as it is on the gateway:\n")
    assert missing.partition("\n\n")[0] == (
        "# - Secrets of 44: LiteLLM does not say which ones a paused model has.\n"
        "# - Secrets of 11: LiteLLM does not say which ones a model has that it does not serve.\n"
        "# - A key of 22: LiteLLM shows none. There is none, or it is os.environ/NAME of a variable"
        " that is\n"
        "#   not set where the gateway runs."
    )


@pytest.mark.parametrize("set_", [None, "production"])
@pytest.mark.parametrize(
    ("key", "shown"),
    [
        ("configurable_clientside_auth_params", ["********", {"api_base": "^https://"}]),
        ("fallbacks", [{"model": "gpt", "api_key": "sk-0123456789abcdef"}]),
        ("tags", ["sk-0123456789abcdef"]),
    ],
)
def test_a_list_that_hides_something_is_filled_in_whole(key, shown, set_):
    found = exported(row("gpt", **{key: shown}), set_=set_)
    assert not found.left_out
    secret = found.states["gpt"]["litellm_params"][key]
    assert (secret.key, secret.stand_in) == (f"litellm_params:{key}", None)


@pytest.mark.parametrize("set_", [None, "production"])
def test_what_a_state_could_not_take_over_is_left_out(set_):
    spaced = [row("twice ", "1"), row("twice ", "2", model="azure/gpt-4")]
    found = exported(row("once ", "3"), row("slashed", "a/b"), *spaced, set_=set_)
    assert list(found.states) == ["once "]
    assert {key: reason.partition(": ")[2] for key, reason in found.left_out.items()} == {
        "a/b": "LiteLLM cannot change a row whose id has a slash, so Salt cannot adopt it",
        "1": export.SPACED,
        "2": export.SPACED,
    }


def test_a_slash_in_the_id_of_a_row_of_ours_does_not_matter():
    ours = row("ours", "a/b")
    ours["model_info"]["saltext_litellm"] = {
        "version": 1,
        "name": "ours",
        "id": "a/b",
        "keys": ["litellm_params/model"],
    }
    assert list(exported(ours).states) == ["ours"]


def test_the_head_has_no_endless_lines():
    rows = [row(f"model-{number:03}", f"{number}") for number in range(300)]
    head = text_of(exported(*rows, ask=lambda _: {})).partition("\n\n")[0]
    assert "model-299: LiteLLM shows none." in head
    assert max(map(len, head.splitlines())) < 100
    assert {line[:1] for line in head.splitlines()} == {"#"}


def test_a_file_reads_as_if_it_was_written_by_hand():
    full = row(
        "gpt",
        rpm=5,
        input_cost_per_token=3e-05,
        custom_llm_provider="openai",
        timeout=600,
        tags=["a"],
    )
    full["model_info"] |= {"base_model": "gpt-4", "mode": "completion", "note": "x"}
    text = text_of(exported(full, row("plain", "two"), ask=lambda _: {"api_key": "sk****89"}))
    assert text.partition("\n\n")[2] == (
        "gpt:\n"
        "  litellm_model.present:\n"
        "    - custom_llm_provider: openai\n"
        "    - base_model: gpt-4\n"
        '    - model_api_key: {{ pillar.get("secrets", {}).get("gpt", {})'
        '.get("model_api_key", "**********") | tojson }}\n'
        "    - mode: completion\n"
        "    - rpm: 5\n"
        "    - input_cost_per_million_tokens: 30.0\n"
        "    - litellm_params:\n"
        "        timeout: 600\n"
        "        tags:\n"
        "          - a\n"
        "    - model_info:\n"
        "        note: x\n"
        "    - tier: null\n"
        "\n"
        "plain:\n"
        "  litellm_model.present:\n"
        '    - model_api_key: {{ pillar.get("secrets", {}).get("plain", {})'
        '.get("model_api_key", "**********") | tojson }}\n'
        "    - litellm_params:\n"
        "        model: openai/gpt-4\n"
        "    - tier: null\n"
    )


def test_a_set_is_a_pillar_file_with_its_state_in_the_head():
    found = exported(row("gpt", timeout=600), row("plain", "two"), set_="production")
    text = text_of(found, "team:models", profile="litellm:prod")
    head, _, body = text.partition("\n\n")
    assert body == (
        "team:\n"
        "  models:\n"
        "    gpt:\n"
        "      model_api_key: null\n"
        "      litellm_params:\n"
        "        model: openai/gpt-4\n"
        "        timeout: 600\n"
        "\n"
        "    plain:\n"
        "      model_api_key: null\n"
        "      litellm_params:\n"
        "        model: openai/gpt-4\n"
    )
    state = [line[1:] for line in head.splitlines() if line.startswith("#      ")]
    assert salt.utils.yaml.safe_load("\n".join(state)) == {
        "production": {
            "litellm_model.managed": [
                {"pillar": "team:models"},
                {"defaults": {"tier": None}},
                {"profile": "litellm:prod"},
            ]
        }
    }


def test_a_set_may_have_any_name():
    head = text_of(exported(set_="include"), "models").splitlines()
    state = "\n".join(line[1:] for line in head if line.startswith("#      "))
    assert salt.utils.yaml.safe_load(state)["model include"]["litellm_model.managed"][0] == {
        "name": "include"
    }


def test_nothing_to_export_is_an_empty_file():
    assert rendered(text_of(exported())) is None
    assert rendered(text_of(exported(set_="production"), "models")) == {"models": {}}


def test_another_profile_is_named_in_each_state():
    high = rendered(text_of(exported(row("a"), ask=lambda _: {}), profile="litellm:prod"))
    assert high["a"]["litellm_model.present"][-1] == {"profile": "litellm:prod"}


def owned(data, name, set_=None):
    marker = {"version": 1, "name": name, "keys": [], "secrets": {}, "id": data["model_info"]["id"]}
    data["model_info"]["saltext_litellm"] = marker | ({"set": set_} if set_ else {})
    return data


def test_rows_are_named_by_what_tells_them_apart():
    rows = [
        *(row("by-provider", f"a{one}", model=f"{one}/gpt-4") for one in ("openai", "azure")),
        *(row("by-model", f"b{one}", model=f"azure/gpt-4-{one}") for one in ("eu", "us")),
        *(row("gpt-4", f"k{one}", model=f"azure/gpt-4{one}") for one in ("", "-eu")),
        *(row("by-region", f"c{one}", aws_region_name=one) for one in ("eu-1", "us-1")),
        *(row("by-host", f"d{one}", api_base=f"https://{one}.test/") for one in ("eu", "us")),
        *(row("by-number", f"e{one}") for one in ("1", "2")),
        row("by-number-1", "f"),
        owned(row("model", "g"), "its own name"),
        owned(row("model", "h"), "of a set", "production"),
        row("model", "i", model="azure/other"),
    ]
    names = {
        "aopenai": "by-provider-openai",
        "aazure": "by-provider-azure",
        "beu": "by-model-gpt-4-eu",
        "bus": "by-model-gpt-4-us",
        "k": "gpt-4",
        "k-eu": "gpt-4-eu",
        "ceu-1": "by-region-eu-1",
        "cus-1": "by-region-us-1",
        "deu": "by-host-eu",
        "dus": "by-host-us",
        "e1": "by-number-1-2",
        "e2": "by-number-2",
        "f": "by-number-1",
        "g": "its own name",
        "h": "model-openai",
        "i": "model-azure",
    }
    found = exported(*rows)
    assert set(found.states) == set(names.values())
    ids = {name: declared.get("model_id") for name, declared in found.states.items()}
    # Only those that would be taken for another or for none without it.
    needed = {model_id for model_id in names if model_id[0] in "abcdehk"}
    assert ids == {name: one if one in needed else None for one, name in names.items()}
    assert found.owners == {"model-openai": "of a set in production"}
    assert "refuses them here:\n# - model-openai: 'of a set in production'\n" in text_of(found)
    of_set = exported(*rows, set_="production")
    assert {"its own name", "of a set", "model"} <= set(of_set.states)
    assert of_set.owners == {}


TEXT = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=12)
VALUES = st.recursive(
    st.one_of(TEXT, st.integers(-(2**31), 2**31), st.booleans()),
    lambda inner: st.one_of(
        st.lists(inner, min_size=1, max_size=3),
        st.dictionaries(TEXT, inner, min_size=1, max_size=3),
    ),
    max_leaves=5,
)
ROWS = st.lists(
    st.tuples(st.sampled_from(["a", "b", "a-1", "include", "x: {{y}}"]), TEXT, VALUES),
    min_size=1,
    max_size=5,
)


@settings(max_examples=100, deadline=None)
@given(rows=ROWS, set_=st.sampled_from([None, "production"]))
def test_what_is_rendered_are_the_rows(rows, set_):
    """Either form declares each row just as it is, and each is found again."""
    data = [
        row(model_name, f"id-{number}", model=f"openai/{number}", my={key: value})
        for number, (model_name, key, value) in enumerate(rows)
    ]
    found = exported(*data, set_=set_)
    text = text_of(found, "the:key" if set_ else "secrets")
    filled_in = {
        name: {one.key: "s" for one in export.secrets(args)} for name, args in found.states.items()
    }
    loaded = rendered(text, secrets=filled_in) or {}  # if each row is left out
    if set_ is None:
        pairs = [
            {key: value for one in state["litellm_model.present"] for key, value in one.items()}
            for state in loaded.values()
        ]
        read = {
            arguments.pop("name", name): arguments
            for name, arguments in zip(loaded, pairs, strict=True)
        }
    else:
        read = loaded["the"]["key"]
    wanted = [
        desired({"name": name, "tier": None, **arguments}, lambda value: value)
        for name, arguments in read.items()
    ]
    known = identity.ModelRows(parse_all(data))
    matched = {}
    for one in wanted:
        match = identity.find(replace(one, set=set_), known)
        matched[match.id] = one
        assert one.model_name == match.model_name
        assert one.values[("litellm_params", "model")] == match.get(("litellm_params", "model"))
        for path, value in leaves(("litellm_params", "my"), match.data["litellm_params"]["my"]):
            if path in one.values:  # else it holds what may be a secret
                assert one.values[path] == value or one.values[path] == "s"
            else:
                assert set_ is not None
    assert len(matched) == len(rows) - len(found.left_out)


@pytest.mark.parametrize("pillar", [{}, {"secrets": {}}, {"secrets": {"gpt": {}}}])
def test_a_secret_that_the_pillar_lacks_is_a_mask_which_salt_refuses(pillar):
    states = rendered(text_of(exported(row("gpt", "one"), row("plain", "two"))), **pillar)
    for name in ("gpt", "plain"):
        (arguments,) = states[name].values()
        declared = {key: value for one in arguments for key, value in one.items()}
        assert declared["model_api_key"] == "**********"
        with pytest.raises(InvalidInput, match="model_api_key is a mask or a placeholder"):
            desired({"name": name, **declared}, lambda value: value)
