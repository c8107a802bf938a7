"""
Make the virtual keys of LiteLLM gateways match what is declared.

A virtual key is what people and programs call a gateway with. It belongs to a team or a user, and
has models, limits and a budget.

.. code-block:: yaml

    search-backend:
      litellm_key.present:
        - key: sdb://vault/search/litellm
        - generate: True
        - team: search
        - models: [gpt-4-proxy, embeddings]
        - max_budget: 50
        - budget_duration: 30d

No key ever travels through Salt's output, its bus, its job cache or its logs. It is read from an
``sdb://`` reference. Where there is none yet, it is made, put there, and then to the gateway.

Salt compares and changes only what is declared, and removes what was declared before and is not
declared any more, as it does with models. A profile says where the gateway is and how to log in;
see ``litellm_model``.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from saltext_litellm.adapter import signatures, states
from saltext_litellm.adapter.sharing import open_run
from saltext_litellm.keys.arguments import KeyArguments, KeySetArguments
from saltext_litellm.report import comments

if TYPE_CHECKING:  # Salt's loader defines them
    __context__: dict[str, Any]
    __opts__: dict[str, Any]
    __salt__: dict[str, Callable[..., Any]]

__virtualname__ = "litellm_key"


def __virtual__() -> str:
    return __virtualname__


@states.explains_unknown
@signatures.takes(KeyArguments)
def present(given: KeyArguments) -> dict[str, Any]:
    """
    Ensure that a virtual key exists as declared.

    An argument that is null or not given is not managed. If the gateway refuses something or cannot
    be reached, the state fails and says so in one sentence. If arguments are wrong, it fails before
    anything is written, and names all of them. A key that has expired fails, as LiteLLM refuses it:
    ``It has expired, on …, so LiteLLM refuses it: …``.

    name
        Name of the state (string), which the marker has. Fails with ``… must not be longer than …
        characters``.

    key
        The key itself (string; ``key``), best as an ``sdb://`` reference. It is never shown, and
        LiteLLM stores its hash. Without it, only an existing key is managed: ``There is no key …,
        and it cannot be made: key must be an sdb:// reference, …``. Fails with ``… must begin with
        sk- and have at least 16 characters, without spaces``. If the gateway has another key under
        this alias, the state fails unless ``rotate`` is given: ``… has another key, which LiteLLM
        cannot change: …``. If nobody manages that one, it fails too: ``… has another key, and
        nobody manages it: …``. So does a key that the gateway has under another alias: ``The
        gateway has this key already, as …``, and the key that the profile logs in with: ``… is the
        key that the profile logs in with: it is left alone``.

    key_alias
        The alias, by which the key is found (string; ``key_alias``). LiteLLM keeps it unique, but
        two clients may make one at the same time: ``Two keys have the key_alias …``. Defaults to
        the ``name``. A key that nobody manages is taken over, if it is the declared key or if no
        key is declared. One of another owner fails with ``… belongs to …, and what is another's is
        left alone``.

    team
        The alias or the id of its team (string; ``team_id``). One that this run makes counts. Fails
        with ``there is no team … on the gateway``, and if several teams have the alias.

    user_id
        The user that it belongs to (string; ``user_id``).

    models
        The models that it may use, in any order (list of strings; ``models``). An empty list means
        all models to LiteLLM, so it fails: ``models is empty, which LiteLLM takes for all models:
        …``. If it is not declared any more, the key may use all models, or all of its team.

    max_budget
        What it may spend (number from 0 on, in USD; ``max_budget``).

    budget_duration
        After which time the spend begins anew (string; ``budget_duration``), such as ``30d`` or
        ``1mo``: ``… must be a number with s, m, h, d, w or mo, such as 30d``.

    budget_id
        The budget that it has in common with other keys (string; ``budget_id``). Fails with ``There
        is no budget … on the gateway``.

    tpm_limit
        Tokens per minute (whole number from 0 on; ``tpm_limit``).

    rpm_limit
        Requests per minute (whole number from 0 on; ``rpm_limit``).

    max_parallel_requests
        Requests at the same time (whole number from 0 on; ``max_parallel_requests``).

    duration
        How long the key works (string; ``duration``), such as ``90d``, from the moment when it is
        written. It is written once, and again only if another one is declared.

    aliases
        Names that its callers may use for models (mapping of an alias to a model; ``aliases``).
        Each alias is managed by itself: ``… must be the name of a model, not …``.

    blocked
        Whether LiteLLM refuses it (boolean; ``blocked``).

    metadata
        What else is known of it (mapping; ``metadata``). Each key is managed by itself, others'
        keys stay. LiteLLM shows all of it, so a secret fails, and so does what is named like one:
        ``… is a secret, or named like one, but LiteLLM shows what a key has``. The marker is in it:
        ``… cannot be declared: it is the marker of this extension``.

    settings
        Anything else that LiteLLM has for keys, in its own words (mapping), such as
        ``allowed_routes``, ``permissions``, ``model_rpm_limit`` or ``router_settings``. What needs
        an Enterprise licence, as ``tags`` and ``guardrails``, fails before anything is written to
        the gateway. LiteLLM ignores names that it does not know: ``LiteLLM has taken …, and not
        stored that: …``. An argument fails here: ``… has an argument of its own: …``. What LiteLLM
        counts, or keeps elsewhere, fails too: ``… cannot be declared: …``.

    generate
        If there is nothing under the ``sdb://`` reference, make a key (boolean). It is put there
        first and to the gateway second: ``generate needs an sdb:// reference as key, …``. Fails
        with ``Cannot put a value under …`` if the driver does not keep it. With ``test=True``
        nothing is made. Not declared by default.

    rotate
        Let another key under the same alias replace the present one (boolean). The new one is made
        with everything that the old one has, then the old one is deleted. What the old one has
        spent is lost with it. Not declared by default.

    profile
        Config key of the gateway (string), or a mapping with its url and api_key. Defaults to
        ``litellm``. Fails with ``The … is neither in the pillar nor in the minion's config``.
    """
    test = _begin()
    return states.result_of_one(
        given.name,
        test,
        lambda: __salt__["litellm_key.apply"](**vars(given), test=test),
        comments.present,
    )


@states.explains_unknown
def absent(
    name: str, key_alias: str | None = None, profile: str | dict[str, Any] = "litellm"
) -> dict[str, Any]:
    """
    Ensure that a key does not exist. LiteLLM refuses it from then on.

    What is under an ``sdb://`` reference stays there. The state fails if the key belongs to another
    state or set, and if the profile logs in with it.

    name
        Name of the state that has made it (string).

    key_alias
        Alias of the key (string; ``key_alias``), by which alone it is found. Defaults to the
        ``name``.

    profile
        As in ``present`` (string or mapping). Defaults to ``litellm``.
    """
    test = _begin()
    return states.result_of_one(
        name,
        test,
        lambda: __salt__["litellm_key.delete"](
            name, key_alias=key_alias, test=test, any_owner=False, profile=profile
        ),
        comments.absent,
    )


@states.explains_unknown
@signatures.takes(KeySetArguments)
def managed(given: KeySetArguments) -> dict[str, Any]:
    """
    Ensure that a whole set of keys is as declared.

    The run plans all keys before it writes anything. All mistakes are reported at once. If a key
    fails, the run goes on with the others.

    .. code-block:: yaml

        product-keys:
          litellm_key.managed:
            - pillar: litellm_keys
            - prune: True

    name
        Name of the set (string). The marker of each of its keys has this name. Fails as in
        ``present``.

    keys
        The keys (mapping of names to the arguments of ``present``). A wrong one fails as in
        ``present``, and the message begins with its name. Not declared by default, but
        ``exactly one of keys and pillar is needed``.

    defaults
        Arguments of ``present`` for each key that does not declare them itself (mapping).
        By default none. Any other fails with ``there is no argument …``.

    pillar
        The pillar key that has the keys (string, nested with ``:``), so that no rendered SLS has
        one. Fails with ``There is no … in the pillar``.

    prune
        Delete the keys that this set owns and does not declare any more, and no others (boolean).
        Defaults to ``False``.

    allow_empty
        Let ``prune`` delete the whole set if no key is declared (boolean). Defaults to ``False``:
        ``… declares no keys, and prune would delete all of the set``.

    profile
        As in ``present`` (string or mapping). Defaults to ``litellm``.
    """
    test = _begin()
    return states.result_of_set(
        given.name,
        test,
        "key",
        "key_alias",
        lambda: __salt__["litellm_key.manage"](**vars(given), test=test),
    )


def mod_watch(name: str, sfun: str | None = None, **kwargs: Any) -> dict[str, Any]:
    """
    Apply a state again because something that it watches has changed. Salt calls this for
    ``watch`` and ``listen``.

    ``watch`` applies the state again if the state itself has just changed nothing, ``listen`` does
    so at the end of the run.

    name
        Name of the state that watches.

    sfun
        Its function (string): ``present``, ``absent`` or ``managed``. Salt passes it.

    kwargs
        Its arguments, and what else Salt passes.
    """
    functions = {"present": present, "absent": absent, "managed": managed}
    return states.apply_again(functions, name, sfun, kwargs, bool(__opts__["test"]))


def _begin() -> bool:
    """Let the states of this run share a gateway. Returns whether the run only predicts."""
    test = bool(__opts__["test"])
    open_run(__context__, globals(), test=test)
    return test
