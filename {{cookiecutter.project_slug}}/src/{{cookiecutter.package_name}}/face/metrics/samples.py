"""
A snapshot in Prometheus' words. Pure.

Names and units are as Prometheus recommends: seconds, ``_total`` for what only grows, no unit for a
quantity of coins. Labels have few values: lines of what is traded, stages, codes that are known.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from decimal import Decimal
from itertools import accumulate

from prometheus_client.core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
    InfoMetricFamily,
    Metric,
)

from .snapshot import BUCKETS, Counts, DayFacts, Durations, Line, Snapshot, Wrong

LINE = ("tag", "symbol")


def families(told: Snapshot) -> Iterator[Metric]:
    """Yield every metric of a snapshot; one that has nothing to tell is left out."""
    yield from _life(told)
    yield from _lines(told.lines)
    yield from _orders(told)
    yield from _conditions(told.conditions)
    yield from _around(told)
    if told.day is not None:
        yield from _day(told.day)


def _life(told: Snapshot) -> Iterator[Metric]:
    who = {"version": told.version, "trader_id": told.trader_id, "profile": told.profile}
    yield InfoMetricFamily("trader", "Which node it is.", value=who)
    yield _labeled(
        "trader_stage",
        "1 for the stage that the node is at, 0 for the others.",
        ("stage",),
        {(stage,): float(stage == told.stage) for stage in told.stages},
    )
    yield _gauge("trader_start_time_seconds", "When the process began, in Unix time.", told.started)
    yield _labeled(
        "trader_start_stage_seconds",
        "How long each stage of the way up took that is over.",
        ("stage",),
        {(stage,): seconds for stage, seconds in told.start_stages.items()},
    )
    if told.start_seconds is not None:
        text = "From the process's beginning until it traded for the first time."
        yield _gauge("trader_start_seconds", text, told.start_seconds)
    text = "Whether the node waits while another one trades."
    yield _gauge("trader_standing_by", text, told.stands_by)
    text = "How often counting has failed; trading does not depend on it."
    yield _counter("trader_metrics_failures", text, told.failures)


def _lines(lines: Sequence[Line]) -> Iterator[Metric]:
    def gauge(name: str, text: str, values: Iterable[float | None]) -> GaugeMetricFamily:
        pairs = zip(lines, values, strict=True)
        found: dict[tuple[str, ...], float] = {
            (line.tag, line.symbol): value for line, value in pairs if value is not None
        }
        return _labeled(name, text, LINE, found)

    text = "What is held, in coins; negative is short."
    yield gauge("trader_position", text, (float(each.position) for each in lines))
    text = "How many coins of the position working stops would close."
    yield gauge("trader_position_protected", text, (float(each.stopped) for each in lines))
    text = "Whether the line's position should have a stop."
    yield gauge("trader_stop_wanted", text, (float(each.wants_stop) for each in lines))
    text = "For how long a position that should have a stop has lacked one for some part of it."
    yield gauge("trader_naked_for_seconds", text, (each.naked_seconds for each in lines))
    total = CounterMetricFamily(
        "trader_naked_seconds", "The same, summed up since the process began.", labels=LINE
    )
    for each in lines:
        total.add_metric((each.tag, each.symbol), each.naked_seconds_total)
    yield total
    text = "Orders of the symbol that are not closed."
    yield gauge("trader_orders_working", text, (float(each.working) for each in lines))
    text = "For how long no new bar has come."
    yield gauge("trader_bar_age_seconds", text, (each.bar_age for each in lines))
    text = "The length of the line's bars."
    yield gauge("trader_bar_length_seconds", text, (each.bar_seconds for each in lines))


def _orders(told: Snapshot) -> Iterator[Metric]:
    yield _counters(
        "trader_orders",
        "Orders by what has become of them; each is counted once for each outcome.",
        (*LINE, "leg", "outcome"),
        told.orders,
    )
    yield _counters("trader_fills", "Fills, each part of an order's.", (*LINE, "leg"), told.fills)
    yield _counters(
        "trader_refusals",
        "Orders and cancellations that were refused, by the exchange's code, limit or other.",
        (*LINE, "code"),
        told.refusals,
    )
    trips = HistogramMetricFamily(
        "trader_order_round_trip_seconds",
        "From the sending of a request until something was heard of it.",
        labels=("request",),
    )
    for request, durations in told.round_trips.items():
        trips.add_metric((request,), _buckets(durations), durations.seconds)
    yield trips


def _buckets(durations: Durations) -> list[tuple[str, float]]:
    bounds = (*(str(bound) for bound in BUCKETS), "+Inf")
    return list(zip(bounds, accumulate(durations.counts), strict=True))


def _conditions(conditions: Sequence[Wrong]) -> Iterator[Metric]:
    labels = ("condition", "symbol")
    yield _labeled(
        "trader_condition_holds",
        "What is wrong: 1 when nothing new may be opened because of it, 0 when it is only said.",
        labels,
        {(each.condition, each.symbol): float(each.holds) for each in conditions},
    )
    yield _labeled(
        "trader_condition_seconds",
        "For how long it has been so.",
        labels,
        {(each.condition, each.symbol): each.seconds for each in conditions},
    )


def _around(told: Snapshot) -> Iterator[Metric]:
    held = told.lease.epoch is not None
    yield _gauge("trader_lease_held", "Whether this node is the one that may trade.", held)
    if told.lease.epoch is not None:
        text = "The number of this holding of the lease: one more with each start."
        yield _gauge("trader_lease_epoch", text, told.lease.epoch)
    text = "For how long this node may send, unless it renews."
    yield _gauge("trader_lease_left_seconds", text, told.lease.left)
    if (clock := told.clock) is not None:
        text = "By how much the exchange's clock is ahead of this machine's."
        yield _gauge("trader_clock_offset_seconds", text, clock.offset)
        text = "By how much that may be wrong."
        yield _gauge("trader_clock_doubt_seconds", text, clock.doubt)
        yield _gauge("trader_clock_age_seconds", "How long ago that was measured.", clock.age)
    if (store := told.store) is not None:
        text = "For how long the store has lacked what the engine has written; 0 when it has all."
        yield _gauge("trader_store_lag_seconds", text, store.lag)
        yield _gauge("trader_store_look_seconds", "How long the last look at it took.", store.look)
    text = "Questions that the node itself has asked the exchange, besides those of the engine."
    yield _counter("trader_exchange_questions", text, told.asked)
    yield _counter("trader_exchange_weight", "What these count at the exchange.", told.weight)


def _day(day: DayFacts) -> Iterator[Metric]:
    told: tuple[tuple[str, str, Decimal | None], ...] = (
        (
            "trader_day_result_usd",
            "Won since 00:00 UTC, with commission and funding; negative is lost.",
            day.result,
        ),
        ("trader_day_commission_usd", "Paid in commission since 00:00 UTC.", day.commission),
        ("trader_day_loss_limit_usd", "What a day may lose: TRADER_MAX_DAILY_LOSS.", day.most_loss),
        (
            "trader_day_commission_limit_usd",
            "What a day may pay: TRADER_MAX_DAILY_FEES.",
            day.most_commission,
        ),
    )
    for name, text, value in told:
        if value is not None:
            yield _gauge(name, text, float(value))
    text = "What the account has of an asset, with what open positions have won or lost."
    equity: dict[tuple[str, ...], float] = {
        (asset,): float(value) for asset, value in day.equity.items() if value
    }
    yield _labeled("trader_equity", text, ("asset",), equity)


def _gauge(name: str, text: str, value: float) -> GaugeMetricFamily:
    return GaugeMetricFamily(name, text, value=float(value))


def _counter(name: str, text: str, value: float) -> CounterMetricFamily:
    return CounterMetricFamily(name, text, value=float(value))


def _labeled(
    name: str, text: str, labels: Sequence[str], values: Mapping[tuple[str, ...], float]
) -> GaugeMetricFamily:
    family = GaugeMetricFamily(name, text, labels=labels)
    for key, value in values.items():
        family.add_metric(key, value)
    return family


def _counters(name: str, text: str, labels: Sequence[str], values: Counts) -> CounterMetricFamily:
    family = CounterMetricFamily(name, text, labels=labels)
    for key, value in values.items():
        family.add_metric(key, value)
    return family
