"""What a NautilusTrader node of your own imports to be drilled.

Two words in the node's file, and nothing of it changes where no drill runs::

    from recovery_drill.kit import drilled, here

    node = TradingNode(config=here(config))
    ...
    drilled(node).run()

`here` puts the drill's store and exchange in the place of those that a configuration names, and
`drilled` gives the node what the drill asks of it: its endpoint and its stage lines. A node whose
file shall not be touched is started with ``python -m recovery_drill.kit FILE`` instead.

Nothing else of the drill knows these modules, and only they know the engine.
"""

from recovery_drill.kit.here import here
from recovery_drill.kit.node import drilled
from recovery_drill.kit.settings import Settings, settings

__all__ = ["Settings", "drilled", "here", "settings"]
