"""What is decided and said is true: whose a row is, what became of a write, which view is right."""

import logging

import pytest
from salt.exceptions import CommandExecutionError

from .conftest import DATABASE, States, sent

MARKER = "saltext_litellm"
MODEL = {"custom_llm_provider": "openai", "base_model": "gpt-4"}
UNSERVABLE = {"litellm_params": {"model": "no-such-provider/gpt-4"}}


def id_of(row):
    return row["model_info"]["id"]


def writes(recorder):
    return [record for record in recorder.requests if record.method != "GET"]


def is_database_view(record):
    return record.path == DATABASE[1] and "search" in record.query


def managed(name, models, **more):
    return ("managed", {"name": f"set-{name}", "models": models, **more})


def make_unserved(api, name, params, info):
    """A row that is in the database and not served, as an upgrade of LiteLLM may leave it."""
    params = {"model": "no-such-provider/gpt-4", **params}
    body = {"model_name": name, "litellm_params": params, "model_info": info}
    api.gateway.request("POST", "/model/new", json=body)
    (row,) = api.in_database(name)
    assert api.named(name) == []
    return id_of(row)


# ---------------------------------------------------------------- identity


def test_the_row_of_a_set_is_not_taken_through_the_derived_id(api, states, name):
    """A state hands its row over to a set; later there is a new state of its name."""
    states.present(name)
    model_id = id_of(api.one(name))
    assert states.run(managed(name, {name: {**MODEL, "rpm": 5}}))["result"] is True
    assert id_of(api.one(name)) == model_id
    for _ in range(2):
        states.present(name, model_name=f"{name}-new")
        assert id_of(api.one(name)) == model_id
        assert len(api.named(f"{name}-new")) == 1
    assert states.run(managed(name, {name: {**MODEL, "rpm": 5}}))["changes"] == {}
    assert states.present(name, model_name=f"{name}-new")["changes"] == {}


def test_a_copied_row_is_left_alone(api, states, name):
    """LiteLLM's UI copies a row, with the marker."""
    states.present(name, rpm=5, model_id=f"{name}-id")
    row = api.one(name)
    info = {"tier": "free", "base_model": "gpt-4", MARKER: row["model_info"][MARKER]}
    copy = api.create(name, {"custom_llm_provider": "openai", "rpm": 5}, info)
    before = api.stored(copy)
    for arguments in ({"model_id": f"{name}-id"}, {}):
        for test in (True, False):
            result = states.present(name, test=test, rpm=5, **arguments)
            assert (result["result"], result["changes"]) == (True, {})
            assert f"{copy} is a copy of it" in result["comment"]
            assert f"`model_id: {copy}`" in result["comment"]
    assert api.stored(copy)["model_info"] == before["model_info"]
    # The advice is to give it a state of its own.
    adopted = states.present(f"{name}-copy", model_name=name, rpm=6, model_id=copy)
    assert adopted["changes"]["rpm"] == {"old": 5, "new": 6}
    assert {id_of(row) for row in api.named(name)} == {f"{name}-id", copy}
    assert states.present(name, rpm=5)["changes"] == {}
    assert states.absent(name, model_id=f"{name}-id")["result"] is True
    assert id_of(api.one(name)) == copy


def test_several_rows_of_one_owner_and_the_advice_deletes_none(api, states, name):
    info = {MARKER: {"version": 1, "name": name, "keys": []}}
    ids = {api.create(name, info=info) for _ in range(2)}
    result = states.present(name)
    assert (result["result"], result["changes"]) == (False, {})
    chosen = result["comment"].split("`model_id: ")[1].split("`")[0]
    assert states.present(name, model_id=chosen)["result"] is True
    assert {id_of(row) for row in api.named(name)} == ids


def test_a_row_made_under_a_replaced_id_is_not_taken_for_a_leftover(api, states, name):
    states.present(name, model_info={"note": "x"})
    old = id_of(api.one(name))
    states.present(name)
    new = id_of(api.one(name))
    assert old != new
    theirs = api.create(f"{name}-theirs", info={"id": old})
    assert states.present(name)["changes"] == {}
    assert states.present(name, rpm=5)["result"] is True
    assert id_of(api.one(f"{name}-theirs")) == theirs == old


