"""An exchange in its own process that speaks Binance USD-M futures REST and WebSocket.

A pure core decides what happens (`matching`, `account`, `state`, `market`); a thin aiohttp shell
speaks the protocol (`rest`, `streams`), injects faults (`faults`) and is controlled (`control`).
State changes only by recording an event and applying it, so the journal is the ground truth.
"""

__version__ = "0.1.0"
