"""Router settings with LiteLLM 1.83: it would lose what is not sent, and store its master key."""

import pytest

from tests.functional.conftest import bodies


def test_it_is_refused_before_anything_is_sent(setting, routing, recorder):
    if routing.recent:
        pytest.skip("This is about LiteLLM 1.83")
    assert setting("num_retries", 2)["comment"] == "num_retries is as declared"
    for test in (True, False):
        result = setting("num_retries", 5, test=test)
        assert (result["result"], result["changes"]) == (False, {})
        assert "The gateway's LiteLLM is older than 1.106, where writing one" in result["comment"]
    assert bodies(recorder) == []
