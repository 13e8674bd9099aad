"""What is, and how it came to be: orders, state, and the records that change it."""
