"""``state``: what node, store and exchange have, side by side."""
