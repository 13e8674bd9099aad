"""What is wrong with the list of what is traded is said in sentences, all at once."""

import importlib
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest


@pytest.fixture(scope="session")
def traded(importable: str) -> ModuleType:
    return importlib.import_module(f"{importable}.plan.traded")


def line(traded: ModuleType, **changes: Any) -> Any:
    window = changes.pop("window", 60)
    parts = {"symbol": "BTCUSDT", "bar": "1m", "tag": "EMA001", **changes}
    return traded.Traded(rule=SimpleNamespace(window=window), **parts)


def complaints(traded: ModuleType, *lines: Any) -> list[str]:
    found: list[str] = traded.complaints(lines, "TRADER-001")
    assert all(sentence.endswith(".") for sentence in found)
    return found


def test_two_lines_that_fit_together(traded: ModuleType) -> None:
    other = line(traded, symbol="ETHUSDT", tag="EMA002", bar="4h")
    assert complaints(traded, line(traded), other) == []
    assert other.bar_length.ms == 4 * 3_600_000


def test_empty_list(traded: ModuleType) -> None:
    [sentence] = complaints(traded)
    assert "nothing to trade" in sentence


@pytest.mark.parametrize(
    ("changes", "complaint"),
    [
        ({"tag": ""}, "letters, digits or underscores"),
        ({"tag": "A" * 11}, "letters, digits or underscores"),
        ({"tag": "A-B"}, "letters, digits or underscores"),
        ({"tag": "É1"}, "letters, digits or underscores"),
        ({"symbol": "btcusdt"}, "as the exchange writes it"),
        ({"symbol": "BTCUSDT-PERP"}, "as the exchange writes it"),
        ({"bar": "7m"}, "bars of '7m'; there are 1m, 3m"),
        ({"bar": "1w"}, "bars of '1w'"),
        ({"window": 0}, "looks at 0 bars; 1 to 1,000"),
        ({"window": 1_001}, "looks at 1001 bars"),
    ],
)
def test_line_that_cannot_be_traded(
    traded: ModuleType, changes: dict[str, Any], complaint: str
) -> None:
    [sentence] = complaints(traded, line(traded, **changes))
    assert complaint in sentence


def test_everything_is_said_at_once(traded: ModuleType) -> None:
    found = complaints(traded, line(traded, tag="A B", symbol="x", bar="2m", window=-1))
    assert len(found) == 4


def test_tag_and_symbol_are_used_once(traded: ModuleType) -> None:
    [tag] = complaints(traded, line(traded), line(traded, symbol="ETHUSDT"))
    assert tag.startswith("The tag EMA001 is used by 2 lines")
    [symbol] = complaints(traded, line(traded), line(traded, tag="EMA002"))
    assert symbol.startswith("BTCUSDT is traded by 2 lines")


def test_owners_that_happen_to_be_the_same(
    traded: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One chance in billions, so the digest is replaced."""
    monkeypatch.setattr(traded, "owner_of", lambda trader_id, tag, symbol: "1aaaaaaa")
    [sentence] = complaints(traded, line(traded), line(traded, tag="EMA002", symbol="ETHUSDT"))
    assert "the same client order ids" in sentence


def test_unknown_bar_length(traded: ModuleType) -> None:
    with pytest.raises(ValueError, match="7m"):
        _ = line(traded, bar="7m").bar_length
