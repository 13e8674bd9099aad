"""The store of a drill: its server, its files, what is in it, and what passes on its wire."""
