"""What is wrong with a condition is said before a call is ruled on, with what to write instead."""

from __future__ import annotations

import pytest

from countersign.approvals.rules.conditions.facts import Catalogue, arguments_type
from countersign.approvals.rules.conditions.syntax import ConditionSyntaxError, parse
from countersign.approvals.rules.edit_terms import readable
from tests.approvals.rules.conditions.asking import TYPED, UNTYPED, ask, condition, problems

WRONG = [
    # names
    ("args.ammount > 5", "pay has no argument ammount; did you mean amount?"),
    ("args.xyz > 5", "pay has no argument xyz; there is amount, anything, count"),
    ("amount > 5", "amount is not known; did you mean args.amount?"),
    ('tol.name == "x"', "tol is not known; did you mean tool?"),
    (
        "qqq == 1",
        "qqq is not known; there are agent, args, batch, history, now, requester, tool, workflow",
    ),
    ('tool.nam == "x"', "tool has no nam; did you mean name?"),
    ('args.lines.all(l, l.skuu == "b")', "l has no skuu; did you mean sku?"),
    ('args.name.first == "x"', "args.name is a text, so it has no first"),
    ("has(args.xyz.b)", "pay has no argument xyz"),
    ("has(args.count.b)", "args.count is a whole number, so it has no b"),
    ("has(5)", "has(5) asks for no field; write it as has(args.amount)"),
    ("has(args.a, args.b)", "asks for no field"),
    # types
    ("args.amount", "args.amount is a number; a condition says true or false"),
    ("args.note", "args.note is a text or null; a condition says true or false"),
    ('args.amount > "5"', 'args.amount is a number and "5" a text; they can never be compared'),
    ("args.count == true", "args.count is a whole number and true a truth value"),
    ("args.urgent > false", "args.urgent is a truth value, which has no order"),
    ("args.lines == [1]", "args.lines is a list of"),
    ("args.count == null", "args.count is never null; leave the comparison out"),
    ("null == args.count", "args.count is never null"),
    ("null > 5", "null is null, of which nothing can be said but == and !="),
    ("args.note.size() > 3", "args.note may be null; write `args.note != null && …` before it"),
    ("args.limit > 3", "args.limit may be null"),
    ("args.limit + 1 > 3", "args.limit may be null"),
    ("args.note == null && args.note.size() > 3", "args.note may be null"),
    ("args.note != null || args.note.size() > 3", "args.note may be null"),
    ("!(args.note == null) || args.note.size() > 3", "args.note may be null"),
    ("args.maybe.sum() > 1", "args.maybe may be null"),
    ("args.total > 5", "args.total may be a number or text; write double(args.total)"),
    ("args.total == true", "args.total is a number or text and true a truth value"),
    ("args.total.size() == 1", "args.total may be a number or text"),
    ("args.xyz.size() == 1", "pay has no argument xyz"),
    ("!args.count", "args.count is a whole number; ! needs true or false"),
    ("args.count && true", "args.count is a whole number; && needs true or false"),
    ("true || args.count", "args.count is a whole number; || needs true or false"),
    ("args.count ? true : false", "args.count is a whole number; before ? stands true or false"),
    ('(args.urgent ? 1 : "x") > 1', "may be a whole number or text"),
    ('-args.name == "x"', "args.name is a text, of which there is no negative"),
    ("args.name + 1 == 2", "args.name is a text and 1 a whole number; + is not for them"),
    ('args.name - args.name == ""', "- is not for them"),
    ("args.amount % 2 == 1", "% needs whole numbers; args.amount is a number"),
    ("1 in args.name", "args.name is a text; `in` needs a list, as in 1 in [1, 2]"),
    ("1 in args.tags", "1 is a whole number and args.tags a text"),
    ("1 in args.labels", "1 is a whole number; the keys of args.labels are texts"),
    ('args.name[0] == "x"', "args.name is a text; [0] is not for it"),
    ('args.numbers["x"] == 1', 'args.numbers is a list of number; ["x"] is not for it'),
    # values that there are not
    ('args.currency == "GBP"', 'args.currency is never "GBP"; it is one of "EUR", "USD"'),
    ('"EURO" == args.currency', 'args.currency is never "EURO"; did you mean "EUR"?'),
    ('args.currency in ["EUR", "USB"]', 'args.currency is never "USB"; it is one of "EUR"'),
    ('tool.reversibility == "readonly"', 'did you mean "read_only"?'),
    # money
    ('money(3, "EUR") < money(5, "USD")', "sums of different currencies are not compared"),
    ('money(args.euros) == money(5, "USD")', 'is in EUR and money(5, "USD") in USD'),
    ('money(args.euros) + money(5, "USD") > money(5, "EUR")', "is in EUR and"),
    ('money(3, "euro") < money(5, "EUR")', 'has "euro" as its currency'),
    ('money(args.amount, "EUR") > 5', "write both as money, as in money(args.amount, args.curr"),
    ('money(args.amount) > money(5, "EUR")', 'needs a currency: money(args.amount, "EUR")'),
    ('money(args.price, "EUR") > money(5, "EUR")', "write money(args.price) if it has"),
    ('money(args.lines[0]) > money(5, "EUR")', "args.lines[0] has no currency"),
    # functions
    ("foo(3) == 1", "foo() is not known; there are all, business_time"),
    ('args.name.startWith("x")', "startWith() is not known; did you mean startsWith?"),
    ('args.name.matches("a*")', "matches() is not part of conditions; write startsWith"),
    ('startsWith(args.name, "x")', "is written args.name.startsWith(…)"),
    ("args.total.double() > 1", "is written double(args.total)"),
    ('trim() == ""', "trim() is written x.trim(…)"),
    ("args.name.startsWith() == true", "startsWith() takes 1 value, and"),
    ("money() == money()", "money() takes 1 or 2 values, and money() gives 0"),
    ('args.amount.startsWith("x")', "args.amount is a number; startsWith() needs a text"),
    ("size(5) == 1", "5 is a whole number; size() needs a list or a object or a text"),
    ("args.tags.sum() > 1", "args.tags is a list of text; sum() needs numbers"),
    ("args.amount.map(x, x)", "args.amount is a number; map() needs a list"),
    ("args.tags.filter(t, t.size())", "t.size() is a whole number; filter() needs true or false"),
    ("args.tags.all(args, true)", "args is a name already; use another one"),
    # time
    ("now.getHours() == 9", 'now.getHours() needs a zone: now.getHours("Europe/Berlin")'),
    ('now.getHours("Berlin") == 9', "'Berlin' is no time zone; write one as Europe/Berlin"),
    ('timestamp("soon") < now', 'has "soon", which is no time'),
    ("now > 5", "now is a time and 5 a whole number"),
    ('business_time("offise")', "there is no such calendar; there is night, office"),
    ("business_time(args.name)", "needs the name of a calendar"),
    ("business_time()", "needs the name of a calendar"),
]


