"""Seeded bars, the way through a bar, joined candles, bar files."""

import gzip
import hashlib
import os
from decimal import Decimal as Dec
from itertools import pairwise
from pathlib import Path
from statistics import mean

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from simulated_exchange.market.bar_file import BarFileError, read_bars
from simulated_exchange.market.bars import Bar, candles
from simulated_exchange.market.regimes import REGIMES
from simulated_exchange.market.scripts import RecordedMarket, SeededMarket
from simulated_exchange.market.symbols import symbol_rules

RULES = symbol_rules("BTCUSDT")
HEADER = "timestamp,open,high,low,close,volume"


def make_bar(opened: str, high: str, low: str, closed: str) -> Bar:
    return Bar(Dec(opened), Dec(high), Dec(low), Dec(closed), Dec(1))


def test_bars_depend_on_seed_symbol_and_index_alone() -> None:
    late_first = SeededMarket(7)
    late_first.bar(RULES, 900)
    assert late_first.bar(RULES, 5) == SeededMarket(7).bar(RULES, 5)
    assert SeededMarket(8).bar(RULES, 5) != SeededMarket(7).bar(RULES, 5)


@pytest.mark.parametrize("name", ["BTCUSDT", "SOLUSDT", "1000PEPEUSDT"])
def test_seeded_bars_are_sound_and_join_without_gaps(name: str) -> None:
    rules = symbol_rules(name)
    bars = [SeededMarket(7).bar(rules, index) for index in range(600)]
    for before, bar in pairwise(bars):
        assert bar.open == before.close
        assert bar.low <= min(bar.open, bar.close) <= max(bar.open, bar.close) <= bar.high
        assert not any(price % rules.tick for price in (bar.open, bar.high, bar.low, bar.close))
        assert abs(bar.close / rules.start_price - 1) < Dec("0.02")
        assert bar.volume > 0


@pytest.mark.parametrize("seed", [1, 7, 42])
def test_an_average_cross_turns_every_10_to_25_bars(seed: int) -> None:
    market, fast, slow, sides = SeededMarket(seed), 60_000.0, 60_000.0, []
    for index in range(3_000):
        close = float(market.bar(RULES, index).close)
        fast += (close - fast) * 2 / 6
        slow += (close - slow) * 2 / 21
        sides.append(fast > slow)
    turns = [index for index, (a, b) in enumerate(pairwise(sides)) if a != b]
    gaps = [b - a for a, b in pairwise(turns)]
    assert sum(10 <= gap <= 25 for gap in gaps) > 0.85 * len(gaps)
    assert max(gaps) > 40, "there are no flat stretches"


# Regimes: what each promises holds for any seed and symbol

SEEDS = st.integers(0, 10**9)
NAMES = st.sampled_from(("BTCUSDT", "ETHUSDT", "SOLUSDT", "1000PEPEUSDT"))
few = settings(max_examples=25, deadline=None)


def drawn(seed: int, regime: str, name: str, count: int) -> list[Bar]:
    market, rules = SeededMarket(seed, regime), symbol_rules(name)
    return [market.bar(rules, index) for index in range(count)]


def levels(bars: list[Bar], name: str) -> list[float]:
    """Return the closes, as parts of the start price."""
    return [float(bar.close / symbol_rules(name).start_price) for bar in bars]


def test_seeded_bars_stay_as_they_are() -> None:
    """Whoever changes one of these changes what everybody's drill has seen."""

    def digest(regime: str, name: str) -> str:
        rows = (",".join(bar.row()) for bar in drawn(7, regime, name, 600))
        return hashlib.sha256("\n".join(rows).encode()).hexdigest()[:16]

    assert {regime: digest(regime, "BTCUSDT") for regime in REGIMES} == {
        "swing": "8438d6cd446dab2f",
        "trend": "2f92b342eebdd8af",
        "range": "c5103c2de5daa344",
        "gap": "ce6e67881bd4e58f",
        "crash": "64a371f01b3c1b5c",
    }
    assert digest("swing", "ETHUSDT") == "ee2e988ceea1d65e"