def test_absent_names_the_owner_of_what_is_there(api, states, name):
    states.present(f"{name}-a", model_name=name)
    states.run(managed(name, {f"{name}-b": {**MODEL, "model_name": name}}))
    for test in (True, False):
        result = states.absent(name, test=test)
        assert (result["result"], result["changes"]) == (False, {})
        assert result["comment"].startswith(f"{name} is still there: ")
        for row in api.named(name):
            assert id_of(row) in result["comment"]
        assert f"'{name}-a'" in result["comment"]
        assert f"'{name}-b in set-{name}'" in result["comment"]


def test_a_new_row_beside_anothers_is_said_to_be(api, states, name):
    states.present(f"{name}-other", model_name=name)
    theirs = id_of(api.one(name))
    for test in (True, False):
        result = states.present(name, test=test)
        assert f"{theirs} of '{name}-other' has the same model name" in result["comment"]
    assert len(api.named(name)) == 2


def test_by_hand_a_model_name_finds_an_owned_row(api, states, modules, name, gateway_can_block):
    states.present(f"{name}-state", model_name=name, rpm=5)
    model_id = id_of(api.one(name))
    assert modules("get", name)["model_id"] == model_id
    done = modules("update", name, rpm=6)
    assert done["changes"] == {"rpm": {"old": 5, "new": 6}}
    assert api.one(name)["litellm_params"]["rpm"] == 6
    done = modules("update", f"{name}-state", rpm=7)
    assert done["changes"] == {"rpm": {"old": 6, "new": 7}}
    assert api.one(name)["model_name"] == name  # what is not given is not changed
    if gateway_can_block:
        assert modules("block", name) is True
        assert modules("unblock", name) is True
    assert modules("delete", name, test=True)["model_id"] == model_id
    assert modules("delete", name)["model_id"] == model_id
    assert api.named(name) == []


def test_by_hand_an_ambiguous_name_is_refused(api, modules, states, name):
    states.present(f"{name}-state", model_name=name)
    api.create(name)
    for function in ("get", "update", "delete", "health"):
        arguments = {"rpm": 5} if function == "update" else {}
        with pytest.raises(CommandExecutionError, match="Several deployments are named"):
            modules(function, name, **arguments)
    assert len(api.named(name)) == 2


# ---------------------------------------------------------------- predictions


def test_states_that_could_share_a_row_are_predicted_as_they_run(api, states, name):
    row = api.create(name)
    both = [
        ("present", {"name": f"{name}-{n}", "model_name": name, **MODEL, "rpm": n}) for n in "12"
    ]
    both[0][1]["rpm"], both[1][1]["rpm"] = 1, 2
    predicted = states.run(*both, test=True)
    done = states.run(*both)
    assert [one["changes"] for one in predicted] == [one["changes"] for one in done]
    assert [one["result"] for one in done] == [True, True]
    assert len(api.named(name)) == 2
    owners = {id_of(one): one["model_info"][MARKER]["name"] for one in api.named(name)}
    assert owners[row] == f"{name}-1"
    assert [one["changes"] for one in states.run(*both)] == [{}, {}]


def test_states_that_swap_their_ids_are_predicted_as_they_run(api, states, name):
    def both(first, second):
        return [
            ("present", {"name": f"{name}-{n}", **MODEL, "model_id": f"{name}-{model_id}"})
            for n, model_id in ((1, first), (2, second))
        ]

    states.run(*both("a", "b"))
    before = api.rows()
    predicted, done = states.run(*both("b", "a"), test=True), states.run(*both("b", "a"))
    assert [one["result"] for one in predicted] == [one["result"] for one in done] == [False] * 2
    assert [one["changes"] for one in done] == [{}, {}]
    assert api.rows() == before


def test_a_creation_and_its_removal_in_one_run_are_predicted(api, states, name):
    steps = [("present", {"name": name, "order": 1, **MODEL}), ("absent", {"name": name})]
    predicted, done = states.run(*steps, test=True), states.run(*steps)
    assert [one["changes"] for one in predicted] == [one["changes"] for one in done]
    assert done[1]["changes"]["model_id"]["new"] is None
    assert api.in_database(name) == []


