"""What each write has in its body: what is declared, what others have set, and what goes."""

import copy
from dataclasses import replace

import pytest

from saltext_litellm.errors import Refused
from saltext_litellm.models import bodies
from saltext_litellm.objects.marker import KEY, Marker
from tests.support.build import deployment, marker, model_row, paths

OWNER = Marker("gpt", id="row")
STORED = OWNER.dump()
SECRET, MASK = "sk-0123456789", "sk-0*****6789"
PATCHED = {"id": "row", "db_model": True}  # what each PATCH with model_info must send


def params(**values):
    return {"litellm_params": values}


def info(**values):
    return {"model_info": values}


# ---------------------------------------------------------------- create


@pytest.mark.parametrize(
    ("tree", "body"),
    [
        pytest.param({}, info(id="row", db_model=True, **{KEY: STORED}), id="nothing"),
        pytest.param(
            {**params(model="openai/gpt-4", extra_headers={"a": "b"}), **info(tier="free")},
            {
                **params(model="openai/gpt-4", extra_headers={"a": "b"}),
                **info(tier="free", id="row", db_model=True, **{KEY: STORED}),
            },
            id="both sections",
        ),
        pytest.param(
            {"blocked": True, **params(api_key=SECRET)},
            {
                "blocked": True,
                **params(api_key=SECRET),
                **info(id="row", db_model=True, **{KEY: STORED}),
            },
            id="blocked, and a secret",
        ),
    ],
)
def test_a_create_has_what_is_declared_with_the_id_that_we_choose_and_a_marker(tree, body):
    wanted = deployment("gpt", tree, model_name="public")
    assert bodies.create_body(wanted, OWNER, "row") == {"model_name": "public", **body}


# ---------------------------------------------------------------- update


def update(row, tree, touched=(), removed=(), removes=False, **more):
    wanted = deployment("gpt", tree, **more)
    return bodies.update_body(row, wanted, paths(*touched), paths(*removed), removes)


UPDATES = [
    # The row, what is declared, what is touched and removed; and the body.
    pytest.param(
        params(rpm=1, organization="theirs"),
        params(rpm=2),
        ["litellm_params/rpm"],
        [],
        params(rpm=2),
        id="a value, and nothing else",
    ),
    pytest.param(params(rpm=1), {}, [], ["litellm_params/rpm"], params(rpm=None), id="a removal"),
    pytest.param(
        params(use_in_pass_through=True, merge_reasoning_content_in_choices=False, rpm=1),
        params(rpm=2),
        ["litellm_params/rpm"],
        [],
        params(use_in_pass_through=True, merge_reasoning_content_in_choices=False, rpm=2),
        id="booleans are sent back, as 1.106.2 resets them",
    ),
    pytest.param(
        {**params(use_in_pass_through=True), **info(note="a")},
        info(note="b"),
        ["model_info/note"],
        [],
        info(note="b", **PATCHED),
        id="but only with litellm_params",
    ),
    pytest.param(
        params(use_in_pass_through=True),
        params(use_in_pass_through=False),
        ["litellm_params/use_in_pass_through"],
        [],
        params(use_in_pass_through=False),
        id="a boolean that is declared",
    ),
    pytest.param(
        info(note="a", theirs="x"),
        info(note="b"),
        ["model_info/note"],
        [],
        info(note="b", **PATCHED),
        id="model_info is merged, with its id",
    ),
    pytest.param(
        info(note="a", member_auto_router=True),
        info(note="b"),
        ["model_info/note"],
        [],
        info(note="b", member_auto_router=True, **PATCHED),
        id="what a PATCH with model_info resets is sent back",
    ),
    pytest.param(
        {}, {"blocked": True}, ["blocked"], [], {"blocked": True}, id="it is to be blocked"
    ),
    pytest.param(
        info(blocked=True), {}, [], ["blocked"], {"blocked": False}, id="it is not any more"
    ),
    pytest.param(
        params(extra_headers={"ours": "1", "theirs": "2"}),
        params(extra_headers={"ours": "3"}),
        ["litellm_params/extra_headers/ours"],
        [],
        params(extra_headers={"ours": "3", "theirs": "2"}),
        id="a mapping is sent whole, with what others have in it",
    ),
    pytest.param(
        params(extra_headers={"ours": "1", "more": "2", "theirs": "3"}),
        params(extra_headers={"ours": "1"}),
        [],
        ["litellm_params/extra_headers/more"],
        params(extra_headers={"ours": "1", "theirs": "3"}),
        id="a key inside of it goes",
    ),
    pytest.param(
        params(extra_headers={"ours": "1"}),
        {},
        [],
        ["litellm_params/extra_headers/ours"],
        params(extra_headers=None),
        id="a mapping of which nothing is left goes",
    ),
    pytest.param(
        params(extra_headers={"ours": "1"}),
        params(extra_headers={}),
        [],
        ["litellm_params/extra_headers/ours"],
        params(extra_headers={}),
        id="unless an empty one is declared",
    ),
    pytest.param(
        params(extra_headers={"ours": "1", "theirs": "2"}),
        params(extra_headers={}),
        [],
        ["litellm_params/extra_headers/ours"],
        params(extra_headers={"theirs": "2"}),
        id="and others have something in it",
    ),
    pytest.param(
        params(extra_headers={"both": "1", "ours": "2"}, extra_body={"both": "1", "more": "2"}),
        params(extra_headers={"ours": "3"}),
        ["litellm_params/extra_headers/ours"],
        ["litellm_params/extra_body/both"],
        params(extra_headers={"both": "1", "ours": "3"}, extra_body={"more": "2"}),
        id="a key goes from its own mapping only",
    ),
    pytest.param(
        params(extra_headers={"theirs": "1"}),
        params(extra_headers=["a"]),
        ["litellm_params/extra_headers"],
        [],
        params(extra_headers=["a"]),
        id="a list in the place of a mapping",
    ),
    pytest.param(
        params(extra_headers="text"),
        params(extra_headers={"ours": "1"}),
        ["litellm_params/extra_headers/ours"],
        [],
        params(extra_headers={"ours": "1"}),
        id="a mapping in the place of a text",
    ),
]


