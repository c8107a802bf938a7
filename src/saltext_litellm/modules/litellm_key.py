"""
Manage the virtual keys of LiteLLM gateways.

A virtual key is what people and programs call a gateway with. It belongs to a team or a user, and
has models, limits and a budget.

The state module of the same name makes a gateway's
keys match what an SLS file declares. A profile says where the gateway is and how to log in; see
``litellm_model``.

No function returns a key or takes one from a gateway: LiteLLM stores only its hash. A key is read
from an ``sdb://`` reference, or made and put there. The key that the profile logs in with and the
keys of LiteLLM's UI are left alone and not listed.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from saltext_litellm.adapter import signatures
from saltext_litellm.adapter.errors import salt_errors
from saltext_litellm.adapter.execution import Minion
from saltext_litellm.adapter.functions import Functions
from saltext_litellm.keys import kind
from saltext_litellm.keys.arguments import KeyArguments, KeySetArguments
from saltext_litellm.keys.export import export as exported
from saltext_litellm.values import checks

if TYPE_CHECKING:  # Salt's loader defines them
    __context__: dict[str, Any]
    __opts__: dict[str, Any]
    __pillar__: dict[str, Any]
    __salt__: dict[str, Callable[..., Any]]

__virtualname__ = "litellm_key"
__func_alias__ = {"list_": "list"}
__outputter__ = {"list_": "litellm_table"}

_FUNCTIONS = Functions("litellm_key", "keys", kind.READER, lambda gateway: gateway.keys)


def __virtual__() -> str:
    return __virtualname__


def list_(
    name: str | None = None,
    owner: str | None = None,
    profile: str | dict[str, Any] = "litellm",
) -> list[dict[str, Any]]:
    """
    Return the keys of a gateway, sorted by their alias. Each is a mapping:

    - ``key_alias``: its name;
    - ``key_name``: the end of the key, as LiteLLM shows it;
    - ``team_id``: its team;
    - ``models``: the models that it may use, all or all of its team if there are none;
    - ``user_id``, ``max_budget``, ``spend`` and ``expires``;
    - ``blocked``: whether LiteLLM refuses it;
    - ``owner``: the state that manages it, ``NAME in SET`` for one of a set, ``None`` if Salt does
      not manage it.

    name
        Return only those whose alias matches (string, ``*`` and ``?`` are wildcards). Defaults to
        all.

    owner
        Return only those whose owner matches (string with wildcards). An empty string matches those
        that Salt does not manage. Defaults to all.

    profile
        Config key of the gateway, or a mapping with its url and api_key. Defaults to ``litellm``.

    Fails if an argument has the wrong type, if there is no such profile, and if the gateway cannot
    be reached or refuses the api_key.

    CLI Example:

    .. code-block:: bash

        salt '*' litellm_key.list
        salt '*' litellm_key.list 'search-*' owner='' --out=json
    """
    return _FUNCTIONS.list(_minion(), profile, kind.summary, key_alias=name, owner=owner)


def get(name: str, profile: str | dict[str, Any] = "litellm") -> dict[str, Any] | None:
    """
    Return one key as the gateway reports it, or ``None`` if there is none. The key itself is not
    among it, and its hash is left out. What looks like a secret is shown as ``**********``.

    name
        Its alias (string).

    profile
        Config key of the gateway, or a mapping with its url and api_key. Defaults to ``litellm``.

    Fails if there is no such profile, and if the gateway cannot be reached or refuses the api_key.

    CLI Example:

    .. code-block:: bash

        salt '*' litellm_key.get search-backend
    """
    with salt_errors():
        row = _minion().gateway(profile).keys.find(checks.title("name", name))
        return None if row is None else kind.whole(row)


@signatures.takes(KeyArguments)
def plan(given: KeyArguments) -> dict[str, Any]:
    """
    Return what ``apply`` would do, without doing it. The state ``present`` reports the same
    with ``test=True``. Returns a mapping:

    - ``action``: ``none``, ``create`` or ``update``;
    - ``key_alias``: its name;
    - ``changes``: ``{key: {old, new}}``;
    - ``adopted``: ``True`` if nobody owned it so far, else the key is missing;
    - ``notes``, ``warnings`` and ``failure``, if there are any.

    The arguments are those of
    ``litellm_key.present``.

    Fails if an argument is wrong, if the key belongs to somebody else or is another one than the
    declared key, if there is no such profile, and if the gateway cannot be reached or refuses the
    api_key.

    CLI Example:

    .. code-block:: bash

        salt '*' litellm_key.plan search-backend key=sdb://vault/search/litellm max_budget=10
    """
    return _FUNCTIONS.apply(_minion(), given, test=True)


@signatures.takes(KeyArguments)
def apply(given: KeyArguments, test: bool = False) -> dict[str, Any]:
    """
    Make a key as its arguments declare it, as the state ``present`` does. Returns what was done,
    in the form of ``plan``. If the gateway is not as declared afterwards, ``failure`` says
    why. ``unknown`` is ``True`` if nobody can see whether the last write was done.

    The arguments are those of
    ``litellm_key.present``, and:

    test
        Only return what would be done (boolean). Defaults to ``False``.

    Fails as ``plan`` does, and if a failure left the key as it was.

    CLI Example:

    .. code-block:: bash

        salt '*' litellm_key.apply search-backend max_budget=20 test=True
    """
    return _FUNCTIONS.apply(_minion(), given, test)


@signatures.takes(KeySetArguments)
def manage(given: KeySetArguments, test: bool = False) -> dict[str, Any]:
    """
    Converge a whole set of keys, as the state ``managed`` does. Returns the number of declared
    ``keys``, their ``changes``, and the names under what has become of them, with the keys that
    ``litellm_model.manage`` has.

    The arguments are those of
    ``litellm_key.managed``, and:

    test
        Only return what would be done (boolean). Defaults to ``False``.

    Fails before the first change if an argument or a key is wrong, if one belongs to somebody
    else, if there is no such profile, and if the gateway cannot be reached or refuses the api_key.
    After that, ``failures`` says which keys failed.

    CLI Example:

    .. code-block:: bash

        salt gateway-admin litellm_key.manage product-keys pillar=litellm_keys test=True
    """
    return _FUNCTIONS.manage(_minion(), given, test)


def delete(
    name: str,
    key_alias: str | None = None,
    test: bool = False,
    any_owner: bool = True,
    profile: str | dict[str, Any] = "litellm",
) -> dict[str, Any]:
    """
    Delete a key. Returns what was done, in the form of ``plan``. The ``action`` is ``none``
    if there is no such key. What was put under an ``sdb://`` reference stays there.

    name
        The name of its state, and its alias if ``key_alias`` is not given (string).

    key_alias
        Its alias (string). Defaults to the ``name``.

    test
        Only return what would be done (boolean). Defaults to ``False``.

    any_owner
        Also delete one that another state owns (boolean). Defaults to ``True``. The state
        ``absent`` leaves it alone.

    profile
        Config key of the gateway, or a mapping with its url and api_key. Defaults to ``litellm``.

    Fails if the profile logs in with it, if there is no such profile, and if the gateway cannot be
    reached or refuses the api_key.

    CLI Example:

    .. code-block:: bash

        salt gateway-admin litellm_key.delete search-backend test=True
    """
    declared = lambda: kind.named(name, key_alias)  # noqa: E731
    return _FUNCTIONS.delete(_minion(), declared, test, any_owner, profile)


def block(name: str, profile: str | dict[str, Any] = "litellm") -> bool:
    """
    Let LiteLLM refuse a key from now on. Returns ``True``.

    name
        Its alias (string).

    profile
        Config key of the gateway, or a mapping with its url and api_key. Defaults to ``litellm``.

    Fails if there is no such key, if the profile logs in with it, if there is no such profile, and
    if the gateway cannot be reached or refuses the api_key.

    CLI Example:

    .. code-block:: bash

        salt gateway-admin litellm_key.block search-backend
    """
    return _set_blocked(name, profile, True)


def unblock(name: str, profile: str | dict[str, Any] = "litellm") -> bool:
    """
    Let LiteLLM take a blocked key again. Returns ``True``.

    name
        Its alias (string).

    profile
        Config key of the gateway, or a mapping with its url and api_key. Defaults to ``litellm``.

    Fails as ``block`` does.

    CLI Example:

    .. code-block:: bash

        salt gateway-admin litellm_key.unblock search-backend
    """
    return _set_blocked(name, profile, False)


def export(
    path: str | None = None,
    pillar: str | None = None,
    data: bool = False,
    overwrite: bool = False,
    profile: str | dict[str, Any] = "litellm",
    set: str | None = None,
) -> Any:
    """
    Make a file that declares the keys of a gateway. If you apply it to the same gateway, Salt
    adopts them, and changes nothing else.

    Without ``set`` it is an SLS file with a ``present`` state for each key. With ``set`` it is a
    pillar file with the keys of one ``managed`` state. The head of either file says where to save
    it and what to do. LiteLLM shows no keys: an SLS file has a reference to the pillar in the place
    of each, a pillar file has null, which declares no key. Salt then manages what the key may do.
    Left out are keys without an alias, and secrets in the metadata.

    Returns the text of the file. With ``path`` it returns the ``path``, the number of ``keys``,
    what was ``left_out`` and why, and what to do ``next``. With ``data`` it returns the arguments
    by name.

    path
        The file to write (string, should be an absolute path). Only its owner can read it. The file
        must not exist yet, unless ``overwrite`` is ``True``. By default no file is written.

    pillar
        Without ``set``: the pillar key that the keys are taken from (string). Defaults to
        ``litellm_key_secrets``. With ``set``: the pillar key that the keys are under (string,
        nested with ``:``). Defaults to ``litellm_keys``.

    data
        Return the arguments of each key as data instead of a file (boolean). Defaults to
        ``False``.

    overwrite
        Replace the file at ``path`` if it exists (boolean). Defaults to ``False``.

    profile
        Config key of the gateway, or a mapping with its url and api_key. Defaults to ``litellm``.
        Any other key is written into the states.

    set
        Make a pillar file for a ``managed`` state of this name (string). By default an SLS file
        with ``present`` states is made.

    Fails if an argument has the wrong type, if ``path`` cannot be written or exists already, if
    there is no such profile, and if the gateway cannot be reached or refuses the api_key.

    CLI Example:

    .. code-block:: bash

        salt-call litellm_key.export path=/srv/salt/keys.sls
        salt-call litellm_key.export path=/srv/pillar/keys.sls set=product-keys
    """
    return _FUNCTIONS.export(
        _minion(),
        lambda gateway, set_: exported(gateway.keys.all(), set_),
        set=set,
        pillar=pillar,
        path=path,
        data=data,
        overwrite=overwrite,
        profile=profile,
    )


def _minion() -> Minion:
    return Minion(__opts__, __context__, __pillar__, __salt__)


def _set_blocked(name: str, profile: str | dict[str, Any], blocked: bool) -> bool:
    with salt_errors():
        _minion().gateway(profile).keys.set_blocked(checks.title("name", name), blocked)
        return True
