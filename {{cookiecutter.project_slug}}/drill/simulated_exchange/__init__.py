"""An exchange in its own process that speaks Binance USD-M futures REST and WebSocket.

Its rooms, each of which knows only those above it:

========  =======================================================================
market    symbols, bars, and the scripts that prices follow
journal   orders, state, and the records that change it
account   what fills do to the wallet, and what positions and orders bind
matching  what happens to orders, and the course of the market that makes it happen
faults    what a drill may order to go wrong
protocol  requests, answers, sockets and streams
========  =======================================================================

State changes only by recording an event and applying it, so the journal is the ground truth.
"""

__version__ = "0.1.0"
