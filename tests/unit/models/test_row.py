"""Rows as the gateway reports them, and as they become by our writes."""

import copy
import json

import pytest

from saltext_litellm.models import row as rows
from saltext_litellm.objects.marker import KEY, Marker, form
from saltext_litellm.objects.row import MISSING
from saltext_litellm.values.paths import parse
from tests.support.build import marker, model_row, paths

SECRET, MASK = "sk-0123456789", "sk-0*****6789"


def listed(row_id="row", params=None, info=None, **more):
    """A row as a list has it."""
    info = {"id": row_id, "db_model": True, **(info or {})}
    data = {"model_name": "gpt", "litellm_params": params or {}, "model_info": info, **more}
    return {key: value for key, value in data.items() if value is not ...}


# ---------------------------------------------------------------- as they are reported


@pytest.mark.parametrize(
    "data",
    [
        pytest.param({}, id="nothing"),
        pytest.param({"model_info": None}, id="no model_info"),
        pytest.param({"model_info": "text"}, id="a text"),
        pytest.param({"model_name": "gpt", "model_info": {}}, id="no id"),
        pytest.param({"model_name": "gpt", "model_info": {"id": 5}}, id="an id that is no text"),
    ],
)
def test_what_is_no_row(data):
    assert rows.parse(data) is None


@pytest.mark.parametrize(
    ("data", "told"),
    [
        pytest.param(listed(), ("gpt", None, True), id="of the database"),
        pytest.param(listed(info={"db_model": False}), ("gpt", None, False), id="of the config"),
        pytest.param(listed(info={"team_id": "t"}), ("gpt", "t", True), id="of a team"),
        pytest.param(
            listed(info={"team_id": "t", "team_public_model_name": "public"}),
            ("public", "t", True),
            id="of a team, which calls it by another name",
        ),
        pytest.param(
            listed(info={"team_public_model_name": "public"}), ("gpt", None, True), id="of no team"
        ),
        pytest.param(listed(info={"team_id": ""}), ("gpt", None, True), id="an empty team"),
        pytest.param(listed(info={"team_id": 5}), ("gpt", "5", True), id="a team as a number"),
        pytest.param(listed(model_name=None), ("", None, True), id="without a name"),
        pytest.param(listed(litellm_params=None), ("gpt", None, True), id="without parameters"),
    ],
)
def test_what_a_row_says_of_itself(data, told):
    row = rows.parse(data)
    assert (row.model_name, row.team, row.from_database) == told
    assert row.data["litellm_params"] == {}


def test_a_marker_that_somebody_has_copied_owns_nothing():
    owner = Marker("gpt", set="s", id="first").dump()
    first, second = (rows.parse(listed(one, info={KEY: owner})) for one in ("first", "second"))
    assert (first.marker.owner, first.copied) == ("gpt in s", None)
    assert (second.marker, second.copied) == (None, "gpt in s")


def test_agents_are_no_models_unless_they_are_ours():
    agents = [
        listed("theirs", model_name="a2a/x"),
        listed("ours", info={KEY: marker("gpt").dump()}, model_name="a2a/x"),
        listed("a-model"),
        {"model_name": "no row"},
    ]
    assert [row.id for row in rows.parse_all(agents)] == ["ours", "a-model"]


@pytest.mark.parametrize(
    ("data", "blocked"),
    [
        pytest.param(listed(), False, id="it does not say"),
        pytest.param(listed(info={"blocked": True}), True, id="as lists say it"),
        pytest.param(listed(blocked=True), True, id="as writes say it"),
        pytest.param(listed(info={"blocked": False}, blocked=True), False, id="both"),
        pytest.param(listed(info={"blocked": None}), False, id="null"),
    ],
)
def test_whether_a_row_is_blocked_has_always_an_answer(data, blocked):
    assert rows.parse(data).get(("blocked",)) is blocked


