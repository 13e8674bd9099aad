"""The kill-and-restart drill: starts store, exchange and node, kills, restarts and judges.

The node and the exchange are known only from outside: by their command lines, their HTTP endpoints,
their exit codes and what they left in the store. That is why the drill can be pointed at any node
that speaks the same few words (see the README beside this package).
"""

__version__ = "0.1.0"
