"""Planners with one mistake each; the properties must find every one."""

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Mutant:
    """One mistake: `text` of a module replaced by `wrong`, and what must be complained of."""

    name: str
    complaint: str
    module: str
    text: str
    wrong: str

    def edit(self, folder: Path) -> None:
        path = folder / f"{self.module}.py"
        source = path.read_text()
        assert source.count(self.text) == 1, f"{path.name} has changed: {self.text}"
        path.write_text(source.replace(self.text, self.wrong))


def _planner(name: str, complaint: str, text: str, wrong: str) -> Mutant:
    return Mutant(name, complaint, "planner", text, wrong)


def _attempts(name: str, complaint: str, text: str, wrong: str) -> Mutant:
    return Mutant(name, complaint, "attempts", text, wrong)


MUTANTS = (
    _planner(
        "sends while an order is in flight",
        "was in flight",
        "if in_flight:",
        "if in_flight is None:",
    ),
    _planner(
        "takes orders of strangers for its own",
        "waits for nothing",
        "if order_ids.leg_of(name, situation.owner) is not None\n    }",
        "}",
    ),
    _planner(
        "enters after a stop-out",
        "entered after it was stopped out",
        "if situation.last_exit_fill_ms > situation.close_ms:",
        "if situation.last_exit_fill_ms < 0:",
    ),
    _planner(
        "adds the whole size to what is held",
        "an entry beyond the target",
        "return _market(situation, Leg.ENTRY, wanted - position)",
        "return _market(situation, Leg.ENTRY, wanted)",
    ),
    _planner(
        "closes everything where it should hold less",
        "an exit of more than is too much",
        "change = -position if position * wanted <= 0 else wanted - position",
        "change = -position",
    ),
    _planner(
        "enters while nothing may be opened",
        "opened while nothing may be",
        "    if situation.may_open:\n        return wanted\n",
        "    if situation:\n        return wanted\n",
    ),
    _planner(
        "rests orders while nothing may be opened",
        "opened while nothing may be",
        "    if not situation.may_open:\n        resting = ()\n",
        "",
    ),
    _planner(
        "cancels the old stop before the new one works",
        "left the position naked",
        "    name = next_sized_id(situation, Leg.STOP, -position)\n",
        "    if guards:\n        return _cancel_one(situation, guards)\n"
        "    name = next_sized_id(situation, Leg.STOP, -position)\n",
    ),
    _planner(
        "adds stops to stops",
        "a third stop beside two that work",
        "if len(guards) > 1:",
        "if len(guards) > 9:",
    ),
    _planner(
        "leaves stops over",
        "left over beside no position",
        "    if position == 0:\n        return _cancel_one(situation, stops)\n",
        "    if position == 0:\n        return None\n",
    ),
    _planner(
        "keeps a stop of the wrong price",
        "the stop was right",
        "s.quantity == -position and s.trigger_price == trigger]",
        "s.quantity == -position]",
    ),
    _planner(
        "keeps a stop of the wrong size",
        "the stop was right",
        "s.quantity == -position and s.trigger_price == trigger]",
        "s.trigger_price == trigger]",
    ),
    _planner(
        "believes in stops that are gone",
        "cancelled in vain again",
        "        and order.client_order_id not in situation.gone\n",
        "",
    ),
    _planner(
        "cancels what cannot be cancelled for ever",
        "cancelled in vain again",
        "if name not in situation.refused_cancels:",
        "if name:",
    ),
    _planner(
        "waits naked without bars",
        "nobody can say where a stop belongs",
        "return _market(situation, Leg.EXIT, -position) or Settled()",
        "return Settled()",
    ),
    _planner(
        "keeps what cannot be protected",
        "naked, and not closed",
        "return (None if guards else _market(situation, Leg.EXIT, -position)) or Settled()",
        "return Settled()",
    ),
    _planner(
        "takes profit before it is protected",
        "before the stop was right",
        "_change_position(situation) or _protect(situation)",
        "_change_position(situation) or _take_profit(situation) or _protect(situation)",
    ),
    _planner(
        "sends a second take-profit beside the first",
        "a second take-profit",
        "if wrong is not None or price is None or _is_any_left(situation):",
        "if right or price is None:",
    ),
    _planner(
        "keeps a take-profit of the wrong price",
        "take-profit",
        "if o.remaining == -position and o.price == price]",
        "if o.remaining == -position]",
    ),
    _planner(
        "keeps a take-profit of the wrong size",
        "not the one take-profit",
        "if o.remaining == -position and o.price == price]",
        "if o.price == price]",
    ),
    _planner(
        "cancels the take-profit without bars",
        "what closes the position stays",
        "[order for order in working if order not in facing]",
        "working",
    ),
    _planner(
        "leaves take-profits over",
        "left over beside no position",
        "    position, target = situation.position, situation.target\n"
        "    working = _working(situation, Leg.TAKE_PROFIT)\n",
        "    position, target = situation.position, situation.target\n"
        "    if position == 0:\n        return None\n"
        "    working = _working(situation, Leg.TAKE_PROFIT)\n",
    ),
    _planner(
        "leaves resting orders over",
        "is not in the target",
        "    cancel = _cancel_one(situation, wrong)\n",
        "    cancel = None\n",
    ),
    _planner(
        "keeps a resting order of the wrong price",
        "is not in the target",
        "return same_quantity and order.price == wanted.price and",
        "return same_quantity and",
    ),
    _planner(
        "keeps a resting order of the wrong side",
        "is not in the target",
        "return same_quantity and order.price",
        "return order.price",
    ),
    _planner(
        "sends the new resting order beside the old one",
        "slot",
        "order.phase is Phase.WORKING and _slot(order) == slot",
        "order.client_order_id == slot",
    ),
    _planner(
        "fills a slot twice in one bar",
        "two orders that filled",
        "if situation.last_slot_fill_ms.get(slot, 0) > situation.close_ms:",
        "if situation.last_slot_fill_ms.get(slot, 0) < 0:",
    ),
    _planner(
        "fills a slot again before it has heard how the first order ended",
        "two orders that filled",
        "order.phase is Phase.WORKING and _slot(order) == slot",
        "order.phase is Phase.WORKING and _slot(order) == slot "
        "and order.client_order_id not in situation.gone",
    ),
    _planner(
        "opens what could not be protected",
        "before the stop was right",
        "return _rest(situation, ()) or action",
        "return _rest(situation, situation.target.resting if situation.target else ()) or action",
    ),
    _attempts(
        "enters twice",
        "two entries",
        "if earlier.phase is not Phase.ENDED or earlier.filled > 0:",
        "if earlier.phase is not Phase.ENDED:",
    ),
    _attempts(
        "sends an id twice",
        "was sent twice",
        "        if earlier is None:\n            return name\n"
        "        if earlier.phase is not Phase.ENDED or earlier.filled > 0:",
        "        if earlier is None or earlier.filled == 0:\n            return name\n"
        "        if earlier.phase is not Phase.ENDED or earlier.filled > 0:",
    ),
    _attempts(
        "gives up too early",
        "an entry was missed",
        "        if earlier.phase is not Phase.ENDED or earlier.filled > 0:",
        "        if earlier:",
    ),
    _attempts(
        "closes only once what resting orders open again and again",
        "what should be closed is open",
        "earlier.filled > 0 and not (is_renewed or is_whole)",
        "earlier.filled > 0",
    ),
    _attempts(
        "uses its stops up on the parts of limit orders",
        "not the one stop",
        "attempt < MAX_STOP_ATTEMPTS or (is_new_size and has_changed)",
        "attempt < MAX_STOP_ATTEMPTS",
    ),
)
