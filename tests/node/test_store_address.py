"""A store at an IPv6 address, and one behind TLS: it is used, or refused with a sentence."""

import contextlib
import datetime
import ipaddress
import socket
import ssl
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from node.conftest import Start
from node.lies import RAW
from node.processes import Exchange, Store
from node.test_trading import last_bar

CONFIGURATION = 78
DAY = datetime.timedelta(days=1)
SIGNS = x509.KeyUsage(
    key_cert_sign=True, crl_sign=True, digital_signature=False, content_commitment=False,
    key_encipherment=False, data_encipherment=False, key_agreement=False, encipher_only=False,
    decipher_only=False,
)  # fmt: skip


def named(name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])


def authority(folder: Path) -> tuple[Path, Path]:
    """Write an authority of one's own; return its certificate, and one that it has signed."""
    now = datetime.datetime.now(datetime.UTC)
    keys = [ec.generate_private_key(ec.SECP256R1()) for _ in range(2)]
    names = [named("an authority of one's own"), named("localhost")]
    files = [folder / "authority.pem", folder / "store.pem"]
    for key, name, file in zip(keys, names, files, strict=True):
        is_authority = key is keys[0]
        made = (
            x509.CertificateBuilder()
            .subject_name(name)
            .issuer_name(names[0])
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - DAY)
            .not_valid_after(now + DAY)
            .add_extension(x509.BasicConstraints(is_authority, None), critical=True)
            .add_extension(
                x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False
            )
            .add_extension(
                x509.AuthorityKeyIdentifier.from_issuer_public_key(keys[0].public_key()),
                critical=False,
            )
        )
        if is_authority:
            made = made.add_extension(SIGNS, critical=True)
        else:
            places = [x509.DNSName("localhost"), x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]
            made = made.add_extension(x509.SubjectAlternativeName(places), critical=False)
        certificate = made.sign(keys[0], hashes.SHA256())
        text = certificate.public_bytes(serialization.Encoding.PEM)
        if not is_authority:
            text += key.private_bytes(
                serialization.Encoding.PEM,
                serialization.PrivateFormat.PKCS8,
                serialization.NoEncryption(),
            )
        file.write_bytes(text)
    return files[0], files[1]


def pump(one: socket.socket, other: socket.socket) -> None:
    """Pass on what one says until it has no more to say."""
    with contextlib.suppress(OSError):
        while data := one.recv(65_536):
            other.sendall(data)
    for each in (one, other):
        with contextlib.suppress(OSError):
            each.shutdown(socket.SHUT_RDWR)


@contextlib.contextmanager
def door(store: Store, host: str, certificate: Path | None = None) -> Iterator[int]:
    """Another way to a store, with TLS when there is a certificate; return its port."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.create_server((host, 0), family=family)
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    if certificate:
        tls.load_cert_chain(certificate)

    def serve(client: socket.socket) -> None:
        with contextlib.suppress(OSError):
            if certificate:
                client = tls.wrap_socket(client, server_side=True)
            inner = socket.create_connection(("127.0.0.1", store.port))
            threading.Thread(target=pump, args=(client, inner), daemon=True).start()
            pump(inner, client)

    def listen() -> None:
        with contextlib.suppress(OSError):
            while True:
                client, _ = listener.accept()
                threading.Thread(target=serve, args=(client,), daemon=True).start()

    threading.Thread(target=listen, daemon=True).start()
    with listener:
        yield listener.getsockname()[1]


def has_ipv6() -> bool:
    try:
        socket.create_server(("::1", 0), family=socket.AF_INET6).close()
    except OSError:
        return False
    return True


@pytest.mark.skipif(not has_ipv6(), reason="this machine has no IPv6")
def test_a_store_at_an_ipv6_address(start: Start, store: Store, exchange: Exchange) -> None:
    with door(store, "::1") as port:
        node = start(TRADER_STORE_URL=f"redis://[::1]:{port}")
        node.until("trading")
        node.settle(last_bar(exchange))
        node.kill()
        node = start(TRADER_STORE_URL=f"redis://[::1]:{port}")
        node.until("trading")


def test_a_certificate_that_nobody_here_trusts(
    start: Start, store: Store, exchange: Exchange, tmp_path: Path
) -> None:
    _, certificate = authority(tmp_path)
    with door(store, "127.0.0.1", certificate) as port:
        node = start(TRADER_STORE_URL=f"rediss://localhost:{port}")
        assert node.wait() == CONFIGURATION
    [line] = node.complaint()
    assert line.startswith(f"The store at localhost:{port} has a certificate that is not believed")
    assert not RAW.search(line)


def test_a_certificate_that_this_machine_trusts_and_the_engine_does_not(
    start: Start, store: Store, exchange: Exchange, tmp_path: Path
) -> None:
    trusted, certificate = authority(tmp_path)
    with door(store, "127.0.0.1", certificate) as port:
        url = f"rediss://localhost:{port}"
        node = start(TRADER_STORE_URL=url, SSL_CERT_FILE=str(trusted))
        assert node.wait() == CONFIGURATION
    # Preflight and mend have been at the store before.
    node.until("load")
    assert node.said("The engine does not believe the store's certificate")
