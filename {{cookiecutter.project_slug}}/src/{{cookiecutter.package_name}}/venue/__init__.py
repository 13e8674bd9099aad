"""What the node asks an exchange itself; one folder an exchange."""
