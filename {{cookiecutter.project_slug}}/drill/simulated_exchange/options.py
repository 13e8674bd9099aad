"""The options of the command line, and what is wrong with them."""

import argparse
import contextlib
import ipaddress
from collections.abc import Sequence
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import NoReturn

from .account.booking import OPENING_WALLET
from .market.bars import MINUTE_MS
from .market.funding import DRAWN, HIGHEST_RATE
from .market.regimes import REGIMES
from .market.symbols import rounded, text
from .protocol.limits import ORDER_LIMIT, WEIGHT_LIMIT
from .protocol.listen_key import LIFE_MINUTES
from .protocol.signing import read_public_key

DEFAULT_EPOCH_MS = 1_704_067_200_000
DEFAULT_REGIME = "swing"
MOST_HISTORY = 100_000
FASTEST = 100_000
MOST_LISTEN_KEY_MINUTES = 100_000
MOST_WALLET = 10**12


class UsageError(Exception):
    """The command line asks for something that cannot be; the message says what to do."""


class Parser(argparse.ArgumentParser):
    """A parser whose errors are one sentence."""

    def error(self, message: str) -> NoReturn:
        """Refuse the command line."""
        raise UsageError(f"{message[:1].upper()}{message[1:]}; see --help.")


def read_options(arguments: Sequence[str] | None = None) -> argparse.Namespace:
    """Read the command line; a UsageError says what is wrong with it."""
    options = _parser().parse_args(arguments)
    _check(options)
    return options


def _parser() -> Parser:
    parser = Parser(
        prog="simulated-exchange",
        description="An exchange with one account that speaks Binance USD-M futures. Its market "
        "runs at wall time unless --stepped or --speed is given.",
        allow_abbrev=False,
    )
    add, shown = parser.add_argument, "(default: %(default)s)"
    add("--host", default="127.0.0.1", help=f"private address to listen on {shown}")
    add("--port", type=int, default=0, help=f"0 takes a free one {shown}")
    add("--seed", type=int, default=7, help=f"the same one makes the same market {shown}")
    add("--regime", choices=REGIMES, help=_regimes())
    add("--epoch", type=int, help=f"when bar 0 opens, ms since 1970 (default: {DEFAULT_EPOCH_MS})")
    add("--symbol", action="append", help="ends in USDT; repeatable (default: BTCUSDT)")
    add("--market", type=Path, metavar="FILE", help="recorded bars: CSV or .gz, see exchange.md")
    add("--history", type=int, default=300, help=f"closed bars at the start {shown}")
    add("--stepped", action="store_true", help="time moves by POST /_sim/step only")
    add("--speed", type=float, help="begin at --epoch, this many times as fast as the clock")
    add("--wallet", type=_usdt, default=OPENING_WALLET, help=f"deposit in USDT {shown}")
    rate = f"rate paid every eight hours of market time, or {DRAWN} from the seed (default: none)"
    add("--funding", type=_rate, metavar="RATE", help=rate)
    add("--state", type=Path, metavar="DIR", help="the journal's folder; a restart goes on from it")
    add("--journal", type=Path, metavar="FILE", help="write the journal there, over what it holds")
    key_life = f"how long a listen key lives {shown}"
    add("--listen-key-minutes", type=float, metavar="N", default=LIFE_MINUTES, help=key_life)
    limit = "a minute; 0 is none (default: none when stepped, else {})"
    add(
        "--weight-limit",
        type=int,
        metavar="N",
        help=f"request weight {limit.format(WEIGHT_LIMIT)}",
    )
    add("--order-limit", type=int, metavar="N", help=f"orders {limit.format(ORDER_LIMIT)}")
    add("--api-key", default="simulated-key", help=f"of the one account {shown}")
    public = "a PEM file: the API key is an Ed25519 one, which signs, and may log on to ws-fapi"
    add("--ed25519-key", type=_public_key, metavar="FILE", help=public)
    add("--api-secret", default="simulated-secret", help=f"what signs {shown}")
    return parser


def _regimes() -> str:
    each = "; ".join(f"{name}: {regime.about}" for name, regime in REGIMES.items())
    return f"how the market behaves (default: {DEFAULT_REGIME}): {each}".replace("%", "%%")


def _usdt(word: str) -> Decimal:
    """Read an amount of money that can be traded with."""
    with contextlib.suppress(InvalidOperation):
        amount = Decimal(word)
        if 0 < amount <= MOST_WALLET and amount == rounded(amount):
            return amount
    msg = f"{word} is no number over 0, at most {MOST_WALLET}, of at most 8 decimals"
    raise argparse.ArgumentTypeError(msg)


def _rate(word: str) -> str:
    """Read a funding rate, or that it is drawn."""
    if word == DRAWN:
        return word
    with contextlib.suppress(InvalidOperation):
        rate = Decimal(word)
        if rate.is_finite() and 0 < abs(rate) <= HIGHEST_RATE:
            return text(rate)
    msg = f"{word} is neither {DRAWN} nor a number but zero, at most {HIGHEST_RATE} either way"
    raise argparse.ArgumentTypeError(msg)


def _public_key(word: str) -> bytes:
    """Read the public key that signatures are to hold for."""
    with contextlib.suppress(OSError, ValueError):
        return read_public_key(Path(word).read_text(encoding="ascii"))
    raise argparse.ArgumentTypeError(f"{word} is no PEM file with an Ed25519 public key")


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
    if recorded and options.regime is not None:
        raise UsageError("Recorded bars behave as they did: give --market or --regime, not both.")
    if recorded and not options.stepped and speed is None:
        raise UsageError("Recorded bars lie in the past: give --stepped or --speed with --market.")
    try:
        address = ipaddress.ip_address("127.0.0.1" if options.host == "localhost" else options.host)
    except ValueError:
        raise UsageError(f"--host {options.host} is no address: give 127.0.0.1, say.") from None
    if not (address.is_private or address.is_loopback or address.is_unspecified):
        # Everybody knows the key of this exchange.
        raise UsageError(f"--host {options.host} is a public address: give a private one.")
