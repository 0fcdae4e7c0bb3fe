"""A time-stamping authority (RFC 3161) with keys of its own: DER by hand, signatures by
`cryptography`. `openssl ts -verify` takes its answers; one test asks it to.
"""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

SEQUENCE, SET, INTEGER, OCTETS, OID, UTF8, TIME = 0x30, 0x31, 0x02, 0x04, 0x06, 0x0C, 0x18
SHA256 = "2.16.840.1.101.3.4.2.1"
ECDSA_SHA256 = "1.2.840.10045.4.3.2"
SIGNED_DATA, TST_INFO = "1.2.840.113549.1.7.2", "1.2.840.113549.1.9.16.1.4"
CONTENT_TYPE, DIGEST = "1.2.840.113549.1.9.3", "1.2.840.113549.1.9.4"
SIGNING_CERTIFICATE_V2 = "1.2.840.113549.1.9.16.2.47"
POLICY = "1.3.6.1.4.1.99999.1"


def tlv(tag: int, *parts: bytes) -> bytes:
    """One value in DER."""
    body = b"".join(parts)
    size = len(body)
    if size < 128:
        return bytes([tag, size]) + body
    length = size.to_bytes((size.bit_length() + 7) // 8, "big")
    return bytes([tag, 0x80 | len(length)]) + length + body


def integer(value: int) -> bytes:
    """A whole number from 0 on."""
    return tlv(INTEGER, value.to_bytes(value.bit_length() // 8 + 1, "big"))


def oid(dotted: str) -> bytes:
    """An object identifier."""
    first, second, *rest = map(int, dotted.split("."))
    body = b""
    for number in (first * 40 + second, *rest):
        digits = [number & 0x7F]
        while number := number >> 7:
            digits.append(0x80 | number & 0x7F)
        body += bytes(reversed(digits))
    return tlv(OID, body)


def children(der: bytes) -> list[tuple[int, bytes, bytes]]:
    """Tag, whole and content of each value in a row."""
    found, at = [], 0
    while at < len(der):
        size, head = der[at + 1], 2
        if size & 0x80:
            head += size & 0x7F
            size = int.from_bytes(der[at + 2 : at + head], "big")
        found.append((der[at], der[at : at + head + size], der[at + head : at + head + size]))
        at += head + size
    return found


class Authority:
    """A root, a certificate for time stamps, and a clock that tests set."""

    def __init__(self, name: str = "Time Stamps", at: datetime | None = None):
        self.at = at or datetime.now(UTC).replace(microsecond=0)
        self._key = ec.generate_private_key(ec.SECP256R1())
        root_key = ec.generate_private_key(ec.SECP256R1())
        self.root = self._certificate(f"{name} Root", root_key, f"{name} Root", root_key, ca=True)
        self.certificate = self._certificate(name, self._key, f"{name} Root", root_key, ca=False)
        self.refuses = False
        self.forges = False

    @property
    def root_pem(self) -> bytes:
        """What auditors trust."""
        return self.root.public_bytes(Encoding.PEM)

    def answer(self, request: bytes) -> bytes:
        """A TimeStampResp."""
        if self.refuses:
            words = tlv(SEQUENCE, tlv(UTF8, b"not today"))
            return tlv(SEQUENCE, tlv(SEQUENCE, integer(2), words))
        ((_, _, body),) = children(request)
        parts = children(body)
        imprint = next(whole for tag, whole, _ in parts if tag == SEQUENCE)
        nonce = [whole for tag, whole, _ in parts[1:] if tag == INTEGER]
        if self.forges:
            imprint = imprint[:-1] + bytes([imprint[-1] ^ 1])
        when = tlv(TIME, f"{self.at:%Y%m%d%H%M%SZ}".encode())
        info = tlv(SEQUENCE, integer(1), oid(POLICY), imprint, integer(7), when, *nonce)
        return tlv(SEQUENCE, tlv(SEQUENCE, integer(0)), self._token(info))

    def _token(self, info: bytes) -> bytes:
        der = self.certificate.public_bytes(Encoding.DER)
        sha256 = tlv(SEQUENCE, oid(SHA256))
        ess = tlv(SEQUENCE, tlv(SEQUENCE, tlv(SEQUENCE, tlv(OCTETS, hashlib.sha256(der).digest()))))
        attributes = sorted(
            tlv(SEQUENCE, oid(name), tlv(SET, value))
            for name, value in (
                (CONTENT_TYPE, oid(TST_INFO)),
                (DIGEST, tlv(OCTETS, hashlib.sha256(info).digest())),
                (SIGNING_CERTIFICATE_V2, ess),
            )
        )
        signature = self._key.sign(tlv(SET, *attributes), ec.ECDSA(hashes.SHA256()))
        issuer = self.certificate.issuer.public_bytes()
        signer = tlv(
            SEQUENCE,
            integer(1),
            tlv(SEQUENCE, issuer, integer(self.certificate.serial_number)),
            sha256,
            tlv(0xA0, *attributes),
            tlv(SEQUENCE, oid(ECDSA_SHA256)),
            tlv(OCTETS, signature),
        )
        content = tlv(SEQUENCE, oid(TST_INFO), tlv(0xA0, tlv(OCTETS, info)))
        signed = tlv(
            SEQUENCE, integer(3), tlv(SET, sha256), content, tlv(0xA0, der), tlv(SET, signer)
        )
        return tlv(SEQUENCE, oid(SIGNED_DATA), tlv(0xA0, signed))

    def _certificate(
        self,
        name: str,
        key: ec.EllipticCurvePrivateKey,
        issuer: str,
        by: ec.EllipticCurvePrivateKey,
        *,
        ca: bool,
    ) -> x509.Certificate:
        def of(words: str) -> x509.Name:
            return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, words)])

        builder = (
            x509.CertificateBuilder()
            .subject_name(of(name))
            .issuer_name(of(issuer))
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(self.at - timedelta(days=30))
            .not_valid_after(self.at + timedelta(days=3650))
            .add_extension(x509.BasicConstraints(ca=ca, path_length=None), critical=True)
            .add_extension(
                x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False
            )
            .add_extension(
                x509.AuthorityKeyIdentifier.from_issuer_public_key(by.public_key()), critical=False
            )
        )
        if not ca:
            usage = x509.ExtendedKeyUsage([ExtendedKeyUsageOID.TIME_STAMPING])
            builder = builder.add_extension(usage, critical=True)
        return builder.sign(by, hashes.SHA256())


@contextmanager
def serving(authority: Authority) -> Iterator[str]:
    """Its address, for the time of the block."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            asked = self.rfile.read(int(self.headers["Content-Length"]))
            body = authority.answer(asked)
            self.send_response(200)
            self.send_header("Content-Type", "application/timestamp-reply")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:
            """Nothing."""

    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}/tsr"
        finally:
            server.shutdown()
            thread.join()
