"""Settings: read once, checked all at once."""
