"""The drilled project's own containers, and what an engine does to them."""
