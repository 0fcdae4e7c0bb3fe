"""No name leads to a network that strangers cannot reach, and none leads elsewhere in between."""

from __future__ import annotations

import ssl
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from ipaddress import ip_network
from pathlib import Path

import httpx
import pytest
from aiohttp import web
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from countersign.approvals.errors import UnavailableError
from countersign.bot.clock import SystemClock
from countersign.connectors.system import Deployment
from countersign.connectors.webhook.channel import WebhookChannel
from countersign.connectors.webhook.reaching import LOOPBACKS, Reach, resolved
from countersign.connectors.webhook.settings import WebhookSettings
from tests.connectors.webhook.hook_world import SECRET, Receiver
from tests.doubles.database import empty_store
from tests.doubles.directory import FakeDirectory


@pytest.mark.parametrize(
    "address",
    [
        "10.1.2.3", "127.0.0.1", "127.9.9.9", "172.16.0.1", "192.168.1.1", "100.64.0.1",
        "169.254.169.254", "0.0.0.0", "224.0.0.1", "239.1.2.3", "255.255.255.255", "192.0.2.1",
        "::1", "::", "fc00::1", "fd00:ec2::254", "fe80::1", "fe80::1%eth0", "ff02::1", "fec0::1",
        "::ffff:10.0.0.1", "::ffff:169.254.169.254", "::127.0.0.1", "64:ff9b::7f00:1",
        "64:ff9b::a9fe:a9fe", "64:ff9b:1::a00:1", "2002:7f00:1::", "2002:a9fe:a9fe::1",
        "2001:0:a00:1::f5ff:fffe", "2001:db8::1", "no address", "",
    ],
)  # fmt: skip
def test_private_address_is_refused_in_every_form(address: str) -> None:
    assert Reach(()).refused(address) is not None


@pytest.mark.parametrize(
    "address",
    ["93.184.215.14", "2606:2800:21f:cb07:6820:80da:af6b:8b2c", "::ffff:93.184.215.14",
     "64:ff9b::5db8:d70e"],
)  # fmt: skip
def test_address_of_the_world_is_told(address: str) -> None:
    assert Reach(()).refused(address) is None


def test_network_of_ones_own_is_told_and_no_other() -> None:
    own = Reach([ip_network("10.20.0.0/16"), ip_network("fd12::/16")])

    assert [None, None] == [own.refused("10.20.3.4"), own.refused("fd12::1")]
    assert own.refused("10.21.0.1") is not None
    assert own.refused("::ffff:10.21.0.1") is not None
    assert own.refused("::ffff:10.20.3.4") is None  # that very address


async def test_one_private_address_of_several_is_one_too_many() -> None:
    async def both(_: str, __: int) -> Sequence[str]:
        return ["93.184.215.14", "169.254.169.254"]

    with pytest.raises(UnavailableError, match=r"169\.254\.169\.254, which is link-local"):
        await Reach((), both).addresses("hooks.example", 443)


async def test_name_that_leads_nowhere_is_said() -> None:
    async def nowhere(_: str, __: int) -> Sequence[str]:
        return []

    async def fails(_: str, __: int) -> Sequence[str]:
        raise OSError("no such name")

    for resolve in (nowhere, fails):
        with pytest.raises(UnavailableError, match="leads nowhere"):
            await Reach((), resolve).addresses("hooks.example", 443)


@pytest.mark.parametrize("name", ["2130706433", "0x7f.1", "127.1", "localhost"])
async def test_other_spellings_of_this_machine_are_this_machine(name: str) -> None:
    """As the system's resolver reads them."""
    with pytest.raises(UnavailableError, match="private network"):
        await Reach(()).addresses(name, 80)
    assert await Reach(LOOPBACKS).addresses(name, 80)
    assert await resolved("127.0.0.1", 80) == ["127.0.0.1"]


def _certificate(folder: Path, name: str) -> tuple[ssl.SSLContext, ssl.SSLContext]:
    """Of a server with a certificate for this name, and of a client that trusts it."""
    key, now = ec.generate_private_key(ec.SECP256R1()), datetime.now(UTC)
    who = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    made = (
        x509.CertificateBuilder()
        .subject_name(who)
        .issuer_name(who)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
        .sign(key, hashes.SHA256())
    )
    pem = serialization.Encoding.PEM
    plain = (serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    (folder / "cert.pem").write_bytes(made.public_bytes(pem))
    (folder / "key.pem").write_bytes(key.private_bytes(pem, *plain))
    server = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    server.load_cert_chain(folder / "cert.pem", folder / "key.pem")
    return server, ssl.create_default_context(cafile=str(folder / "cert.pem"))


async def test_address_that_was_looked_at_is_connected_to(tmp_path: Path) -> None:
    """The name leads to an allowed address first and to this machine's secrets then; it is told at
    the first, by its name, with a certificate of its name, and resolved once."""
    server, client = _certificate(tmp_path, "hooks.example")
    receiver, asked = Receiver(), list[str]()
    hosts: list[str] = []

    async def hear(request: web.Request) -> web.StreamResponse:
        hosts.append(request.headers["Host"])
        return await receiver.hear(request)

    async def rebinding(name: str, _: int) -> Sequence[str]:
        asked.append(name)
        return ["127.0.0.9", "127.0.0.2"] if len(asked) == 1 else ["127.0.0.1"]

    app = web.Application()
    app.router.add_post("/hook", hear)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.2", 0, ssl_context=server)
    await site.start()
    port = runner.addresses[0][1]
    try:
        async with (
            empty_store(tmp_path, "sqlite") as store,
            httpx.AsyncClient(verify=client, trust_env=False) as http,
        ):
            for name, ok in (("hooks.example", True), ("hooks.example", False)):
                endpoint = {
                    "name": "ops",
                    "url": f"https://{name}:{port}/hook",
                    "secrets": [SECRET],
                }
                networks = ["127.0.0.2/32", "127.0.0.9/32"]
                settings = WebhookSettings.model_validate(
                    {"endpoints": [endpoint], "private_networks": networks}
                )
                channel = WebhookChannel(settings, http, _deployment(store), resolve=rebinding)
                (found,) = await channel.check()

                assert (ok, ok or "private network" in found.said) == (found.ok, True)

            async def elsewhere(_: str, __: int) -> Sequence[str]:
                return ["127.0.0.2"]

            other = {"name": "ops", "url": f"https://other.example:{port}/", "secrets": [SECRET]}
            settings = WebhookSettings.model_validate(
                {"endpoints": [other], "private_networks": networks}
            )
            (wrong,) = await WebhookChannel(
                settings, http, _deployment(store), resolve=elsewhere
            ).check()
    finally:
        await runner.cleanup()

    assert ["hooks.example"] * 2 == asked
    assert [f"hooks.example:{port}"] == hosts
    assert "CERTIFICATE_VERIFY_FAILED" in wrong.said
    assert 1 == len(receiver.heard)


def _deployment(store: object) -> Deployment:
    return Deployment(
        clock=SystemClock(),
        store=store,  # type: ignore[arg-type]
        directory=FakeDirectory([]),
        conversations=None,  # type: ignore[arg-type]
        links=None,
        local=False,
        host="127.0.0.1",
    )
