"""An argument is the same everywhere: its name, its default, its place, its text."""

import inspect
import re

import pytest

from saltext_litellm.budgets.arguments import BudgetArguments
from saltext_litellm.config_yaml.arguments import DiffArguments, DocumentArguments
from saltext_litellm.credentials.arguments import CredentialArguments, CredentialSetArguments
from saltext_litellm.keys.arguments import KeyArguments, KeySetArguments
from saltext_litellm.models import fields
from saltext_litellm.models.arguments import DeploymentArguments, SetArguments
from saltext_litellm.modules import litellm_budget as budget_module
from saltext_litellm.modules import litellm_credential as credential_module
from saltext_litellm.modules import litellm_fallback as fallback_module
from saltext_litellm.modules import litellm_gateway as gateway_module
from saltext_litellm.modules import litellm_key as key_module
from saltext_litellm.modules import litellm_model as module
from saltext_litellm.modules import litellm_router as router_module
from saltext_litellm.modules import litellm_team as team_module
from saltext_litellm.routing.arguments import (
    FallbackArguments,
    SettingArguments,
    SettingsArguments,
)
from saltext_litellm.states import litellm_budget as budget_state
from saltext_litellm.states import litellm_credential as credential_state
from saltext_litellm.states import litellm_fallback as fallback_state
from saltext_litellm.states import litellm_gateway as gateway_state
from saltext_litellm.states import litellm_key as key_state
from saltext_litellm.states import litellm_model as state
from saltext_litellm.states import litellm_router as router_state
from saltext_litellm.states import litellm_team as team_state
from saltext_litellm.teams.arguments import TeamArguments, TeamSetArguments
from tests.conftest import REPO_ROOT

# What the execution functions differ in, and why.
DIFFERENCES = {
    "apply": {"test": False},
    "plan": {},  # is apply with test=True
    "create": {"test": False},
    "update": {"test": False, "tier": None},  # changes only what is given
    "test_connection": {},  # makes no row
}
# Arguments that say something else than what a row holds.
ABOUT_THE_RUN = {"name", "verify_secrets", "preflight", "verify", "profile"}
STATES = [
    pytest.param(vars(kind)[name], id=f"{kind.__virtualname__}.{name}")
    for kind in (
        state,
        credential_state,
        fallback_state,
        router_state,
        gateway_state,
        team_state,
        key_state,
        budget_state,
    )
    for name in ("present", "absent", "managed")
    if name in vars(kind)
]


def defaults_of(function):
    """Arguments and their defaults, in order; of one without a default, its name's `empty`."""
    return {
        name: one.default
        for name, one in inspect.signature(function).parameters.items()
        if one.kind is not one.VAR_KEYWORD
    }


def documented(function):
    return re.findall(r"^(\w+)$", inspect.getdoc(function), re.MULTILINE)


def texts_of(function):
    """What the docstring says of each argument."""
    _, *parts = re.split(r"^(\w+)$", inspect.getdoc(function), flags=re.MULTILINE)
    return {
        name: " ".join(text.split()) for name, text in zip(parts[::2], parts[1::2], strict=True)
    }


PRESENT = defaults_of(state.present)


@pytest.mark.parametrize(
    ("function", "arguments"),
    [
        (state.present, DeploymentArguments),
        (state.managed, SetArguments),
        (credential_state.present, CredentialArguments),
        (credential_state.managed, CredentialSetArguments),
        (fallback_state.present, FallbackArguments),
        (router_state.present, SettingArguments),
        (router_state.managed, SettingsArguments),
        (team_state.present, TeamArguments),
        (team_state.managed, TeamSetArguments),
        (key_state.present, KeyArguments),
        (key_state.managed, KeySetArguments),
        (budget_state.present, BudgetArguments),
        (gateway_state.managed, DocumentArguments),
    ],
)
def test_a_state_lists_its_arguments_and_takes_others_only_to_refuse_them(function, arguments):
    *listed, more = inspect.signature(function).parameters.values()
    assert listed == list(inspect.signature(arguments).parameters.values())
    assert more.kind is more.VAR_KEYWORD


@pytest.mark.parametrize("function", DIFFERENCES)
def test_the_execution_functions_take_what_present_takes(function):
    found = defaults_of(vars(module)[function])
    assert found == PRESENT | DIFFERENCES[function]
    assert [name for name in found if name in PRESENT] == list(PRESENT)
    assert all(found[name] is value for name, value in (PRESENT | DIFFERENCES[function]).items())