INSIDE = [
    # The place, what a read shows, what is stored; and what is believed to be stored.
    pytest.param(
        "litellm_params/extra_headers/X-Key",
        {"X-Key": MASK},
        {"X-Key": SECRET},
        SECRET,
        id="a mask",
    ),
    pytest.param(
        "litellm_params/extra_headers/X-Key",
        {"X-Key": MASK},
        {"X-Key": "sk-9876543210"},
        MISSING,
        id="the mask of another one: it was changed since",
    ),
    pytest.param(
        "litellm_params/extra_headers",
        {"X-Key": MASK},
        {"X-Key": SECRET},
        {"X-Key": SECRET},
        id="all",
    ),
    pytest.param("litellm_params/extra_headers/a", {}, {}, MISSING, id="nothing"),
    pytest.param("blocked", {}, {}, MISSING, id="another place"),
]


@pytest.mark.parametrize(("place", "shown", "stored", "found"), INSIDE)
def test_what_is_stored_is_believed_if_a_read_shows_the_same(place, shown, stored, found):
    inside = {"litellm_params": {"extra_headers": stored}}
    row = model_row("row", {"litellm_params": {"extra_headers": shown}}, inside=inside)
    assert row.stored_value(parse(place)) == found


def test_a_text_that_is_stored_is_encrypted():
    row = model_row(
        "row",
        {"litellm_params": {"organization": "x"}, "model_info": {"note": "x"}},
        inside={"litellm_params": {"organization": "x"}, "model_info": {"note": "x"}},
    )
    assert row.stored_value(("litellm_params", "organization")) is MISSING
    assert row.stored_value(("model_info", "note")) == "x"


def test_without_a_look_nothing_is_known_of_what_is_stored():
    row = model_row("row", {"model_info": {"note": "x"}})
    assert row.stored_value(("model_info", "note")) is MISSING


# ---------------------------------------------------------------- as our writes make them


def test_a_create_makes_the_row_of_its_body():
    body = listed(params={"model": "openai/gpt-4"}, info={KEY: Marker("gpt", id="row").dump()})
    row = rows.created(body)
    assert (row.id, row.model_name, row.marker.name, row.stored) == ("row", "gpt", "gpt", None)
    answer = {"model_id": "row", "litellm_params": {"model": "encrypted"}, "blocked": False}
    assert rows.created(body, answer).stored == answer


CHANGES = [
    # What the row shows, the body, the answer (None: there was none); and the row afterwards.
    pytest.param(
        {"litellm_params": {"rpm": 1, "theirs": 2}},
        {"litellm_params": {"rpm": 3}},
        {"litellm_params": {"rpm": 3, "theirs": 2}},
        {"rpm": 3, "theirs": 2},
        [],
        id="a value",
    ),
    pytest.param(
        {"litellm_params": {"rpm": 1}},
        {"litellm_params": {"rpm": None}},
        {"litellm_params": {}},
        {},
        [],
        id="a null that clears",
    ),
    pytest.param(
        {"litellm_params": {"rpm": 1}},
        {"litellm_params": {"rpm": None}},
        {"litellm_params": {"rpm": 1}},
        {"rpm": 1},
        ["litellm_params/rpm"],
        id="a null that does not",
    ),
    pytest.param(
        {"litellm_params": {"rpm": 1}},
        {"litellm_params": {"rpm": None}},
        None,
        {"rpm": 1},
        ["litellm_params/rpm"],
        id="a null of which nothing is known",
    ),
    pytest.param(
        {"litellm_params": {"rpm": 1}},
        {"litellm_params_to_remove": ["rpm"]},
        {"litellm_params": {}},
        {},
        [],
        id="a removal by name",
    ),
    pytest.param(
        {"litellm_params": {"use_in_pass_through": True}},
        {"litellm_params": {"use_in_pass_through": None}},
        {"litellm_params": {"use_in_pass_through": False}},
        {},
        [],
        id="a boolean that is false now",
    ),
    pytest.param(
        {"litellm_params": {"extra_headers": {"a": "1", "b": "2"}}},
        {"litellm_params": {"extra_headers": {"a": "1"}}},
        {"litellm_params": {"extra_headers": {"a": "1"}}},
        {"extra_headers": {"a": "1"}},
        [],
        id="a mapping is replaced",
    ),
]


