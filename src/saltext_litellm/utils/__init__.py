"""Plain Python that knows nothing of Salt."""
