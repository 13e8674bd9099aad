"""Keep the store small: what has ended long ago goes to files."""
