"""What the node shows: stages, health and state."""
