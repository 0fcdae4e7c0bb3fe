"""Cosignatures as C2SP has them: its own example is read, and what is wrong is refused."""

from __future__ import annotations

import base64
from datetime import UTC, datetime

import pytest

from countersign.approvals.audit.cosignatures import (
    KIND,
    WitnessKey,
    added,
    cosign,
    cosignatures,
    message,
    witness_key,
)
from countersign.approvals.audit.handover import Reign, signed_checkpoint
from countersign.approvals.audit.notes import (
    Checkpoint,
    NoteError,
    SigningKey,
    line_of,
    opened_unchecked,
    signed_part,
    split,
)

# Source: the example of https://c2sp.org/tlog-cosignature (read 2026-11-30, commit 01194db); the
# keys of its log and its witness are not given there.
EXAMPLE = """\
example.com/behind-the-sofa
20852163
CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=

\u2014 example.com/behind-the-sofa Az3grlgtzPICa5OS8npVmf1Myq/5IZniMp+ZJurmRDeOoRDe4URYN7u5/Zhcyv2q\
1gGzGku9nTo+zyWE+xeMcTOAYQ8=
\u2014 witness.example.com/w1 jWbPPwAAAABkGFDLEZMHwSRaJNiIDoe9DYn/zXcrtPHeolMI5OWXEhZCB9dlrDJsX3b2\
oyin1nPZqhf5nNo0xUe+mbIUBkBIfZ+qnA==
"""
EXAMPLE_MESSAGE = """\
cosignature/v1
time 1679315147
example.com/behind-the-sofa
20852163
CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=
"""
LOG = SigningKey("gate.example/ledger", bytes(32))
W1, W2 = SigningKey("w1.example/w", bytes([1]) * 32), SigningKey("w2.example/w", bytes([2]) * 32)
AT = datetime(2026, 11, 30, 9, 0, tzinfo=UTC)
NOTE = LOG.sign(Checkpoint(LOG.name, 7, bytes(range(32))).text)


def test_the_example_of_the_specification_is_read() -> None:
    text, lines = split(EXAMPLE)
    ((_, _, log_signature), (name, _, data)) = lines

    assert (64, 72, "witness.example.com/w1") == (len(log_signature), len(data), name)
    assert EXAMPLE_MESSAGE == message(text, int.from_bytes(data[:8], "big"))
    assert 20852163 == Checkpoint.parse(opened_unchecked(EXAMPLE)).size


def test_a_witness_is_known_by_its_key_and_its_time_is_told() -> None:
    whole = added(NOTE, [cosign(W1, opened_unchecked(NOTE), AT)])
    keys = [witness_key(W1), witness_key(W2)]

    assert [(keys[0], AT)] == [(each.key, each.at) for each in cosignatures(whole, keys)]
    assert [] == cosignatures(whole, keys[1:])
    assert [] == cosignatures(NOTE, keys)
    assert keys[0] == WitnessKey.parse(f"{keys[0]}\n")
    assert keys[0].id != W1.verifier.id
    # Whoever checks the ledger's own signature only is not disturbed.
    assert 7 == signed_checkpoint(whole, [Reign(LOG.verifier)]).size
    assert NOTE == signed_part(whole)
    with pytest.raises(NoteError, match="is not a witness's public key"):
        WitnessKey.parse(str(W1.verifier))


def test_a_cosignature_is_of_this_checkpoint_and_this_time() -> None:
    line = cosign(W1, opened_unchecked(NOTE), AT)
    key = witness_key(W1)
    other = LOG.sign(Checkpoint(LOG.name, 8, bytes(range(32))).text)
    raw = base64.b64decode(line.rpartition(" ")[2])
    later = line_of(W1.name, raw[:11] + bytes([raw[11] ^ 1]) + raw[12:])
    never = line_of(W1.name, key.id + b"\xff" * 8 + raw[12:])
    half = line_of(W1.name, raw[:-1])
    for note in (other + line, NOTE + later, NOTE + never, NOTE + half):
        with pytest.raises(NoteError, match="cosignature by w1"):
            cosignatures(note, [key])


def test_lines_are_added_once_and_change_no_text() -> None:
    line = cosign(W1, opened_unchecked(NOTE), AT)
    once = added(NOTE, [line, line])

    assert NOTE + line == once == added(once, [line])
    again = added(once, [cosign(W1, opened_unchecked(NOTE), AT.replace(hour=10))])
    assert [AT] == [each.at for each in cosignatures(again, [witness_key(W1)])]
    with pytest.raises(NoteError, match="empty line"):
        added(NOTE, [f"\n{line}"])
    assert KIND == b"\x04"
