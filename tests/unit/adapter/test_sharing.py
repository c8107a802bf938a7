"""When the states of a run may rely on what an earlier state has read of a gateway."""

import pytest

from saltext_litellm.adapter.sharing import current_run, open_run


class Gateway:
    """A gateway, as far as sharing is concerned."""

    reads = 1

    def begin(self, state, *, anew):
        self.predicts = state
        self.reads += anew


class Salt:
    """A run of Salt: its context, and what has become of its states."""

    def __init__(self, test=False):
        self.context, self.running, self.test = {}, {}, test

    def state(self, name, result=True, changes=None, profile="litellm", **low):
        """Run a state of ours. Returns its gateway."""
        low = {"state": "litellm_model", "__id__": name, "name": name, "fun": "present", **low}
        salt = {"__instance_id__": "run", "__low__": low, "__running__": self.running}
        open_run(self.context, salt, test=self.test)
        found = self.call(profile)
        function = low.get("sfun", low["fun"])
        tag = f"litellm_model_|-{name}_|-{name}_|-{function}"
        self.running = self.running | {tag: {"result": result, "changes": changes or {}}}
        return found

    def other(self, name="cmd", result=True, changes=None):
        """Run a state of another kind."""
        tag = f"cmd_|-{name}_|-{name}_|-run"
        self.running = self.running | {tag: {"result": result, "changes": changes or {}}}

    def call(self, profile="litellm"):
        """Call an execution function."""
        return current_run(self.context).gateway(profile, Gateway)


@pytest.fixture
def salt():
    return Salt()


def test_states_with_nothing_in_between_read_once(salt):
    first = salt.state("a", changes={"rpm": 1})
    assert salt.state("b") is first
    salt.other()  # it has changed nothing
    assert salt.state("c", fun="absent") is first
    assert first.reads == 1


def test_a_change_by_another_state_is_looked_at_once(salt):
    gateway = salt.state("a")
    salt.other(changes={"pid": 1})
    salt.state("b")
    salt.state("c")
    assert gateway.reads == 2


@pytest.mark.parametrize("ours", [True, False])
def test_after_a_failure_the_gateway_is_read_again(salt, ours):
    gateway = salt.state("a", result=not ours)
    if not ours:
        salt.other(result=False)
    salt.state("b")
    salt.state("c")
    assert gateway.reads == 2


def test_a_state_that_runs_again_reads_again(salt):
    """With `retry`, and with `prereq`, which asks first what the state would do."""
    gateway = salt.state("a", result=False)
    salt.running.clear()  # Salt records it only at the end
    salt.state("a")
    assert gateway.reads == 2
    assert gateway.predicts.startswith("litellm_model_|-a_|-")


@pytest.mark.parametrize("id_", ["a", "listener_a"])
def test_a_state_that_watches_reads_again(salt, id_):
    gateway = salt.state("a")
    salt.state(id_, fun="mod_watch", sfun="present")
    assert gateway.reads == 2


def test_a_gateway_by_another_profile_is_another_witness(salt):
    """Two profiles may lead to one gateway."""
    one = salt.state("a", profile="one")
    two = salt.state("b", profile="two", changes={"rpm": 1})
    assert one is not two
    assert salt.state("c", profile="one").reads == 2
    assert salt.state("d", profile="two").reads == 1


def test_while_a_parallel_state_runs_all_read_for_themselves(salt):
    gateway = salt.state("a")
    salt.other("beside", result=None)
    salt.state("b")
    salt.state("c")
    assert gateway.reads == 3
    salt.other("beside", changes={"pid": 1})
    salt.state("d")
    salt.state("e")
    assert gateway.reads == 4


def test_a_parallel_state_reads_for_itself(salt):
    gateway = salt.state("a")
    salt.state("b", parallel=True)
    assert gateway.reads == 2


def test_with_test_a_pending_change_is_none(salt):
    salt.test = True
    gateway = salt.state("a", result=None, changes={"rpm": 1})
    salt.other(result=None, changes={"diff": "New file"})
    salt.state("b", result=None)
    assert gateway.reads == 1


def test_a_call_that_no_state_makes_shares_nothing(salt):
    """Such as `module.run`, or a function in `onlyif`."""
    gateway = salt.state("a")
    assert salt.call() is not gateway
    assert salt.state("b") is gateway


def test_outside_of_a_run_nothing_is_shared(salt):
    salt.state("a")
    open_run(salt.context, {}, test=False)
    assert salt.call() is not salt.call()
