"""Settings are validated once, all errors at once, and never default to a real exchange."""

import string
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import pytest
from nautilus_trader.adapters.binance import BinanceAccountType
from nautilus_trader.adapters.binance.common.enums import BinanceEnvironment
from nautilus_trader.adapters.binance.common.urls import (
    get_http_base_url,
    get_ws_base_url,
    get_ws_private_base_url,
    get_ws_public_base_url,
)

from node.baked import module

ConfigurationError = module("config.complaints").ConfigurationError
Settings = module("config.settings").Settings
HoldSettings = module("config.settings").HoldSettings
OnRefusal = module("config.settings").OnRefusal
Profile = module("config.profiles").Profile
TESTNET_URLS = module("config.profiles").TESTNET_URLS
address_complaints = module("config.profiles").address_complaints
proxy_complaints = module("config.profiles").proxy_complaints
load_hold_settings = module("config.load").load_hold_settings
store_credentials = module("config.secret_files").store_credentials
StrategySettings = module("strategies.settings").StrategySettings
node_config = module("engine.v1.node").node_config

GOOD = {
    "TRADER_PROFILE": "simulated",
    "TRADER_ID": "TRADER-001",
    "TRADER_SYMBOL": "BTCUSDT",
    "TRADER_STORE_URL": "redis://127.0.0.1:6379",
    "TRADER_EXCHANGE_HTTP_URL": "http://127.0.0.1:8090",
    "TRADER_EXCHANGE_WS_URL": "ws://127.0.0.1:8090",
}


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Start from good settings and nothing else, away from any .env."""
    monkeypatch.chdir(tmp_path)
    for name in Settings.model_fields:
        monkeypatch.delenv(f"TRADER_{name.upper()}", raising=False)
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "WS_PROXY", "WSS_PROXY", "ALL_PROXY", "NO_PROXY"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.lower(), raising=False)
    for name, value in GOOD.items():
        monkeypatch.setenv(name, value)


def load_settings(env_file: str | None = ".env") -> Any:
    """Return the template's settings; those of the strategies are read with them."""
    settings, _ = module("config.load").load_settings(StrategySettings, env_file)
    return settings


def sentences() -> list[str]:
    with pytest.raises(ConfigurationError) as caught:
        load_settings()
    assert caught.value.code == 78
    return list(caught.value.sentences)


def test_good_settings_load() -> None:
    assert load_settings().symbol == "BTCUSDT"


def test_all_errors_come_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in GOOD:
        monkeypatch.delenv(name)
    monkeypatch.setenv("TRADER_HTTP_PORT", "99999")
    found = sentences()
    assert len(found) == len(GOOD) + 1
    for name in (*GOOD, "TRADER_HTTP_PORT"):
        assert any(sentence.startswith(f"{name} ") for sentence in found), name


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("TRADER_ID", "TRADER"),
        ("TRADER_SYMBOL", "btc/usdt"),
        ("TRADER_STORE_URL", "127.0.0.1:6379"),
        ("TRADER_STORE_URL", "redis://127.0.0.1:6379/3"),
        ("TRADER_STORE_URL", "redis://user@127.0.0.1:6379"),
        ("TRADER_EXCHANGE_HTTP_URL", "ftp://127.0.0.1"),
        ("TRADER_EXCHANGE_HTTP_URL", "https://93.184.215.14"),
        ("TRADER_EXCHANGE_WS_URL", "wss://93.184.215.14"),
        ("TRADER_ORDER_QUANTITY", "0"),
        ("TRADER_LOG_LEVEL", "LOUD"),
        ("TRADER_PROFILE", "paper"),
        ("TRADER_ORDER_QUANTITTY", "1"),
    ],
)
def test_one_error_is_one_sentence(monkeypatch: pytest.MonkeyPatch, name: str, value: str) -> None:
    monkeypatch.setenv(name, value)
    [sentence] = sentences()
    assert sentence.startswith(name)
    assert sentence.endswith(".")


