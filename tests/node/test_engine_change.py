"""The same node on another version of the engine and back, with a position and its stop open.

Needs the other version in a folder that `OTHER_ENGINE` names:
`pip install --no-deps --target FOLDER nautilus_trader==1.230.0`.
"""

import os
import time
from pathlib import Path
from typing import Any

import pytest

from node.conftest import Start
from node.processes import Exchange, Store
from node.test_trading import MOST_BARS, last_bar, step, step_until_position

OTHER = os.environ.get("OTHER_ENGINE", "")
SEEN_SECONDS = 20.0

pytestmark = pytest.mark.skipif(not OTHER, reason="OTHER_ENGINE names no other engine.")


def standing(exchange: Exchange) -> tuple[Any, ...]:
    rows = exchange.get("ledger")["orders"]
    names = [(row["client_order_id"], row["kind"]) for row in rows]
    assert len(set(names)) == len(names), "an order was doubled"
    return exchange.position(), exchange.working_stops(), names


@pytest.mark.parametrize("is_other_first", [True, False])
def test_up_and_back(
    start: Start, store: Store, exchange: Exchange, project: Path, is_other_first: bool
) -> None:
    paths = [f"{OTHER}:{project / 'src'}", str(project / "src")]
    first, second = paths if is_other_first else paths[::-1]
    node = start(PYTHONPATH=first)
    node.until("trading")
    step_until_position(exchange, node)
    before = standing(exchange)
    assert before[1], "what is held has no stop"
    for path in (second, first):
        began = time.monotonic()
        node.child.terminate()
        assert node.wait(SEEN_SECONDS) == 0
        assert standing(exchange) == before
        node = start(PYTHONPATH=path)
        node.until("trading")
        print(f"Without supervision: {time.monotonic() - began:.1f} s.")
        node.settle(last_bar(exchange))
        assert standing(exchange) == before
        assert not node.said("starts cold")
    for _ in range(MOST_BARS):
        if not step(exchange, node)["positions"]:
            break
    standing(exchange)
