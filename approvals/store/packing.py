"""Packing: columns that are text everywhere but in an SQLite file, where they take less room.

A chat's state is JSON with the same words in every row; digests are hexadecimal, which takes twice
the bytes that it says. Text that somebody has written there by hand is read as it is, and bytes
that nobody has packed as their digits, so that the comparison with the ledger finds both.
"""

from __future__ import annotations

import re
import zlib

PLAIN, DEFLATED = b"\x00", b"\x01"
"""The first byte of a packed text: UTF-8 as it is, or raw DEFLATE with the words of `WORDS`."""
WORDS = (
    b'"chunks":0,"branches":[],"counters":{},"context":{},"usage":{"0":[[0.0,"","cached":'
    b'{"content":null,"role":"tool","tool_call_id":"call_","tool_responses":[{"tool_call_id":"'
    b'"outcome":"executed","rejected","not_executed","message":"true,false,null,"name":"'
    b'{"v":3,"messages":[{"content":"","role":"user","name":"gatekeeper"},{"content":"None",'
    b'"tool_calls":[{"id":"call_1","type":"function","function":{"name":"","arguments":"{\\"'
    b'rationale\\": \\"", \\"currency\\": \\"EUR\\", \\"amount\\": , \\"customer_id\\": \\"'
    b'reason\\": \\"\\"}"}}],"content":"None","role":"assistant","name":"assistant"}],"of":"'
    b'","usage":{"1":[[0.0,"gpt-",0.0,'
)
"""What such texts are likely to hold, the likeliest last. They belong to `DEFLATED`: other words
need a first byte of their own."""
_HEX = re.compile(r"(?:[0-9a-f]{2})*")
_LEVEL = 1
"""The quickest: more makes such texts 1 % to 10 % shorter, in up to three times the time."""


def pack(text: str | None) -> bytes | None:
    """The text, in as few bytes as is quick."""
    if text is None:
        return None
    plain = text.encode()
    deflate = zlib.compressobj(_LEVEL, zlib.DEFLATED, -zlib.MAX_WBITS, zdict=WORDS)
    packed = deflate.compress(plain) + deflate.flush()
    return DEFLATED + packed if len(packed) < len(plain) else PLAIN + plain


def unpack(found: str | bytes | None) -> str | None:
    """What was packed; text as it is. Of what nobody has packed its bytes in hexadecimal."""
    if found is None or isinstance(found, str):
        return found
    inflate = zlib.decompressobj(-zlib.MAX_WBITS, zdict=WORDS)
    try:
        if found[:1] == DEFLATED:
            text = inflate.decompress(found[1:]).decode()
            return text if inflate.eof and not inflate.unused_data else found.hex()
        return found[1:].decode() if found[:1] == PLAIN else found.hex()
    except (zlib.error, UnicodeDecodeError):
        return found.hex()


def pack_hex(text: str | None) -> bytes | None:
    """The bytes of lower-case hexadecimal digits. Raises ValueError for any other text."""
    if text is None:
        return None
    if not _HEX.fullmatch(text):
        raise ValueError(f"{text!r} is no digest")
    return bytes.fromhex(text)


def unpack_hex(found: str | bytes | None) -> str | None:
    """The digits; text as it is."""
    return found if found is None or isinstance(found, str) else found.hex()
