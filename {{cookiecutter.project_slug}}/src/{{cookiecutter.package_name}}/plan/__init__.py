"""What should be, and the next command that brings it about: pure, without engine or network."""
