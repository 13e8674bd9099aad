"""Keep the books: what the exchange tells of fills and income, and will forget."""
