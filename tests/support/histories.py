"""Makes random histories of an object: what each run declares, and what others change."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

words = st.sampled_from(["", "one", "two", "a****b", 'ünï "quoted" \\ \n', "os.environ", "5", "no"])
secrets = st.sampled_from(["sk-0123456789", "sk-9876543210", "short", "12345678"])
references = st.just("os.environ/X")  # LiteLLM resolves it only directly in litellm_params
numbers = st.sampled_from([0, 1, 2, 100000, 0.5, 600.0, 1e-06, 5e-06])
scalars = st.one_of(words, numbers, st.booleans())
lists = st.lists(st.one_of(scalars, st.fixed_dictionaries({"a": numbers})), max_size=3)


def mappings(*, theirs: bool) -> st.SearchStrategy[dict[str, Any]]:
    """A mapping in a section. We declare some keys; only somebody else sets the others."""
    ours = {
        "X-Team": words,
        "X/Y~Z": words,
        "deep": st.dictionaries(st.sampled_from(["er", "est"]), scalars, max_size=2),
    }
    if theirs:
        return st.fixed_dictionaries({"X-Theirs": words})
    return st.fixed_dictionaries({}, optional={**ours, "X-Auth-Token": secrets})


PARAMS = {
    "rpm": st.sampled_from([0, 1, 2000]),
    "temperature": numbers,
    "organization": words,
    "drop_params": st.booleans(),
    "merge_reasoning_content_in_choices": st.booleans(),
    "input_cost_per_token": numbers,
    "tags": st.lists(st.sampled_from(["x", "y", "z"]), max_size=3, unique=True),
    "stop": lists,
    "api_key": st.one_of(secrets, references),
    "azure_ad_token": st.one_of(secrets, references),
    "extra_headers": mappings(theirs=False),
    "extra_body": mappings(theirs=False),
}
INFO = {
    "note": words,
    "max_things": numbers,
    "access_groups": st.lists(st.sampled_from(["x", "y", "z"]), max_size=3, unique=True),
    "owner": mappings(theirs=False),
    "list": lists,
}

declarations = st.fixed_dictionaries(
    {
        "litellm_params": st.fixed_dictionaries(
            {"model": st.sampled_from(["openai/gpt-4", "openai/gpt-4o"])}, optional=PARAMS
        ),
        "model_info": st.fixed_dictionaries({}, optional=INFO),
        "tier": st.sampled_from(["free", "paid"]),
    },
    optional={"blocked": st.booleans(), "model_name": st.sampled_from(["first", "second"])},
)

# The values that others set: keys of their own, and some of ours. A PATCH replaces a whole mapping.
interventions = st.fixed_dictionaries(
    {
        "litellm_params": st.fixed_dictionaries(
            {},
            optional={
                "theirs": scalars,
                "use_litellm_proxy": st.booleans(),
                "rpm": PARAMS["rpm"],
                "organization": words,
                "stop": lists,
                "extra_headers": mappings(theirs=True),
            },
        ),
        "model_info": st.fixed_dictionaries(
            {}, optional={"theirs": scalars, "note": words, "owner": mappings(theirs=True)}
        ),
    }
)


def steps(declared: st.SearchStrategy[Any], changed: st.SearchStrategy[Any]) -> Any:
    """Steps in which we declare something, or others change something."""
    return st.tuples(st.just("declare"), declared) | st.tuples(st.just("intervene"), changed)


histories = st.lists(steps(declarations, interventions), min_size=1, max_size=6)

# ---------------------------------------------------------------- credentials

texts = st.sampled_from(["one", "two", "a**b", 'ünï "quoted" \\', "5", "no", "https://x.com/v1"])
deep = st.dictionaries(st.sampled_from(["er", "est"]), scalars, min_size=1, max_size=2)
inside: st.SearchStrategy[Any] = st.dictionaries(
    st.sampled_from(["X-Team", "X/Y~Z"]), words, min_size=1
)
inside |= st.fixed_dictionaries({"deep": deep}, optional={"X-Team": words})
from_outside = st.fixed_dictionaries({"X-Theirs": words})
# LiteLLM masks a text whose name has `key` or `token` in it, also in a mapping of such a name.
MASKED: dict[str, st.SearchStrategy[Any]] = {
    "api_key": secrets,
    "azure_ad_token": secrets,
    "monkey": texts,
    "monkeys": st.fixed_dictionaries({"name": texts}, optional={"keyboard": texts}),
}
PLAIN: dict[str, st.SearchStrategy[Any]] = {
    "api_base": texts,
    "organization": texts,
    "retries": numbers,
    "stop": st.lists(scalars, min_size=1, max_size=3),
    "headers": inside,
}
ABOUT: dict[str, st.SearchStrategy[Any]] = {
    "description": words,
    "custom_llm_provider": st.sampled_from(["openai", "azure"]),
    "owner": inside,
    "max_things": numbers,
}

credential_declarations = st.fixed_dictionaries(
    {"credential_values": st.fixed_dictionaries({}, optional=PLAIN | MASKED).filter(bool)},
    optional={
        "credential_info": st.fixed_dictionaries({}, optional=ABOUT),
        "display_name": st.sampled_from(["Label", "Another"]),
    },
)

# The values that others set: keys of their own, and some of ours. `gone` deletes the credential,
# and `unmarked` is how somebody makes it anew by hand.
credential_interventions = st.one_of(
    st.fixed_dictionaries(
        {
            "credential_values": st.fixed_dictionaries(
                {},
                optional={
                    "theirs": scalars.filter(lambda value: value != ""),
                    "their_secret": secrets,
                    "api_key": secrets,
                    "api_base": texts,
                    "headers": from_outside,
                },
            ),
            "credential_info": st.fixed_dictionaries(
                {}, optional={"theirs": scalars, "description": words, "owner": from_outside}
            ),
        },
        optional={"credential_values_to_delete": st.lists(st.just("organization"), max_size=1)},
    ),
    st.sampled_from(["gone", "unmarked"]),
)
credential_steps = steps(credential_declarations, credential_interventions)
credential_histories = st.lists(credential_steps, min_size=1, max_size=6)
