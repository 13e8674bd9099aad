"""Nodes as a stranger writes them from the engine's documentation; they know nothing of a drill."""
