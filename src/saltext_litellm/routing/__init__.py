"""What LiteLLM's router follows: fallback rules of models, and its settings."""
