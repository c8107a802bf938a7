"""The beacon, loaded as a minion does, on the real gateway: what it fires, and when."""

import copy
import json
import time

import pytest
import salt.cache
import salt.loader

SECRET = "sk-beacon-0123456789"
MODEL = {"custom_llm_provider": "openai", "base_model": "gpt-4", "model_api_key": SECRET}


class Minion:
    """A minion's beacon, its pillar, and what its loop does each interval."""

    def __init__(self, loaders):
        self.loaders = loaders
        self.refresh()

    def refresh(self):
        """Load the beacon anew, as the minion does when its pillar is refreshed."""
        opts, functions = self.loaders.opts, self.loaders.modules
        self.beacons = salt.loader.beacons(opts, functions)

    def look(self, sets, **settings):
        """The events of one interval."""
        config = [{"sets": sets}, {"interval": 60}, *({key: settings[key]} for key in settings)]
        assert self.beacons["litellm.validate"](copy.deepcopy(config))[0]
        return self.beacons["litellm.beacon"]([*config, {"_beacon_name": "litellm"}])


@pytest.fixture
def models(name):
    return {f"{name}-{number}": {**MODEL, "rpm": number} for number in (1, 2)}


@pytest.fixture
def minion(loaders_with, models, profile, name):
    pillar = {
        "litellm": {**profile, "dead": {**profile, "url": "http://127.0.0.1:9"}},
        "models": models,
        "fewer": {f"{name}-1": models[f"{name}-1"]},
        "wrong": {"of-what": {"custom_llm_provider": "openai"}},
    }
    return Minion(loaders_with(pillar))


@pytest.fixture
def sets(name):
    return {f"set-{name}": {"pillar": "models"}}


@pytest.fixture
def converge(minion, name):
    def converge():
        minion.loaders.modules["litellm_model.manage"](f"set-{name}", pillar="models")

    return converge


def only(events):
    (event,) = events
    return event


def kind(event):
    return event["tag"].partition("/")[0]


def test_a_drift_is_told_once_and_so_is_its_end(minion, sets, converge, api, name):
    (set_name,) = sets
    event = only(minion.look(sets))
    names = [f"{name}-1", f"{name}-2"]
    told = {"tag": f"drift/{set_name}", "set": set_name, "models": 2, "differing": 2}
    assert event == {**told, "created": names}
    assert minion.look(sets) == []
    assert not api.named(names[0])  # nothing was written
    converge()
    assert only(minion.look(sets)) == {"tag": f"converged/{set_name}", "set": set_name, "models": 2}
    assert minion.look(sets) == []
    model_id = api.one(names[0])["model_info"]["id"]
    for rpm in (77, 78):  # another drift is another event, though the name is the same
        api.patch(model_id, litellm_params={"rpm": rpm})
        assert only(minion.look(sets)) == {**told, "differing": 1, "updated": [names[0]]}
        assert minion.look(sets) == []


def test_what_is_as_declared_from_the_start_is_no_news(minion, sets, converge):
    converge()
    assert minion.look(sets) == []


def test_what_was_told_outlives_the_loader(minion, sets):
    assert minion.look(sets)
    minion.refresh()
    assert minion.look(sets) == []


def test_two_beacons_with_the_same_set_tell_of_it_both(minion, sets):
    assert minion.look(sets)
    config = [{"sets": sets}, {"interval": 60}, {"_beacon_name": "another"}]
    assert minion.beacons["litellm.beacon"](config)


def test_no_value_and_no_secret_is_told_or_kept(minion, sets, converge, api, name, tmp_path):
    events = minion.look(sets)
    converge()
    events += minion.look(sets)
    model_id = api.one(f"{name}-1")["model_info"]["id"]
    api.patch(model_id, litellm_params={"rpm": 4711471147})
    events += minion.look(sets)
    assert len(events) == 3
    kept = b"".join(path.read_bytes() for path in tmp_path.rglob("*.p"))
    for text in (json.dumps(events).encode(), kept):
        assert b"drift" in text
        assert b"4711471147" not in text
        assert SECRET.encode() not in text
        assert api.gateway.key.encode() not in text


