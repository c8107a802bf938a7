"""LiteLLM gateways as Salt states. Every Salt process imports this package: keep it empty."""
