"""`sendgrid` on the API of the sandbox, alone and as the example uses it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest
from python_http_client.exceptions import BadRequestsError, ForbiddenError, UnauthorizedError
from sendgrid import SendGridAPIClient
from sendgrid.helpers.mail import Category, CustomArg, Mail, To

from countersign import OutcomeUnknownError, PreconditionFailedError
from countersign.examples.back_office import BackOfficeError
from countersign.examples.outreach import as_written
from countersign.examples.vendors import sendgrid
from countersign.examples.vendors.sendgrid import Mailer
from countersign.sandbox._faults import Fault
from countersign.sandbox.sendgrid.server import SENDER, SendGrid
from countersign.sandbox.sendgrid.store import BOUNCE, SPAM
from countersign.sandbox.standins import workflow_settings

pytestmark = pytest.mark.asyncio

ANA, ROBERT = "ana.ruiz@contoso.example", "robert.chen@fabrikam.example"
LETTER = (ANA, "Our webinar", "Dear Ana", "webinar", "e-1")


def mailer_of(here: SendGrid, **changes: Any) -> Mailer:
    return Mailer.from_settings({**workflow_settings({"sendgrid": here.ready()}), **changes})


def client_of(here: SendGrid, key: str | None = None) -> SendGridAPIClient:
    return SendGridAPIClient(key or here.ready()["api_key"], host=here.url)


async def apart(work: Callable[..., Any], *given: Any, **named: Any) -> Any:
    return await asyncio.to_thread(work, *given, **named)


async def test_the_client_sends_and_reads_what_became_of_it() -> None:
    mail = Mail(SENDER, ANA, "Hello", plain_text_content="Dear Ana")
    mail.category = Category("webinar")
    mail.custom_arg = CustomArg("order", "7")
    async with SendGrid.start() as here:
        client = client_of(here)
        answer = await apart(client.send, mail)
        query = {"limit": 10, "query": "(unique_args['order']=\"7\")"}
        found = await apart(client.client.messages.get, query_params=query)
        categories = await apart(client.client.categories.get)

    assert (202, b"") == (answer.status_code, answer.body)
    assert answer.headers["X-Message-Id"]
    (message,) = found.to_dict["messages"]
    assert (ANA, "delivered") == (message["to_email"], message["status"])
    assert [{"category": "webinar"}] == categories.to_dict


async def test_whoever_unsubscribed_gets_nothing_and_the_answer_is_202_all_the_same() -> None:
    mail = Mail(SENDER, ROBERT, "Hello", plain_text_content="Dear Robert")
    async with SendGrid.start() as here:
        answer = await apart(client_of(here).send, mail)
        (kept,) = here.store.messages()

        assert 202 == answer.status_code
        assert "not_delivered" == kept["status"]
        assert [] == here.effects()


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"from": {"email": "nobody"}}, "from.email"),
        ({"personalizations": []}, "personalizations"),
        ({"personalizations": [{"to": []}]}, "personalizations.0.to"),
        ({"personalizations": [{"to": [{"email": "ana"}]}]}, "personalizations.0.to.0.email"),
        (
            {"personalizations": [{"to": [{"email": "A@x.io"}], "cc": [{"email": "a@x.io"}]}]},
            "personalizations.0",
        ),
        ({"subject": ""}, "subject"),
        ({"content": []}, "content"),
        ({"content": [{"type": "text/plain", "value": ""}]}, "content.0.value"),
        ({"categories": [str(n) for n in range(11)]}, "categories"),
        ({"categories": ["a", "a"]}, "categories"),
        ({"categories": ["a" * 256]}, "categories.0"),
        ({"custom_args": {"n": 1}}, "custom_args.n"),
        ({"custom_args": {"n": "x" * 10_000}}, "custom_args"),
        ({"asm": {"group_id": 7}}, "asm.group_id"),
    ],
)
async def test_what_is_refused_names_its_field(change: dict[str, Any], field: str) -> None:
    body = Mail(SENDER, ANA, "Hello", plain_text_content="Dear Ana").get() | change
    async with SendGrid.start() as here:
        with pytest.raises(BadRequestsError) as caught:
            await apart(client_of(here).send, body)

        assert field == caught.value.to_dict["errors"][0]["field"]
        assert [] == here.store.messages()


async def test_other_senders_and_keys_are_refused() -> None:
    mail = Mail("me@example.com", ANA, "Hello", plain_text_content="Dear Ana")
    async with SendGrid.start() as here:
        with pytest.raises(ForbiddenError):
            await apart(client_of(here).send, mail)
        with pytest.raises(UnauthorizedError):
            await apart(client_of(here, "other").send, mail)
        wrong = mailer_of(here, sendgrid_api_key="other")
        with pytest.raises(BackOfficeError, match=r"HTTP 401.*Nothing was sent"):
            await apart(wrong.send, *LETTER)


async def test_addresses_of_one_mail_are_shown_to_each_other() -> None:
    """Why there is one `Mail` for each person (6.12.5)."""
    mail = Mail(SENDER, [To(ANA), To("priya@northwind.example")], "Hello", "Dear both")

    (shared,) = mail.get()["personalizations"]
    assert 2 == len(shared["to"])


async def test_a_letter_goes_out_once_with_its_category_group_and_execution() -> None:
    async with SendGrid.start() as here:
        taken = await apart(mailer_of(here).send, *LETTER)
        (kept,) = here.store.messages()
        (effect,) = here.effects()

    assert taken.message_id == kept["msg_id"]
    assert ["webinar"] == kept["categories"]
    assert "e-1" == effect["idempotency_key"]
    assert {"to": ANA, "subject": "Our webinar", "text": "Dear Ana", "categories": "webinar"} == (
        effect["arguments"]
    )


@pytest.mark.parametrize("kind", ["reset_after", "error_after"])
async def test_lost_answer_is_found_in_the_activity(kind: Any) -> None:
    async with SendGrid.start() as here:
        here.faults.add(Fault(kind=kind, path="/mail/send"))
        taken = await apart(mailer_of(here).send, *LETTER)
        (kept,) = here.store.messages()

    assert taken.message_id == f"{kept['msg_id']}.{kept['n']}"


@pytest.mark.parametrize(
    "more", [[], [Fault(status=403, path="/messages")]], ids=["nothing there", "no such feature"]
)
async def test_what_the_activity_does_not_tell_is_not_guessed(more: list[Fault]) -> None:
    async with SendGrid.start() as here:
        for fault in [Fault(kind="reset", path="/mail/send"), *more]:
            here.faults.add(fault)
        with pytest.raises(OutcomeUnknownError, match="not known whether"):
            await apart(mailer_of(here).send, *LETTER)


@pytest.mark.parametrize("status", [429, 503])
async def test_busy_api_has_sent_nothing(status: int) -> None:
    async with SendGrid.start() as here:
        here.faults.fail(status, path="/mail/send")
        with pytest.raises(BackOfficeError, match=f"HTTP {status}.*Nothing was sent"):
            await apart(mailer_of(here).send, *LETTER)

        assert ["POST"] == [each.method for each in here.requests if each.path.endswith("/send")]


async def test_api_that_is_away_or_silent_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sendgrid, "TIMEOUT_S", 0.2)
    async with SendGrid.start() as here:
        mailer = mailer_of(here)
        with here.faults.hanging(), pytest.raises(OutcomeUnknownError):
            await apart(mailer.send, *LETTER)
        with here.faults.hanging(), pytest.raises(BackOfficeError, match="cannot be reached"):
            await apart(mailer.unwanted, ANA)
    with pytest.raises(BackOfficeError, match=r"cannot be reached\. Nothing was sent"):
        await apart(mailer.send, *LETTER)


async def test_everybody_who_does_not_want_it_is_found() -> None:
    async with SendGrid.start() as here:
        mailer = mailer_of(here)
        here.store.suppress("12001", "priya@northwind.example", "unsubscribed")
        here.store.suppress(SPAM, "a?b@x.io", "reported")
        here.store.suppress(BOUNCE, "c#d@x.io", "550 no such user")
        asked = [ANA, ROBERT, "PRIYA@northwind.example", "a?b@x.io", "a@x.io", "c#d@x.io"]
        said = [await apart(mailer.unwanted, each) for each in asked]
        strange = mailer_of(here, sendgrid_group=7)
        with pytest.raises(BackOfficeError, match="no unsubscribe group 7"):
            await apart(strange.unwanted, ANA)

    assert [
        None,
        "has unsubscribed from everything",
        "has unsubscribed from Product news",
        "has reported our mail as spam",
        None,
        "does not take mail (550 no such user)",
    ] == said


@pytest.mark.parametrize(
    "given", ["a@x.io, b@x.io", "a@x.io;b@x.io", "Ana <a@x.io>", "a@x", "", "Ana@x.io", " a@x.io"]
)
async def test_one_address_has_one_name(given: str) -> None:
    with pytest.raises(PreconditionFailedError, match="is not one address in small letters"):
        as_written({"to": given, "subject": "Hello", "campaign": "webinar"})


async def test_a_subject_is_one_line() -> None:
    with pytest.raises(PreconditionFailedError, match="The subject is one line"):
        as_written({"to": ANA, "subject": "Hello\nBcc: all@x.io", "campaign": "webinar"})

    as_written({"to": ANA, "subject": "Hello", "campaign": "webinar"})


async def test_settings_are_checked_when_the_workflow_is_built() -> None:
    async with SendGrid.start() as here:
        with pytest.raises(ValueError, match="is no number of an unsubscribe group"):
            mailer_of(here, sendgrid_group="news")
        with pytest.raises(ValueError, match="needs sendgrid_from"):
            mailer_of(here, sendgrid_from="")
