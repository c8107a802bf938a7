"""A whole config.yaml of LiteLLM's proxy: read, converged, compared and exported."""
