"""The faults: what is done to node, store, host and exchange, each an object with a beginning."""
