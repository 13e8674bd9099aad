"""A proxy that the environment names hears nothing of the simulated profile."""

import socket
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field

import pytest

from node.conftest import Start
from node.processes import Exchange

CONFIGURATION = 78
NO_EXEMPTION = {"NO_PROXY": "", "no_proxy": ""}
NO_PROXIES = dict.fromkeys(("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"), "")


@dataclass(slots=True)
class Proxy:
    """Something that listens, keeps what it hears, and leads nowhere."""

    url: str
    heard: list[bytes] = field(default_factory=list)


@pytest.fixture
def proxy() -> Iterator[Proxy]:
    """A proxy of its own."""
    listener = socket.create_server(("127.0.0.1", 0))
    proxy = Proxy(f"http://127.0.0.1:{listener.getsockname()[1]}")

    def accept() -> None:
        while True:
            try:
                client, _ = listener.accept()
            except OSError:
                return
            with client:
                client.settimeout(5)
                proxy.heard.append(client.recv(65536))
                client.sendall(b"HTTP/1.1 502 Bad Gateway\r\nContent-Length: 0\r\n\r\n")

    threading.Thread(target=accept, daemon=True).start()
    yield proxy
    listener.close()


@pytest.mark.usefixtures("store", "exchange")
@pytest.mark.parametrize("name", ["HTTP_PROXY", "ALL_PROXY"])
def test_proxy_is_refused_and_hears_nothing(start: Start, proxy: Proxy, name: str) -> None:
    node = start(**(NO_PROXIES | NO_EXEMPTION | {name: proxy.url}))
    assert node.wait() == CONFIGURATION
    [line] = node.complaint()
    assert line.startswith(f"{name} sends requests for 127.0.0.1, API key included")
    assert line.endswith("unset it or add 127.0.0.1 to NO_PROXY.")
    assert proxy.heard == []


@pytest.mark.usefixtures("store")
def test_proxy_that_is_not_for_the_exchange_hears_nothing(
    start: Start, exchange: Exchange, proxy: Proxy
) -> None:
    proxies = dict.fromkeys(NO_PROXIES, proxy.url)
    node = start(**proxies, NO_PROXY="127.0.0.1")
    node.until("trading")
    node.settle(exchange.post("step", {"bars": 1})["bar"])
    assert proxy.heard == []
