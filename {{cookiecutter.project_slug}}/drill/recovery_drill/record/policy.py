"""What the drilled project promises: ``[tool.recovery-drill]`` in its ``pyproject.toml``."""

import re
import shlex
import sys
import time
import tomllib
from collections.abc import Sequence
from pathlib import Path
from typing import Literal

import msgspec

from recovery_drill.failures import UsageError
from recovery_drill.record.contract import (
    DEFAULT_TRADER_ID,
    ENGINES,
    LOOPBACK,
    SIMULATED,
    V1,
    Engine,
    Variable,
)

TABLE = "recovery-drill"
FOLDER = "{folder}"
"""The folder of a play, on this machine: in a container there is none."""
HISTORY_BARS, HISTORY_BARS_NOW = 300, 2880
"""How many bars lie before the market begins: where it begins long ago, and near now (two days)."""
ROOM_BARS = 720
"""A market that begins near now begins so many bars ago, and as many can be played: half a day, for
a node may ask for no more than the last one."""
MINUTE_MS = 60_000

LedgerPromise = Literal["ids", "orders", "outcome"]


class Budgets(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How long the node may take, in seconds.

    Parameters
    ----------
    start_seconds : float
        From the start of its process to trading.
    settle_seconds : float
        From a closed bar, a fill or a restart to having decided, with nothing in flight and every
        position and order as on the exchange.
    store_seconds : float
        From a change in the node to the store having it.
    notice_seconds : float
        From the loss of what it cannot trade without to having left trading.
    stop_seconds : float
        From being asked to stop (SIGTERM) to its end; then it is killed, as by a supervisor.

    """

    start_seconds: float = 60.0
    settle_seconds: float = 10.0
    store_seconds: float = 5.0
    notice_seconds: float = 5.0
    stop_seconds: float = 10.0


class Policy(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The promises of one drilled project.

    Parameters
    ----------
    node_command : tuple[str, ...]
        How the node is started. ``{python}`` is the interpreter that runs the drill;
        ``{store_url}``, ``{exchange_http}``, ``{exchange_ws}``, ``{http_port}``, ``{instance_id}``
        and ``{folder}``, the play's own, are filled in as well.
    standby_arguments : tuple[str, ...]
        What follows the command where the node is to stand by: to wait while another one with its
        name trades, and to take over when that one has ended. Empty when it cannot.
    environment : dict[str, str]
        Settings of the node beyond those of the contract, with the same placeholders.
    symbols : tuple[str, ...]
        The symbols that it owns.
    protective_stop : bool
        Whether each open position must have exactly one working stop.
    intent : str or None
        A regular expression with a group ``intent``: two client order ids with the same group stand
        for the same decision, which must be carried out at most once. Entries and exits must match
        it. None where an order's id does not tell the decision that it carries out.
    ledger : {"ids", "orders", "outcome"}
        What must be as in an undisturbed play: all of the exchange's ledger; the same less the
        client's own order ids; or only the position and its stops, as they are in the end.
    epoch : {"now"} or int or None
        Where market time begins (ms); ``now`` for a node that asks for the last days, None leaves
        it to the exchange.
    history_bars : int or None
        How many bars lie before that; None for 300, and for two days where it begins near now.
    warm_up_bars : int or None
        How many closed bars the node must have asked for before it may trade; None leaves it to
        what the node tells that it trades.
    budgets : Budgets
        Bounds on starting, settling, storing and noticing.
    vain_entries : int
        How many entries within ten bars may be left again because their stop was refused.
    refused_orders : int
        How many of its orders may be refused between two bars.
    warm_imports : tuple[str, ...]
        What a node imports at each start. Where starts are warm, a process imports it once, and
        each node is forked from it.
    engine : str
        Whose words the node and its store speak; a name of `ENGINES`.
    leave_out : dict[str, str]
        Checks that are not made, each with the reason, which every verdict repeats.

    """

    node_command: tuple[str, ...]
    standby_arguments: tuple[str, ...] = ()
    environment: dict[str, str] = {}
    symbols: tuple[str, ...] = ("BTCUSDT",)
    protective_stop: bool = True
    intent: str | None = None
    ledger: LedgerPromise = "ids"
    epoch: Literal["now"] | int | None = None
    history_bars: int | None = None
    warm_up_bars: int | None = None
    budgets: Budgets = Budgets()
    vain_entries: int = 3
    refused_orders: int = 30
    warm_imports: tuple[str, ...] = ()
    engine: str = V1.name
    leave_out: dict[str, str] = {}

    def intent_of(self, client_order_id: str) -> str | None:
        """Return the decision that an order id stands for, or None when it names none."""
        match = re.fullmatch(self.intent, client_order_id) if self.intent is not None else None
        return match["intent"] if match else None

    @property
    def history(self) -> int:
        """How many bars lie before the market begins."""
        if self.history_bars is not None:
            return self.history_bars
        return HISTORY_BARS_NOW if self.epoch == "now" else HISTORY_BARS

    def epoch_ms(self) -> int | None:
        """Return where market time begins, seen from this moment; None leaves it to the exchange.

        What is near now lies half a day back, so that as many bars can be played: a market never
        passes wall time.
        """
        if self.epoch != "now":
            return self.epoch
        now = time.time_ns() // 1_000_000
        return now - now % MINUTE_MS - (ROOM_BARS + self.history) * MINUTE_MS

    @property
    def words(self) -> Engine:
        """The words of the node's engine."""
        return ENGINES[self.engine]

    @property
    def trader_id(self) -> str:
        """The trader id that the node runs under, as its store keys have it."""
        return self.environment.get(Variable.TRADER_ID, DEFAULT_TRADER_ID)

    def node_environment(self, values: dict[str, str]) -> dict[str, str]:
        """Return the node's environment: what the contract names, then the project's own."""
        return {
            Variable.PROFILE: SIMULATED,
            Variable.INSTANCE_ID: values["instance_id"],
            Variable.STORE_URL: values["store_url"],
            Variable.EXCHANGE_HTTP_URL: values["exchange_http"],
            Variable.EXCHANGE_WS_URL: values["exchange_ws"],
            Variable.HTTP_HOST: LOOPBACK,
            Variable.HTTP_PORT: values["http_port"],
            # Behind a proxy, too, what is here is asked directly; programs read one or the other.
            "NO_PROXY": f"{LOOPBACK},localhost",
            "no_proxy": f"{LOOPBACK},localhost",
            **{name: fill_in(value, values) for name, value in self.environment.items()},
        }


def read_policy(project: Path, node_command: str | None = None) -> Policy:
    """Read the policy of the project in a folder.

    Raises
    ------
    UsageError
        If there is no policy, or if it is not one.

    """
    path = project / "pyproject.toml"
    try:
        document = tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise UsageError(
            f"There is no pyproject.toml in {project}: run the drill in the project's folder, or "
            "name it with --project."
        ) from error
    except tomllib.TOMLDecodeError as error:
        raise UsageError(f"{path} is not readable as TOML: {error}.") from error
    table = document.get("tool", {}).get(TABLE)
    if table is None:
        raise UsageError(
            f"{path} has no table [tool.{TABLE}], which says what the project promises."
        )
    if node_command is not None:
        table = {**table, "node_command": shlex.split(node_command)}
    try:
        policy = msgspec.convert(table, type=Policy)
        compiled = None if policy.intent is None else re.compile(policy.intent)
    except (msgspec.ValidationError, re.error) as error:
        raise UsageError(f"[tool.{TABLE}] in {path} is not valid: {error}.") from error
    if policy.engine not in ENGINES:
        raise UsageError(
            f"`engine` in [tool.{TABLE}] of {path} is {policy.engine!r}, and the drill knows "
            f"{', '.join(ENGINES)}."
        )
    if compiled is not None and "intent" not in compiled.groupindex:
        raise UsageError(f"`intent` in [tool.{TABLE}] of {path} needs a group named intent.")
    return policy


def told(policy: Policy, *, environment: Sequence[str], symbols: Sequence[str]) -> Policy:
    """Return a policy with what was said otherwise for one run.

    Parameters
    ----------
    policy : Policy
        The project's.
    environment : Sequence[str]
        Variables of the node as ``NAME=VALUE``, beside those of the policy or instead of them.
    symbols : Sequence[str]
        The symbols that the node owns; none leaves those of the policy.

    Raises
    ------
    UsageError
        If a variable has no name.

    """
    variables = dict(policy.environment)
    for text in environment:
        name, is_told, value = text.partition("=")
        if not name or not is_told:
            raise UsageError(f"--env {text!r} is no NAME=VALUE.")
        variables[name] = value
    return msgspec.structs.replace(
        policy, environment=variables, symbols=tuple(dict.fromkeys(symbols)) or policy.symbols
    )


def fill_in(text: str, values: dict[str, str]) -> str:
    """Replace ``{name}`` placeholders by values; other braces stay as they are."""
    values = {"python": sys.executable, **values}
    return re.sub(
        r"\{(" + "|".join(map(re.escape, values)) + r")\}", lambda m: values[m.group(1)], text
    )
