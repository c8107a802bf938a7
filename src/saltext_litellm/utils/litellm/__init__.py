"""Code for any object of LiteLLM: login, HTTP, secrets, markers, comparison, checks and errors."""
