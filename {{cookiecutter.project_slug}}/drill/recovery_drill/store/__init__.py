"""The store of a drill: its server, its files, what it holds, and what passes on its wire."""
