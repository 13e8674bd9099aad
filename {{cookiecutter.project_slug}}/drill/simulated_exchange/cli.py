"""Put together the exchange that the command line asks for; serve until told to stop.

Exit codes: 0 stopped as asked, 2 wrong usage or a bad file, 75 the port is taken.
"""

import argparse
import asyncio
import contextlib
import errno
import hashlib
import json
import logging
import os
import signal
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import IO

from aiohttp import web
from aiohttp.http_exceptions import HttpProcessingError

from .clock import Clock, wall_ms
from .control import Control
from .exchange import Exchange
from .journal.folder import FolderError, open_folder, restore
from .journal.journal import Journal
from .journal.state import State
from .market.bar_file import BarFileError, read_bars
from .market.bars import MINUTE_MS
from .market.funding import Funding
from .market.scripts import Market, RecordedMarket, SeededMarket
from .market.symbols import symbol_rules, text
from .matching.course import Course, MarketUsedUpError
from .matching.matching import Matching
from .options import DEFAULT_EPOCH_MS, DEFAULT_REGIME, UsageError, read_options
from .protocol.limits import ORDER_LIMIT, WEIGHT_LIMIT, Limits
from .protocol.server import Server
from .protocol.signing import Credentials

EXIT_STOPPED, EXIT_USAGE, EXIT_PORT_TAKEN = 0, 2, 75
MOST_MISSED_BARS = 100_000
STOP_SIGNALS = (signal.SIGTERM, signal.SIGINT)


REFUSALS = (UsageError, BarFileError, FolderError, MarketUsedUpError)
"""What starts no exchange: its message is the sentence to say."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the exchange; return the exit code."""
    with contextlib.ExitStack() as stack:
        try:
            options = read_options(arguments)
            file = _open_journal(options)
            if file is not None:
                stack.enter_context(file)
            exchange = build(options, file)
        except REFUSALS as error:
            return _fail(EXIT_USAGE, str(error))
        try:
            asyncio.run(serve(exchange, options.host, options.port))
        except OSError as error:
            where = f"{options.host}:{options.port}"
            if error.errno == errno.EADDRINUSE:
                return _fail(EXIT_PORT_TAKEN, f"{where} is taken: give another --port.")
            return _fail(EXIT_USAGE, f"Cannot listen on {where}: {error.strerror}.")
    return EXIT_STOPPED


def build(options: argparse.Namespace, journal_file: IO[bytes] | None = None) -> Exchange:
    """Put together the exchange that the options describe; it goes on where its journal ends."""
    history: int = options.history
    try:
        rules = [symbol_rules(name) for name in dict.fromkeys(options.symbol or ["BTCUSDT"])]
    except ValueError as error:
        raise UsageError(str(error)) from None
    regime = options.regime or DEFAULT_REGIME
    market: Market = SeededMarket(options.seed, regime)
    epoch_ms = DEFAULT_EPOCH_MS if options.epoch is None else options.epoch
    if options.market is not None:
        epoch_ms, bars = read_bars(options.market)
        if len(bars) <= history:
            lacks = f"has {len(bars)} bars, but {history} are history and one more has to follow"
            raise UsageError(f"{options.market} {lacks}: give a longer file or less --history.")
        market = RecordedMarket(bars)
    setup = {
        "seed": options.seed, "regime": regime, "symbol": [symbol.name for symbol in rules],
        "market": None if options.market is None else _digest(options.market), "epoch": epoch_ms,
        "history": history, "wallet": text(options.wallet), "stepped": options.stepped,
        "funding": options.funding,
    }  # fmt: skip
    state = State()
    journal = Journal(state, journal_file)
    cut = 0
    if options.state is not None and journal_file is not None:
        cut = restore(journal, journal_file, setup)
    live = not options.stepped and options.speed is None
    start_ms = epoch_ms + history * MINUTE_MS
    if start_ms > wall_ms():
        raise UsageError("Market time cannot pass wall time: give an earlier --epoch.")
    start_ms = wall_ms() if live else max(start_ms, state.market_ms)
    clock = Clock(state, start_ms, stepped=options.stepped, speed=options.speed or 1.0)
    matching = Matching(state, journal, None if options.stepped else clock.now_ms)
    funding = Funding(options.seed, options.funding or "")
    course = Course(state, journal, matching, market, epoch_ms, funding)
    if not journal.seq:
        first_open_ms = start_ms - start_ms % MINUTE_MS - history * MINUTE_MS
        course.start(rules, first_open_ms, history, options.wallet, setup)
    else:
        course.resume(cut)
        if live:
            _catch_up(course, clock, journal, state)
    credentials = Credentials(options.api_key, options.api_secret, options.ed25519_key)
    limits = _limits(options)
    parts = (options.seed, credentials, state, journal, clock, matching, course, limits)
    return Exchange(*parts, options.listen_key_minutes)