@pytest.mark.parametrize("place", ["environment", "file"])
def test_what_is_empty_counts_as_not_given(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, place: str
) -> None:
    defaults = load_settings()
    optional = {f"TRADER_{name.upper()}" for name in Settings.model_fields} - set(GOOD)
    if place == "environment":
        for name in optional:
            monkeypatch.setenv(name, "")
    else:
        (tmp_path / ".env").write_text("".join(f"{name}=\n" for name in optional))
    found = load_settings()
    same = {"instance_id"}  # drawn at random
    assert found.model_dump(exclude=same) == defaults.model_dump(exclude=same)
    assert found.model_fields_set == defaults.model_fields_set
    monkeypatch.setenv("TRADER_SYMBOL", "")
    assert sentences() == ["TRADER_SYMBOL is not set."]


def test_secret_comes_from_a_file(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text("from-a-file\n", encoding="utf-8")
    monkeypatch.setenv("TRADER_API_SECRET_FILE", str(secret))
    assert load_settings().api_secret.get_secret_value() == "from-a-file"


def test_missing_secret_file_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TRADER_STORE_URL_FILE", "nowhere")
    monkeypatch.delenv("TRADER_STORE_URL")
    [sentence] = sentences()
    assert "TRADER_STORE_URL_FILE" in sentence


def test_settings_come_from_the_env_file(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("TRADER_SYMBOL")
    (tmp_path / ".env").write_text("TRADER_SYMBOL=ETHUSDT\n", encoding="utf-8")
    assert load_settings().symbol == "ETHUSDT"


def test_secrets_do_not_show(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TRADER_API_SECRET", "hush")
    monkeypatch.setenv("TRADER_STORE_URL", "redis://:hush@127.0.0.1:6379")
    assert "hush" not in repr(load_settings())


def test_password_completes_the_store_url(monkeypatch: pytest.MonkeyPatch) -> None:
    password = string.printable
    monkeypatch.setenv("TRADER_STORE_URL", "redis://trader@store:6380")
    monkeypatch.setenv("TRADER_STORE_PASSWORD", password)
    settings = load_settings()
    host, port, user, quoted, tls = store_credentials(settings.store_url)
    assert (host, port, user, tls) == ("store", 6380, "trader", False)
    assert quoted is not None
    assert unquote(quoted) == password
    assert password not in repr(settings)
    assert quoted not in repr(settings)


def test_password_file_completes_the_store_url(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    secret = tmp_path / "secret"
    secret.write_text(" spaces count \n", encoding="utf-8")
    monkeypatch.setenv("TRADER_STORE_URL", "redis://store")
    monkeypatch.setenv("TRADER_STORE_PASSWORD_FILE", str(secret))
    url = load_settings().store_url.get_secret_value()
    assert url == "redis://:%20spaces%20count%20@store"


def test_two_passwords_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TRADER_STORE_URL", "redis://trader:hush@store:6379")
    monkeypatch.setenv("TRADER_STORE_PASSWORD", "hush")
    [sentence] = sentences()
    assert "remove one of them" in sentence
    assert "hush" not in sentence


@pytest.mark.parametrize("name", ["STORE_PASSWORD", "STORE_URL", "API_KEY", "API_SECRET"])
def test_empty_secret_file_is_an_error(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, name: str
) -> None:
    secret = tmp_path / "secret"
    secret.write_text("\n", encoding="utf-8")
    monkeypatch.setenv("TRADER_STORE_URL", "redis://trader:hush@store:6379")
    if name == "STORE_PASSWORD":
        monkeypatch.setenv("TRADER_STORE_URL", "redis://trader@store:6379")
    monkeypatch.setenv(f"TRADER_{name}_FILE", str(secret))
    [sentence] = sentences()
    assert sentence == f"TRADER_{name}_FILE names an empty file: {secret}."


def test_what_is_needed_to_hold_is_read_from_wrong_settings(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    lines = ["trader_on_refusal=hold", "TRADER_HTTP_HOST=0.0.0.0", "TRADER_INSTANCE_ID=first"]
    (tmp_path / ".env").write_text("\n".join(lines), encoding="utf-8")
    monkeypatch.setenv("TRADER_HTTP_PORT", "9090")
    monkeypatch.setenv("TRADER_SYMBOL", "?")
    assert sentences()
    found = load_hold_settings()
    assert found == HoldSettings(OnRefusal.HOLD, "0.0.0.0", 9090, "first")  # noqa: S104 - bound by nobody


@pytest.mark.parametrize("port", ["", "x", "0", "65536", "-1"])
def test_what_cannot_be_read_has_its_default(monkeypatch: pytest.MonkeyPatch, port: str) -> None:
    monkeypatch.setenv("TRADER_HTTP_PORT", port)
    monkeypatch.setenv("TRADER_ON_REFUSAL", "stay")
    found = load_hold_settings()
    assert (found.on_refusal, found.http_host, found.http_port) == ("exit", "127.0.0.1", 8080)


def test_unreadable_env_file_is_an_error(tmp_path: Path) -> None:
    (tmp_path / ".env").write_bytes(b"TRADER_SYMBOL=\xff\n")
    assert sentences() == [".env cannot be read: not text."]
    assert load_hold_settings().on_refusal == "exit"


REAL_KEY = (string.ascii_letters + string.digits + "ab")[:64]
TESTNET = {
    "TRADER_PROFILE": "testnet",
    "TRADER_EXCHANGE_HTTP_URL": "https://demo-fapi.binance.com",
    "TRADER_EXCHANGE_WS_URL": "wss://stream.binancefuture.com",
    "TRADER_API_KEY": REAL_KEY,
    "TRADER_API_SECRET": REAL_KEY[::-1],
}
# Put together here, for a check looks for private keys in files.
PEM = "-----BEGIN {0}-----\nMC4CAQAwBQYDK2VwBCIEIA==\n-----END {0}-----".format("PRIVATE" + " KEY")


@pytest.fixture
def testnet(monkeypatch: pytest.MonkeyPatch) -> None:
    """Settings that the testnet profile takes."""
    for name, value in TESTNET.items():
        monkeypatch.setenv(name, value)


@pytest.mark.usefixtures("testnet")
@pytest.mark.parametrize(
    "ws_url", ["wss://stream.binancefuture.com", "wss://DEMO-fstream.binance.com/"]
)
def test_testnet_is_taken(monkeypatch: pytest.MonkeyPatch, ws_url: str) -> None:
    monkeypatch.setenv("TRADER_EXCHANGE_WS_URL", ws_url)
    assert load_settings().profile == "testnet"


@pytest.mark.usefixtures("testnet")
@pytest.mark.parametrize(
    ("name", "value", "complaint"),
    [
        ("EXCHANGE_HTTP_URL", "http://127.0.0.1:8090", "is not the testnet's"),
        ("EXCHANGE_HTTP_URL", "http://exchange:8090", "is not the testnet's"),
        ("EXCHANGE_HTTP_URL", "http://demo-fapi.binance.com", "is not the testnet's"),
        ("EXCHANGE_HTTP_URL", "https://demo-fapi.binance.com:8443", "is not the testnet's"),
        ("EXCHANGE_HTTP_URL", "https://demo-fapi.binance.com@127.0.0.1", "is not the testnet's"),
        ("EXCHANGE_HTTP_URL", "https://fapi.binance.com", "is not the testnet's"),
        ("EXCHANGE_HTTP_URL", "https://stream.binancefuture.com", "is not the testnet's"),
        ("EXCHANGE_WS_URL", "ws://127.0.0.1:8090", "is not the testnet's"),
        ("EXCHANGE_WS_URL", "ws://stream.binancefuture.com", "is not the testnet's"),
        ("EXCHANGE_WS_URL", "wss://fstream.binance.com", "is not the testnet's"),
        ("API_KEY", "", "is not set"),
        ("API_KEY", "simulated-key", "is the simulated exchange's"),
        ("API_KEY", "my-key", "64 letters and digits"),
        ("API_KEY", REAL_KEY[:63], "64 letters and digits"),
        ("API_KEY", "x" * 64, "looks like a dummy"),
        ("API_KEY", TESTNET["TRADER_API_SECRET"], "is the same as the secret"),
        ("API_SECRET", "", "is not set"),
        ("API_SECRET", "simulated-secret", "is the simulated exchange's"),
        ("API_SECRET", f"{REAL_KEY}0", "64 letters and digits"),
        ("API_SECRET", "0" * 64, "looks like a dummy"),
        ("API_SECRET", PEM, "HMAC"),
    ],
)
def test_testnet_refuses(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str, complaint: str
) -> None:
    monkeypatch.setenv(f"TRADER_{name}", value)
    [sentence] = sentences()
    assert sentence.startswith(f"TRADER_{name} ")
    assert complaint in sentence
    assert not value or value not in sentence


def test_testnet_names_all_that_it_refuses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TRADER_PROFILE", "testnet")
    names = [sentence.split()[0].removeprefix("TRADER_") for sentence in sentences()]
    assert names == ["API_KEY", "API_SECRET", "EXCHANGE_HTTP_URL", "EXCHANGE_WS_URL"]


@pytest.mark.usefixtures("testnet")
def test_secret_that_cannot_be_read_is_one_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TRADER_API_KEY_FILE", "nowhere")
    [sentence] = sentences()
    assert sentence.startswith("TRADER_API_KEY_FILE cannot be read")


@pytest.mark.parametrize("name", ["TRADER_API_KEY", "TRADER_API_SECRET"])
@pytest.mark.parametrize("value", [REAL_KEY, "x" * 64, PEM], ids=["key", "dummy", "pem"])
def test_simulated_refuses_what_may_be_real(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str
) -> None:
    monkeypatch.setenv(name, value)
    [sentence] = sentences()
    assert sentence.startswith(f"{name} looks like a real one")
    assert value not in sentence


PROXY = "http://user:hush@proxy:3128"


@pytest.mark.parametrize(
    "name", ["HTTP_PROXY", "http_proxy", "WS_PROXY", "ws_proxy", "ALL_PROXY", "all_proxy"]
)
def test_simulated_refuses_a_proxy(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.setenv(name, PROXY)
    [sentence] = sentences()
    assert sentence.startswith(f"{name} sends requests")
    assert sentence.endswith("unset it or add 127.0.0.1 to NO_PROXY.")
    assert "hush" not in sentence
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    assert load_settings().profile == "simulated"


def test_proxy_is_refused_with_all_other_errors(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "HTTPS_PROXY"):
        monkeypatch.setenv(name, PROXY)
    monkeypatch.setenv("TRADER_SYMBOL", "?")
    names = [sentence.split()[0] for sentence in sentences()]
    assert names == ["ALL_PROXY", "HTTP_PROXY", "TRADER_SYMBOL", "http_proxy"]


@pytest.mark.usefixtures("testnet")
def test_testnet_takes_a_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTPS_PROXY", PROXY)
    monkeypatch.setenv("ALL_PROXY", PROXY)
    assert load_settings().profile == "testnet"


@pytest.mark.parametrize(
    ("url", "environment", "names"),
    [
        ("https://10.0.0.1", {"https_proxy": PROXY, "HTTP_PROXY": PROXY}, ["https_proxy"]),
        ("wss://10.0.0.1", {"WSS_PROXY": PROXY, "WS_PROXY": PROXY}, ["WSS_PROXY"]),
        ("http://10.0.0.1", {"HTTPS_PROXY": PROXY}, []),
        ("http://10.0.0.1", {"http_proxy": "", "HTTP_PROXY": PROXY}, ["HTTP_PROXY"]),
        ("http://10.0.0.1", {"HTTP_PROXY": "", "ALL_PROXY": ""}, []),
        ("http://10.0.0.1", {"HTTP_PROXY": PROXY, "REQUEST_METHOD": "GET"}, ["HTTP_PROXY"]),
        ("http://[", {"HTTP_PROXY": PROXY}, []),
    ],
)
def test_which_proxies_are_refused(url: str, environment: dict[str, str], names: list[str]) -> None:
    found = proxy_complaints(Profile.SIMULATED, url, environment)
    assert [name for name, _ in found] == names


@pytest.mark.parametrize(
    ("host", "no_proxy", "is_exempt"),
    [
        ("127.0.0.1", "127.0.0.1", True),
        ("127.0.0.1", "exchange, 127.0.0.1 ", True),
        ("127.0.0.1", "127.0.0.0/8", True),
        ("127.0.0.1", "127.0.0.0/255.0.0.0", False),
        ("127.0.0.1", "*", False),
        ("127.0.0.1", "0.0.1", False),
        ("127.0.0.1", "localhost", False),
        ("127.0.0.1", "127.0.0.1:8090", False),
        ("127.0.0.1", "", False),
        ("127.1", "127.1", False),
        ("[::1]", "::1", True),
        ("[::1]", "[::1]", False),
        ("[::1]", "127.0.0.1", False),
        ("exchange", "exchange", True),
        ("EXCHANGE", ".Exchange", True),
        ("exchange.internal", "internal", True),
        ("exchange", "a,*", True),
        ("exchange", "change", False),
        ("exchange", "exchange:8090", False),
        ("exchange.internal", "*.internal", False),
        ("exchange", ",", False),
    ],
)
def test_hosts_that_no_proxy_exempts(host: str, no_proxy: str, is_exempt: bool) -> None:
    """As the engine's HTTP client does; each line has been measured with it."""
    environment = {"ALL_PROXY": PROXY, "NO_PROXY": no_proxy}
    found = list(proxy_complaints(Profile.SIMULATED, f"http://{host}:8090", environment))
    assert bool(found) is not is_exempt


@pytest.mark.parametrize(
    ("upper", "lower", "is_exempt"),
    [(None, "exchange", True), ("exchange", "other", True), ("", "exchange", False)],
)
def test_no_proxy_in_capitals_comes_first(upper: str | None, lower: str, is_exempt: bool) -> None:
    environment = {"HTTP_PROXY": PROXY, "no_proxy": lower}
    if upper is not None:
        environment["NO_PROXY"] = upper
    found = list(proxy_complaints(Profile.SIMULATED, "http://exchange", environment))
    assert bool(found) is not is_exempt


@pytest.mark.parametrize(
    ("profile", "address", "is_refused"),
    [
        ("simulated", "127.0.0.1", False),
        ("simulated", "10.0.0.1", False),
        ("simulated", "fe80::1%eth0", False),
        ("simulated", "0.0.0.0", True),  # noqa: S104 - nobody binds it
        ("simulated", "93.184.215.14", True),
        ("testnet", "127.0.0.1", True),
        ("testnet", "172.17.0.2", True),
        ("testnet", "100.64.0.1", True),
        ("testnet", "0.0.0.0", True),  # noqa: S104 - nobody binds it
        ("testnet", "::1", True),
        ("testnet", "93.184.215.14", False),
    ],
)
def test_addresses_that_names_lead_to(profile: str, address: str, is_refused: bool) -> None:
    assert bool(list(address_complaints(Profile(profile), address))) is is_refused


def test_testnet_urls_are_those_that_the_adapter_knows() -> None:
    kind, names = BinanceAccountType.USDT_FUTURES, ("TESTNET", "DEMO")
    known = [BinanceEnvironment[name] for name in names]
    assert {get_http_base_url(kind, each, False) for each in known} == set(
        TESTNET_URLS["exchange_http_url"]
    )
    for url in (get_ws_base_url, get_ws_private_base_url, get_ws_public_base_url):
        assert {url(kind, each, False) for each in known} == set(TESTNET_URLS["exchange_ws_url"])


@pytest.mark.usefixtures("testnet")
def test_engine_is_given_the_testnet_alone() -> None:
    config = node_config(load_settings(), ["BTCUSDT"])
    for client in (*config.data_clients.values(), *config.exec_clients.values()):
        assert client.environment is BinanceEnvironment.TESTNET
        assert client.base_url_http == TESTNET["TRADER_EXCHANGE_HTTP_URL"]
        assert client.base_url_ws == TESTNET["TRADER_EXCHANGE_WS_URL"]
        assert client.api_key == TESTNET["TRADER_API_KEY"]
    [client] = config.exec_clients.values()
    assert client.base_url_ws_stream == TESTNET["TRADER_EXCHANGE_WS_URL"]
