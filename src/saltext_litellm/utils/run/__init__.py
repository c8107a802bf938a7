"""What happens in one run: observe a gateway, decide, and do."""
