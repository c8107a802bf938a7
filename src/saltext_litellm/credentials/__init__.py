"""The kind of object that LiteLLM calls a credential: values that several models share."""