@pytest.mark.parametrize(("shown", "tree", "touched", "removed", "body"), UPDATES)
def test_an_update_has_what_differs_and_what_it_would_lose_otherwise(
    shown, tree, touched, removed, body
):
    row = model_row("row", shown)
    before = copy.deepcopy(row.data)
    assert update(row, tree, touched, removed) == body
    assert row.data == before


def test_a_litellm_that_removes_by_name_is_told_the_names():
    row = model_row("row", params(rpm=1, tpm=2, use_in_pass_through=True))
    gone = ["litellm_params/rpm", "litellm_params/use_in_pass_through", "model_info/note"]
    body = update(row, params(tpm=3), ["litellm_params/tpm"], gone, removes=True)
    assert body == {
        **params(tpm=3),
        "litellm_params_to_remove": ["rpm", "use_in_pass_through"],
        **info(note=None, **PATCHED),
    }


@pytest.mark.parametrize(
    ("names", "team", "body"),
    [
        pytest.param(("gpt", "gpt"), None, {}, id="the same name"),
        pytest.param(("gpt", None), None, {}, id="a name that must stay"),
        pytest.param(("gpt", "new"), None, {"model_name": "new"}, id="another name"),
        pytest.param(
            ("gpt", "new"),
            "team-1",
            {"model_name": "new", **info(team_id="team-1", **PATCHED)},
            id="another name for a team, which is sent too",
        ),
    ],
)
def test_another_public_name(names, team, body):
    row = model_row("row", {}, model_name=names[0], team=team)
    assert update(row, {}, model_name=names[1]) == body


def test_a_team_is_sent_with_another_name_only():
    row = model_row("row", params(rpm=1), team="team-1")
    assert update(row, params(rpm=2), ["litellm_params/rpm"]) == params(rpm=2)


THEIRS_INSIDE = {"ours": "1", "X-Api-Key": MASK}


