"""The engine behind a seam: `desk` says what is asked of it, `chosen` which one it is."""