@pytest.mark.parametrize(("shown", "body", "answer", "params", "kept"), CHANGES)
def test_a_change_makes_the_row_that_its_answer_shows(shown, body, answer, params, kept):
    row = model_row("row", shown)
    before = copy.deepcopy(row.data)
    now = rows.changed(row, body, answer)
    assert now.data["litellm_params"] == params
    assert now.kept == paths(*kept)
    assert now.stored == answer
    gone = rows.asked_to_go(body) - now.kept
    assert now.unset == gone
    assert row.data == before


def test_an_answer_may_have_its_sections_as_text():
    """So 1.83.14 answers."""
    answer = {"litellm_params": json.dumps({"rpm": 1}), "model_info": None}
    assert rows.stored_section(answer, "litellm_params") == {"rpm": 1}
    assert rows.stored_section(answer, "model_info") == {}


def test_a_change_tells_what_it_says_of_the_row_itself():
    row = model_row("row", {}, copied="gpt", unreadable=True, inside={"litellm_params": {}})
    row = rows.changed(row, {"model_name": "new", "blocked": True}, {})
    assert (row.model_name, row.get(("blocked",)), row.copied) == ("new", True, "gpt")
    assert (row.inside, row.unreadable) == (None, False)


def test_a_change_of_a_copy_does_not_make_it_ours():
    """Its own marker is that of another row."""
    row = model_row("copy", {}, marker=Marker("gpt", id="first"))
    now = rows.changed(row, {"litellm_params": {"rpm": 1}}, {})
    assert (now.marker, now.copied) == (None, "gpt")


def test_what_is_known_of_a_row_adds_up():
    """Of all its writes, and of a write without an answer."""
    row = model_row(
        "row",
        {"litellm_params": {"rpm": 1, "tpm": 2}},
        stored={"litellm_params": {"rpm": 1}},
        kept=paths("litellm_params/rpm"),
        unset=paths("litellm_params/api_key", "litellm_params/client_secret"),
    )
    body = {"litellm_params": {"api_key": SECRET, "tpm": None}}
    now = rows.changed(row, body, None)
    assert now.stored == row.stored
    assert now.kept == paths("litellm_params/rpm", "litellm_params/tpm")
    assert now.unset == paths("litellm_params/client_secret")
    now = rows.changed(row, body, {"litellm_params": {"api_key": "encrypted"}})
    assert now.unset == paths("litellm_params/client_secret", "litellm_params/tpm")


def test_a_change_with_a_marker_makes_it_ours():
    row = model_row("row", {}, copied="gpt")
    row = rows.changed(row, {"model_info": {KEY: Marker("gpt", id="row").dump()}}, {})
    assert (row.marker.name, row.copied) == ("gpt", None)


def test_a_change_without_a_marker_leaves_the_one_that_is_there():
    row = model_row("row", {}, marker=Marker("gpt", replaces="old"))
    assert rows.changed(row, {"litellm_params": {"rpm": 1}}, {}).marker.replaces == "old"


@pytest.mark.parametrize(
    ("answer", "keys"),
    [
        pytest.param({"litellm_params": {"rpm": 1}}, ["litellm_params/rpm"], id="it was kept"),
        pytest.param({"litellm_params": {}}, [], id="it was cleared"),
    ],
)
def test_what_litellm_has_kept_stays_ours_to_remove(answer, keys):
    owner = marker("gpt", "litellm_params/rpm", id="row")
    row = model_row("row", {"litellm_params": {"rpm": 1}}, marker=owner)
    body = {"litellm_params": {"rpm": None}, "model_info": {KEY: Marker("gpt", id="row").dump()}}
    assert rows.changed(row, body, answer).marker.keys == paths(*keys)


def test_what_litellm_has_kept_inside_of_a_mapping_stays_ours_too():
    owner = marker("gpt", "litellm_params/extra_body/a/b", "litellm_params/rpm", id="row")
    row = model_row("row", {"litellm_params": {"extra_body": {"a": {"b": 1}}}}, marker=owner)
    body = {"litellm_params": {"extra_body": None}}
    body["model_info"] = {KEY: Marker("gpt", id="row").dump()}
    now = rows.changed(row, body, {"litellm_params": {"extra_body": {"a": {"b": 1}}}})
    assert now.marker.keys == paths("litellm_params/extra_body/a/b")