@pytest.mark.parametrize(
    ("theirs", "key"),
    [
        pytest.param({"X-Api-Key": MASK}, "X-Api-Key", id="a secret"),
        pytest.param({"deep": {"password": MASK}}, "deep:password", id="deeper"),
        pytest.param({"list": [{"token": MASK}]}, "list", id="inside of a list"),
    ],
)
def test_a_mapping_with_a_secret_of_somebody_else_cannot_be_sent(theirs, key):
    """It can only be written whole, and the secret in it cannot be read back."""
    row = model_row("row", params(extra_headers={"ours": "1", **theirs}))
    with pytest.raises(Refused) as err:
        update(row, params(extra_headers={"ours": "2"}), ["litellm_params/extra_headers/ours"])
    assert str(err.value) == (
        f"litellm_params:extra_headers:{key} is not declared and cannot be read back, but "
        "litellm_params:extra_headers can only be written whole: declare it too"
    )


@pytest.mark.parametrize(
    ("tree", "more", "sent"),
    [
        pytest.param(
            {"ours": "2", "X-Api-Key": SECRET},
            {},
            {"ours": "2", "X-Api-Key": SECRET},
            id="the secret is declared",
        ),
        pytest.param(
            {"ours": "2"},
            {"inside": params(extra_headers={"ours": "1", "X-Api-Key": SECRET})},
            {"ours": "2", "X-Api-Key": SECRET},
            id="what is stored is known",
        ),
    ],
)
def test_it_can_be_sent_if_the_secret_is_known(tree, more, sent):
    row = model_row("row", params(extra_headers=THEIRS_INSIDE), **more)
    body = update(row, params(extra_headers=tree), ["litellm_params/extra_headers/ours"])
    assert body == params(extra_headers=sent)


# ---------------------------------------------------------------- markers


@pytest.mark.parametrize(
    ("body", "sent"),
    [
        pytest.param(None, info(**PATCHED, **{KEY: STORED}), id="a marker only"),
        pytest.param(
            {**params(rpm=1), **info(note="x", **PATCHED)},
            {**params(rpm=1), **info(note="x", **PATCHED, **{KEY: STORED})},
            id="beside a change",
        ),
    ],
)
def test_a_marker_is_written_whole_with_the_id_of_its_row(body, sent):
    row, before = model_row("row", info(theirs="x")), copy.deepcopy(body)
    assert bodies.marked(row, OWNER, body) == sent
    assert body == before


# ---------------------------------------------------------------- replacement


def replacement(row, stored, tree, removed=(), **more):
    wanted = deployment("gpt", tree, **more)
    return bodies.replacement_body(wanted, row, stored, paths(*removed), OWNER, "new")


