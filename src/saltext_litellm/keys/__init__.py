"""The kind of object that LiteLLM calls a virtual key."""
