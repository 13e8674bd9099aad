"""The command line: read it, put an exchange together, serve until told to stop.

Exit codes: 0 stopped as asked, 2 wrong usage or a bad file, 75 the port is taken.
"""

import argparse
import asyncio
import contextlib
import errno
import hashlib
import ipaddress
import json
import logging
import os
import signal
import sys
from collections.abc import Sequence
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import IO, NoReturn

from aiohttp import web
from aiohttp.http_exceptions import HttpProcessingError

from .account.booking import OPENING_WALLET
from .clock import Clock, wall_ms
from .control import Control
from .exchange import Exchange
from .journal.folder import FolderError, open_folder, restore
from .journal.journal import Journal
from .journal.state import State
from .market.bar_file import BarFileError, read_bars
from .market.bars import MINUTE_MS
from .market.scripts import Market, RecordedMarket, SeededMarket
from .market.symbols import rounded, symbol_rules, text
from .matching.course import Course, MarketUsedUpError
from .matching.matching import Matching
from .protocol.limits import ORDER_LIMIT, WEIGHT_LIMIT, Limits
from .protocol.listen_key import LIFE_MINUTES
from .protocol.server import Server
from .protocol.signing import Credentials

EXIT_STOPPED, EXIT_USAGE, EXIT_PORT_TAKEN = 0, 2, 75
DEFAULT_EPOCH_MS = 1_704_067_200_000
MOST_HISTORY = 100_000
FASTEST = 100_000
MOST_LISTEN_KEY_MINUTES = 100_000
MOST_WALLET = 10**12
STOP_SIGNALS = (signal.SIGTERM, signal.SIGINT)


class UsageError(Exception):
    """The command line asks for something that cannot be; the message says what to do."""


REFUSALS = (UsageError, BarFileError, FolderError, MarketUsedUpError)
"""What starts no exchange: its message is the sentence to say."""