@pytest.mark.parametrize(("text", "why"), WRONG)
def test_what_is_wrong_is_said_once(text: str, why: str) -> None:
    (said,) = problems(text)

    assert why in said


def test_every_problem_is_said_at_once() -> None:
    found = problems('args.a > 5 && foo() || args.count == "x"')

    assert 3 == len(found)


@pytest.mark.parametrize(
    "text",
    [
        "args.count / args.amount == 1",
        "args.count % args.amount == 1",
        "1 / args.count == 1",
    ],
)
def test_a_division_of_what_nobody_knows_is_refused(text: str) -> None:
    """7 / 2 is 3 where both are whole, and 3.5 where one is not."""
    (said,) = problems(text, UNTYPED)

    assert "is of unknown type" in said
    assert "write int(args." in said


@pytest.mark.parametrize(
    "text",
    [
        'args.x > 5 && args.y == "a" && args.z[0].b in args.c',
        "args.x + args.y > -args.z",
        "args.x.exists(e, e.amount > 1)",
        'args.x["a"] == null || args.x.y.size() > 1',
        "money(args.x) > money(args.y, args.z)",
        "args.x.sum() > 1 && args.x.map(e, e).max() > 2",
        "args.x ? args.y : args.z",
        "args.x",
        "has(args.x)",
        "[] == args.x && [args.a, 1][0] == 1",
    ],
)
def test_of_an_unknown_tool_anything_may_be_asked(text: str) -> None:
    assert () == problems(text, UNTYPED)


