"""The keys of a trader as one version has written them, told in the words of another."""

from collections.abc import Mapping

from ..stored import Plan, PutAside, RawKey
from .codec import Codec
from .events import AccountState, BadEvent
from .plan_writes import PlanWriter
from .store_format import COLD_KINDS, KeysFormat
from .stored import Stored
from .stored_orders import StoredOrder, folded

OLD_KINDS = (*COLD_KINDS, "instruments:", "currencies:", "synthetics:", "snapshots:")
"""What an engine cannot read of another version. General values, a strategy's memory among them,
are bytes of this package's own."""


def translated(keys: Mapping[str, RawKey], old: KeysFormat, new: KeysFormat) -> Plan:
    """
    Return what makes a trader's keys those of another version: the old ones are put aside.

    What cannot be told in the new words stays put aside, and the mend of the next start writes it
    anew from the exchange's own history.
    """
    reason = f"It is of the format {old.name}, and the node reads {new.name} from now on"
    stored = old.read(keys)
    pen = PlanWriter([PutAside(key, reason) for key in sorted(keys) if key.startswith(OLD_KINDS)])
    codec = new.codec
    for name, instrument in stored.instruments.items():
        pen.string(f"instruments:{name}", codec.encoded_instrument(instrument))
    for code, currency in stored.currencies.items():
        pen.string(f"currencies:{code}", codec.encoded_currency(code, currency))
    for name, order in stored.orders.items():
        _translate_order(name, order, stored, codec, pen)
    for name, position in stored.positions.items():
        rows = [codec.encoded_fill(fill) for fill in position.fills]
        pen.position(name, rows, is_open=bool(position.quantity))
    for name, states in stored.accounts.items():
        pen.account(name, [codec.encoded_state(state) for state in _once(states)])
    pen.mended.append(
        f"{len(stored.orders):,} orders, {len(stored.positions):,} positions and "
        f"{sum(map(len, stored.accounts.values())):,} states of the account were told in the words "
        f"of {new.name}."
    )
    pen.mended.extend(f"{each.reason}: left aside." for each in stored.put_aside)
    return pen.plan()


def _translate_order(
    name: str, order: StoredOrder, stored: Stored, codec: Codec, pen: PlanWriter
) -> None:
    try:
        raw = [codec.encoded(event) for event in order.events]
        # As the other version will read it, so that it breaks here if it breaks.
        again = folded([codec.order_event(row) for row in raw], raw)
    except BadEvent as fault:
        pen.left.append(f"The order {name} {fault}: left aside.")
        return
    place = order.fills[-1].position_id if order.fills else None
    pen.order(again, place or _position_of(stored, name) or "")


def _position_of(stored: Stored, name: str) -> str | None:
    return stored.hashes.get("order_position", {}).get(name)


def _once(states: list[AccountState]) -> list[AccountState]:
    """Return each state once; one version writes some of them twice, and another refuses that."""
    return list({state.event_id: state for state in states}.values())
