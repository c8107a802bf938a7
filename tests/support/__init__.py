"""A real LiteLLM gateway for the tests, and a recorder to stand in front of it."""
