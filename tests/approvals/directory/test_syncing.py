"""Directories are read by a job; what they said last holds, and nothing older ever again."""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy import func, select

from countersign.approvals.directory.linking import Grant
from countersign.approvals.errors import CursorLostError, UnavailableError
from countersign.approvals.models import (
    Account,
    Delegate,
    DirectoryPage,
    Domain,
    Group,
    Membership,
    Principal,
    Scope,
    Subject,
)
from countersign.approvals.store import directories as rows
from countersign.approvals.store.directory_changes import AT_ONCE
from countersign.approvals.store.schema import directory_staged
from tests.approvals.directory.office import EVERY, Office
from tests.doubles.directory import ANNA, person
from tests.doubles.source import FakeSource
from tests.doubles.world import World


def staffed(source: FakeSource) -> None:
    for name in ("ben", "cara", "dana"):
        source.add(name, "managers")
    source.add("dave", "controllers")
    source.add("erin")


async def test_people_are_known_by_their_groups(world: World) -> None:
    office = Office(world)
    staffed(office.source)
    await office.sync()
    dave = office.directory.by_identity("entra", " DAVE ")

    assert ["entra:ben", "entra:cara", "entra:dana"] == office.names("manager")
    assert dave is not None
    assert ["Dave", {"controller"}, {"finance"}] == [dave.name, dave.roles, dave.domains]
    assert ("entra",) == dave.directories
    assert dave == office.directory.by_id("entra:dave")
    assert office.directory.by_id("entra:erin") is not None
    assert office.directory.by_id(ANNA.id) == ANNA


async def test_who_leaves_a_group_or_is_deactivated_loses_it_with_the_next_reading(
    world: World,
) -> None:
    office = Office(world)
    staffed(office.source)
    await office.sync()
    office.source.changes = [
        DirectoryPage(
            accounts=(Account(id="dana", active=False), Account(id="cara", name="Cara C.")),
            memberships=(Membership(group_id="managers", member_id="ben", is_gone=True),),
        )
    ]
    await office.sync()
    cara = office.directory.by_id("entra:cara")

    assert [None, "after 1"] == office.source.asked
    assert ["entra:cara"] == office.names("manager")
    assert office.directory.by_id("entra:dana") is None
    assert office.directory.by_identity("entra", "dana") is None
    assert cara is not None
    assert "Cara C." == cara.name


async def test_whoever_is_missing_when_all_is_read_was_deleted(world: World) -> None:
    office = Office(world)
    staffed(office.source)
    await office.sync()
    office.source.remove("dana")
    world.clock.advance(timedelta(days=2).total_seconds())
    await office.sync()

    assert [None, None] == office.source.asked
    assert ["entra:ben", "entra:cara"] == office.names("manager")
    assert office.directory.by_id("entra:dana") is None


async def test_a_group_in_a_group_gives_what_that_gives(world: World) -> None:
    office = Office(world)
    office.source.add("ben", "team")
    office.source.parts = {"managers": ["team"], "team": ["managers"]}
    await office.sync()

    assert ["entra:ben"] == office.names("manager")

    office.source.changes = [
        DirectoryPage(
            memberships=(Membership(group_id="managers", member_id="team", is_gone=True),)
        )
    ]
    await office.sync()

    assert [] == office.names("manager")


async def test_a_group_that_is_deleted_gives_nothing(world: World) -> None:
    office = Office(world)
    staffed(office.source)
    await office.sync()
    office.source.changes = [DirectoryPage(groups=(Group(id="controllers", is_gone=True),))]
    await office.sync()

    assert [] == office.names("controller")


async def test_a_reading_that_began_earlier_and_ends_later_changes_nothing(world: World) -> None:
    office = Office(world)
    staffed(office.source)
    await office.sync()
    slow, quick = office.source, office.job()

    async def meanwhile() -> None:
        """The first reading is silent for too long; another one begins, and ends."""
        world.clock.advance(rows.LEASE.total_seconds() + EVERY.total_seconds())
        slow.changes = [DirectoryPage(accounts=(Account(id="dana", active=False),))]
        await quick.run()
        assert ["entra:ben", "entra:cara"] == office.names("manager")

    slow.changes = [
        DirectoryPage(accounts=(Account(id="ben", name="Ben"),)),
        DirectoryPage(accounts=(Account(id="dana", active=True),)),
    ]
    slow.between = meanwhile
    await office.sync()
    await office.directory.refresh()
    (state,) = await office.states()

    assert ["entra:ben", "entra:cara"] == office.names("manager")
    assert (2, False, None) == (state.revision, state.running, state.error)


