"""The mend of an engine's keys, whatever the version that wrote them; it imports no engine."""
