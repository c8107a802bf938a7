"""What is about LiteLLM's models: fields, rows, identity, plans, sets, export and endpoints."""
