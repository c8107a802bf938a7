"""Code for one run: read a gateway, decide, and act."""