async def test_a_reading_that_fails_after_a_later_one_has_ended_is_not_told_of(
    world: World,
) -> None:
    office = Office(world)
    staffed(office.source)
    await office.sync()
    slow, quick = office.source, office.job()

    async def meanwhile() -> None:
        world.clock.advance(rows.LEASE.total_seconds() + EVERY.total_seconds())
        await quick.run()
        slow.fails = [UnavailableError("Entra fell over.", retry_after_s=9999)]

    slow.between = meanwhile
    await office.sync()
    (state,) = await office.states()

    assert [] == slow.fails
    assert (2, False, None) == (state.revision, state.running, state.error)
    assert state.next_at == world.clock.now() + EVERY


async def test_of_two_processes_one_reads_what_is_due(world: World) -> None:
    """Both have seen that both directories are due; the one that is slower leaves the second."""
    office = Office(world, FakeSource(), FakeSource("jira", lists_everybody=False))
    for source in office.sources:
        source.add(f"{source.name}-ben")
        source.between = office.job().run
    await office.sync()

    assert [[None], [None]] == [source.asked for source in office.sources]
    assert [1, 1] == [state.revision for state in await office.states()]


async def test_more_than_one_transaction_takes_is_taken_over_whole(world: World) -> None:
    office = Office(world)
    await office.sync()
    names = [f"p{number:03}" for number in range(AT_ONCE + 1)]
    office.source.changes = [
        DirectoryPage(
            accounts=tuple(Account(id=name, name=name, active=True) for name in names),
            memberships=tuple(Membership(group_id="managers", member_id=name) for name in names),
        )
    ]
    await office.sync()
    staged = select(func.count()).select_from(directory_staged)

    assert [f"entra:{name}" for name in names] == office.names("manager")
    assert 0 == await world.store.read(lambda c: c.execute(staged).scalar_one())


async def test_a_reading_that_is_cut_off_changes_nothing_and_is_done_anew(world: World) -> None:
    office = Office(world)
    staffed(office.source)
    await office.sync()
    removed = DirectoryPage(accounts=(Account(id="dana", active=False),))
    office.source.changes = [removed]
    office.source.fails = [UnavailableError("Entra fell over.", retry_after_s=120)]
    await office.sync()
    await office.directory.refresh()
    (state,) = await office.states()

    assert "entra:dana" in office.names("manager")
    assert "Entra fell over." == state.error
    assert state.next_at == world.clock.now() + timedelta(seconds=120)

    office.source.changes = [removed]  # from the same cursor
    await office.sync()
    (state,) = await office.states()

    assert ["after 1", "after 1"] == office.source.asked[1:]
    assert "entra:dana" not in office.names("manager")
    assert state.error is None


async def test_an_error_that_nobody_foresaw_is_said_as_such(world: World) -> None:
    office = Office(world)
    staffed(office.source)
    office.source.fails = [ValueError("secret")]  # type: ignore[list-item]
    await office.sync()
    (state,) = await office.states()

    assert state.error is not None
    assert "secret" not in state.error


async def test_a_lost_cursor_means_to_read_all(world: World) -> None:
    office = Office(world)
    staffed(office.source)
    await office.sync()
    office.source.fails = [CursorLostError("Gone.")]
    office.source.changes = [DirectoryPage()]
    await office.sync()
    office.source.changes = None
    await office.syncing.run("jira")  # which is not this one
    await office.syncing.run("entra")

    assert [None, "after 1", None] == office.source.asked