def test_what_another_tool_of_the_rule_has_may_be_asked_for() -> None:
    """`has` says first whether there is such an argument; what comes after it is for others."""
    guarded = condition("has(args.other) && args.other.size() > 3")

    assert (False, frozenset({"other"})) == (guarded.checked.constant, guarded.checked.absent)
    assert not ask("has(args.other) && args.other.size() > 3")
    assert ask("!has(args.other) || args.other > 3")
    assert ask("args.urgent && !(has(args.other) && foo(1))")
    assert problems("args.other > 3 && has(args.other)")


@pytest.mark.parametrize(
    ("text", "constant"),
    [
        ("true", True),
        ("false", False),
        ("!false", True),
        ("!args.urgent", None),
        ("false && args.urgent", False),
        ("args.urgent && true", None),
        ("true && true", True),
        ("true || args.urgent", True),
        ("false || false", False),
        ("args.urgent == true", None),
    ],
)
def test_what_is_always_the_same_is_known(text: str, constant: bool | None) -> None:
    assert constant is condition(text).checked.constant


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("args.amount >", "ends too early"),
        ("args.a and args.b", "write && for and"),
        ("not args.a", "cannot be read at 'args'"),
        ("args.a = 5", "cannot be read at '=' (character 8); write =="),
        ("args.a & args.b", "write &&"),
        ('args.a == "x', "a text is not closed"),
        ("args.a == 5u", "cannot be read at 'u'"),
        ("{}", "cannot be read at '{'"),
        ("1e999 > args.a", "1e999 is too large or too small a number"),
        (r'"\q" == args.a', r"\q is no escape that a text may have"),
        (r'"\ud800" == args.a', r"\ud800 is no character"),
        ("args.tags.all(t)", "all needs an element and a condition"),
        ("args.tags.all(1, true)", "all needs an element and a condition"),
        ("!" * 200 + "true", "is nested deeper than"),
        ("true" + " " * 4_000, "is longer than 4000 characters"),
    ],
)
def test_what_cannot_be_read_says_where(text: str, why: str) -> None:
    with pytest.raises(ConditionSyntaxError) as caught:
        parse(text)

    assert why in str(caught.value)


def test_many_alternatives_side_by_side_are_not_deep() -> None:
    text = " || ".join(f"args.count == {n}" for n in range(150))

    assert 150 == len(parse(text).parts)
    assert ask(text)


def test_a_comment_and_several_lines_are_read() -> None:
    assert ask("args.count == 7 // lucky\n  && args.urgent")


def test_other_schemas_than_of_objects_say_nothing() -> None:
    assert [UNTYPED.arguments] * 3 == [
        arguments_type(each) for each in (None, {"type": "string"}, {"type": "object"})
    ]
    assert () == problems("args.x > 1", Catalogue("t", arguments_type({"type": "object"})))
    assert TYPED.arguments.fields is not None


def test_a_long_condition_that_cannot_be_read_is_not_shown_whole() -> None:
    with pytest.raises(ValueError, match="is longer than 4000 characters") as caught:
        readable(" && ".join(["args.amount > 1"] * 20_000))

    assert len(str(caught.value)) < 600
