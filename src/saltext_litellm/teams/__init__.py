"""The kind of object that LiteLLM calls a team."""
