"""The arithmetic of one cross-margin account in one-way mode."""
