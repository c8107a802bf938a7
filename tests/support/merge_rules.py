"""A small model of how LiteLLM keeps and shows deployments, for tests of the pure plan.

It stands in for the client. That it is right is itself tested: the same property runs on the real
gateway.
"""

from __future__ import annotations

import copy
import json
from collections.abc import Mapping
from typing import Any

FALSE_UNLESS_SENT = (
    "allow_client_keepalive_override",
    "merge_reasoning_content_in_choices",
    "use_in_pass_through",
    "use_litellm_proxy",
    "use_xai_oauth",
)
CLEARED_BY_NULL = (  # in 1.106.2; nothing is in 1.83.14
    "input_cost_per_token",
    "output_cost_per_token",
    "input_cost_per_character",
    "output_cost_per_character",
    "cache_read_input_token_cost",
    "cache_creation_input_token_cost",
)
LEFT_OUT = (
    "api_key",
    "client_secret",
    "vertex_credentials",
    "vertex_ai_credentials",
    "aws_access_key_id",
    "aws_secret_access_key",
)
SECRET_SEGMENTS = {"password", "secret", "key", "token", "auth", "authorization", "credentials"}


class MergeRules:
    """What the methods of the client do, without a gateway."""

    def __init__(self, clears: bool = True) -> None:
        self.table: dict[str, dict[str, Any]] = {}
        self.writes = 0
        self._cleared_by_null = CLEARED_BY_NULL if clears else ()

    def rows(self) -> list[dict[str, Any]]:
        return [self._shown(row) for row in self.table.values()]

    def row(self, model_id: str) -> dict[str, Any] | None:
        return self._shown(self.table[model_id]) if model_id in self.table else None

    def providers(self) -> list[str]:
        return []

    def version_tuple(self) -> tuple[int, ...]:
        return (1, 106)

    def can_block(self) -> bool:
        return True

    def create(self, body: Mapping[str, Any]) -> dict[str, Any]:
        self.writes += 1
        body = _through_json(body)
        model_id = body["model_info"]["id"]
        assert model_id not in self.table, "a duplicate id"
        self.table[model_id] = {
            "model_name": body["model_name"],
            "litellm_params": dict.fromkeys(FALSE_UNLESS_SENT, False) | body["litellm_params"],
            "model_info": body["model_info"],
            "blocked": body.get("blocked", False),
        }
        return self._raw(model_id)

    def update(self, model_id: str, body: Mapping[str, Any]) -> dict[str, Any] | None:
        if model_id not in self.table:
            return None
        row, body = self.table[model_id], _through_json(body)
        self.writes += bool(body)
        row["model_name"] = body.get("model_name", row["model_name"])
        row["blocked"] = body.get("blocked", row["blocked"])
        if "litellm_params" in body:
            sent = body["litellm_params"]
            merged = row["litellm_params"] | dict.fromkeys(FALSE_UNLESS_SENT, False)
            merged |= {key: value for key, value in sent.items() if value is not None}
            for key in self._cleared_by_null:
                if key in sent and sent[key] is None:
                    merged.pop(key, None)
            row["litellm_params"] = merged
        if "model_info" in body:
            assert body["model_info"]["id"] == model_id, "LiteLLM would store a random id"
            row["model_info"] |= {k: v for k, v in body["model_info"].items() if v is not None}
        return self._raw(model_id)

    def delete(self, model_id: str) -> bool:
        self.writes += 1
        return self.table.pop(model_id, None) is not None

    def _raw(self, model_id: str) -> dict[str, Any]:
        """A row as a write returns it: the strings of litellm_params encrypted."""
        row = copy.deepcopy(self.table[model_id])
        row["litellm_params"] = {
            key: f"encrypted-{len(value)}" if isinstance(value, str) else value
            for key, value in row["litellm_params"].items()
        }
        return row

    def _shown(self, row: dict[str, Any]) -> dict[str, Any]:
        """A row as a read shows it: some secrets left out, the others masked."""
        shown = copy.deepcopy(row)
        for key in LEFT_OUT:
            shown["litellm_params"].pop(key, None)
        shown["litellm_params"] = _masked(shown["litellm_params"])
        shown["model_info"]["blocked"] = shown.pop("blocked")
        return shown


def _through_json(body: Mapping[str, Any]) -> dict[str, Any]:
    parsed: dict[str, Any] = json.loads(json.dumps(body, allow_nan=False))
    return parsed


def _is_secret(key: str) -> bool:
    segments = set(key.lower().replace("-", "_").split("_"))
    return "cost" not in segments and bool(SECRET_SEGMENTS & segments)


def _masked(value: Any, secret: bool = False) -> Any:
    if isinstance(value, dict):
        return {key: _masked(item, _is_secret(key)) for key, item in value.items()}
    if isinstance(value, list):
        return [_masked(item, secret) for item in value]
    if not secret:
        return value
    text = str(value)
    stars = len(text) - 8
    return "*" * len(text) if stars <= 0 else text[:4] + "*" * stars + text[-4:]
