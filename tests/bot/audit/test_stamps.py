"""Time stamps of checkpoints, by an authority with the real protocol."""

from __future__ import annotations

import base64
import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from countersign.approvals.audit.handover import Reign, signed_checkpoint
from countersign.approvals.audit.notes import Checkpoint, line_of, signed_part, split
from countersign.approvals.errors import InvalidError, UnavailableError
from countersign.bot.audit.stamps import has_stamp, key_id, name_of, roots_in, stamp, stamps
from tests.bot.api_world import SEALING_KEY
from tests.doubles.tsa import Authority, serving

NOTE = SEALING_KEY.sign(Checkpoint(SEALING_KEY.name, 7, bytes(32)).text)
OTHER = SEALING_KEY.sign(Checkpoint(SEALING_KEY.name, 8, bytes(32)).text)


@pytest.fixture
def authority() -> Authority:
    return Authority()


@pytest.fixture
def url(authority: Authority) -> Iterator[str]:
    with serving(authority) as found:
        yield found


def test_a_checkpoint_was_there_at_the_latest_when_it_was_stamped(
    authority: Authority, url: str
) -> None:
    whole = NOTE + stamp(url, NOTE)
    (found,) = stamps(whole, [authority.root])

    assert (authority.at, name_of(url)) == found
    assert (False, True) == (has_stamp(NOTE, url), has_stamp(whole, url))
    assert 7 == signed_checkpoint(whole, [Reign(SEALING_KEY.verifier)]).size
    assert NOTE == signed_part(whole)
    assert [] == stamps(NOTE, [authority.root])


def test_a_stamp_of_another_checkpoint_or_by_nobody_known_is_none(
    authority: Authority, url: str
) -> None:
    line = stamp(url, NOTE)
    with pytest.raises(InvalidError, match="of something else"):
        stamps(OTHER + line, [authority.root])
    with pytest.raises(InvalidError, match="does not verify"):
        stamps(NOTE + line, [Authority("Somebody").root])
    raw = base64.b64decode(line.rpartition(" ")[2])
    changed = raw.replace(f"{authority.at:%Y%m%d}".encode(), b"20200101")
    assert changed != raw
    with pytest.raises(InvalidError, match="does not verify"):
        stamps(NOTE + line_of(name_of(url), changed), [authority.root])
    nothing = line_of("a.example", key_id("a.example") + b"nothing")
    with pytest.raises(InvalidError, match="is no time stamp"):
        stamps(NOTE + nothing, [authority.root])


def test_an_authority_that_does_not_stamp_says_why(authority: Authority, url: str) -> None:
    authority.refuses = True
    with pytest.raises(InvalidError, match="refuses: not today"):
        stamp(url, NOTE)
    authority.refuses, authority.forges = False, True
    with pytest.raises(InvalidError, match="of something else"):
        stamps(NOTE + stamp(url, NOTE), [authority.root])
    with pytest.raises(UnavailableError, match="cannot be reached"):
        stamp("http://127.0.0.1:9/tsr", NOTE)


def test_roots_are_certificates(tmp_path: Path, authority: Authority) -> None:
    file = tmp_path / "roots.pem"
    file.write_bytes(authority.root_pem)
    assert [authority.root] == roots_in(file)
    file.write_text("nothing")
    for path in (file, tmp_path / "none"):
        with pytest.raises(InvalidError, match="no certificates"):
            roots_in(path)


@pytest.mark.skipif(
    shutil.which("openssl") is None and not os.environ.get("CI"), reason="openssl is not here"
)
def test_openssl_takes_it_as_well(authority: Authority, url: str, tmp_path: Path) -> None:
    """So anybody can check a stamp with what they have."""
    whole = NOTE + stamp(url, NOTE)
    ((_, _, answer),) = [each for each in split(whole)[1] if each[1] == key_id(each[0])]
    for name, data in (
        ("note", signed_part(whole).encode()),
        ("tsr", answer),
        ("root.pem", authority.root_pem),
    ):
        (tmp_path / name).write_bytes(data)
    command = "openssl ts -verify -data note -in tsr -CAfile root.pem".split()
    said = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)

    assert (0, True) == (said.returncode, "Verification: OK" in said.stdout + said.stderr), said