class Parser(argparse.ArgumentParser):
    """A parser whose errors are one sentence."""

    def error(self, message: str) -> NoReturn:
        """Refuse the command line."""
        raise UsageError(f"{message[:1].upper()}{message[1:]}; see --help.")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the exchange; return the exit code."""
    with contextlib.ExitStack() as stack:
        try:
            options = _parser().parse_args(arguments)
            _check(options)
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
    market: Market = SeededMarket(options.seed)
    epoch_ms = DEFAULT_EPOCH_MS if options.epoch is None else options.epoch
    if options.market is not None:
        epoch_ms, bars = read_bars(options.market)
        if len(bars) <= history:
            lacks = f"has {len(bars)} bars, but {history} are history and one more has to follow"
            raise UsageError(f"{options.market} {lacks}: give a longer file or less --history.")
        market = RecordedMarket(bars)
    setup = {
        "seed": options.seed, "symbol": [symbol.name for symbol in rules], "epoch": epoch_ms,
        "market": None if options.market is None else _digest(options.market), "history": history,
        "wallet": text(options.wallet), "stepped": options.stepped,
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
    course = Course(state, journal, matching, market, epoch_ms)
    if not journal.seq:
        first_open_ms = start_ms - start_ms % MINUTE_MS - history * MINUTE_MS
        course.start(rules, first_open_ms, history, options.wallet, setup)
    else:
        course.resume(cut)
        if live:
            _catch_up(course, clock, journal, state)
    credentials = Credentials(options.api_key, options.api_secret)
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
    if missed > MOST_HISTORY:
        stands = f"This market has stood still for {missed} minutes, more than {MOST_HISTORY}"
        raise UsageError(f"{stands}: give another --state.")
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
        tasks = [asyncio.create_task(server.run())]
        if not exchange.clock.stepped:
            tasks.append(asyncio.create_task(_run_market(server)))
        _say_ready(host, runner.addresses[0][1])
        await stop.wait()
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
    reached = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)  # noqa: S104
    address = f"[{reached}]:{port}" if ":" in reached else f"{reached}:{port}"
    line = {"event": "ready", "http": f"http://{address}", "ws": f"ws://{address}"}
    print(json.dumps(line | {"pid": os.getpid()}), flush=True)


def _parser() -> Parser:
    parser = Parser(
        prog="simulated-exchange",
        description="An exchange of its own that speaks Binance USD-M futures.",
        allow_abbrev=False,
    )
    add = parser.add_argument
    add("--host", default="127.0.0.1", help="address to listen on (default: %(default)s)")
    add("--port", type=int, default=0, help="0 takes a free one (default: %(default)s)")
    add("--seed", type=int, default=7, help="which market (default: %(default)s)")
    add("--epoch", type=int, help=f"open time of bar 0, ms (default: {DEFAULT_EPOCH_MS})")
    add("--symbol", action="append", help="repeatable (default: BTCUSDT)")
    add("--market", type=Path, metavar="FILE", help="recorded bars, CSV, possibly .gz")
    add("--history", type=int, default=300, help="bars before the start (default: %(default)s)")
    add("--stepped", action="store_true", help="time moves by POST /_sim/step only")
    add("--speed", type=float, help="start in the past and run this fast up to wall time")
    add("--wallet", type=_usdt, default=OPENING_WALLET, help="USDT (default: %(default)s)")
    add("--state", type=Path, metavar="DIR", help="live there: a restart goes on where a kill was")
    add("--journal", type=Path, metavar="FILE", help="write the journal there, from the start")
    add("--listen-key-minutes", type=float, default=LIFE_MINUTES, help="(default: %(default)s)")
    add("--weight-limit", type=int, metavar="N", help=f"a minute, 0 is none ({WEIGHT_LIMIT})")
    add("--order-limit", type=int, metavar="N", help=f"a minute, 0 is none ({ORDER_LIMIT})")
    add("--api-key", default="simulated-key", help="(default: %(default)s)")
    add("--api-secret", default="simulated-secret", help="(default: %(default)s)")
    return parser


def _usdt(word: str) -> Decimal:
    """Read an amount of money that can be traded with."""
    with contextlib.suppress(InvalidOperation):
        amount = Decimal(word)
        if 0 < amount <= MOST_WALLET and amount == rounded(amount):
            return amount
    msg = f"{word} is no number over 0, at most {MOST_WALLET}, of at most 8 decimals"
    raise argparse.ArgumentTypeError(msg)


def _check(options: argparse.Namespace) -> None:
    """Refuse values that cannot be, and options that do not go together."""
    if options.state is not None and options.journal is not None:
        raise UsageError("--state has a journal of its own: give --state or --journal, not both.")
    epoch, speed, recorded = options.epoch, options.speed, options.market is not None
    if not 0 <= options.port <= 65_535:
        raise UsageError("--port has to be a whole number from 0 to 65535.")
    if not 1 <= options.history <= MOST_HISTORY:
        raise UsageError(f"--history has to be a whole number from 1 to {MOST_HISTORY}.")
    if epoch is not None and (epoch < 0 or epoch % MINUTE_MS):
        raise UsageError("--epoch has to be the start of a minute, in milliseconds since 1970.")
    if speed is not None and not 0 < speed <= FASTEST:
        raise UsageError(f"--speed has to be a number over 0, at most {FASTEST}.")
    if options.stepped and speed is not None:
        raise UsageError("A market is stepped or has a speed: give --stepped or --speed, not both.")
    if not 0 < options.listen_key_minutes <= MOST_LISTEN_KEY_MINUTES:
        most = MOST_LISTEN_KEY_MINUTES
        raise UsageError(f"--listen-key-minutes has to be a number over 0, at most {most}.")
    if min(options.weight_limit or 0, options.order_limit or 0) < 0:
        raise UsageError("--weight-limit and --order-limit have to be whole numbers from 0.")
    if recorded and (len(options.symbol or [""]) > 1 or epoch is not None):
        raise UsageError("With --market give one --symbol and no --epoch: the file has its times.")
    if recorded and not options.stepped and speed is None:
        raise UsageError("Recorded bars lie in the past: give --stepped or --speed with --market.")
    try:
        address = ipaddress.ip_address("127.0.0.1" if options.host == "localhost" else options.host)
    except ValueError:
        raise UsageError(f"--host {options.host} is no address: give 127.0.0.1, say.") from None
    if not (address.is_private or address.is_loopback or address.is_unspecified):
        # Everybody knows the key of this exchange.
        raise UsageError(f"--host {options.host} is a public address: give a private one.")


def _fail(code: int, sentence: str) -> int:
    print(f"simulated-exchange: {sentence}", file=sys.stderr)
    return code
