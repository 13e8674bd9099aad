"""``/metrics``: what the node counts while it runs, and how it is told to Prometheus."""
