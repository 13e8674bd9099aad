"""Start freqtrade where it can reach this machine alone, with the simulated exchange as Binance.

The first argument is the exchange's address; the others are freqtrade's own. Three things are done
to it from outside, and none of them is about recovery: every connection and every look-up of a name
that leads off this machine raises, ccxt's addresses are the simulated exchange's, and its table of
refusals, which it finds by the real exchange's host name, is found without it.
"""

import sys
from typing import Any
from urllib.parse import urlsplit

LOOPBACK = ("127.0.0.1", "localhost", "::1")
CONNECTS = ("socket.connect", "socket.sendto", "socket.sendmsg")
LOOKS_UP = ("socket.getaddrinfo", "socket.gethostbyname", "socket.gethostbyaddr")
PATHS = {
    f"fapi{access}{version}": f"/fapi/{version.lower() or 'v1'}"
    for access in ("Public", "Private")
    for version in ("", "V2", "V3")
}


def stay_here(event: str, arguments: tuple[Any, ...]) -> None:
    """Refuse what leads off this machine; an audit hook cannot be taken away again.

    Raises
    ------
    PermissionError
        If it does.

    """
    if event in CONNECTS and isinstance(arguments[-1], tuple):
        host = arguments[-1][0]
    elif event in LOOKS_UP:
        host = arguments[0]
    else:
        return
    if host not in (None, *LOOPBACK):
        raise PermissionError(f"{event} to {host}: only this machine may be reached.")


def here(addresses: Any, exchange: str, name: str = "") -> Any:
    """Return the same addresses at the exchange; those that it has not lead to no path of it."""
    if isinstance(addresses, dict):
        return {key: here(value, exchange, key) for key, value in addresses.items()}
    return exchange + PATHS.get(name, f"/elsewhere/{name}")


def redirect(kind: Any, exchange: str) -> None:
    """Let one of ccxt's classes know the exchange's addresses alone."""
    stock = kind.describe

    def describe(self: Any) -> Any:
        told = stock(self)
        told["urls"] = {**told["urls"], "api": here(told["urls"]["api"], exchange)}
        return told

    kind.describe = describe
    kind.get_exceptions_by_url = lambda self, _url, exact_or_broad: self.exceptions["linear"].get(
        exact_or_broad, {}
    )


def main(exchange: str, *arguments: str) -> None:
    """Start it."""
    if urlsplit(exchange).hostname not in LOOPBACK:
        sys.exit(f"{exchange} is not on this machine.")
    sys.addaudithook(stay_here)
    import ccxt
    import ccxt.async_support
    import ccxt.pro
    from freqtrade.main import main as freqtrade

    redirect(ccxt.binance, exchange)
    redirect(ccxt.pro.binance, exchange)
    for made in (ccxt.binance(), ccxt.pro.binance()):
        assert all(urlsplit(url).hostname in LOOPBACK for url in texts(made.urls["api"]))
    freqtrade(list(arguments))


def texts(content: Any) -> list[str]:
    """Return every text in nested dictionaries."""
    if isinstance(content, dict):
        return [text for value in content.values() for text in texts(value)]
    return [str(content)]


if __name__ == "__main__":
    main(*sys.argv[1:])
