"""What is done to freqtrade, and what is read of it afterwards: rows and pure judgement."""

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any, Literal, NamedTuple

Gate = Literal["", "entry", "exit", "stop"]
Meanwhile = Literal["", "stop-fills", "closed-by-hand", "closed-with-stop", "records-lost"]


class Case(NamedTuple):
    """One kill.

    Parameters
    ----------
    name : str
        What it is called.
    purpose : str
        One sentence.
    holds : bool
        Whether a protected position is held before.
    gate : Gate
        Which order is on its way; empty when it is killed at rest.
    phase : str
        Whether the exchange has carried that order out (``processed``) or never gets it.
    meanwhile : Meanwhile
        What happens while it is down.
    long : bool
        Whether the strategy wants to be long when it comes back.

    """

    name: str
    purpose: str
    holds: bool = True
    gate: Gate = ""
    phase: str = "processed"
    meanwhile: Meanwhile = ""
    long: bool = True


CASES: tuple[Case, ...] = (
    Case("flat", "Killed holding nothing.", holds=False, long=False),
    Case("holding", "Killed holding a position with its stop at the exchange."),
    Case(
        "stop-fills",
        "Killed holding a position, whose stop fills while it is down.",
        meanwhile="stop-fills",
        long=False,
    ),
    Case(
        "entry-never-arrived",
        "Killed when its entry has left and the exchange never gets it.",
        holds=False,
        gate="entry",
        phase="received",
    ),
    Case(
        "entry-filled",
        "Killed when its entry has filled and the answer is on its way.",
        holds=False,
        gate="entry",
    ),
    Case(
        "entry-filled-then-flat",
        "Killed when its entry has filled and the answer is on its way; then it wants to be flat.",
        holds=False,
        gate="entry",
        long=False,
    ),
    Case(
        "stop-placed",
        "Killed when its stop is placed and the answer is on its way.",
        holds=False,
        gate="stop",
    ),
    Case(
        "exit-filled",
        "Killed when its exit has filled and the answer is on its way.",
        gate="exit",
        long=False,
    ),
    Case(
        "closed-by-hand",
        "Killed holding a position, which is closed by hand while it is down.",
        meanwhile="closed-by-hand",
        long=False,
    ),
    Case(
        "closed-with-stop",
        "Killed holding a position, which is closed and whose stop is cancelled while it is down.",
        meanwhile="closed-with-stop",
        long=False,
    ),
    Case(
        "records-lost",
        "Killed holding a position, and its database is lost.",
        meanwhile="records-lost",
    ),
)


class Records(NamedTuple):
    """What freqtrade believes: its open trades, by what its database has."""

    amount: Decimal
    trades: int


def broken(
    case: Case,
    ledger: Mapping[str, Any],
    believed: Records | None,
    seen: Sequence[str] = (),
) -> list[str]:
    """Return a sentence for each promise that it has broken; empty when it came back right.

    Parameters
    ----------
    case : Case
        What was done.
    ledger : Mapping[str, Any]
        The exchange's own account of what happened.
    believed : Records or None
        What freqtrade believes; None when it has not come back.
    seen : Sequence[str], optional
        The names of the orders that the exchange had before the kill.

    """
    if believed is None:
        return ["It did not come back."]
    held = sum((Decimal(row["quantity"]) for row in ledger["positions"]), Decimal(0))
    orders = ledger["orders"]
    stops = [o for o in orders if o["kind"] == "conditional" and o["status"] == "NEW"]
    entries = [o for o in orders if o["kind"] == "order" and not o["reduce_only"]]
    found = []
    if believed.amount != held:
        found.append(f"It believes that it holds {believed.amount}; the exchange holds {held}.")
    later = [o for o in entries if o["client_order_id"] not in seen]
    before = len(entries) - len(later)
    if case.long and before and later:
        found.append(f"It entered {len(entries)} times for one decision.")
    if held and not stops:
        found.append(f"{held} are held without a stop.")
    if len(stops) > 1:
        found.append(f"{len(stops)} stops work at once.")
    covered = sum((Decimal(o["quantity"]) for o in stops), Decimal(0))
    if held and stops and covered != held:
        found.append(f"Its stops are for {covered}, and {held} are held.")
    if stops and not held:
        found.append("A stop is left behind, and nothing is held.")
    if not case.long and held:
        found.append(f"It wants to be flat, and {held} are held.")
    return found