def test_a_set_that_prunes_tells_of_what_it_would_delete(minion, sets, converge, api, name):
    (set_name,) = sets
    converge()
    assert minion.look({set_name: {"pillar": "fewer"}}) == []  # it is left alone
    pruning = {set_name: {"pillar": "fewer", "prune": True}}
    assert only(minion.look(pruning))["deleted"] == [f"{name}-2"]


def test_an_unreachable_gateway_is_told_once_and_so_is_its_return(minion, sets, converge, recorder):
    (set_name,) = sets
    converge()
    recorder.leave()
    event = only(minion.look(sets))
    assert (event["tag"], event["set"]) == (f"unreachable/{set_name}", set_name)
    assert event["reason"].startswith(f"Cannot reach {recorder.url}")
    assert minion.look(sets) == []
    recorder.come_back()
    recorder.fault(status=401, json={"error": "no"})  # another reason, but the same event
    assert minion.look(sets) == []
    recorder.mend()
    assert only(minion.look(sets))["tag"] == f"converged/{set_name}"


def test_a_gateway_that_refuses_is_told_as_unreachable(minion, sets, recorder, api):
    recorder.fault(status=401, json={"error": "no"})
    event = only(minion.look(sets))
    assert kind(event) == "unreachable"
    assert "refuses the api_key" in event["reason"]
    assert api.gateway.key not in event["reason"]


def test_a_gateway_that_hangs_holds_the_minion_for_one_short_timeout(
    minion, sets, recorder, models, name
):
    recorder.fault(delay=20)
    sets = {**sets, f"{name}-too": {"pillar": "models"}, f"{name}-dead": {"pillar": "models"}}
    sets[f"{name}-dead"]["profile"] = "litellm:dead"
    started = time.monotonic()
    events = minion.look(sets, timeout=1)
    assert time.monotonic() - started < 3
    assert [kind(event) for event in events] == ["unreachable"] * 3
    assert "within 1 s" in events[0]["reason"]
    assert events[1]["reason"] == events[0]["reason"]
    assert "127.0.0.1:9" in events[2]["reason"]
    assert len(recorder.requests) == 1  # no second try, and none for the second set


def test_what_is_declared_wrongly_is_told_once_and_other_sets_go_on(minion, sets, name):
    wrong = {"pillar": "wrong"}
    missing = {"pillar": "models", "profile": "litellm:of-nobody"}
    sets = {f"{name}-a": wrong, f"{name}-b": missing, f"{name}-c": {"pillar": "nowhere"}, **sets}
    events = minion.look(sets)
    reasons = [event.get("reason", "").partition("\n")[0] for event in events]
    assert reasons == [
        "of-what: custom_llm_provider needs base_model too, or litellm_params with a model",
        "The profile 'litellm:of-nobody' is neither in the pillar nor in the minion's config; "
        "for example:",
        "There is no 'nowhere' in the pillar",
        "",
    ]
    assert [kind(event) for event in events] == ["error", "error", "error", "drift"]
    assert minion.look(sets) == []


def test_a_mistake_of_our_own_is_told_without_what_it_says(minion, sets, monkeypatch):
    def fail(*_, **__):
        raise KeyError(SECRET)

    monkeypatch.setitem(minion.beacons.pack["__salt__"], "litellm_model.manage", fail)
    event = only(minion.look(sets))
    assert (kind(event), event["reason"]) == ("error", "KeyError")


def test_an_event_that_still_holds_is_repeated_if_asked_for(minion, sets, converge):
    first = minion.look(sets, repeat=1000)
    assert minion.look(sets, repeat=1000) == []
    assert minion.look(sets, repeat=0.01) == first
    assert minion.look(sets, repeat=1000) == []
    converge()
    assert kind(only(minion.look(sets, repeat=0.01))) == "converged"
    assert minion.look(sets, repeat=0.01) == []


def test_a_broken_file_in_the_cache_is_replaced(minion, sets, tmp_path):
    first = minion.look(sets)
    (kept,) = (tmp_path / "cachedir/beacons/litellm/minion").iterdir()
    kept.write_bytes(b"\xc1 nonsense")
    assert minion.look(sets) == first
    assert minion.look(sets) == []


def test_it_goes_by_the_profile_for_all_but_time(minion, sets, recorder, loaders_with):
    recorder.fault(delay=1)
    event = only(minion.look(sets, timeout=5))  # slow, but it answers
    assert kind(event) == "drift"
