"""A NautilusTrader node that survives being killed: everything that runs with money."""

__version__ = "0.1.0"
