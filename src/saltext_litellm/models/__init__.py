"""The kind of object that LiteLLM calls a model or a deployment."""