def _limits(options: argparse.Namespace) -> Limits:
    """Return the limits of requests: by default none when stepped, minutes take no time there."""
    given = (options.weight_limit, WEIGHT_LIMIT), (options.order_limit, ORDER_LIMIT)
    default = 0 if options.stepped else 1
    weight, orders = (usual * default if limit is None else limit for limit, usual in given)
    return Limits(weight, orders)


def _open_journal(options: argparse.Namespace) -> IO[bytes] | None:
    if options.state is not None:
        return open_folder(options.state)
    if options.journal is None:
        return None
    path: Path = options.journal
    try:
        return path.open("wb", buffering=0)
    except OSError as error:
        raise UsageError(f"The journal {path} cannot be written: {error.strerror}.") from None


def _digest(path: Path) -> str:
    """Return what tells one file of bars from another."""
    return hashlib.sha256(path.read_bytes()).hexdigest()[:16]


def _catch_up(course: Course, clock: Clock, journal: Journal, state: State) -> None:
    """Take a market that runs at wall time through what it missed while nobody ran it."""
    missed = (wall_ms() - state.forming_open_ms) // MINUTE_MS
    if missed > MOST_MISSED_BARS:
        behind = f"This market is {missed} minutes behind wall time, more than {MOST_MISSED_BARS}"
        raise UsageError(f"{behind}: give its --speed again, or another --state.")
    arrived = False
    while not arrived:
        with journal.batch():
            arrived = course.advance(clock.now_ms())


async def serve(exchange: Exchange, host: str, port: int) -> None:
    """Serve until SIGTERM or SIGINT; a second one changes nothing."""
    stop = asyncio.Event()

    def stop_once() -> None:
        # Blocked to the end: the loop's handlers are gone before the process is.
        signal.pthread_sigmask(signal.SIG_BLOCK, STOP_SIGNALS)
        stop.set()

    for number in STOP_SIGNALS:
        asyncio.get_running_loop().add_signal_handler(number, stop_once)
    server = Server(exchange)
    app = web.Application()
    Control(server).add_routes(app)
    app.router.add_route("*", "/{path:.*}", server.handle)
    logging.getLogger("aiohttp.server").addFilter(_is_defect)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=1.0)
    await runner.setup()
    try:
        await web.TCPSite(runner, host, port).start()
        serving = asyncio.create_task(server.run())
        serving.add_done_callback(lambda _: stop.set())  # by itself it ends by a defect only
        tasks = [serving]
        if not exchange.clock.stepped:
            tasks.append(asyncio.create_task(_run_market(server)))
        _say_ready(host, runner.addresses[0][1])
        await stop.wait()
        if serving.done():
            await serving
        server.faults.release_all()
        for task in tasks:
            task.cancel()
        await server.sockets.close()
    finally:
        await runner.cleanup()
        await asyncio.sleep(0)  # lets the last connections see that they are closed


def _is_defect(record: logging.LogRecord) -> bool:
    """Tell defects of ours from clients that talk nonsense or go away."""
    error = record.exc_info[1] if record.exc_info else None
    return not isinstance(error, (ConnectionError, HttpProcessingError))


async def _run_market(server: Server) -> None:
    try:
        await server.run_market()
    except MarketUsedUpError as error:
        print(f"simulated-exchange: the market stands still. {error}", file=sys.stderr, flush=True)


def _say_ready(host: str, port: int) -> None:
    """Print the ready line; bound to all addresses, the exchange is reached on loopback, too."""
    reached = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)  # noqa: S104 - asked for
    address = f"[{reached}]:{port}" if ":" in reached else f"{reached}:{port}"
    line = {"event": "ready", "http": f"http://{address}", "ws": f"ws://{address}"}
    print(json.dumps(line | {"pid": os.getpid()}), flush=True)


def _fail(code: int, sentence: str) -> int:
    print(f"simulated-exchange: {sentence}", file=sys.stderr)
    return code