# ---------------------------------------------------------------- unserved rows


def test_an_unserved_row_is_seen_by_all(api, states, name):
    api.create(f"{name}-other")  # while LiteLLM serves nothing, it shows nothing
    model_id = make_unserved(api, name, {}, {})
    predicted = states.absent(name, test=True)
    done = states.absent(name)
    assert predicted["changes"] == done["changes"]
    assert done["changes"]["model_id"] == {"old": model_id, "new": None}
    assert api.in_database(name) == []


def test_an_unserved_row_of_a_set_is_predicted_and_pruned(api, states, name):
    api.create(f"{name}-other")
    marker = {"version": 1, "name": name, "set": f"set-{name}", "keys": []}
    model_id = make_unserved(api, name, {}, {MARKER: marker})
    predicted = states.run(managed(name, {name: MODEL}), test=True)
    assert predicted["changes"][name]["custom_llm_provider"] == {"old": None, "new": "openai"}
    assert "model_name" not in predicted["changes"][name]  # it is not created
    result = states.run(managed(name, {}, prune=True, allow_empty=True))
    assert result["changes"][name]["model_id"] == {"old": model_id, "new": None}
    assert api.in_database(name) == []


def test_a_row_for_another_environment_is_well(
    api, states, gateway_factory, loaders, gateway_can_block, name
):
    if not gateway_can_block:
        pytest.skip("this LiteLLM does not vouch for what it saves")
    elsewhere = {"supported_environments": ["production"]}
    gateway = gateway_factory(environment={"LITELLM_ENVIRONMENT": "development"})
    states = States(loaders, {"url": gateway.url, "api_key": gateway.key})
    assert states.present(f"{name}-other")["result"] is True
    for base in ("https://a.example.com", "https://b.example.com"):
        result = states.present(name, model_api_base=base, model_info=elsewhere)
        assert result["result"] is True, result["comment"]
        assert states.present(name, model_api_base=base, model_info=elsewhere)["changes"] == {}


# ---------------------------------------------------------------- answers


@pytest.mark.parametrize("status", [500, 502, 504])
def test_a_create_that_was_done_but_answered_otherwise(api, states, recorder, name, status):
    done = []

    def forward(record):
        """Send it on ourselves, and let the recorder answer something else."""
        if record.method == "POST" and record.path == "/model/new" and not done:
            done.append(api.gateway.request("POST", record.path, json=record.json))
            return True
        return False

    recorder.fault(when=forward, status=status, body="<html>bad gateway</html>")
    result = states.present(name, rpm=5)
    assert result["result"] is True
    assert result["comment"].startswith(f"{name} was created")
    assert result["changes"]["rpm"] == {"old": None, "new": 5}
    assert len(api.named(name)) == 1
    assert states.present(name, rpm=5)["changes"] == {}


@pytest.mark.parametrize("answer", [{}, {"model_id": "another"}, [], None, "done"])
def test_not_every_200_is_a_row(api, states, recorder, name, answer):
    recorder.fault(method="POST", path="/model/new", status=200, json=answer, times=1)
    result = states.present(name)
    assert (result["result"], result["changes"]) == (False, {})
    assert "not as a LiteLLM gateway does" in result["comment"]
    assert api.in_database(name) == []
    assert states.present(name)["result"] is True


def test_a_change_whose_answer_is_lost_is_looked_up(api, states, recorder, name):
    states.present(name, rpm=5)
    recorder.fault(method="PATCH", path="/model/*", lose_response=True, times=1)
    result = states.present(name, rpm=6)
    assert (result["result"], result["changes"]) == (True, {"rpm": {"old": 5, "new": 6}})
    recorder.fault(method="PATCH", path="/model/*", drop=True, times=1)
    result = states.present(name, rpm=7)
    assert (result["result"], result["changes"]) == (False, {})
    assert f"{name} was not changed" in result["comment"]
    assert api.one(name)["litellm_params"]["rpm"] == 6


def test_a_gateway_that_is_gone_after_a_write_leaves_it_open(api, states, recorder, name):
    states.present(name, rpm=5)
    gone = []

    def is_gone(record):
        gone.extend([1] if record.method == "PATCH" else [])
        return bool(gone)

    recorder.fault(when=is_gone, drop=True)
    result = states.present(name, rpm=6)
    assert (result["result"], result["changes"]) == (False, {})
    assert result["comment"].startswith(f"{name} may have been changed or not. ")


