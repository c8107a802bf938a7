"""What serves any object of LiteLLM: login, HTTP, secrets, markers, comparison, checks, errors."""
