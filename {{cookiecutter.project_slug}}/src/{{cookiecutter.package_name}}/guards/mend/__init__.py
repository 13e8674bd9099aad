"""Before the engine loads its store: bring it to what happened at the exchange."""
