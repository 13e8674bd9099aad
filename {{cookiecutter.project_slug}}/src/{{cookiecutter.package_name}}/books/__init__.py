"""What trading has brought and cost: pure accounting over what the exchange tells."""
