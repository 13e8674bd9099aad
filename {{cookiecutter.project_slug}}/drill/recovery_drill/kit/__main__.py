"""``python -m recovery_drill.kit FILE [ARGUMENTS]``: drill a node whose file is not touched.

The file is run as ``python FILE ARGUMENTS`` would run it. Every `TradingNode` that it makes gets
its configuration through `here`, and shows its face when it is run.
"""

import runpy
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from recovery_drill.kit.here import here
from recovery_drill.kit.node import face_of

USAGE = 2


def run_file(arguments: list[str]) -> None:
    """Run a file as if it had been started by itself."""
    from nautilus_trader.live.node import TradingNode

    made: Callable[..., None] = TradingNode.__init__
    run: Callable[..., None] = TradingNode.run
    face: dict[int, Any] = {}

    def make(node: Any, config: Any = None, **others: Any) -> None:
        made(node, **others) if config is None else made(node, here(config), **others)

    def run_with_face(node: Any, *args: Any, **others: Any) -> None:
        face[id(node)] = face_of(node)
        run(node, *args, **others)

    kind: Any = TradingNode
    kind.__init__, kind.run = make, run_with_face
    sys.argv = arguments
    # Where Python itself would look for the file's own modules first.
    sys.path.insert(0, str(Path(arguments[0]).resolve().parent))
    runpy.run_path(arguments[0], run_name="__main__")


def main() -> None:
    """Run the file that the command line names."""
    arguments = sys.argv[1:]
    if not arguments or not Path(arguments[0]).is_file():
        print("recovery_drill.kit: name the node's file: python -m recovery_drill.kit FILE")
        sys.exit(USAGE)
    run_file(arguments)


if __name__ == "__main__":
    main()
