"""The journal outlives the process: batches, and a kill at any moment."""

import io
import json
from typing import Any

import pytest

from simulated_exchange.journal.journal import Journal
from simulated_exchange.journal.state import State


class File(io.BytesIO):
    """Notes each write that reaches it."""

    def __init__(self) -> None:
        super().__init__()
        self.writes: list[list[Any]] = []

    def write(self, lines: Any) -> int:
        self.writes.append([json.loads(line) for line in bytes(lines).splitlines()])
        return super().write(lines)


def test_a_batch_is_one_write_and_applied_at_once() -> None:
    file, state = File(), State()
    journal = Journal(state, file)
    journal.write("request", {})
    with journal.batch():
        journal.write("request", {"n": 1})
        with journal.batch():
            start = {"first_open_ms": 5, "wallet": "1", "bars": {}}
            journal.write("exchange.started", start, market_ms=7)
        assert state.market_ms == 7
        assert len(file.writes) == 1, "an inner batch ends with the outer one"
    assert [[(r["seq"], r["batch"]) for r in write] for write in file.writes] == [
        [(1, 1)],
        [(2, 3), (3, 3)],
    ]
    assert journal.after(0) == [record for write in file.writes for record in write]


def test_an_exception_inside_a_batch_loses_nothing_that_was_applied() -> None:
    file = File()
    journal = Journal(State(), file)

    def interrupted() -> None:
        with journal.batch():
            journal.write("request", {})
            raise RuntimeError

    with pytest.raises(RuntimeError):
        interrupted()
    with journal.batch():
        pass
    assert len(file.writes) == 1, "an empty batch writes nothing"
