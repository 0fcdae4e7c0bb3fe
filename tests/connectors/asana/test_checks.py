"""`countersign doctor` says what is wrong with a project in Asana, and what to do."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from countersign.bot.clock import SystemClock
from countersign.connectors.asana.connector import AsanaConnector
from countersign.connectors.asana.settings import AsanaSettings
from countersign.sandbox.asana.people import ALEX, CHANGES_FIELD, SAM
from countersign.sandbox.asana.server import Asana
from tests.contracts.tickets_asana import settings_for

GIVEN = {"token": "x", "account": "1", "project": "2", "order_field": CHANGES_FIELD}


async def test_each_wrong_setting_is_named_with_what_to_do() -> None:
    async with Asana.start() as asana:
        good = settings_for(asana.url)
        fine = await _said(good, ALEX.gid, SAM.gid)
        wrong = {
            "account": await _said(good.model_copy(update={"account": "7"})),
            "project": await _said(good.model_copy(update={"project": "7"})),
            "fields": await _said(good.model_copy(update={"changes_field": "7"})),
            "approvers": await _said(good, ALEX.gid, "7"),
            "secret": await _said(good.model_copy(update={"webhook_secrets": ()})),
        }
        asana.api.archived = True
        archived = await _said(good)

    assert all(ok for ok, _ in fine.values()), fine
    assert "2 known" == fine["approvers"][1]
    assert "set connectors.asana.account to" in wrong["account"]["connection"][1]
    assert "There is no project 7" in wrong["project"]["project"][1]
    assert (
        "connectors.asana.changes_field: 7 is not in this project" in wrong["fields"]["fields"][1]
    )
    assert "Asana has no user 7" in wrong["approvers"]["approvers"][1]
    assert "by polling only" in wrong["secret"]["webhook secret"][1]
    assert "is archived" in archived["project"][1]


async def test_one_field_is_enough() -> None:
    async with Asana.start() as asana:
        said = await _said(settings_for(asana.url).model_copy(update={"changes_field": None}))

    assert (True, "Countersign request") == said["fields"]


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"url": "https://app.asana.com/0/1"}, "give the site only"),
        ({"url": "http://asana.example"}, "must be https"),
        ({"project": "Approvals"}, "project"),
        ({"changes_field": CHANGES_FIELD}, "are one field"),
    ],
)
def test_settings_say_what_they_want(wrong: dict[str, Any], words: str) -> None:
    with pytest.raises(ValidationError, match=words):
        AsanaSettings.model_validate({**GIVEN, **wrong})


def test_gid_may_be_a_number_of_yaml() -> None:
    given = {**GIVEN, "project": 1200000000000010}

    assert "1200000000000010" == AsanaSettings.model_validate(given).project


async def _said(settings: AsanaSettings, *approvers: str) -> dict[str, tuple[bool, str]]:
    connector = AsanaConnector(settings, SystemClock(), approvers=approvers)
    try:
        return {found.name: (found.ok, found.said) for found in await connector.check()}
    finally:
        await connector.close_client()
