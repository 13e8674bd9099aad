"""What happened in a play, moment by moment, in words; pure."""

from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation

from recovery_drill.record.evidence import FaultSpan, Life
from recovery_drill.record.model import Record
from recovery_drill.report.times import SECOND_NS, market_time, readable, seconds
from recovery_drill.report.told_play import ToldPlay

MOST_LETTERS = 400
STARTED = "started"
TOLD = {
    STARTED: "is started",
    "trading": "trades",
    "degraded": "trades no more: it has noticed that something is wrong",
    "refused": "refuses to trade",
    "stopping": "stops",
}
"""What is told of a life; the stages between its start and its trading are in the drawing."""
SHORT_NS = SECOND_NS // 4
"""What is over so soon is told as one moment."""


@dataclass(frozen=True)
class Moment:
    """Something that happened.

    Parameters
    ----------
    mono_ns : int
        Monotonic time.
    kind : str
        ``kill``, ``end``, ``node``, ``fault``, ``wait`` or, of the exchange, ``order``.
    text : str
        What happened, in words.
    market : str
        The market's time then.
    seconds : str
        How long after the play's beginning it was.

    """

    mono_ns: int
    kind: str
    text: str
    market: str
    seconds: str


def main_moments(play: ToldPlay) -> list[Moment]:
    """Return what was done to the node, and what it did by itself, in order."""
    found = [*_of_lives(play), *_of_faults(play), *_of_records(play)]
    return [_moment(play, *what) for what in sorted(found)]


def all_moments(play: ToldPlay) -> list[Moment]:
    """Return the main moments, each stage of the node and each order at the exchange, in order."""
    stages = (
        (at, "node", f"life {life.number} {TOLD[stage]}")
        for life in play.lives
        for stage, at in ((STARTED, life.started_ns), *life.stages)
        if stage in TOLD
    )
    orders = [found for r in play.journal if (found := _of_order(r))]
    # The exchange says twice that a stop was triggered: that it is about to, and that it has.
    once = [order for n, order in enumerate(orders) if n == 0 or order[2] != orders[n - 1][2]]
    more = [_moment(play, *what) for what in (*stages, *once)]
    return sorted((*main_moments(play), *more), key=lambda moment: moment.mono_ns)


def _moment(play: ToldPlay, mono_ns: int, kind: str, text: str) -> Moment:
    text = text if len(text) <= MOST_LETTERS else f"{text[:MOST_LETTERS]}…"
    market = ""
    if play.clock is not None:
        market = market_time(play.clock.market(mono_ns), day=play.takes_days)
    return Moment(mono_ns, kind, text, market, seconds(mono_ns, play.began_ns))


def _of_lives(play: ToldPlay) -> Iterator[tuple[int, str, str]]:
    points = {
        r.data.get("life"): f", at {r.data['boundary']} ({r.data['nth']})"
        for r in play.history
        if r.kind == "crash.point"
    }
    for life in play.lives:
        if life.rival:
            yield life.started_ns, "node", f"life {life.number} is started beside the other"
        if life.turn_ns is not None:
            yield life.turn_ns, "node", f"it is the turn of life {life.number} to trade"
        for since, until in life.pauses:
            yield since, "fault", f"life {life.number} is made to stand still (SIGSTOP)"
            if until is not None:
                yield until, "fault", f"life {life.number} may go on (SIGCONT)"
        if life.ended_ns is not None and not (life.how == "stopped" and life is play.lives[-1]):
            kind = "kill" if life.how == "killed" else "end"
            yield life.ended_ns, kind, _end(play, life, points.get(life.number, ""))


def _end(play: ToldPlay, life: Life, point: str) -> str:
    ended = life.ended_ns or 0
    name = f"life {life.number}"
    match life.how:
        case "killed":
            said = f"kill -9: {name} was killed{point}, {holding(play.journal, ended)}"
        case "stopped":
            said = f"{name} stopped as asked"
        case _:
            words = f": {life.said}" if life.said else ""
            said = f"{name} ended by itself with code {life.exit_code}{words}"
    back = dict(play.outages()).get(ended)
    if back is None:
        return said
    if back == play.ended_ns:
        return f"{said}; none traded after it"
    return f"{said}; the node traded again {seconds(back, ended)} later"


def holding(journal: tuple[Record, ...], at_ns: int) -> str:
    """Return what was held at a moment: ``while it held 0.010 BTCUSDT short``."""
    held: dict[str, Decimal] = {}
    for record in journal:
        if record.mono_ns > at_ns:
            break
        if record.kind == "position.changed":
            held[str(record.data["symbol"])] = decimal(record.data["quantity"])
    told = [
        f"{abs(quantity)} {symbol} {'long' if quantity > 0 else 'short'}"
        for symbol, quantity in held.items()
        if quantity
    ]
    return f"while it held {' and '.join(told)}" if told else "while it held nothing"


def decimal(value: object) -> Decimal:
    """Return a number of a record; what is none counts as nothing."""
    try:
        return Decimal(str(value))
    except InvalidOperation:
        return Decimal(0)


def _of_faults(play: ToldPlay) -> Iterator[tuple[int, str, str]]:
    for fault in play.own_faults:
        if _is_short(fault):
            yield fault.began_ns, "fault", f"{fault.name} happens"
            continue
        yield fault.began_ns, "fault", f"{fault.name} begins"
        if fault.ended_ns is not None:
            lasted = seconds(fault.ended_ns, fault.began_ns)
            yield fault.ended_ns, "fault", f"{fault.name} is over, after {lasted}"


def _is_short(fault: FaultSpan) -> bool:
    return fault.ended_ns is not None and fault.ended_ns - fault.began_ns < SHORT_NS


def _of_records(play: ToldPlay) -> Iterator[tuple[int, str, str]]:
    for record in play.history:
        data = record.data
        match record.kind:
            case "gate.fired":
                match = " ".join(str(value) for value in dict(data.get("match") or {}).values())
                phase = data.get("phase", "")
                yield record.mono_ns, "fault", f"the exchange holds {match}, {phase}"
            case "unsettled" | "disagreed":
                what = readable(str(data["what"]), day=play.takes_days)
                yield record.mono_ns, "wait", f"the drill waits no longer: {what}"
            case "machine.late":
                late = f"{float(data.get('seconds', 0)):.1f} s"
                yield record.mono_ns, "wait", f"the machine was late: the drill itself lost {late}"
            case _:
                pass


def _of_order(record: Record) -> tuple[int, str, str] | None:
    data = record.data
    name = str(data.get("client_order_id", ""))
    what = f"{data.get('side')} {data.get('quantity')} {data.get('symbol')}"
    trigger = decimal(data.get("trigger_price"))
    stop = f"{data.get('type')} {what} at {data.get('trigger_price')}"
    order = f"{data.get('type')} {what}"
    match record.kind:
        case "order.filled":
            fill = data.get("fill") or {}
            price = f"{fill.get('side')} {fill.get('quantity')} {fill.get('symbol')}"
            said = f"filled: {price} at {fill.get('price')} ({name})"
        case "order.accepted" | "order.amended":
            said = f"{record.kind.partition('.')[2]}: {order} ({name})"
        case "conditional.accepted" | "conditional.triggered":
            said = f"{record.kind.partition('.')[2]}: {stop if trigger else order} ({name})"
        case "order.closed" | "conditional.closed":
            said = f"{str(data.get('status', 'closed')).lower()}: {data.get('type')} ({name})"
        case _:
            return None
    return record.mono_ns, "order", said
