"""Code for LiteLLM's models: fields, rows, identity, plans, sets, export and endpoints."""
