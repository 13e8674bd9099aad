"""The named scenarios: rows of situation, fault, and what is judged."""
