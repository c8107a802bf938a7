"""Finds names in ``litellm_params`` that are almost those of LiteLLM."""

from __future__ import annotations

import difflib
import re
from functools import lru_cache

from .fields import is_price

# Names in litellm_params that are often misspelt. LiteLLM sends a name that it does not know to the
# provider, which ignores it or refuses the call.
_OFTEN_MISSPELT = (
    ("additional_drop_params", "allowed_openai_params", "api_base", "api_key", "api_version")
    + ("aws_access_key_id", "aws_profile_name", "aws_region_name", "aws_role_name")
    + ("aws_secret_access_key", "aws_session_name", "aws_session_token", "azure_ad_token")
    + ("base_url", "budget_duration", "client_id", "client_secret", "cooldown_time")
    + ("custom_llm_provider", "drop_params", "extra_body", "extra_headers")
    + ("input_cost_per_token", "litellm_credential_name", "max_budget", "max_parallel_requests")
    + ("max_retries", "mock_response", "num_retries", "order", "organization")
    + ("output_cost_per_token", "region_name", "rpm", "stream_timeout", "tags", "tenant_id")
    + ("timeout", "tpm", "use_in_pass_through", "use_litellm_proxy", "vertex_credentials")
    + ("vertex_location", "vertex_project", "weight")
)
_MISSPELT = {
    **{re.sub("[^a-z]", "", name): name for name in _OFTEN_MISSPELT},
    **dict.fromkeys(("rpmlimit", "maxrpm"), "rpm"),
    **dict.fromkeys(("tpmlimit", "maxtpm"), "tpm"),
    "awsaccesskey": "aws_access_key_id",
    "awsregion": "aws_region_name",
    "awssecretkey": "aws_secret_access_key",
    "credentialname": "litellm_credential_name",
    "maxretry": "max_retries",
}
_NOT_MISSPELT = frozenset(  # LiteLLM 1.106.2 knows these too
    ("models", "organization_id", "s3_region_name", "s3_secret_access_key")
    + ("vertex_ai_credentials", "vertex_ai_location", "vertex_ai_project", "weights")
)


@lru_cache(4096)
def meant(key: str) -> str | None:
    """The name in ``litellm_params`` that a misspelt key stands for; ``None`` if it is correct."""
    letters = re.sub("[^a-z0-9]", "", key.lower())
    near = difflib.get_close_matches(letters, _MISSPELT, 1, 0.9)
    name = _MISSPELT[near[0]] if near else None
    if name is None or key in (*_OFTEN_MISSPELT, *_NOT_MISSPELT):
        return None
    return None if is_price(key) and key.startswith(f"{name}_") else name
