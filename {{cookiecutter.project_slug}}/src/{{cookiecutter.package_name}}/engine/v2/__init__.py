"""NautilusTrader 2.0.0rc7, a preview: the only other room that imports the engine."""

NAUTILUS_TRADER = "2.0.0rc7"
"""The version that this room is made for; another one is as good as untried."""
OLDEST_PYTHON = (3, 13)