@few
@given(SEEDS, st.sampled_from(sorted(REGIMES)), NAMES)
def test_bars_of_any_regime_are_sound(seed: int, regime: str, name: str) -> None:
    rules, bars = symbol_rules(name), drawn(seed, regime, name, 500)
    for before, bar in pairwise(bars):
        assert bar.open == before.close or regime == "gap"
        assert 0 < bar.low <= min(bar.open, bar.close) <= max(bar.open, bar.close) <= bar.high
        assert not any(price % rules.tick for price in bar[:4])
        assert bar.volume > 0
        assert bar.volume % rules.step == 0
    assert bars == drawn(seed, regime, name, 500)
    assert bars != drawn(seed + 1, regime, name, 500)


@few
@given(SEEDS, NAMES)
def test_symbols_trade_about_the_same_in_usdt(seed: int, name: str) -> None:
    worth = mean(float(bar.volume * bar.close) for bar in drawn(seed, "swing", name, 200))
    assert 1_200_000 < worth < 2_100_000


@few
@given(SEEDS, NAMES)
def test_a_trend_goes_on_for_hours(seed: int, name: str) -> None:
    closes = levels(drawn(seed, "trend", name, 1_800), name)
    moves = [later / close - 1 for close, later in zip(closes, closes[60:], strict=False)]
    assert sum(abs(move) > 0.01 for move in moves) > 0.85 * len(moves)
    assert all(abs(move) < 0.04 for move in moves)
    turns = sum((move > 0) != (later > 0) for move, later in zip(moves, moves[60:], strict=False))
    assert turns <= 4 * 60, "it turns at most once in a leg"
    backs = sum((a < b) != (b < c) for a, b, c in zip(closes, closes[1:], closes[2:], strict=False))
    assert backs > 50, "there are pullbacks"


@few
@given(SEEDS, NAMES)
def test_a_range_stays_where_it_is(seed: int, name: str) -> None:
    closes = levels(drawn(seed, "range", name, 1_000), name)
    assert all(abs(close - 1) < 0.01 for close in closes)
    for first in range(0, 1_000, 100):
        part = closes[first : first + 100]
        assert max(part) > 1.002
        assert min(part) < 0.998


@few
@given(SEEDS, NAMES)
def test_a_gap_comes_each_hour(seed: int, name: str) -> None:
    bars = drawn(seed, "gap", name, 600)
    jumps = {
        index: abs(float(bar.open / before.close) - 1)
        for index, (before, bar) in enumerate(pairwise(bars))
        if bar.open != before.close
    }
    assert len(jumps) in (9, 10)
    assert {later - index for index, later in pairwise(jumps)} == {60}
    assert all(0.01 < jump < 0.045 for jump in jumps.values())


@few
@given(SEEDS, NAMES)
def test_a_crash_falls_fast_and_comes_back_thin(seed: int, name: str) -> None:
    bars = drawn(seed, "crash", name, 960)
    closes = levels(bars, name)
    ends = [i for i in range(5, 960) if closes[i] < 0.85 * closes[i - 5]]
    bottoms = [i for i in ends if i + 1 not in ends]  # the last bars of the falls
    assert len(bottoms) in (3, 4)
    for bottom in bottoms:
        if 60 < bottom < 960 - 180:
            usual = mean(bar.volume for bar in bars[bottom - 60 : bottom - 10])
            after = mean(bar.volume for bar in bars[bottom + 2 : bottom + 100])
            assert after < usual / 10
            assert abs(closes[bottom + 170] - 1) < 0.01


def test_the_way_through_a_bar() -> None:
    assert make_bar("5", "9", "1", "6").path() == (Dec(5), Dec(1), Dec(9), Dec(6))
    assert make_bar("5", "9", "1", "5").path() == (Dec(5), Dec(1), Dec(9), Dec(5))
    assert make_bar("5", "9", "1", "4").path() == (Dec(5), Dec(9), Dec(1), Dec(4))


