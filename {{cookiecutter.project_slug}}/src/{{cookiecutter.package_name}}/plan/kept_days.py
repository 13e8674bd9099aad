"""For how many days what has ended stays where the engine has it."""

LEAST_DAYS = 8
"""The exchange tells of the last seven days unasked (All Orders, Account Trade List); one more for
clocks and for a start that takes its time."""
USUAL_DAYS = 10
