"""What Salt prints of the extension's lists."""