def test_minutes_join_to_candles() -> None:
    bars = [
        make_bar("5", "9", "1", "6"),
        make_bar("6", "7", "0.5", "2"),
        make_bar("2", "3", "2", "3"),
    ]
    joined = candles(bars, 3 * 60_000, 5)
    assert [(c.open_ms, c.close_ms) for c in joined] == [(0, 299_999), (300_000, 599_999)]
    assert joined[0].bar == Bar(Dec(5), Dec(9), Dec("0.5"), Dec(2), Dec(2))
    assert joined[0].quote_volume == Dec(8)


@pytest.mark.parametrize("name", ["BTCUSD", "btcusdt", "", "USDT", "A-USDT"])
def test_other_symbols_do_not_trade(name: str) -> None:
    with pytest.raises(ValueError, match="no symbol that trades here"):
        symbol_rules(name)


def write(path: Path, *rows: str, header: str = HEADER) -> Path:
    path.write_text("\n".join([header, *rows]) + "\n")
    return path


GOOD = [
    "2022-01-01 00:00:00.000000,46319.0,46385.0,46319.0,46377.0,463770.0",
    "2022-01-01 00:01:00.000000,46377.0,46411.0,46377.0,46411.0,0",
]


def test_a_file_of_bars(tmp_path: Path) -> None:
    first_ms, bars = read_bars(write(tmp_path / "bars.csv", *GOOD))
    assert first_ms == 1_640_995_200_000
    first = RecordedMarket(bars).bar(RULES, 0)
    assert first == Bar(Dec(46319), Dec(46385), Dec(46319), Dec(46377), Dec(10))
    assert len(bars) == 2
    assert RecordedMarket(bars).bar(RULES, 2) is None


def test_recorded_prices_are_put_on_the_grid() -> None:
    odd = ("100.05", "100.26", "99.94", "100.1", "1001")
    bar = RecordedMarket([odd]).bar(RULES, 0)
    assert bar == Bar(Dec("100.00"), Dec("100.30"), Dec("99.90"), Dec("100.10"), Dec(10))


@pytest.mark.parametrize(
    ("rows", "header", "says"),
    [
        (GOOD, "time,price", "is no file of bars"),
        ([GOOD[0], GOOD[0]], HEADER, "line 3: rows have to be one minute apart"),
        (["2022-01-01 00:00:30,1,1,1,1,1"], HEADER, "on full minutes"),
        (["2022-01-01 00:00:00,1,1,1"], HEADER, "line 2: this is no row"),
        (["yesterday,1,1,1,1,1"], HEADER, "line 2: this is no row"),
        (["2022-01-01 00:00:00,1,2,1,3,1"], HEADER, "between low and high"),
        (["2022-01-01 00:00:00,0,2,0,1,1"], HEADER, "between low and high"),
        (["2022-01-01 00:00:00,1,NaN,1,1,1"], HEADER, "line 2"),
        (["2022-01-01 00:00:00,1,1,1,1,inf"], HEADER, "between low and high"),
    ],
)
def test_a_file_that_is_no_bar_file(
    tmp_path: Path, rows: list[str], header: str, says: str
) -> None:
    with pytest.raises(BarFileError, match=says):
        read_bars(write(tmp_path / "bars.csv", *rows, header=header))


def test_files_that_cannot_be_read(tmp_path: Path) -> None:
    whole = gzip.compress("\n".join([HEADER, *GOOD * 50]).encode())
    for name, content in (("cut.csv.gz", whole[:50]), ("plain.csv.gz", b"no"), ("b.csv", b"\xff")):
        (tmp_path / name).write_bytes(content)
        with pytest.raises(BarFileError, match="cannot be read"):
            read_bars(tmp_path / name)
    with pytest.raises(BarFileError, match="No such file"):
        read_bars(tmp_path / "none.csv")


def test_a_recorded_month() -> None:
    path = os.environ.get("RECORDED_BARS")
    if not path:
        pytest.skip("RECORDED_BARS does not name a file of recorded bars, so none are read.")
    first_ms, bars = read_bars(Path(path))
    assert first_ms % 60_000 == 0
    assert len(bars) > 40_000
    market = RecordedMarket(bars)
    for index in range(0, len(bars), 100):
        bar = market.bar(RULES, index)
        assert bar is not None
        assert bar.low <= min(bar.open, bar.close) <= max(bar.open, bar.close) <= bar.high
