"""How a seeded market behaves. Pure functions of chance and index, without end.

A regime says where the price stands when a minute begins, as a part of the start price, and how
much is traded, as a part of what is usual. The price comes back to where it started, so that a
market may run for years.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass

Chance = Callable[[int, str], float]
"""A number in [0, 1) that depends on nothing but seed, symbol, index and what it is for."""

LEG, LEG_HEIGHT = 600, 0.22
"""A trend holds for so many bars, in which the price grows or shrinks by this logarithm."""

SESSION = 60
"""So many bars join; then the price jumps, as overnight."""

CYCLE, FALL, RECOVERY = 240, 4, 160
"""From crash to crash, how long it falls, and how long it takes to come back; in bars."""


@dataclass(frozen=True)
class Regime:
    """A kind of market; `about` is a line for the help text.

    `level` gets the index of a minute, and that of the bar that asks: both edges of a gap have the
    same index, but belong to two bars.
    """

    about: str
    level: Callable[[Chance, int, int], float]
    volume: Callable[[Chance, int], float] = lambda _chance, _bar: 1.0


def _swing(chance: Chance, index: int, _bar: int) -> float:
    turn, drift, calm = (math.tau * chance(0, salt) for salt in ("turn", "drift", "calm"))
    swing = min(1.0, max(0.02, 1.7 + 1.8 * math.sin(math.tau * index / 300 + calm)))
    angle = math.tau * (index / 34 + 0.27 * math.sin(math.tau * index / 210 + drift)) + turn
    shape = 0.011 * swing * math.sin(angle)
    shape += 0.006 * math.sin(math.tau * index / 1_100 + drift)
    shape += 0.0006 * swing * (chance(index, "noise") - 0.5)
    return 1 + shape


def _trend(chance: Chance, index: int, _bar: int) -> float:
    along = (index / LEG + 2 * chance(0, "leg")) % 2  # a leg up, a leg down
    climb = LEG_HEIGHT * (min(along, 2 - along) - 0.5)
    pullback = 0.003 * math.sin(math.tau * (index / 38 + chance(0, "pullback")))
    return math.exp(climb + pullback + 0.0008 * (chance(index, "noise") - 0.5))


def _range(chance: Chance, index: int, _bar: int) -> float:
    short, long = (math.tau * chance(0, salt) for salt in ("short", "long"))
    shape = 0.005 * math.sin(math.tau * index / 17 + short)
    shape += 0.003 * math.sin(math.tau * index / 29 + long)
    return 1 + shape + 0.001 * (chance(index, "noise") - 0.5)


def _gap(chance: Chance, index: int, bar: int) -> float:
    session = (bar + int(SESSION * chance(0, "session"))) // SESSION
    height = 0.006 + 0.014 * chance(session, "gap")
    return _range(chance, index, bar) * (1 + (height if session % 2 else -height))


def _crash(chance: Chance, index: int, bar: int) -> float:
    cycle, since = divmod(index + int(CYCLE * chance(0, "cycle")), CYCLE)
    depth = 0.18 + 0.12 * chance(cycle, "depth")
    fallen = since / FALL if since < FALL else max(0.0, 1 - (since - FALL) / RECOVERY)
    return _range(chance, index, bar) * (1 - depth * fallen)


def _crash_volume(chance: Chance, bar: int) -> float:
    since = (bar + int(CYCLE * chance(0, "cycle"))) % CYCLE
    if since < FALL:
        return 3.0
    return 0.05 if since < FALL + RECOVERY else 1.0


REGIMES = {
    "swing": Regime("up and down by 1 %, an EMA cross of 5 and 20 each 10 to 25 bars", _swing),
    "trend": Regime("ten hours up, ten hours down, with small pullbacks", _trend),
    "range": Regime("never more than 1 % from where it started", _range),
    "gap": Regime("a range that jumps by 1 to 4 % each hour", _gap),
    "crash": Regime("falls by 15 % or more in 4 bars, comes back slowly", _crash, _crash_volume),
}
