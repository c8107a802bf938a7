"""Speaks HTTP with a gateway."""
