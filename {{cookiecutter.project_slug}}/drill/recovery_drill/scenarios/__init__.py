"""The named scenarios: each says what it shows, and does it with the words of `World`."""
