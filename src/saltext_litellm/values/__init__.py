"""Single values: how they are checked, compared, quoted and hidden."""
