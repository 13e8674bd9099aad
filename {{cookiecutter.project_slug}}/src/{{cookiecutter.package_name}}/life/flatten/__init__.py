"""Bring an account to nothing held and nothing working, without an engine."""