async def test_too_many_who_would_go_hold_a_reading_until_somebody_says_so(world: World) -> None:
    office = Office(world)
    for number in range(10):
        office.source.add(f"p{number}", "managers")
    await office.sync()
    for number in range(6):
        office.source.remove(f"p{number}")
    world.clock.advance(timedelta(days=2).total_seconds())
    await office.sync()
    (state,) = await office.states()

    assert 10 == len(office.names("manager"))
    assert state.held is not None
    assert "would remove 6 of 10 people" in state.held
    assert "--go-on" in state.held

    await world.store.write(lambda c: rows.allow(c, "entra", world.clock.now()))
    await office.syncing.run()
    (state,) = await office.states()

    assert 4 == len(office.names("manager"))
    assert (state.held, 4) == (None, state.accounts)


async def test_an_emptied_group_holds_a_reading_too(world: World) -> None:
    office = Office(world)
    for number in range(10):
        office.source.add(f"p{number}", "managers")
    await office.sync()
    office.source.changes = [
        DirectoryPage(
            memberships=tuple(
                Membership(group_id="managers", member_id=f"p{number}", is_gone=True)
                for number in range(8)
            )
        )
    ]
    await office.sync()
    (state,) = await office.states()

    assert state.held is not None
    assert "8 of 10 memberships" in state.held
    assert 10 == len(office.names("manager"))


async def test_other_settings_mean_to_read_all_at_once(world: World) -> None:
    office = Office(world)
    staffed(office.source)
    await office.sync()
    await office.syncing.know("2")
    await office.syncing.run()
    await office.syncing.run()  # not due again

    assert [None, None] == office.source.asked


async def test_pages_of_one_reading_add_up_the_later_word_holds(world: World) -> None:
    office = Office(world)
    await office.sync()
    office.source.changes = [
        DirectoryPage(accounts=(Account(id="ben", name="Ben", active=True),)),
        DirectoryPage(accounts=(Account(id="ben", email="ben@example.com"),)),
        DirectoryPage(accounts=(Account(id="cara", name="Cara", active=True),)),
        DirectoryPage(accounts=(Account(id="cara", active=False), Account(id="cara", name="C"))),
        DirectoryPage(accounts=(Account(id="new", name="Nobody has called it active"),)),
        DirectoryPage(groups=(Group(id="managers", name="M"),)),
    ]
    await office.sync()

    assert ["anna", "entra:ben"] == office.names()


async def test_a_directory_that_lists_some_says_nothing_of_the_others(world: World) -> None:
    entra, jira = FakeSource(), FakeSource("jira", lists_everybody=False)
    office = Office(world, entra, jira, links_by_email=True)
    entra.add("ben", "managers", email="ben@example.com")
    jira.add("acc-ben", "controllers", email="Ben@Example.com")
    await office.sync()
    ben = office.directory.by_id("entra:ben")

    assert ben is not None
    assert [{"manager", "controller"}, ("entra", "jira")] == [ben.roles, ben.directories]
    assert {"entra": "ben", "jira": "acc-ben", "email": "ben@example.com"} == ben.identities

    jira.remove("acc-ben")
    await office.sync()
    ben = office.directory.by_id("entra:ben")

    assert ben is not None
    assert [{"manager"}, ("entra",)] == [ben.roles, ben.directories]

    entra.remove("ben")
    jira.add("acc-ben", "controllers", email="ben@example.com")
    world.clock.advance(timedelta(days=2).total_seconds())
    await office.sync()

    assert ["anna"] == office.names()


async def test_who_is_only_not_asked_for_any_more_is_what_the_file_says(world: World) -> None:
    ben = person("Ben")
    jira = FakeSource("jira", lists_everybody=False)
    office = Office(world, jira, listed=[ANNA, ben])
    jira.add("acc-ben", "managers")
    jira.add("acc-cara", "managers")
    await office.sync()

    assert ["ben", "jira:acc-cara"] == office.names("manager")

    jira.remove("acc-ben")
    jira.remove("acc-cara")
    await office.sync()

    assert ["anna", "ben"] == office.names()
    assert ben == office.directory.by_id("ben")


