"""Where node, exchange and store run: processes of this machine, or containers."""
