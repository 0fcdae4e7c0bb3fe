"""What a blocking library meets on the way, and whether a write may have been done."""

from __future__ import annotations

import asyncio
import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path

import pytest
import requests
from aiohttp import web
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from countersign.approvals.errors import CountersignError, UnansweredError, UnavailableError
from countersign.connectors.blocking import BlockingClient, bounded
from countersign.sandbox._serve import serve

HEAD = b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n"


def client(url: str, session: requests.Session | None = None) -> BlockingClient[requests.Session]:
    """Of a system at `url` that has no answers of its own."""
    made = bounded(session or requests.Session(), url)
    return BlockingClient("acme", "Acme", lambda: made, lambda *_: None, timeout_s=5.0)


async def raised(url: str, session: requests.Session | None = None) -> CountersignError:
    """What a write there raises."""
    one = client(url, session)
    with pytest.raises(CountersignError) as caught:
        await one.run("a note", lambda s: s.post(url, data="x", timeout=5.0).json(), write=True)
    await one.close()
    return caught.value


def closed_port() -> int:
    """A port at which nobody listens."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


@contextmanager
def listening(serve_one: Callable[[socket.socket], None]) -> Iterator[int]:
    """The port of a server for one connection."""
    with socket.create_server(("127.0.0.1", 0)) as server:

        def accept() -> None:
            connection, _ = server.accept()
            with connection:
                serve_one(connection)

        thread = threading.Thread(target=accept)
        thread.start()
        yield server.getsockname()[1]
        thread.join()


@pytest.fixture
def certificate(tmp_path: Path) -> Path:
    """A file with a key and a certificate for 127.0.0.1 that nobody trusts."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "127.0.0.1")])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))]), True)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), True)
        .sign(key, hashes.SHA256())
    )
    path = tmp_path / "site.pem"
    path.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
        + made.public_bytes(serialization.Encoding.PEM)
    )
    return path


@pytest.mark.parametrize("scheme", ["http", "https"])
async def test_proxy_that_is_not_there_is_no_doubt_whether_it_was_written(scheme: str) -> None:
    session = requests.Session()
    session.proxies = {scheme: f"http://127.0.0.1:{closed_port()}"}
    error = await raised(f"{scheme}://acme.example/notes", session)

    assert type(error) is UnavailableError


async def test_certificate_that_is_not_trusted_is_no_doubt(certificate: Path) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)

    def shake(connection: socket.socket) -> None:
        with pytest.raises(ssl.SSLError):
            context.wrap_socket(connection, server_side=True).read()

    with listening(shake) as port:
        error = await raised(f"https://127.0.0.1:{port}/notes")

    assert type(error) is UnavailableError
    assert "SSLError" in str(error)


@pytest.mark.parametrize("said", [b"", HEAD + b"{"], ids=["nothing", "half an answer"])
async def test_encryption_that_breaks_after_the_write_was_sent_leaves_it_open(
    certificate: Path, said: bytes
) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    session = requests.Session()
    session.verify = str(certificate)
    got = []

    def garble(connection: socket.socket) -> None:
        raw = socket.socket(fileno=connection.detach())
        secure = context.wrap_socket(raw, server_side=True)
        got.append(secure.recv(65_536))
        if said:
            secure.sendall(said)
        with socket.socket(fileno=secure.detach()) as plain:
            plain.sendall(b"HTTP/1.1 200 OK\r\n")
            plain.shutdown(socket.SHUT_WR)
            plain.recv(65_536)

    with listening(garble) as port:
        error = await raised(f"https://127.0.0.1:{port}/notes", session)

    assert got[0].startswith(b"POST /notes")
    assert type(error) is UnansweredError


async def test_page_in_place_of_json_may_hide_that_it_was_written() -> None:
    async def page(_: web.Request) -> web.Response:
        return web.Response(text="<html>Welcome</html>")

    app = web.Application()
    app.router.add_post("/", page)
    async with serve(app) as url:
        error = await raised(url)

    assert type(error) is UnansweredError
    assert "cannot be read" in str(error)


async def test_client_is_made_once_and_closed() -> None:
    made: list[object] = []

    class Client:
        closed = 0

        def close(self) -> None:
            self.closed += 1

    def connect() -> Client:
        made.append(one)
        return one

    one = Client()
    blocking = BlockingClient("acme", "Acme", connect, lambda *_: None, timeout_s=1.0)
    await blocking.close()
    blocking = BlockingClient("acme", "Acme", connect, lambda *_: None, timeout_s=1.0)
    answers = await asyncio.gather(*(blocking.run("n", lambda c: c) for _ in range(20)))
    await blocking.close()

    assert [one] == made
    assert [one] * 20 == answers
    assert 1 == one.closed


async def test_error_of_the_system_itself_carries_nothing_of_its_cause() -> None:
    """As text it may have headers and the body of the answer, and end in a log."""

    def fail(_: object) -> None:
        raise ValueError("Authorization: secret")

    blocking = BlockingClient(
        "acme",
        "Acme",
        requests.Session,
        lambda exc, what, write: UnavailableError(f"Acme refused {what}."),
        timeout_s=1.0,
    )
    with pytest.raises(UnavailableError, match="Acme refused a note") as caught:
        await blocking.run("a note", fail)
    await blocking.close()

    assert caught.value.__suppress_context__
    assert None is caught.value.__cause__
