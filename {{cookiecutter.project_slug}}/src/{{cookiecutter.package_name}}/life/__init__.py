"""One life of a node: its way up, its thinking, its end."""
