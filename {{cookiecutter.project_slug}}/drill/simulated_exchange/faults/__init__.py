"""What a drill may order to go wrong."""
