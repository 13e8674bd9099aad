"""Whole runs: plays side by side, explored, played again, and told of as they go on."""