def test_a_write_that_costs_others_their_service_is_said(api, states, recorder, name):
    states.present(name, rpm=5)
    saved = (
        "Model update was saved to the database, but the reload it triggered degraded this pod's "
        "serving state. Previously served model id(s) ['x'] are also no longer being served."
    )

    def forward(record):
        if record.method != "PATCH":
            return False
        api.gateway.request("PATCH", record.path, json=record.json)
        return True

    recorder.fault(when=forward, status=500, json={"error": {"message": saved}})
    result = states.present(name, rpm=6)
    assert (result["result"], result["changes"]) == (True, {"rpm": {"old": 5, "new": 6}})
    assert "['x'] are also no longer being served" in result["comment"]
    assert api.one(name)["litellm_params"]["rpm"] == 6


def test_a_row_deleted_meanwhile_is_made_anew(api, states, recorder, name):
    states.present(name, rpm=5)
    model_id = id_of(api.one(name))

    def delete(record):
        if record.method == "PATCH" and api.named(name):
            api.delete(model_id)
        return False

    recorder.fault(when=delete)
    result = states.present(name, rpm=6)
    assert result["result"] is True
    assert result["comment"].startswith(f"{name} was created")
    assert api.one(name)["litellm_params"]["rpm"] == 6


def test_a_create_that_cannot_be_taken_back_is_not_green(api, states, recorder, name):
    api.create(f"{name}-other")
    recorder.fault(method="POST", path="/model/delete", status=500, body="no", times=1)
    result = states.present(name, **UNSERVABLE)
    assert result["result"] is False
    assert "taking it back has failed" in result["comment"]
    assert result["changes"]["model_name"] == {"old": None, "new": name}
    assert len(api.in_database(name)) == 1
    assert states.present(name, **UNSERVABLE)["result"] is False


def test_a_read_that_fails_after_a_write_does_not_hide_it(api, states, recorder, name):
    states.present(name, model_api_base="https://a.example.com")
    written = []

    def after(record):
        written.extend([1] if record.method == "PATCH" else [])
        return bool(written) and record.method == "GET"

    recorder.fault(when=after, status=500, json={"detail": {"error": "no"}})
    result = states.present(name, model_api_base="https://b.example.com")
    assert result["result"] is False
    assert list(result["changes"]) == ["model_api_base"]
    assert "whether LiteLLM serves it could not be seen" in result["comment"]


def test_a_prune_that_cannot_look_again_tells_what_was_done(api, states, recorder, name):
    models = {f"{name}-{n}": MODEL for n in "ab"}
    states.run(managed(name, models))
    made = []

    def after(record):
        made.extend([1] if record.path == "/model/new" else [])
        return bool(made) and record.method == "GET"

    del models[f"{name}-a"]
    models[f"{name}-c"] = MODEL
    recorder.fault(when=after, status=500, json={"detail": {"error": "no"}})
    result = states.run(managed(name, models, prune=True))
    assert (result["result"], list(result["changes"])) == (False, [f"{name}-c"])
    assert f"{name}-a" in result["comment"]
    assert len(api.in_database(f"{name}-a")) == 1


# ---------------------------------------------------------------- the two views


@pytest.mark.parametrize("adopted", [True, False])
def test_a_view_of_the_database_that_shows_nothing_is_not_trusted(
    api, states, recorder, caplog, name, adopted
):
    """A version that closes it, or a row that LiteLLM cannot read."""
    if adopted:
        api.create(name, {"custom_llm_provider": "openai"}, {"tier": "free", "base_model": "gpt-4"})
    states.present(name)
    model_id = id_of(api.one(name))
    caplog.set_level(logging.INFO, "saltext_litellm")
    recorder.fault(when=is_database_view, status=200, json={"data": []})
    for test in (True, False):
        result = states.present(name, test=test)
        assert (result["result"], result["changes"]) == (True, {}), result
    assert "does not show all of its database" in caplog.text
    assert states.present(name, rpm=5)["changes"] == {"rpm": {"old": None, "new": 5}}
    assert id_of(api.one(name)) == model_id
    assert states.absent(name)["changes"]["model_id"]["old"] == model_id
    created = states.present(name)
    assert (created["result"], len(api.named(name))) == (True, 1)


