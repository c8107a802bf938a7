"""What is said of a deployment beside its changes: rows of the same name, and what to declare."""

from types import SimpleNamespace

import pytest

from saltext_litellm.models import notes
from saltext_litellm.models.identity import ModelRows
from saltext_litellm.objects.marker import Marker
from saltext_litellm.objects.plan import CREATE, NONE, UPDATE, Plan
from tests.support.build import deployment, model_row

SAME = "the same model name: LiteLLM balances calls between them"
CREATING, CHANGING = Plan(CREATE), Plan(UPDATE, "own", model_row("own"))


def views(compared=False, unproven=False, config=()):
    rows = ModelRows(model_row(one) for one in config)
    return SimpleNamespace(compared=compared, unproven=unproven, config=lambda: rows)


def said(plan, rows, wanted=None, used=(), speaks=True, **more):
    wanted = wanted or deployment("gpt")
    return list(
        notes.namesake_notes(wanted, plan, ModelRows(rows), views(**more), frozenset(used), speaks)
    )


def mine(row_id, name, set_=None):
    return model_row(row_id, marker=Marker(name, set=set_))


NAMESAKES = [
    pytest.param(CREATING, [], [], id="none"),
    pytest.param(CREATING, [model_row("x", model_name="other")], [], id="of another name"),
    pytest.param(CREATING, [model_row("x")], [f"x, which nobody owns, has {SAME}"], id="nobody's"),
    pytest.param(
        CHANGING,
        [model_row("x")],
        [f"x, which nobody owns, has {SAME}"],
        id="nobody's, at a change",
    ),
    pytest.param(
        CREATING,
        [model_row("x"), model_row("y")],
        [f"x, y, which nobody owns, have {SAME}"],
        id="several of nobody",
    ),
    pytest.param(
        CREATING,
        [model_row(f"row-{number}") for number in range(8)],
        [f"row-0, row-1, row-2, row-3, row-4 and 3 more, which nobody owns, have {SAME}"],
        id="too many to name",
    ),
    pytest.param(
        CREATING,
        [mine("x", "before")],
        [
            f"x of 'before' has {SAME}",
            "If 'before' is how this state was named before, declare `litellm_model.absent` for "
            "'before'",
        ],
        id="another state's, which may be this one's former name",
    ),
    pytest.param(
        CREATING,
        [mine("x", "one"), mine("y", "two")],
        [
            f"x of 'one', y of 'two' have {SAME}",
            "If this state had one of these names before, declare `litellm_model.absent` for that "
            "name",
        ],
        id="those of other states",
    ),
    pytest.param(CHANGING, [mine("x", "before")], [], id="another state's, at a change"),
    pytest.param(CREATING, [mine("x", "gpt", "s")], [f"x of 'gpt in s' has {SAME}"], id="a set's"),
    pytest.param(CREATING, [mine("x", "gpt")], [], id="its own"),
]


@pytest.mark.parametrize(("plan", "rows", "told"), NAMESAKES)
def test_rows_that_have_its_model_name_and_are_left_alone(plan, rows, told):
    assert said(plan, rows) == told
    assert said(plan, rows, speaks=False) == []


def test_a_set_says_nothing_of_its_own_rows_and_does_not_guess_at_former_names():
    rows = [mine("x", "one", "s"), mine("y", "two", "t"), mine("z", "three")]
    told = said(CREATING, rows, deployment("gpt", set="s"))
    assert told == [f"y of 'two in t', z of 'three' have {SAME}"]


def test_a_row_that_this_run_adopts_is_not_left_alone():
    assert said(CREATING, [model_row("x")], used=["x"]) == []


@pytest.mark.parametrize(
    ("copies", "are"),
    [
        (["x"], "x is a copy of it, with its marker, and is left alone"),
        (["x", "y"], "x, y are copies of it, with its marker, and are left alone"),
    ],
)
def test_a_copy_of_it_is_told_in_its_own_words(copies, are):
    rows = [model_row(one, copied="gpt") for one in copies]
    told = f"{are}; to manage that too, give a state of its own `model_id: x`"
    assert said(CHANGING, rows) == said(CHANGING, rows, speaks=False) == [told]
    assert said(Plan(CREATE), rows) == []


def test_a_copy_of_a_model_of_a_set_names_the_set():
    """One that a state of the same name has made is somebody else's."""
    wanted = deployment("gpt", set="s")
    copied = [model_row("x", copied="gpt in s"), model_row("y", copied="gpt")]
    own, other = said(CHANGING, copied, wanted)
    assert own.startswith("x is a copy of it")
    assert other == f"y, which nobody owns, has {SAME}"


