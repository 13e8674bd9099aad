"""The engine behind a seam: `desk` says what is asked of it, only `v1` imports it."""