NEW = {"id": "new", "db_model": True, KEY: STORED}
REPLACEMENTS = [
    # What reads show of the row, what is stored, what is declared, what goes; and the body.
    pytest.param(
        params(rpm=1, timeout=5),
        {**params(rpm=1, timeout=5), **info(id="row", theirs={"a": 1})},
        params(rpm=2),
        [],
        {**params(rpm=2, timeout=5), **info(theirs={"a": 1}, **NEW)},
        id="others' numbers and model_info are kept",
    ),
    pytest.param(
        params(organization="theirs"),
        params(organization="encrypted"),
        params(model="openai/gpt-4"),
        [],
        {**params(organization="theirs", model="openai/gpt-4"), **info(**NEW)},
        id="others' texts are kept as reads show them",
    ),
    pytest.param(
        params(rpm=1),
        {**params(rpm=1, tpm=2), **info(note="x", more="y")},
        {},
        ["litellm_params/rpm", "model_info/note"],
        {**params(tpm=2), **info(more="y", **NEW)},
        id="what is not declared any more is left out",
    ),
    pytest.param(
        params(note="theirs"),
        {**params(note=5), **info(note="x")},
        {},
        ["model_info/note"],
        {**params(note=5), **info(**NEW)},
        id="from its own section only",
    ),
    pytest.param(
        params(extra_body={"a": {"ours": 1, "theirs": 2}}),
        params(extra_body={"a": {"ours": 1, "theirs": 2}}),
        {},
        ["litellm_params/extra_body/a/ours"],
        {**params(extra_body={"a": {"theirs": 2}}), **info(**NEW)},
        id="also inside of a mapping",
    ),
    pytest.param(
        params(extra_body={"theirs": 2}),
        params(extra_body={"theirs": 2}),
        params(extra_body={"ours": 1}),
        [],
        {**params(extra_body={"theirs": 2, "ours": 1}), **info(**NEW)},
        id="a mapping has what is declared and what others have",
    ),
    pytest.param(
        {},
        params(api_key="encrypted"),
        params(api_key=SECRET),
        [],
        {**params(api_key=SECRET), **info(**NEW)},
        id="a secret that is declared",
    ),
    pytest.param(
        {},
        params(api_key="encrypted"),
        {},
        ["litellm_params/api_key"],
        {**params(), **info(**NEW)},
        id="a secret that goes",
    ),
    pytest.param(
        params(theirs=5),
        params(theirs=None),
        {},
        [],
        {**params(), **info(**NEW)},
        id="a null is no value",
    ),
    pytest.param(
        params(),
        {"litellm_params": '{"rpm": 1}', "model_info": '{"a": 1}', "blocked": True},
        {},
        [],
        {**params(rpm=1), **info(a=1, **NEW), "blocked": True},
        id="as 1.83.14 answers, and blocked by others",
    ),
    pytest.param(
        params(), {"blocked": True}, {}, ["blocked"], {**params(), **info(**NEW)}, id="unblocked"
    ),
    pytest.param(
        params(),
        {"blocked": True},
        {"blocked": False},
        [],
        {**params(), **info(**NEW), "blocked": False},
        id="declared as not blocked",
    ),
]


@pytest.mark.parametrize(("shown", "stored", "tree", "removed", "body"), REPLACEMENTS)
def test_a_replacement_has_what_others_have_set_and_what_is_declared(
    shown, stored, tree, removed, body
):
    before = copy.deepcopy(stored)
    found = replacement(model_row("row", shown), stored, tree, removed)
    assert found == {"model_name": "gpt", **body}
    assert stored == before


def test_a_replacement_keeps_a_name_that_must_stay():
    row = model_row("row", {}, model_name="theirs")
    assert replacement(row, {}, {}, model_name=None)["model_name"] == "theirs"
    assert replacement(row, {}, {}, model_name="new")["model_name"] == "new"


@pytest.mark.parametrize(
    ("shown", "stored", "key"),
    [
        pytest.param({}, {"api_key": "encrypted"}, "api_key", id="left out by reads"),
        pytest.param({"password": MASK}, {"password": "encrypted"}, "password", id="masked"),
        pytest.param({}, {"hidden": "encrypted"}, "hidden", id="not shown, as an unset variable"),
        pytest.param(
            {"litellm_credential_name": "my-****************name"},
            {"litellm_credential_name": "encrypted"},
            "litellm_credential_name",
            id="a name that is masked",
        ),
    ],
)
def test_a_text_of_somebody_else_that_cannot_be_read_back_is_not_lost(shown, stored, key):
    row = model_row("row", params(**shown))
    with pytest.raises(Refused) as err:
        replacement(row, params(**stored), params(rpm=1))
    assert str(err.value) == (
        "LiteLLM cannot clear everything in place, so the deployment would have to be replaced, "
        f"but litellm_params:{key}, which is not declared, cannot be read back and would be lost: "
        "declare it too"
    )


# ---------------------------------------------------------------- what reads show of a row

COSTS = {"openai/gpt-4": {"max_tokens": 8, "mode": "chat"}}


def test_what_litellm_adds_on_reads_is_not_stored():
    row = model_row(
        "row",
        {
            **params(model="openai/gpt-4"),
            **info(max_tokens=8, mode="completion", input_cost_per_token=1, note="x", key="gpt-4"),
        },
        marker=OWNER,
    )
    assert bodies.as_read(row, COSTS) == {
        **params(model="openai/gpt-4"),
        **info(mode="completion", note="x"),
        "blocked": False,
    }


