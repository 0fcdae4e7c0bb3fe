"""What `countersign run` does about ports that are in use."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from countersign.approvals.errors import ConfigurationError
from countersign.bot.local import ports
from countersign.bot.local.parts import Part
from countersign.bot.local.ports import (
    as_options,
    from_options,
    moved_ports,
    moving,
    server_port,
)
from countersign.bot.settings.file import load_settings
from countersign.bot.settings.sections import Mode, ProcessSettings
from tests.processes import ROOT, free_port


@pytest.fixture
def taken() -> Iterator[int]:
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server.getsockname()[1]


def test_only_ports_in_use_are_moved(taken: int, monkeypatch: pytest.MonkeyPatch) -> None:
    free = free_port()
    monkeypatch.setattr(ports, "DEFAULT_PORT", taken)

    moved = moved_ports([taken, free], server_port(None))

    assert [taken] == list(moved)
    assert moved[taken] not in (taken, free)
    assert {} == moved_ports([free], taken)  # the server is where it always is


def test_port_that_was_asked_for_is_taken_or_refused(taken: int) -> None:
    free = free_port()

    assert free == server_port(free)
    assert {3978: free} == moved_ports([], free)
    with pytest.raises(ConfigurationError, match=f"--port {taken}: is in use on 127.0.0.1"):
        server_port(taken)


def test_stand_in_moves_with_all_its_ports() -> None:
    mailbox = Part("mailbox", "countersign.sandbox.mailbox", 1, (), {"--smtp-port": 2})

    assert [[11, 2], [1, 12]] == [mailbox.at({1: 11}).ports, mailbox.at({2: 12}).ports]


def test_all_that_names_a_moved_port_follows_it() -> None:
    """The shipped configuration, as the server reads it that `countersign run` starts."""
    moved = {3978: 1, 8801: 2, 8802: 3, 8804: 4, 8805: 5, 8806: 6, 8825: 7}
    options = as_options(moved)

    settings = load_settings(
        ROOT / "countersign.yaml",
        process=ProcessSettings(env=Mode.LOCAL),
        environ={},
        adjust=moving(from_options(options[1::2])),
    )

    assert ["--moved", "3978=1"] == options[:2]
    assert ["http://127.0.0.1:1", "http://127.0.0.1:2/v1"] == [
        settings.public_url,
        settings.model.base_url,
    ]
    told = settings.workflow_settings
    assert ("http://127.0.0.1:3", 7) == (told["crm_url"], told["smtp_port"])
    urls = {each.name: getattr(each.settings, "url", "") for each in settings.systems}
    assert ("http://127.0.0.1:4", "http://127.0.0.1:5") == (urls["jira"], urls["servicenow"])


def test_nothing_else_moves() -> None:
    document = yaml.safe_load((ROOT / "countersign.yaml").read_text())
    document["workflows"]["settings"] |= {
        "elsewhere": "http://crm.example:8802",
        "text": "http://[",
        "amount": 8802,
        "is_export": True,
    }
    before = yaml.safe_dump(document)

    moving({9999: 1})(document)
    assert before == yaml.safe_dump(document)
    moving({8802: 1})(document)

    told = document["workflows"]["settings"]
    assert ("http://crm.example:8802", 8802) == (told["elsewhere"], told["amount"])
    assert "http://127.0.0.1:1" == told["crm_url"]


def test_server_that_moved_is_what_people_are_sent_to(tmp_path: Path) -> None:
    document: dict[str, object] = {}

    moving({3978: 41})(document)

    assert {"public_url": "http://127.0.0.1:41"} == document
