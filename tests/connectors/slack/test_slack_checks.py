"""What doctor says of the app in its workspace, and what the settings refuse."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from countersign.approvals.models import Principal
from countersign.approvals.tickets import CheckResult
from countersign.connectors.slack.checks import Checks
from countersign.connectors.slack.client import SlackClient
from countersign.connectors.slack.settings import SlackSettings, problems
from countersign.connectors.system import Situation
from countersign.sandbox._faults import Fault
from countersign.sandbox.slack.server import Slack
from tests.connectors.slack.slack_world import PEOPLE, section

HERE = Situation(local=True, people=frozenset(), asked=True)
THERE = Situation(local=False, people=frozenset(), asked=True)


async def checked(
    slack: Slack, approvers: tuple[Principal, ...] = PEOPLE, **more: object
) -> dict[str, CheckResult]:
    settings = SlackSettings.model_validate(section(slack, **more))
    async with SlackClient.open(settings) as client:
        return {each.name: each for each in await Checks(settings, client, approvers).run()}


async def test_all_is_well() -> None:
    async with Slack.start() as slack:
        found = await checked(slack, channel="C0SALES")

    assert ["workspace", "scopes", "channel", "people"] == list(found)
    assert all(each.ok for each in found.values())
    assert "countersign is at home in T0ACME" == found["workspace"].said
    assert "#sales, shared with others" in found["channel"].said


async def test_what_is_wrong_is_said_with_what_to_do() -> None:
    async with Slack.start() as slack:
        slack.scopes = "chat:write,users:read,channels:read"
        slack.workspace.conversation("C0SALES").members.remove("U0GATE")
        found = await checked(slack, team_id="T0OTHER", channel="C0SALES")
        slack.workspace.conversation("C0SALES").is_archived = True
        archived = await checked(slack, channel="C0SALES")
        missing = await checked(slack, channel="C0NONE")

    assert "the token is of T0ACME" in found["workspace"].said
    assert "add im:write" in found["scopes"].said
    assert "write /invite" in found["channel"].said
    assert "is archived" in archived["channel"].said
    assert "is not there for the app" in missing["channel"].said
    assert not any(found[name].ok for name in ("workspace", "scopes", "channel"))


async def test_people_who_cannot_answer_are_named() -> None:
    def known(identity: str) -> Principal:
        return PEOPLE[0].model_copy(update={"name": identity, "identities": {"slack": identity}})

    users = ("U0ALEX", "U0OTHERBOT", "U9GUEST", "U0NONE", "U0ADELE")
    async with Slack.start() as slack:
        slack.workspace.users["U0ADELE"].deleted = True
        people = (*(known(f"t0acme/{user.lower()}") for user in users), known("alex"))
        found = await checked(slack, people)
        slack.faults.add(Fault(status=400, code="invalid_auth", path="users.info"))
        with pytest.raises(Exception, match="invalid_auth"):
            await checked(slack)
        slack.faults.add(Fault(status=400, code="channel_not_found", path="users.info"))
        odd = await checked(slack)

    said = found["people"].said
    for part in ("is a bot", "another workspace", "not there as U0NONE", "is deactivated"):
        assert part in said
    assert "alex has the identity alex, which is none of T0ACME" in said
    assert "U0ALEX" not in said
    assert "cannot be looked up" in odd["people"].said


@pytest.mark.parametrize(
    "more",
    [{"team_id": "acme"}, {"enterprise_id": "T1"}, {"channel": "#sales"}, {"channel": "sales"}],
)
def test_ids_are_ids(more: dict[str, str]) -> None:
    with pytest.raises(ValidationError):
        SlackSettings.model_validate({"team_id": "T0ACME", "token": "x", **more})


def test_settings_that_do_not_fit_are_said() -> None:
    def said(situation: Situation, **more: object) -> list[str]:
        known = {"team_id": "T0ACME", "token": "x", "app_token": "y"}
        return list(problems(SlackSettings.model_validate({**known, **more}), situation))

    assert [] == said(THERE)
    assert "give signing_secret_env" in said(THERE, app_token="")[0]
    assert [] == said(HERE, api_url="http://127.0.0.1:8816/api/")
    assert "no address of Slack" in said(THERE, api_url="http://127.0.0.1:8816/api/")[0]
    assert "no address of Slack" in said(THERE, api_url="https://evil.example/slack.com/")[0]
    assert [] == said(THERE, api_url="https://acme.slack-gov.com/api/")
    assert "end with a slash" in said(THERE, api_url="https://acme.slack-gov.com/api")[0]
