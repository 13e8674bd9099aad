"""NautilusTrader 1.231.0: the only room that imports it."""

NAUTILUS_TRADER = "1.231.0"
"""The version that this room is made for; another one is as good as untried."""
OLDEST_PYTHON = (3, 12)
