"""Of two nodes with one trader id, one trades: the lease."""