async def test_scopes_of_groups_add_up_and_a_group_without_any_has_none(world: World) -> None:
    manager = frozenset({"manager"})
    quotes, pays = (Scope(tools=frozenset({tool})) for tool in ("quote", "pay"))
    grants = {
        "a": Grant(roles=manager, scopes={"manager": (quotes,)}),
        "b": Grant(roles=manager, scopes={"manager": (pays,)}),
        "c": Grant(roles=manager),
    }
    office = Office(world, grants=grants)
    for name, groups in {"ben": "a", "cara": "ab", "dana": "abc"}.items():
        office.source.add(name, *groups)
    await office.sync()
    people = office.directory.people()
    holders = {
        tool: [p.id for p in people.about(Subject(tool, "seller", "sales")).with_roles(["manager"])]
        for tool in ("quote", "pay", "wire")
    }

    assert holders == {
        "quote": ["entra:ben", "entra:cara", "entra:dana"],
        "pay": ["entra:cara", "entra:dana"],
        "wire": ["entra:dana"],
    }


async def test_domains_of_a_policy_that_was_read_again_count_at_once(world: World) -> None:
    scope = Scope(domains=frozenset({"finance"}))
    ben = person("Ben", "manager").model_copy(update={"scopes": {"manager": (scope,)}})
    office = Office(world, listed=[ANNA, ben])
    paying = Subject("pay", "seller", "sales")
    before = office.directory.people().about(paying).with_roles(["manager"])
    office.domains = {"finance": Domain(tools=frozenset({"pay"}))}
    after = office.directory.people().about(paying).with_roles(["manager"])

    assert ([], ["ben"]) == ([p.id for p in before], [p.id for p in after])


async def test_an_address_links_nobody_unless_the_configuration_says_so(world: World) -> None:
    entra, jira = FakeSource(), FakeSource("jira", lists_everybody=False)
    office = Office(world, entra, jira)
    entra.add("ben", "managers", email="ben@example.com")
    jira.add("acc-ben", "controllers", email="ben@example.com")
    await office.sync()
    ben = office.directory.by_id("entra:ben")

    assert ben is not None
    assert {"entra": "ben"} == ben.identities
    assert ["anna", "entra:ben", "jira:acc-ben"] == office.names()


async def test_an_address_that_two_accounts_of_one_directory_have_links_nobody(
    world: World,
) -> None:
    office = Office(world, links_by_email=True)
    office.source.add("ben", "managers", email="shared@example.com")
    office.source.add("cara", "controllers", email="shared@example.com")
    await office.sync()

    assert ["entra:ben"] == office.names("manager")
    assert ["entra:cara"] == office.names("controller")


async def test_the_file_wins_where_both_name_somebody(world: World) -> None:
    ben = person("Ben", "controller").model_copy(update={"identities": {"entra": "ben-oid"}})
    cara = person("Cara").model_copy(update={"identities": {"email": "cara@example.com"}})
    office = Office(world, listed=[ANNA, ben, cara], links_by_email=True)
    office.source.add("ben-oid", "managers", name="Benjamin", email="b@example.com")
    office.source.add("cara-oid", "managers", email="cara@example.com")
    await office.sync()
    found: list[Principal | None] = [office.directory.by_id(each) for each in ("ben", "cara")]

    assert ["anna", "ben", "cara"] == office.names()
    assert [["Ben", {"controller"}, ()], ["Cara", {"manager"}, ("entra",)]] == [
        [each.name, each.roles, each.directories] for each in found if each is not None
    ]
    assert office.directory.by_identity("entra", "cara-oid") == found[1]

    office.source.accounts["ben-oid"] = Account(id="ben-oid", active=False)
    office.source.changes = None
    await office.sync()

    assert ["anna", "cara"] == office.names()


async def test_delegates_that_a_directory_names_stand_in(world: World) -> None:
    snow = FakeSource("servicenow", lists_everybody=False)
    office = Office(world, snow)
    snow.add("ben", "managers")
    snow.add("dana")
    snow.delegates = (
        Delegate(id="1", account_id="ben", delegate_id="dana"),
        Delegate(id="2", account_id="ben", delegate_id="unknown"),
        Delegate(id="3", account_id="unknown", delegate_id="dana"),
    )
    await office.sync()
    people = office.directory.people().at(world.clock.now())

    assert ["servicenow:ben"] == [giver.id for giver, _ in people.givers("servicenow:dana")]

    snow.delegates = ()
    await office.sync()

    assert () == office.directory.people().delegations
