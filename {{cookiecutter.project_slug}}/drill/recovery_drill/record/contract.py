"""What node, exchange, store and drill agree on, as names and numbers; ``contract.md`` explains it.

The words of the node's engine stand here once for each engine. Another engine is one more entry of
`ENGINES`; a project names its own in its policy.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import IntEnum, StrEnum

# What every program ends with


class ExitCode(IntEnum):
    """With which codes a node ends; each other one is as good as a defect."""

    STOPPED = 0
    DEFECT = 1
    REFUSED = 70
    AWAY = 75
    CONFIGURATION = 78


FAILURES = (ExitCode.DEFECT, ExitCode.REFUSED, ExitCode.AWAY, ExitCode.CONFIGURATION)
"""The codes of a node that ends without having been asked to."""
WORTH_A_RESTART = frozenset({ExitCode.DEFECT, ExitCode.AWAY})
"""The codes after which a supervisor starts the node again; with the others it would end again."""


class DrillCode(IntEnum):
    """With which codes the drill ends."""

    HELD = 0
    BROKEN = 1
    USAGE = 2
    INCONCLUSIVE = 3


EXCHANGE_USAGE = 2
"""With which code an exchange refuses its arguments."""

# The node's stages


class Stage(StrEnum):
    """What a node says that it is doing; a stage that it does not have is never said."""

    PREFLIGHT = "preflight"
    LEASE = "lease"
    MEND = "mend"
    LOAD = "load"
    CONNECT = "connect"
    RECONCILE = "reconcile"
    AUDIT = "audit"
    WARMUP = "warmup"
    TRADING = "trading"
    DEGRADED = "degraded"
    REFUSED = "refused"
    STOPPING = "stopping"


OPENS_NOTHING = frozenset({Stage.DEGRADED, Stage.REFUSED, Stage.STOPPING})
"""In these a node has noticed that something is wrong, or is on its way out."""
OVER = frozenset({Stage.REFUSED, Stage.STOPPING})
"""In these a node does not trade any more, and will not again in this life."""

# The node's environment

PREFIX = "TRADER_"
SIMULATED = "simulated"
LOOPBACK = "127.0.0.1"
DEFAULT_TRADER_ID = "TRADER-001"


class Variable(StrEnum):
    """The names of the variables in a node's environment."""

    PROFILE = "TRADER_PROFILE"
    TRADER_ID = "TRADER_ID"
    INSTANCE_ID = "TRADER_INSTANCE_ID"
    STORE_URL = "TRADER_STORE_URL"
    EXCHANGE_HTTP_URL = "TRADER_EXCHANGE_HTTP_URL"
    EXCHANGE_WS_URL = "TRADER_EXCHANGE_WS_URL"
    HTTP_HOST = "TRADER_HTTP_HOST"
    HTTP_PORT = "TRADER_HTTP_PORT"


# The exchange's words for its orders

OPEN_AT_EXCHANGE = frozenset({"NEW", "PARTIALLY_FILLED"})
FIRING_AT_EXCHANGE = frozenset({"TRIGGERING", "TRIGGERED"})
"""A conditional order that has been met, and whose order has not ended."""
ANOTHER_HAND = "web_"
"""How the names of orders begin that no client of the exchange's API has sent."""
EXCHANGE_S_OWN = ("autoclose-", "adl_autoclose", "settlement_autoclose-")
"""How those begin that the exchange itself makes; it uses the second one again and again."""
QUESTION_OF_BARS = "klines.read"
SENT_ORDERS = ("order.new", "conditional.new")

# The words of the node's engine


