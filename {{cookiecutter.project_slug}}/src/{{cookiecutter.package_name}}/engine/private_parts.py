"""
What this package uses of the engine that the engine does not promise, in one list for each version.

``python -m <package>.engine.private_parts`` looks whether the installed version still has it; that
it still means the same, only the drill can say.
"""

import sys
from collections.abc import Iterator
from dataclasses import dataclass
from importlib import import_module
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from pathlib import Path

from .chosen import NAUTILUS_TRADER, ROOM

ADAPTER = "nautilus_trader.adapters.binance"
CLIENT = f"{ADAPTER}.execution"
FUTURES = f"{ADAPTER}.futures.execution"
STREAM = f"{ADAPTER}.websocket.user"


@dataclass(frozen=True, slots=True)
class Part:
    """
    One thing that is used and not promised.

    Parameters
    ----------
    module : str
        Where it is; empty for something that no look at the code shows.
    name : str
        What it is called there, or what it is in words.
    used_by : str
        Which module of the room depends on it.
    owner : str
        The class that has it, where the module is compiled.

    """

    module: str
    name: str
    used_by: str
    owner: str = ""

    def is_there(self) -> bool | None:
        """Return whether the installed engine has it; ``None`` when only a drill can say."""
        if not self.module:
            return None
        try:
            spec = find_spec(self.module)
        except ModuleNotFoundError:  # not even what it was in
            return False
        if spec is None or spec.origin is None:
            return False
        if spec.origin.endswith(".py") and not self.owner:
            return self.name in Path(spec.origin).read_text("utf-8")
        found = import_module(self.module)
        return hasattr(getattr(found, self.owner, None) if self.owner else found, self.name)


PARTS: dict[str, tuple[Part, ...]] = {
    "v1": (
        Part(CLIENT, "_get_cache_active_symbols", "adapter.py"),
        Part(CLIENT, "_http_account", "adapter.py"),
        Part(CLIENT, "_http_client", "adapter.py"),
        Part(CLIENT, "_ws_client", "adapter.py"),
        Part(CLIENT, "_submit_order_inner", "limited.py"),
        Part(CLIENT, "_modify_order", "limited.py"),
        Part(CLIENT, "_submit_order", "outcome_hooks.py"),
        Part(CLIENT, "_cancel_order", "outcome_hooks.py"),
        Part(CLIENT, "_triggered_algo_order_ids", "telling.py"),
        Part(FUTURES, "_futures_user_ws_handlers", "adapter.py"),
        Part(FUTURES, "_decoder_futures_algo_update", "adapter.py"),
        Part(FUTURES, "_decoder_futures_order_update", "rival_orders.py"),
        Part(FUTURES, "_update_account_state", "unknown_outcomes.py"),
        Part(STREAM, "_is_recovery_failed", "user_stream.py"),
        Part(STREAM, "_resubscribe", "deaf_stream.py"),
        Part(f"{ADAPTER}.http.endpoint", "_method_request", "outcome_hooks.py"),
        Part(f"{ADAPTER}.http.client", "sign_request", "outcome_hooks.py"),
        Part(
            "nautilus_trader.live.execution_engine", "_generate_inferred_fill", "outcome_hooks.py"
        ),
        Part("nautilus_trader.live.execution_engine", "reconcile_execution_state", "start.py"),
        Part("nautilus_trader.system.kernel", "_is_stopping", "start.py"),
        Part("", "how it keeps orders, positions and accounts in the store", "mending/"),
    ),
    "v2": (
        Part(ADAPTER, "decode_binance_futures_client_order_id", "door.py"),
        Part("nautilus_trader.common", "purge_order", "shell.py", "Cache"),
        Part("nautilus_trader.common", "position_snapshot_bytes", "shell.py", "Cache"),
        Part("nautilus_trader.live", "from_config", "node.py", "LiveNodeBuilder"),
        Part("nautilus_trader.live", "handle", "node.py", "LiveNode"),
        Part("", "LiveNode.run asks for the main thread by signal.signal alone", "host.py"),
        Part("", "the cache raises RuntimeError while the engine writes it", "shell.py"),
        Part("", "what its adapter puts before client order ids (x-aHRE4BCj-R)", "door.py"),
        Part("", "its adapter takes whatever comes on the stream for the exchange's", "told.py"),
        Part("", "how it keeps orders, positions and accounts in the store", "mending/"),
    ),
}
"""By the room that depends on them."""


def missing(room: str) -> Iterator[Part]:
    """Yield what the installed engine does not have any more."""
    for part in PARTS[room]:
        if part.is_there() is False:
            yield part


def main() -> int:
    """Say what there is; return 0 when nothing is missing, 1 otherwise."""
    try:
        installed = version("nautilus_trader")
    except PackageNotFoundError:
        installed = "none"
    sys.stdout.write(f"NautilusTrader {installed}; engine/{ROOM} is made for {NAUTILUS_TRADER}.\n")
    for part in PARTS[ROOM]:
        word = {True: "there", False: "MISSING", None: "drill"}[part.is_there()]
        where = f"{part.module}: " if part.module else ""
        sys.stdout.write(f"  {word:8}{where}{part.name} ({part.used_by})\n")
    return 1 if any(missing(ROOM)) else 0


if __name__ == "__main__":
    sys.exit(main())
