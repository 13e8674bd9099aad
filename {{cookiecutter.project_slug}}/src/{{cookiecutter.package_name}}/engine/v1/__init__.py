"""NautilusTrader 1.231.0: the only room that imports it."""