@dataclass(frozen=True)
class Engine:
    """What an engine calls its orders and the keys that it stores.

    Parameters
    ----------
    name : str
        As a policy names it.
    trader : str
        How the keys of one trader begin; ``{}`` is the trader's id.
    orders, positions : str
        The kinds of keys under which an order's events and a position's fills are.
    remembered : tuple[str, ...]
        The kinds of keys under which is what strategies remember.
    kinds : tuple[str, ...]
        Regular expressions of all kinds of keys.
    nobody : str
        The owner of what the engine cannot give to a strategy.
    fill : str
        The event of a fill.
    not_yet_at_exchange : frozenset[str]
        The statuses of orders that await the exchange.
    closed : frozenset[str]
        The statuses of orders that have ended.
    last_events : Mapping[str, frozenset[str]]
        With which event the stored events of an order end, by its status.
    idle : frozenset[str]
        The events that leave an order that has ended as it is: what was asked of it too late.
    tagged : bool
        Whether each stored event of an order stands in a map of one entry, under a name.
    id_prefix : str
        What its adapter puts before a client order id that it sends, unless the node takes it off.

    """

    name: str
    trader: str
    orders: str
    positions: str
    remembered: tuple[str, ...]
    kinds: tuple[str, ...]
    nobody: str
    fill: str
    not_yet_at_exchange: frozenset[str]
    closed: frozenset[str]
    last_events: Mapping[str, frozenset[str]]
    idle: frozenset[str] = frozenset()
    tagged: bool = False
    id_prefix: str = ""

    def keys_of(self, trader_id: str) -> str:
        """Return how the keys of a trader begin."""
        return self.trader.format(trader_id)


def _events(*names: str) -> frozenset[str]:
    return frozenset(f"Order{name}" for name in names)


V1 = Engine(
    name="v1",
    trader="trader-{}:",
    orders="orders",
    positions="positions",
    remembered=("general", "strategies"),
    kinds=(
        *(r"index:\w+", r"snapshots:\w+", "accounts", "actors", "currencies", "general"),
        *("instruments", "orders", "positions", "strategies", "stream", "synthetics"),
    ),
    nobody="EXTERNAL",
    fill="OrderFilled",
    not_yet_at_exchange=frozenset(
        {"INITIALIZED", "SUBMITTED", "RELEASED", "EMULATED", "PENDING_UPDATE", "PENDING_CANCEL"}
    ),
    closed=frozenset({"DENIED", "REJECTED", "CANCELED", "EXPIRED", "FILLED"}),
    last_events={
        "INITIALIZED": _events("Initialized"),
        "SUBMITTED": _events("Submitted"),
        "ACCEPTED": _events("Accepted", "Updated", "CancelRejected", "ModifyRejected"),
        "TRIGGERED": _events("Triggered"),
        "PARTIALLY_FILLED": _events("Filled", "Updated"),
        "FILLED": _events("Filled"),
        "CANCELED": _events("Canceled"),
        "EXPIRED": _events("Expired"),
        "REJECTED": _events("Rejected"),
        "DENIED": _events("Denied"),
    },
    idle=_events("CancelRejected", "ModifyRejected", "PendingCancel", "PendingUpdate", "Updated"),
)
"""NautilusTrader 1.231: one list of events in msgpack for each order and each position."""

V2 = replace(
    V1,
    name="v2",
    last_events={
        **V1.last_events,
        # A conditional order that has become another one is ACCEPTED after its trigger.
        "ACCEPTED": V1.last_events["ACCEPTED"] | _events("Triggered"),
        "PENDING_CANCEL": _events("PendingCancel"),
    },
    tagged=True,
    id_prefix="x-aHRE4BCj-R",
)
"""NautilusTrader 2: the same keys, whose events are told in other words."""

ENGINES: dict[str, Engine] = {engine.name: engine for engine in (V1, V2)}
# Whoever sees a status or a key without knowing whose it is takes it for what any engine calls so.
CLOSED_AT_NODE = frozenset[str]().union(*(engine.closed for engine in ENGINES.values()))
KINDS_OF_KEYS = tuple(dict.fromkeys(kind for e in ENGINES.values() for kind in e.kinds))
KEYS_BESIDE = ("lease:{}", "halt:{}")
"""What a node keeps of a trader beside its engine's keys; `{}` is the trader's id."""
KEY_BEGINS = tuple(dict.fromkeys(engine.trader for engine in ENGINES.values()))
EVENT_LISTS = tuple(dict.fromkeys(engine.orders for engine in ENGINES.values()))
