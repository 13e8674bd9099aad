"""One play: a world, what is done in it, and the record that it leaves."""
