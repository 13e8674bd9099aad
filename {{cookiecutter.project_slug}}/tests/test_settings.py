"""Settings are validated once, all errors at once, and never default to a real exchange."""

import string
from pathlib import Path
from urllib.parse import unquote

import pytest

from {{cookiecutter.package_name}}.settings import (
    ConfigurationError,
    HoldSettings,
    OnRefusal,
    Settings,
    load_hold_settings,
    load_settings,
    store_credentials,
)

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
    for name, value in GOOD.items():
        monkeypatch.setenv(name, value)


def sentences() -> list[str]:
    with pytest.raises(ConfigurationError) as caught:
        load_settings()
    assert caught.value.code == 78
    return caught.value.sentences


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
        ("TRADER_PROFILE", "testnet"),
        ("TRADER_PROFILE", "live"),
        ("TRADER_ORDER_QUANTITTY", "1"),
    ],
)
def test_one_error_is_one_sentence(monkeypatch: pytest.MonkeyPatch, name: str, value: str) -> None:
    monkeypatch.setenv(name, value)
    [sentence] = sentences()
    assert sentence.startswith(name)
    assert sentence.endswith(".")


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
