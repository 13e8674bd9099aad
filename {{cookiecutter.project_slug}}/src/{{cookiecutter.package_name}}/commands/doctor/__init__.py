"""``doctor``: look at everything that a start needs, and change nothing."""