def test_the_execution_functions_for_credentials_take_what_the_states_take():
    present, managed = map(defaults_of, (credential_state.present, credential_state.managed))
    assert defaults_of(credential_module.plan) == present
    assert defaults_of(credential_module.apply) == present | {"test": False}
    assert defaults_of(credential_module.manage) == managed | {"test": False}


def test_the_execution_functions_for_routing_take_what_the_states_take():
    for function, taken in (
        (fallback_state.present, (fallback_module.plan, fallback_module.apply)),
        (router_state.present, (router_module.plan, router_module.apply)),
        (router_state.managed, (router_module.manage,)),
    ):
        for one in taken:
            tests = {} if one.__name__ == "plan" else {"test": False}
            assert defaults_of(one) == defaults_of(function) | tests
    absent = defaults_of(fallback_state.absent)
    assert defaults_of(fallback_module.delete) == absent | {"test": False}


def test_the_execution_functions_for_teams_keys_and_budgets_take_what_the_states_take():
    for states, taken in ((team_state, team_module), (key_state, key_module)):
        absent = defaults_of(states.absent)
        assert defaults_of(taken.delete) == absent | {"test": False, "any_owner": True}
        present, managed = map(defaults_of, (states.present, states.managed))
        assert defaults_of(taken.plan) == present
        assert defaults_of(taken.apply) == present | {"test": False}
        assert defaults_of(taken.manage) == managed | {"test": False}
    present = defaults_of(budget_state.present)
    assert defaults_of(budget_module.plan) == present
    assert defaults_of(budget_module.apply) == present | {"test": False}


def test_manage_takes_what_managed_takes():
    document = defaults_of(gateway_state.managed)
    assert defaults_of(gateway_module.manage) == document | {"test": False}
    assert defaults_of(gateway_module.diff).items() <= document.items()
    assert defaults_of(module.manage) == defaults_of(state.managed) | {"test": False}
    assert defaults_of(module.plan_set) == defaults_of(state.managed)


@pytest.mark.parametrize(
    "arguments",
    [
        *(DeploymentArguments, SetArguments, CredentialArguments, CredentialSetArguments),
        *(FallbackArguments, SettingArguments, SettingsArguments),
        *(DiffArguments, DocumentArguments, KeyArguments, KeySetArguments),
    ],
)
def test_arguments_do_not_show_their_secrets(arguments):
    given = dict.fromkeys(inspect.signature(arguments).parameters, "sk-0123456789")
    assert "sk-0123456789" not in repr(arguments(**given))


def test_each_argument_has_a_place_and_each_place_an_argument():
    assert set(PRESENT) - ABOUT_THE_RUN == fields.FIELDS.known
    in_table_order = [name for name in PRESENT if name in fields.ARGUMENTS]
    assert in_table_order == list(fields.ARGUMENTS)


def test_no_two_arguments_have_one_place():
    places = [path for path, _ in fields.ARGUMENTS.values()]
    assert len(places) == len(set(places))


def test_what_is_not_given_is_not_declared_but_for_the_tier():
    given = {name: value for name, value in PRESENT.items() if name in fields.FIELDS.known}
    assert {name: value for name, value in given.items() if value is not None} == {"tier": "free"}


@pytest.mark.parametrize("function", STATES)
def test_the_text_explains_each_argument_in_order(function):
    assert documented(function) == list(defaults_of(function))


@pytest.mark.parametrize("function", STATES)
def test_the_text_says_type_and_default(function):
    for name, text in texts_of(function).items():
        assert re.search(r"\((a )?(string|(whole )?number|boolean|mapping|list)\b", text), name
        default = defaults_of(function)[name]
        if default not in (None, inspect.Parameter.empty):
            assert f"Defaults to ``{default}``" in text, name


def test_the_text_says_the_place_in_litellm():
    texts = texts_of(state.present)
    for name, (path, _) in fields.ARGUMENTS.items():
        assert f"``{'.'.join(path)}``" in texts[name], name


def test_the_texts_have_no_roles_of_sphinx():
    """`sys.doc` would show them as they are."""
    source = REPO_ROOT / "src/saltext_litellm"
    files = [
        path
        for folder in ("beacons", "modules", "resources", "states")
        for path in (source / folder).rglob("*.py")
    ]
    assert len(files) > 10
    assert [path for path in files if re.search(r":\w+:`", path.read_text())] == []


@pytest.mark.parametrize("function", DIFFERENCES)
def test_the_text_of_a_function_explains_what_present_does_not_have(function):
    assert documented(vars(module)[function]) == [
        name for name in DIFFERENCES[function] if name not in PRESENT
    ]