def test_a_view_that_is_cut_short_leads_to_no_second_row(api, states, recorder, name):
    """LiteLLM 1.83.14 leaves out the rows after one that it cannot read."""
    api.create(f"{name}-first")
    api.create(name, {"custom_llm_provider": "openai"}, {"tier": "free", "base_model": "gpt-4"})
    states.present(name)
    rows = api.in_database(f"{name}-first")
    recorder.fault(
        when=lambda r: is_database_view(r) and r.query["search"] == ["%%"],
        status=200,
        json={"data": rows},
    )
    for test in (True, False):
        result = states.present(name, test=test)
        assert (result["result"], result["changes"]) == (True, {})
    assert len(api.in_database(name)) == 1


def test_a_row_that_only_the_router_still_has_is_gone(api, states, recorder, name):
    """It was deleted through another worker."""
    states.present(name)
    api.create(f"{name}-other")
    stale = api.rows()
    api.delete(id_of(api.one(name)))
    recorder.fault(
        when=lambda r: r.path == DATABASE[1] and "search" not in r.query,
        status=200,
        json={"data": stale},
        times=3,
    )
    for test in (True, False):
        assert states.absent(name, test=test)["changes"] == {}
    assert states.present(name)["changes"]["model_name"] == {"old": None, "new": name}
    assert len(api.named(name)) == 1


def test_a_name_with_a_wildcard_in_it(api, states, name):
    for odd in (f"{name}-100%", f"{name}_%_x", f"{name}\\x"):
        assert states.present(odd)["result"] is True
        assert states.present(odd)["changes"] == {}
        assert states.absent(odd)["changes"]
        assert api.named(odd) == []


# ---------------------------------------------------------------- types


@pytest.mark.parametrize(
    ("before", "after"), [("false", False), ("5", 5), (1, True), ("1.0", 1.0), (True, "true")]
)
@pytest.mark.parametrize("section", ["litellm_params", "model_info"])
def test_a_corrected_type_is_written_where_litellm_keeps_it(
    api, states, name, section, before, after
):
    def declared(value):
        model = {"model": "openai/gpt-4"} if section == "litellm_params" else {}
        return {section: {**model, "own_extra": value, "own": {"extra": [value]}}}

    states.present(name, **declared(before))
    for changed in (True, False):
        result = states.present(name, **declared(after))
        assert bool(result["changes"]) is changed
    stored = api.stored(id_of(api.one(name)))[section]
    assert stored["own"]["extra"] == [after]
    assert type(stored["own"]["extra"][0]) is type(after)


def test_a_type_that_litellm_makes_itself_is_no_change(api, states, name, gateway_can_block):
    loose = {"rpm": "5", "litellm_params": {"max_retries": "2", "use_litellm_proxy": "true"}}
    strict = {"rpm": 5, "litellm_params": {"max_retries": 2, "use_litellm_proxy": True}}
    assert states.present(name, **loose)["result"] is True
    assert states.present(name, **loose)["changes"] == {}
    assert states.present(name, **strict)["changes"] == {}


# ---------------------------------------------------------------- few requests


def test_a_first_converge_of_an_empty_gateway(
    gateway_factory, recorder_for, loaders, gateway_can_block
):
    gateway = gateway_factory()
    recorder = recorder_for(gateway)
    states = States(loaders, {"url": recorder.url, "api_key": gateway.key})
    models = {f"model-{n}": {**MODEL, "rpm": n} for n in range(20)}
    result = states.run(("managed", {"name": "all", "models": models}))
    assert (result["result"], len(result["changes"])) == (True, 20)
    # That an older LiteLLM serves what it saved is looked up once.
    assert len(sent(recorder)) <= 20 + 3 + (not gateway_can_block)
    for prune in (False, True):
        recorder.clear()
        rests = states.run(("managed", {"name": "all", "models": models, "prune": prune}))
        assert (rests["result"], rests["changes"]) == (True, {})
        assert len(sent(recorder)) == 1
