"""What happens to orders, and the course of the market that makes it happen."""
