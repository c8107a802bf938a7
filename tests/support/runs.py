"""A run of one deployment on the model of LiteLLM, in a few words."""

from __future__ import annotations

from typing import Any

from saltext_litellm.models import desired as deployments
from saltext_litellm.models.deployments import Deployments
from saltext_litellm.models.options import ModelOptions
from saltext_litellm.objects.outcome import Outcome

from .cluster import Client, Cluster
from .properties import FINGERPRINTER

MODEL = {"custom_llm_provider": "openai", "base_model": "gpt-4"}


def present(cluster: Cluster | Client, name: str, test: bool = False, **arguments: Any) -> Outcome:
    """What a state of this name would do, or does, by a run of its own."""
    model = {} if "model" in arguments.get("litellm_params", {}) else MODEL
    wanted = deployments.desired({"name": name, **model, **arguments}, lambda value: value)
    client: Any = cluster.client() if isinstance(cluster, Cluster) else cluster
    (outcome,) = Deployments(client, FINGERPRINTER).apply([wanted], ModelOptions(test=test))
    return outcome