FORMS = [
    # What was sent, what is stored; what the row has then, and whether that is another form.
    pytest.param(
        {"model_info": {"a": "09:00"}}, {"model_info": {"a": "09:00:00"}}, True, id="text"
    ),
    pytest.param({"litellm_params": {"a": "5"}}, {"litellm_params": {"a": 5}}, True, id="number"),
    pytest.param(
        {"litellm_params": {"a": "x"}},
        {"litellm_params": {"a": "encrypted"}},
        False,
        id="a text that is encrypted",
    ),
    pytest.param(
        {"litellm_params": {"a": 5}}, {"litellm_params": {"a": 5.0}}, False, id="the same"
    ),
    pytest.param({"litellm_params": {"a": 5}}, {"litellm_params": {}}, False, id="not stored"),
]


@pytest.mark.parametrize(("sent", "stored", "other"), FORMS)
@pytest.mark.parametrize("write", ["create", "change"])
def test_another_form_is_learnt_from_the_answer_of_a_write(sent, stored, other, write):
    if write == "create":
        row = rows.created(
            listed(params=sent.get("litellm_params"), info=sent.get("model_info")), stored
        )
    else:
        row = rows.changed(model_row("row"), sent, stored)
    ((section, values),) = sent.items()
    path = (section, "a")
    found = stored[section].get("a")
    assert row.forms == ({path: form(values["a"], found)} if other else {})
    assert row.get(path) == (found if other else values["a"])


def test_a_text_inside_of_a_mapping_is_not_encrypted():
    answer = {"litellm_params": {"extra_body": {"a": "upper"}}}
    row = rows.changed(model_row("row"), {"litellm_params": {"extra_body": {"a": "Upper"}}}, answer)
    assert row.forms == {("litellm_params", "extra_body", "a"): form("Upper", "upper")}
    assert row.get(("litellm_params", "extra_body", "a")) == "upper"


def test_a_form_is_forgotten_when_the_value_is_stored_as_it_is_sent():
    row = rows.changed(
        model_row("row", forms={("model_info", "a"): "mark"}),
        {"model_info": {"a": 5}},
        {"model_info": {"a": 5}},
    )
    assert row.forms == {}


@pytest.mark.parametrize(
    ("body", "places"),
    [
        ({}, []),
        ({"litellm_params": {"rpm": 1, "tpm": None}}, ["litellm_params/tpm"]),
        ({"model_info": {"note": None}}, ["model_info/note"]),
        ({"litellm_params_to_remove": ["rpm"]}, ["litellm_params/rpm"]),
        ({"litellm_params": None, "blocked": None}, []),
    ],
)
def test_the_places_that_a_patch_asks_to_clear(body, places):
    assert rows.asked_to_go(body) == paths(*places)


# ---------------------------------------------------------------- masks


def test_masks_of_what_reads_leave_out_are_added():
    row = model_row("row", {"litellm_params": {"azure_ad_token": MASK, "rpm": 1}})
    masks = {"api_key": "sk****89", "azure_ad_token": "sk****89", "vertex_credentials": None}
    found = rows.with_masks(row, masks)
    assert found.data["litellm_params"] == {
        "azure_ad_token": MASK,
        "rpm": 1,
        "api_key": "sk****89",
        "vertex_credentials": None,
    }
    assert found.unset == paths(
        "litellm_params/aws_access_key_id",
        "litellm_params/aws_secret_access_key",
        "litellm_params/vertex_credentials",
    )


def test_if_the_gateway_does_not_say_nothing_is_known():
    row = model_row("row")
    assert rows.with_masks(row, None) is row


# ---------------------------------------------------------------- words


