"""What state functions share."""

import inspect

import pytest
import salt.loader.lazy
import salt.state
import salt.utils.args

from saltext_litellm.states import (
    litellm_budget,
    litellm_credential,
    litellm_fallback,
    litellm_gateway,
    litellm_key,
    litellm_model,
    litellm_router,
    litellm_team,
)

KINDS = [
    litellm_budget,
    litellm_credential,
    litellm_fallback,
    litellm_gateway,
    litellm_key,
    litellm_model,
    litellm_router,
    litellm_team,
]
FUNCTIONS = [
    pytest.param(vars(kind)[name], id=f"{kind.__virtualname__}.{name}")
    for kind in KINDS
    for name in ("present", "absent", "managed")
    if name in vars(kind)
]


def applied(function, **low):
    """What Salt gets of a state, with what it adds to the arguments."""
    low = {"name": "one", "order": 10000, "__id__": "one", "require": [], **low}
    needed = [
        name
        for name, one in inspect.signature(function).parameters.items()
        if one.default is one.empty and one.kind is not one.VAR_KEYWORD
    ]
    given = {**dict.fromkeys(needed, "some"), **low}
    call = salt.utils.args.format_call(
        function, given, expected_extra_kws=salt.state.STATE_INTERNAL_KEYWORDS
    )
    inject = salt.loader.lazy.global_injector_decorator({"__low__": given})
    return inject(function)(*call["args"], **call["kwargs"])


@pytest.mark.parametrize("function", FUNCTIONS)
def test_a_state_alone_fails_for_an_argument_that_it_does_not_have(function):
    assert applied(function, profil="litellm:prod") == {
        "name": "one",
        "result": False,
        "changes": {},
        "comment": "one was not changed: there is no argument profil (did you mean profile?)",
    }


@pytest.mark.parametrize(
    ("given", "comment"),
    [
        ({"rmp": 5}, "there is no argument rmp (did you mean rpm?)"),
        ({"zzz": 5}, "there is no argument zzz"),
        (
            {"zzz": 5, "model_inof": {}},
            "there is no argument model_inof (did you mean model_info?), zzz",
        ),
        (
            {"litellm_params": None, "model": "openai/gpt-4"},
            "there is no argument model (did you mean mode?)\n"
            "Indent more what belongs to litellm_params, which is empty",
        ),
    ],
)
def test_it_says_what_may_be_meant(given, comment):
    found = applied(litellm_model.present, **given)
    assert found["comment"] == f"one was not changed: {comment}"


@pytest.mark.parametrize(
    ("name", "shown"), [("x" * 200, "x" * 80 + "…"), ({"9" * 100_000: 1}, "a mapping"), (5, "5")]
)
def test_an_odd_name_is_shown_shortly(name, shown):
    found = applied(litellm_model.present, name=name, rmp=5)
    assert found["comment"].startswith(f"{shown} was not changed: there is no argument rmp")


def test_no_value_is_shown():
    found = applied(litellm_model.present, model_api_kye="sk-CANARY")
    assert "CANARY" not in str(found)


@pytest.mark.parametrize("function", FUNCTIONS)
def test_the_arguments_are_still_listed(function):
    *listed, last = inspect.signature(function).parameters.values()
    assert last.kind is last.VAR_KEYWORD
    assert all(one.kind is one.POSITIONAL_OR_KEYWORD for one in listed)
