"""The command line: read it, put an exchange together, serve until told to stop.

Exit codes: 0 stopped as asked, 2 wrong usage or a bad file, 75 the port is taken.
"""

import argparse
import asyncio
import contextlib
import errno
import ipaddress
import json
import math
import os
import signal
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import NoReturn, TextIO

from aiohttp import web

from .bar_file import BarFileError, read_bars
from .clock import Clock, wall_ms
from .control import Control
from .course import MarketUsedUpError
from .exchange import Exchange
from .market import MINUTE_MS, Market, RecordedMarket, SeededMarket
from .server import Server
from .signing import Credentials
from .symbols import symbol_rules

EXIT_STOPPED, EXIT_USAGE, EXIT_PORT_TAKEN = 0, 2, 75
DEFAULT_EPOCH_MS = 1_704_067_200_000
MOST_HISTORY = 100_000


class UsageError(Exception):
    """The command line asks for something that cannot be; the message says what to do."""


class Parser(argparse.ArgumentParser):
    """A parser whose errors are one sentence."""

    def error(self, message: str) -> NoReturn:
        """Refuse the command line."""
        msg = f"{message[:1].upper()}{message[1:]}; see --help."
        raise UsageError(msg)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the exchange; return the exit code."""
    with contextlib.ExitStack() as stack:
        try:
            options = _parser().parse_args(arguments)
            _check_host(options.host)
            file = _open_journal(options.journal, stack)
            exchange = build(options, file)
        except (UsageError, BarFileError, MarketUsedUpError) as error:
            return _fail(EXIT_USAGE, str(error))
        try:
            asyncio.run(serve(exchange, options.host, options.port))
        except OSError as error:
            where = f"{options.host}:{options.port}"
            if error.errno == errno.EADDRINUSE:
                return _fail(EXIT_PORT_TAKEN, f"{where} is taken: give another --port.")
            return _fail(EXIT_USAGE, f"Cannot listen on {where}: {error.strerror}.")
    return EXIT_STOPPED


def build(options: argparse.Namespace, journal_file: TextIO | None = None) -> Exchange:
    """Put together the exchange that the options describe."""
    try:
        rules = [symbol_rules(name) for name in dict.fromkeys(options.symbol or ["BTCUSDT"])]
    except ValueError as error:
        raise UsageError(str(error)) from None
    market: Market = SeededMarket(options.seed)
    epoch_ms = options.epoch if options.epoch is not None else DEFAULT_EPOCH_MS
    if options.market is not None:
        if len(rules) > 1 or options.epoch is not None:
            msg = "With --market give one --symbol and no --epoch: the file has its own times."
            raise UsageError(msg)
        epoch_ms, bars = read_bars(options.market)
        if len(bars) < options.history + 1:
            msg = (
                f"{options.market} has {len(bars)} bars, but {options.history} are history and "
                "at least one has to follow: give a longer file or a smaller --history."
            )
            raise UsageError(msg)
        market = RecordedMarket(bars)
    return Exchange(
        rules=rules,
        market=market,
        epoch_ms=epoch_ms,
        history=options.history,
        clock=_clock(options, epoch_ms),
        credentials=Credentials(options.api_key, options.api_secret),
        seed=options.seed,
        journal_file=journal_file,
    )


async def serve(exchange: Exchange, host: str, port: int) -> None:
    """Serve until SIGTERM or SIGINT."""
    server = Server(exchange)
    app = web.Application()
    Control(server).add_routes(app)
    app.router.add_route("*", "/{path:.*}", server.handle)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=1.0)
    await runner.setup()
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    try:
        site = web.TCPSite(runner, host, port)
        await site.start()
        tasks = [asyncio.create_task(server.streams.run())]
        if not exchange.clock.stepped:
            tasks.append(asyncio.create_task(_run_market(server)))
        _say_ready(host, runner.addresses[0][1])
        await stop.wait()
        server.faults.release_all()
        for task in tasks:
            task.cancel()
        await server.streams.close()
    finally:
        await runner.cleanup()
        await asyncio.sleep(0)  # lets the last connections see that they are closed


async def _run_market(server: Server) -> None:
    try:
        await server.run_market()
    except MarketUsedUpError as error:
        print(f"simulated-exchange: the market stands still. {error}", file=sys.stderr, flush=True)


def _say_ready(host: str, port: int) -> None:
    """Print the ready line; bound to all addresses, the exchange is reached on loopback, too."""
    reached = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)  # noqa: S104
    address = f"[{reached}]:{port}" if ":" in reached else f"{reached}:{port}"
    line = {"event": "ready", "http": f"http://{address}", "ws": f"ws://{address}"}
    print(json.dumps(line | {"pid": os.getpid()}), flush=True)


def _clock(options: argparse.Namespace, epoch_ms: int) -> Clock:
    start_ms = epoch_ms + options.history * MINUTE_MS
    if options.stepped and options.speed is not None:
        msg = "A market is stepped or runs with a speed: give --stepped or --speed, not both."
        raise UsageError(msg)
    if start_ms > wall_ms():
        msg = "Market time cannot pass wall time: give an earlier --epoch or a smaller --history."
        raise UsageError(msg)
    if options.stepped or options.speed is not None:
        return Clock(options.stepped, start_ms, options.speed or 1.0)
    if options.market is not None:
        msg = "Recorded bars lie in the past: give --stepped or --speed with --market."
        raise UsageError(msg)
    return Clock(False, wall_ms())


def _check_host(host: str) -> None:
    """Refuse a public address: everybody knows the key of this exchange."""
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        if host == "localhost":
            return
        msg = f"--host {host} is no address: give one like 127.0.0.1."
        raise UsageError(msg) from None
    if not (address.is_private or address.is_loopback or address.is_unspecified):
        msg = f"--host {host} is a public address: the exchange binds private ones only."
        raise UsageError(msg)


def _open_journal(path: Path | None, stack: contextlib.ExitStack) -> TextIO | None:
    if path is None:
        return None
    try:
        return stack.enter_context(path.open("w", encoding="utf-8"))
    except OSError as error:
        msg = f"The journal {path} cannot be written: {error.strerror}."
        raise UsageError(msg) from None


def _whole(lowest: int, highest: int, text: str) -> int:
    number = int(text) if text.isdecimal() else lowest - 1
    if not lowest <= number <= highest:
        msg = f"has to be a whole number from {lowest} to {highest}"
        raise argparse.ArgumentTypeError(msg)
    return number


def _port(text: str) -> int:
    return _whole(0, 65_535, text)


def _history(text: str) -> int:
    return _whole(1, MOST_HISTORY, text)


def _minute(text: str) -> int:
    number = _whole(0, 1 << 53, text)
    if number % MINUTE_MS:
        msg = "has to be the start of a minute, in milliseconds since 1970"
        raise argparse.ArgumentTypeError(msg)
    return number


def _speed(text: str) -> float:
    try:
        number = float(text)
    except ValueError:
        number = math.nan
    if not 0 < number <= 100_000:
        msg = "has to be a number over 0, at most 100000"
        raise argparse.ArgumentTypeError(msg)
    return number


def _parser() -> Parser:
    parser = Parser(
        prog="simulated-exchange",
        description="An exchange of its own that speaks Binance USD-M futures.",
        allow_abbrev=False,
    )
    add = parser.add_argument
    add("--host", default="127.0.0.1", help="address to listen on (default: %(default)s)")
    add("--port", type=_port, default=0, help="0 takes a free one (default: %(default)s)")
    add("--seed", type=int, default=7, help="which market (default: %(default)s)")
    add("--epoch", type=_minute, help=f"open time of bar 0, ms (default: {DEFAULT_EPOCH_MS})")
    add("--symbol", action="append", help="repeatable (default: BTCUSDT)")
    add("--market", type=Path, metavar="FILE", help="recorded bars, CSV, possibly .gz")
    add("--history", type=_history, default=300, help="bars before the start (default: 300)")
    add("--stepped", action="store_true", help="time moves by POST /_sim/step only")
    add("--speed", type=_speed, help="start in the past and run this fast up to wall time")
    add("--journal", type=Path, metavar="FILE", help="write the journal there, from the start")
    add("--api-key", default="simulated-key", help="(default: %(default)s)")
    add("--api-secret", default="simulated-secret", help="(default: %(default)s)")
    return parser


def _fail(code: int, sentence: str) -> int:
    print(f"simulated-exchange: {sentence}", file=sys.stderr)
    return code
