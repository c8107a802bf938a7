"""Connects the rest to Salt; only these files import it."""
