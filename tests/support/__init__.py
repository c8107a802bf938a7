"""What tests share: a real LiteLLM gateway, a recorder in front of it, and models of LiteLLM."""
