"""
What each profile may talk to, and with which keys; nothing here asks anybody.

A complaint is the end of a sentence that begins with the setting's name.
"""

import ipaddress
import re
from collections.abc import Iterator, Mapping
from enum import StrEnum
from urllib.parse import urlsplit

SIMULATED_KEY = "simulated-key"
SIMULATED_SECRET = "simulated-secret"  # noqa: S105 - everybody knows it
TESTNET_URLS = {
    "exchange_http_url": ("https://demo-fapi.binance.com",),
    "exchange_ws_url": ("wss://stream.binancefuture.com", "wss://demo-fstream.binance.com"),
}
"""The addresses of the testnet, which the exchange also calls demo trading: those that
nautilus_trader 1.231.0 knows for USD-M futures (adapters/binance/common/urls.py)."""
LIVE_URLS = {
    "exchange_http_url": ("https://fapi.binance.com",),
    "exchange_ws_url": ("wss://fstream.binance.com",),
}
"""The addresses of the exchange itself, from the same place; the adapter adds what each stream
needs."""
URLS: Mapping[str, Mapping[str, tuple[str, ...]]] = {"testnet": TESTNET_URLS, "live": LIVE_URLS}
"""By profile; the simulated one is at any address that is not public."""
KEY_RIGHTS_URL = "https://api.binance.com"
"""Where the exchange tells what a key may do; its futures tell nothing of that."""

REAL = re.compile(r"[A-Za-z0-9]{64}")
"""How the exchange's keys and HMAC secrets look, the testnet's too."""
PEM = "-----BEGIN"
FEWEST_LETTERS = 16
"""How many different ones a key has at least; of 64 drawn at random about 40 are different."""


class Profile(StrEnum):
    """Which exchange the node trades at."""

    SIMULATED = "simulated"
    TESTNET = "testnet"
    LIVE = "live"


def url_complaints(profile: Profile, name: str, url: str) -> Iterator[str]:
    """Yield why `profile` does not talk to `url`, which the setting `name` gives."""
    known = URLS.get(profile)
    if known is not None and url.rstrip("/").lower() not in known[name]:
        whose = "the testnet's" if profile is Profile.TESTNET else "the exchange's"
        yield (
            f"is not {whose}; the {profile} profile talks to {' or '.join(known[name])} "
            "and to nothing else"
        )
    if profile is Profile.SIMULATED and (host := _host_of(url)) is not None and is_public(host):
        yield (
            f"points to {host}, which is not a loopback or private address; "
            "the simulated profile never talks to a public host"
        )


def proxy_complaints(
    profile: Profile, url: str, environment: Mapping[str, str]
) -> Iterator[tuple[str, str]]:
    """
    Yield the variables of `environment` whose proxy `profile` does not ask for `url`, and why.

    The engine's HTTP client obeys them, the preflight and the engine's websockets do not: what the
    preflight finds at `url` says nothing about who hears the requests. The standard library reads
    NO_PROXY in another way than the engine, which takes neither `*` nor a part for an address.
    """
    host = _host_of(url)
    if profile is not Profile.SIMULATED or host is None:
        return
    if _is_exempt(host, environment.get("NO_PROXY", environment.get("no_proxy", ""))):
        return
    upper = (f"{urlsplit(url).scheme.upper()}_PROXY", "ALL_PROXY")
    for name in (*upper, *(each.lower() for each in upper)):
        if environment.get(name):
            yield (
                name,
                f"sends requests for {host}, API key included, through a proxy, and the simulated "
                f"profile never talks to a public host; unset it or add {host} to NO_PROXY",
            )


def _is_exempt(host: str, no_proxy: str) -> bool:
    """Return whether the engine's HTTP client takes `host` as one that `no_proxy` lists."""
    entries = [entry.strip().lower() for entry in no_proxy.split(",") if entry.strip()]
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        if host.rstrip(".").rpartition(".")[2][:1].isdigit():
            return False  # 127.1 and the like: an address to the engine, which no name exempts
        names = [entry.removeprefix(".") for entry in entries]
        return any(name == "*" or f".{host}".endswith(f".{name}") for name in names)
    return any(address in network for network in map(_network, entries) if network is not None)


def _network(entry: str) -> ipaddress.IPv4Network | ipaddress.IPv6Network | None:
    if not entry.partition("/")[2].isdigit() and "/" in entry:
        return None  # the engine takes no netmask
    try:
        return ipaddress.ip_network(entry, strict=False)
    except ValueError:
        return None


def key_complaints(profile: Profile, key: str | None, secret: str | None) -> Iterator[str]:
    """Yield why `profile` does not use `key`; `secret` only tells whether both are the same."""
    if profile is Profile.SIMULATED:
        yield from _real_complaints(key)
    else:
        yield from _dummy_complaints(profile, key, SIMULATED_KEY)
        if key and key == secret:
            yield "is the same as the secret; one of them is in the wrong place"


def secret_complaints(profile: Profile, secret: str | None) -> Iterator[str]:
    """Yield why `profile` does not use `secret`."""
    if profile is Profile.SIMULATED:
        yield from _real_complaints(secret)
    elif secret and PEM in secret:
        yield (
            "is a private key (PEM); this node signs with HMAC secrets only, because the "
            "adapter takes its user events from another address for other keys: "
            "make a key of the type HMAC"
        )
    else:
        yield from _dummy_complaints(profile, secret, SIMULATED_SECRET)


def _real_complaints(value: str | None) -> Iterator[str]:
    if value and (REAL.fullmatch(value.strip()) or PEM in value):
        yield (
            "looks like a real one, and the simulated profile sends it to something that is not "
            "the exchange; remove it, the simulated exchange has its own"
        )


def _dummy_complaints(profile: Profile, value: str | None, simulated: str) -> Iterator[str]:
    where = "the testnet" if profile is Profile.TESTNET else "the exchange itself"
    if not value:
        yield f"is not set; the {profile} profile needs a key and a secret made for {where}"
    elif value == simulated:
        yield f"is the simulated exchange's; the {profile} profile needs one made for {where}"
    elif not REAL.fullmatch(value):
        whose = "the testnet's" if profile is Profile.TESTNET else "the exchange's"
        yield f"is none of {whose}: those have 64 letters and digits"
    elif len(set(value)) < FEWEST_LETTERS:
        yield f"looks like a dummy; the {profile} profile needs one made for {where}"


def address_complaints(profile: Profile, address: str) -> Iterator[str]:
    """Yield why `profile` does not talk to `address`, which a host name has led to."""
    if profile is Profile.SIMULATED and is_public(address):
        yield (
            f"leads to {address}, which is not a loopback or private address; "
            "the simulated profile never talks to a public host"
        )
    if profile is not Profile.SIMULATED and not ipaddress.ip_address(address).is_global:
        yield (
            f"leads to {address}, which is not a public address; "
            f"the {profile} profile never talks to a stand-in"
        )


def _host_of(url: str) -> str | None:
    try:
        return urlsplit(url).hostname
    except ValueError:
        return None


def is_public(host: str) -> bool:
    """
    Return whether `host` is an address outside loopback and private networks.

    A name is not decided here: the preflight resolves it.
    """
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return False
    return not (address.is_loopback or address.is_private) or address.is_unspecified