AS_STORED = [
    # What reads show, the masks of what they leave out, what is declared and what goes.
    pytest.param({"rpm": 1}, {}, {}, [], None, id="nothing secret"),
    pytest.param({}, {"api_key": MASK}, params(api_key=SECRET), [], None, id="declared"),
    pytest.param({}, {"api_key": MASK}, {}, ["litellm_params/api_key"], None, id="it goes"),
    pytest.param({}, {"api_key": MASK}, {}, [], "litellm_params:api_key", id="somebody else's"),
    pytest.param(
        {"extra_headers": {"X-Api-Key": MASK}},
        {},
        {},
        [],
        "litellm_params:extra_headers:X-Api-Key",
        id="inside of a mapping",
    ),
    pytest.param(
        {"list": [{"token": MASK}]}, {}, {}, [], "litellm_params:list", id="inside of a list"
    ),
    pytest.param({"azure_ad_token": MASK}, {"azure_ad_token": MASK}, {}, [], "azure", id="shown"),
]


@pytest.mark.parametrize(("shown", "masks", "tree", "removed", "refused"), AS_STORED)
def test_what_is_stored_is_known_by_reads_unless_somebody_has_a_secret(
    shown, masks, tree, removed, refused
):
    row, wanted = model_row("row", params(**shown)), deployment("gpt", tree)
    if refused:
        with pytest.raises(Refused, match=f"{refused}.*, which is not declared"):
            bodies.as_stored(row, wanted, paths(*removed), masks, {})
        return
    stored = bodies.as_stored(row, wanted, paths(*removed), masks, {})
    assert stored["litellm_params"] == {**shown, **masks}


def test_nothing_is_known_of_secrets_that_the_gateway_does_not_tell():
    with pytest.raises(Refused, match="The gateway does not say which secrets row has"):
        bodies.as_stored(model_row(), deployment(), paths(), None, {})


@pytest.mark.parametrize(
    ("place", "shown", "hidden"),
    [
        ("litellm_params/api_key", MASK, True),
        ("litellm_params/extra_headers/X-Api-Key", MASK, True),
        ("litellm_params/list", [{"token": MASK}], True),
        ("litellm_params/litellm_credential_name", "my-****************name", True),
        ("litellm_params/litellm_credential_name", "mine", False),
        ("litellm_params/organization", "my****", False),
        ("litellm_params/rpm", 5, False),
    ],
)
def test_whether_a_read_shows_what_is_stored(place, shown, hidden):
    (path,) = paths(place)
    assert bodies.is_hidden(path, shown) is hidden


# ---------------------------------------------------------------- a trial


def test_a_trial_has_the_parameters_of_the_row_and_none_of_others():
    """A null keeps LiteLLM from taking the parameter from another row."""
    others = model_row("other", params(temperature=1))
    tree = {
        **params(model="openai/gpt-4", rpm=1),
        **info(id="row", db_model=True, note="x", mode="embedding", **{KEY: STORED}),
    }
    body = bodies.probe_body(tree, [others])
    assert body["model_info"] == {"note": "x", "mode": "embedding"}
    assert body["mode"] == "embedding"
    sent = body["litellm_params"]
    assert (sent["model"], sent["rpm"]) == ("openai/gpt-4", 1)
    left = {key for key, value in sent.items() if value is None}
    assert {
        "temperature",
        "api_key",
        "api_base",
        "litellm_credential_name",
        "extra_headers",
    } <= left


def test_a_trial_without_a_mode_leaves_it_to_litellm():
    assert "mode" not in bodies.probe_body(params(model="openai/gpt-4"))


def test_a_row_that_replaces_another_says_so_in_its_marker():
    """The body has the marker that it is given, not the one of the row that it replaces."""
    old = marker("before", "litellm_params/rpm", id="row")
    row = model_row("row", params(rpm=1), marker=old)
    body = bodies.replacement_body(
        deployment(), row, row.data, paths(), replace(OWNER, id="new", replaces="row"), "new"
    )
    assert body["model_info"][KEY]["replaces"] == "row"
    assert body["model_info"][KEY]["name"] == "gpt"
