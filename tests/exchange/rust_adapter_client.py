"""A NautilusTrader 2 node on its Rust Binance adapter, moved by lines on standard input.

Not a test, and not importable here: it runs in an environment of its own (see
`test_rust_adapter.py`), with the exchange's HTTP and WebSocket URLs as its arguments, and a third
one when it shall send its orders over the WebSocket API there. It prints one JSON object a line for
everything it hears. Commands, one a line::

    buy QUANTITY | limit NAME QUANTITY PRICE | stop NAME QUANTITY TRIGGER | cancel NAME | tell
"""

import json
import os
import queue
import sys
import threading
from datetime import UTC, datetime, timedelta
from urllib.parse import urlsplit

from nautilus_trader.adapters.binance import (
    BinanceDataClientConfig,
    BinanceDataClientFactory,
    BinanceExecutionClientConfig,
    BinanceExecutionClientFactory,
    BinanceProductType,
)
from nautilus_trader.common import Environment, LoggerConfig, LogLevel
from nautilus_trader.live import LiveNode
from nautilus_trader.model import (
    AccountId,
    BarType,
    ClientOrderId,
    InstrumentId,
    OrderSide,
    Price,
    Quantity,
    StrategyId,
    TraderId,
)
from nautilus_trader.trading import Strategy, StrategyConfig

INSTRUMENT = InstrumentId.from_str("BTCUSDT-PERP.BINANCE")
BARS = BarType.from_str(f"{INSTRUMENT}-1-MINUTE-LAST-EXTERNAL")
COMMAND_CHECK = timedelta(milliseconds=20)

# The node logs on standard output: that goes to standard error, and only what is said stays.
said = os.fdopen(os.dup(1), "w", buffering=1)
os.dup2(2, 1)


def say(kind, **more):
    said.write(json.dumps({"kind": kind} | more) + "\n")


class Client(Strategy):
    """Does what it is told and says what it hears."""

    def __init__(self, commands):
        claims = [INSTRUMENT]
        name = StrategyId("Client-001")
        super().__init__(StrategyConfig(strategy_id=name, external_order_instrument_ids=claims))
        self.commands = commands

    def on_start(self):
        self.subscribe_quotes(INSTRUMENT)
        self.subscribe_trades(INSTRUMENT)
        self.subscribe_bars(BARS)
        self.request_bars(BARS, start=datetime(2024, 1, 1, tzinfo=UTC), limit=10)
        self.clock.set_timer("commands", COMMAND_CHECK, callback=self.obey)
        self.tell("started")

    def obey(self, _event):
        while not self.commands.empty():
            word, *rest = self.commands.get()
            getattr(self, f"do_{word}")(*rest)

    def do_buy(self, quantity):
        of = Quantity.from_str(quantity)
        self.submit_order(self.order_factory.market(INSTRUMENT, OrderSide.BUY, of))

    def do_limit(self, name, quantity, price):
        made = self.order_factory.limit(
            INSTRUMENT,
            OrderSide.BUY,
            Quantity.from_str(quantity),
            Price.from_str(price),
            client_order_id=ClientOrderId(name),
        )
        self.submit_order(made)

    def do_stop(self, name, quantity, trigger):
        made = self.order_factory.stop_market(
            INSTRUMENT,
            OrderSide.SELL,
            Quantity.from_str(quantity),
            Price.from_str(trigger),
            reduce_only=True,
            client_order_id=ClientOrderId(name),
        )
        self.submit_order(made)

    def do_cancel(self, name):
        self.cancel_order(ClientOrderId(name))

    def do_tell(self):
        self.tell("told")

    def tell(self, kind):
        instrument = self.cache.instrument(INSTRUMENT)
        orders = self.cache.orders_open()
        say(
            kind,
            tick=str(instrument.price_increment),
            position=str(self.portfolio.net_position(INSTRUMENT)),
            orders={str(o.client_order_id): [str(o.order_type), str(o.status)] for o in orders},
        )

    def on_historical_bars(self, bars):
        say("history", bars=len(bars))

    def on_quote(self, quote):
        say("quote", bid=str(quote.bid_price), ask=str(quote.ask_price))

    def on_trade(self, trade):
        say("trade", price=str(trade.price))

    def on_bar(self, bar):
        say("bar", close=str(bar.close), volume=str(bar.volume))

    def on_order_event(self, event):
        more = {"name": str(event.client_order_id)}
        if type(event).__name__ == "OrderFilled":
            more |= {"quantity": str(event.last_qty), "price": str(event.last_px)}
            more |= {"trade_id": str(event.trade_id), "commission": str(event.commission)}
        say(type(event).__name__, **more)


def refuse_all_but_loopback(config):
    """End the process when one of a client's URLs leaves this machine, or is left to a default."""
    for name in (name for name in dir(config) if name.startswith("base_url")):
        url = getattr(config, name)
        if not url or urlsplit(url).hostname != "127.0.0.1":
            sys.exit(f"{type(config).__name__}.{name} is {url}: only this machine may be reached.")


def build(http, ws, trading=""):
    """Put a node together that can reach nothing but the exchange at these URLs."""
    reached = {"base_url_http": http, "base_url_ws": ws}
    access = {"api_key": "simulated-key", "api_secret": "simulated-secret"}
    data = BinanceDataClientConfig(product_type=BinanceProductType.USD_M, **reached, **access)
    execution = BinanceExecutionClientConfig(
        account_id=AccountId("BINANCE-001"),
        product_type=BinanceProductType.USD_M,
        use_ws_trading=bool(trading),
        base_url_ws_trading=trading or ws,
        **reached,
        **access,
    )
    refuse_all_but_loopback(data)
    refuse_all_but_loopback(execution)
    return (
        LiveNode.builder("CLIENT", TraderId("CLIENT-001"), Environment.LIVE)
        .with_logging(LoggerConfig(stdout_level=LogLevel.WARNING, is_colored=False))
        .with_reconciliation(True)
        .with_timeout_connection(20)
        .with_delay_post_stop_secs(1)
        .add_data_client("BINANCE", BinanceDataClientFactory(), data)
        .add_exec_client("BINANCE", BinanceExecutionClientFactory(), execution)
        .build()
    )


def main():
    """Run until SIGTERM."""
    commands = queue.Queue()

    def read():
        for line in sys.stdin:
            commands.put(line.split())

    node = build(*sys.argv[1:])
    node.add_strategy(Client(commands))
    threading.Thread(target=read, daemon=True).start()
    try:
        node.run()
    finally:
        node.dispose()


if __name__ == "__main__":
    main()