@pytest.mark.parametrize(
    ("plan", "more", "told"),
    [
        pytest.param(CREATING, {"unproven": True}, notes.SERVED_BUT_NOT_SHOWN, id="served"),
        pytest.param(CHANGING, {"unproven": True}, None, id="served, at a change"),
        pytest.param(
            CHANGING,
            {"compared": True, "config": ["c"]},
            "The gateway's config file defines gpt (c), which Salt never touches",
            id="a config file",
        ),
        pytest.param(CHANGING, {"config": ["c"]}, None, id="a config file that was not read"),
        pytest.param(CHANGING, {"compared": True}, None, id="a config file without the name"),
    ],
)
def test_what_the_other_view_of_the_gateway_shows(plan, more, told):
    assert said(plan, [], **more) == ([told] if told else [])


def test_one_deployment_of_each_model_name_speaks_of_the_others():
    """Best is one that is created, as there is more to tell then."""
    one, two, three = (deployment(name, model_name="gpt") for name in ("one", "two", "three"))
    other = deployment("other")
    planned = [(one, Plan(NONE)), (two, Plan(CREATE)), (three, Plan(CREATE)), (other, Plan(NONE))]
    assert notes.speaking(planned) == {"two", "other"}
    assert notes.speaking(planned[:1]) == {"one"}


def test_a_team_is_spoken_of_by_its_own_deployment():
    team = deployment("team", {"model_info": {"team_id": "t"}}, model_name="gpt")
    planned = [(deployment("gpt"), Plan(NONE)), (team, Plan(NONE))]
    assert notes.speaking(planned) == {"gpt", "team"}


# ---------------------------------------------------------------- a check that fails

HINTS = [
    # What is declared, what the row shows, whether it was a trial, whether that follows settings.
    pytest.param(
        {},
        {},
        (False, True),
        "`mode` or `model_info:health_check_max_tokens` or `model_info:health_check_timeout`",
        id="a health check",
    ),
    pytest.param(
        {"model_info": {"mode": "embedding"}},
        {},
        (False, True),
        "`model_info:health_check_timeout`",
        id="of a model that does not chat",
    ),
    pytest.param(
        {},
        {"model_info": {"mode": "embedding"}},
        (False, True),
        "`mode` or `model_info:health_check_timeout`",
        id="which somebody else has said",
    ),
    pytest.param(
        {"model_info": {"mode": "chat"}},
        {},
        (False, True),
        "`model_info:health_check_max_tokens` or `model_info:health_check_timeout`",
        id="of a model that chats",
    ),
    pytest.param(
        {"litellm_params": {"model": "openai/*"}},
        {},
        (True, False),
        "`mode` or no `preflight`",
        id="a trial of a wildcard",
    ),
    pytest.param(
        {"litellm_params": {"model": "openai/*"}},
        {},
        (False, True),
        "`mode` or `model_info:health_check_max_tokens` or `model_info:health_check_model` or "
        "`model_info:health_check_timeout`",
        id="of a wildcard",
    ),
    pytest.param(
        {},
        {},
        (True, True),
        "`mode` or `model_info:health_check_max_tokens` or no `preflight`",
        id="a trial",
    ),
    pytest.param(
        {},
        {},
        (True, False),
        "`mode` or no `preflight`",
        id="a trial of a LiteLLM that follows no settings",
    ),
]


@pytest.mark.parametrize(("tree", "shown", "how", "choices"), HINTS)
def test_what_to_declare_if_a_check_fails_and_the_model_works(tree, shown, how, choices):
    trial, follows = how
    row = model_row("row", shown) if shown else None
    hint = notes.check_hint(deployment("gpt", tree), row, trial=trial, follows=follows)
    assert hint == f"If it answers its users, declare {choices}"
    if how == (False, True):
        assert notes.check_hint(deployment("gpt", tree), row) == hint


# ---------------------------------------------------------------- credentials


def test_a_credential_that_is_not_there_or_not_seen():
    assert notes.no_credential("key") == (
        "There is no credential 'key': LiteLLM would take the deployment, and answer its callers "
        "with an error; declare it first, by `litellm_credential.present`"
    )
    assert notes.credential_not_seen("key") == (
        "The api_key may not see whether there is a credential 'key'"
    )