@pytest.mark.parametrize(
    ("shown", "found"),
    [
        pytest.param({"litellm_params": {"model": "azure/x"}}, "azure", id="from the model"),
        pytest.param({"litellm_params": {"model": "gpt-4"}}, None, id="none"),
        pytest.param(
            {"litellm_params": {"model": "gpt-4"}, "model_info": {"litellm_provider": "openai"}},
            "openai",
            id="as LiteLLM knows it",
        ),
        pytest.param(
            {"litellm_params": {"model": "azure/x", "custom_llm_provider": "openai"}},
            "openai",
            id="as it is declared",
        ),
    ],
)
def test_the_provider_of_a_row(shown, found):
    assert rows.provider(model_row("row", shown)) == found


def test_a_row_in_short_and_as_a_whole_has_no_secrets():
    row = model_row(
        "row",
        {
            "litellm_params": {"model": "openai/gpt-4", "api_key": SECRET, "rpm": 1, "null": None},
            "model_info": {"note": f"Bearer {SECRET}"},
        },
        marker=Marker("gpt", set="s"),
        team="t",
    )
    short, whole = rows.summary(row), rows.whole(row)
    assert short == {
        "model_name": "gpt",
        "model_id": "row",
        "model": "openai/gpt-4",
        "provider": "openai",
        "blocked": False,
        "owner": "gpt in s",
        "source": "database",
        "team": "t",
    }
    assert whole["litellm_params"] == {"model": "openai/gpt-4", "api_key": "**********", "rpm": 1}
    assert whole.items() >= short.items()
    assert SECRET not in str(whole)
    assert "team" not in rows.summary(model_row("row"))
    assert rows.summary(model_row("row", from_database=False))["source"] == "config"


@pytest.mark.parametrize("entry", [{"max_output_tokens": 8}, {"max_input_tokens": 8}])
def test_a_cost_map_without_a_key_that_rows_show(entry):
    """LiteLLM 1.110.2: an export must not take the key for a value that somebody has set."""
    info = {"id": "x", "db_model": True, "key": "gpt", "max_tokens": 8, "note": "theirs", **entry}
    row = rows.parse({"model_name": "x", "litellm_params": {"model": "gpt"}, "model_info": info})
    assert dict(rows.own_info(row, rows.known_info(row, {"gpt": entry}))) == {"note": "theirs"}


@pytest.mark.parametrize(
    ("info", "own"),
    [
        pytest.param({"note": "theirs"}, True, id="a value"),
        pytest.param({"note": None}, False, id="null"),
        pytest.param({"mode": "chat"}, False, id="as the cost map has it"),
        pytest.param({"mode": "completion"}, True, id="not as the cost map has it"),
        pytest.param({"created_at": "today"}, False, id="LiteLLM's own"),
        pytest.param({"input_cost_per_token": 1}, False, id="a price"),
        pytest.param({"search_costs": {}}, False, id="costs"),
    ],
)
def test_what_is_stored_of_model_info_and_what_litellm_adds(info, own):
    row = model_row("row", {"model_info": info})
    assert dict(rows.own_info(row, {"mode": "chat"})) == (info if own else {})


@pytest.mark.parametrize(
    ("shown", "name"),
    [
        pytest.param({"litellm_params": {"model": "openai/gpt-4"}}, "openai/gpt-4", id="model"),
        pytest.param({"litellm_params": {"model": "openai/gpt-4"}}, "gpt-4", id="its last part"),
        pytest.param({"model_info": {"base_model": "gpt-4"}}, "gpt-4", id="base_model"),
        pytest.param({"model_info": {"key": "gpt-4"}}, "gpt-4", id="the key that LiteLLM shows"),
    ],
)
def test_the_entry_of_the_cost_map_is_found_as_litellm_finds_it(shown, name):
    entry = {"mode": "chat", "max_output_tokens": 8}
    row = model_row("row", shown)
    assert rows.known_info(row, {name: entry}) == {**entry, "max_tokens": 8}
    assert rows.known_info(row, {"other": entry}) == {}


def test_an_id_with_a_slash_is_fixed():
    assert rows.is_fixed("openai/gpt-4")
    assert not rows.is_fixed("gpt-4")
