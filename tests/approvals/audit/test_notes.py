"""Signed notes: the examples of others are read, and what is wrong is refused."""

from __future__ import annotations

import base64

import pytest

from countersign.approvals.audit.handover import Reign, hand_over, read, reigns, signed_checkpoint
from countersign.approvals.audit.notes import (
    Checkpoint,
    NoteError,
    SigningKey,
    VerifierKey,
    opened,
    signature_line,
)

# Source: the example of golang.org/x/mod/sumdb/note, whose format C2SP signed-note describes.
VKEY = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW"
NOTE = (
    "If you think cryptography is the answer to your problem,\n"
    "then you don't know what your problem is.\n"
    "\n"
    "\u2014 PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngo"
    "tpRZb6KE6RyyBwJnAM=\n"
)
OLD = SigningKey("gate.example/ledger", bytes(32))
NEW = SigningKey("gate.example/ledger", bytes([1]) * 32)
CHECKPOINT = Checkpoint("gate.example/ledger", 7, bytes(range(32)))


def test_a_note_of_gos_is_read() -> None:
    key = VerifierKey.parse(VKEY)

    assert VKEY == str(key)
    assert (NOTE.partition("\n\n")[0] + "\n", [key]) == opened(NOTE, [key])


def test_keys_are_the_same_after_being_written() -> None:
    key = SigningKey.new("gate.example/ledger")

    assert key == SigningKey.parse(f"{key}\n")
    assert key.verifier == VerifierKey.parse(str(key.verifier))
    assert str(key) not in repr(key)


@pytest.mark.parametrize("name", ["", "a b", "a+b", "x" * 201])
def test_a_name_is_one_word(name: str) -> None:
    with pytest.raises(NoteError, match="cannot name a key"):
        SigningKey.new(name)


RSA = base64.b64encode(b"\x02" + bytes(32)).decode()


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "has to begin with"),
        ("PRIVATE+KEY+a+00+*", "not base64"),
        (f"PRIVATE+KEY+a+00000000+{RSA}", "only Ed25519"),
        ("PRIVATE+KEY+a+00000000+" + str(OLD).rpartition("+")[2], "key id"),
    ],
)
def test_what_is_no_sealing_key_is_refused(text: str, why: str) -> None:
    with pytest.raises(NoteError, match=why):
        SigningKey.parse(text)


@pytest.mark.parametrize("text", ["", "a+b+c", f"a+00000000+{RSA}", VKEY.replace("c74f", "c74e")])
def test_what_is_no_public_key_is_refused(text: str) -> None:
    with pytest.raises(NoteError, match="is not a public key"):
        VerifierKey.parse(text)


@pytest.mark.parametrize(
    ("note", "why"),
    [
        ("no note\n", "no lines of signatures"),
        ("no note\n\n\u2014 a AAAAAAAA", "no lines of signatures"),
        ("a\tb\n\n\u2014 a AAAAAAAA\n", "control characters"),
        ("text\n\n- a AAAAAAAA\n", "no signature"),
        ("text\n\n\u2014 a AAAA\n", "no signature"),
        ("text\n\n\u2014 a *\n", "no signature"),
        (NOTE.replace("answer", "cause"), "is wrong"),
        (OLD.sign("text\n"), "not signed by PeterNeumann"),
    ],
)
def test_what_is_not_signed_is_refused(note: str, why: str) -> None:
    with pytest.raises(NoteError, match=why):
        opened(note, [VerifierKey.parse(VKEY)])


def test_nobodys_signature_counts_where_nobody_is_trusted() -> None:
    with pytest.raises(NoteError, match="not signed by any known key"):
        opened(NOTE, [])


def test_others_may_sign_as_well() -> None:
    note = NOTE + signature_line(OLD.verifier, bytes(64))

    assert opened(note, [VerifierKey.parse(VKEY)])[1] == [VerifierKey.parse(VKEY)]


def test_checkpoints_are_the_same_after_being_written() -> None:
    assert CHECKPOINT == Checkpoint.parse(CHECKPOINT.text)


@pytest.mark.parametrize(
    "text",
    [
        "", "origin\n1\n", "origin\n01\nAA==\n", "origin\n-1\nAA==\n", "origin\n1\nAA==\n",
        "origin\n1\n*\n", "origin\n\nAA==\n", CHECKPOINT.text + "\n", CHECKPOINT.text + "x",
    ],
)  # fmt: skip
def test_what_is_no_checkpoint_is_refused(text: str) -> None:
    with pytest.raises(NoteError, match="no checkpoint"):
        Checkpoint.parse(text)


def test_whoever_knows_the_first_key_knows_them_all() -> None:
    third = SigningKey("gate.example/ledger", bytes([2]) * 32)
    notes = [hand_over(OLD, NEW.verifier, 5), hand_over(NEW, third.verifier, 9)]
    known = reigns([OLD.verifier], notes)

    assert [
        Reign(OLD.verifier, 5),
        Reign(NEW.verifier, 9),
        Reign(third.verifier),
    ] == known
    assert CHECKPOINT == signed_checkpoint(NEW.sign(CHECKPOINT.text), known)


def test_a_retired_key_signs_nothing_larger() -> None:
    known = reigns([OLD.verifier], [hand_over(OLD, NEW.verifier, 5)])

    with pytest.raises(NoteError, match=r"retired key .* gave way at size 5"):
        signed_checkpoint(OLD.sign(CHECKPOINT.text), known)


def test_a_hand_over_by_a_stranger_names_nobody() -> None:
    assert [Reign(OLD.verifier)] == reigns(
        [OLD.verifier], [hand_over(NEW, SigningKey.new("mallory").verifier, 0)]
    )


@pytest.mark.parametrize(
    "note",
    [
        NOTE,
        OLD.sign("countersign-hand-over/v1\n"),
        hand_over(OLD, NEW.verifier, 5).replace("\n5\n", "\n6\n"),
        hand_over(OLD, NEW.verifier, 5).replace("\n5\n", "\nx\n"),
        OLD.sign(hand_over(OLD, NEW.verifier, 5).partition("\n\n")[0] + "\nmore\n"),
    ],
)
def test_what_is_no_hand_over_is_refused(note: str) -> None:
    with pytest.raises(NoteError):
        read(note)
