"""An exported file, rendered."""

import jinja2
import pytest
import salt.utils.yaml

from saltext_litellm.modules.litellm_model import _yaml
from saltext_litellm.utils.litellm.errors import NotAllowed
from saltext_litellm.utils.models import export
from saltext_litellm.utils.models.row import parse_all


def row(model_name, model_id="one", **params):
    params = {"model": "openai/gpt-4", **params}
    info = {"id": model_id, "db_model": True}
    return {"model_name": model_name, "litellm_params": params, "model_info": info}


def exported(*rows, ask=lambda _: {"api_key": "sk****89"}):
    return export.export(parse_all(list(rows)), ask, {})


@pytest.mark.parametrize(
    "odd",
    ["a\u2028b", "a\x85b", "\U0001f600", "{{ x }}\n{% y %}", "{{{%{#", "'\"\\", " a ", "\ttab"],
)
def test_any_text_is_rendered_to_itself(odd):
    name = odd if odd.isprintable() else "name"  # no state may have such a name
    found = exported(row(name, value=odd, nested={odd: [odd]}))
    text = export.sls(found, "secrets", _yaml, "https://gateway.example.com")
    secret = "sk-{{ secret }}\n'\"\u2028: #"
    pillar = {"secrets": {name: {"model_api_key": secret}}}
    ((state, declared),) = salt.utils.yaml.safe_load(
        jinja2.Template(text).render(pillar=pillar)
    ).items()
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
    text = export.sls(exported(row(name)), "secrets", _yaml, "https://gateway.example.com")
    high = salt.utils.yaml.safe_load(
        jinja2.Template(text).render(pillar={"secrets": {name: {"model_api_key": "x"}}})
    )
    assert list(high) == [f"model {name}"]
    assert {"name": name} in high[f"model {name}"]["litellm_model.present"]


def test_a_key_that_may_not_see_masks_is_asked_once_and_the_head_says_so():
    asked = []

    def ask(row):
        asked.append(row.model_id)
        raise NotAllowed("forbids this (403)", 403)

    found = exported(row("a", "1"), row("b", "2"), ask=ask)
    assert (list(found.states), asked) == (["a", "b"], ["1"])
    text = export.sls(found, "secrets", _yaml, "https://gateway.example.com")
    assert "# The api_key may not see which secrets they have" in text


def test_those_whose_masks_are_not_told_are_named():
    masks = {"1": None, "2": {}}
    found = exported(row("a", "1"), row("b", "2"), ask=lambda row: masks[row.model_id])
    text = export.sls(found, "secrets", _yaml, "https://gateway.example.com")
    assert "lacks those it hides:\n# a\n" in text
