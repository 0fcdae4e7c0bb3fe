"""What a person sees and does in the browser on the Jira stand-in."""

from __future__ import annotations

import httpx
import pytest

from countersign.sandbox.jira import Jira, wiki
from tests.sandbox.jira_clients import moves_of


def browser(jira: Jira) -> httpx.AsyncClient:
    return httpx.AsyncClient(timeout=30, base_url=jira.url, follow_redirects=True)


@pytest.mark.parametrize(
    ("text", "html"),
    [
        ("h2. Why & how", "<h4>Why &amp; how</h4>"),
        ("one\ntwo\n\nthree", "<p>one<br>two</p><p>three</p>"),
        ("*b* _i_ -s-", "<p><strong>b</strong> <em>i</em> <s>s</s></p>"),
        ("{{m \\* n}}", "<p><code>m * n</code></p>"),
        ("2026-11-25 a*b*c snake_case_name", "<p>2026-11-25 a*b*c snake_case_name</p>"),
        (r"\*not bold\* \[x\] \{y\} \|", "<p>*not bold* [x] {y} |</p>"),
        ("*a \\* b*", "<p><strong>a * b</strong></p>"),
        ("a \\\\ b", "<p>a <br> b</p>"),
        ("* a\n** b\n** c\n* d", "<ul><li>a<ul><li>b</li><li>c</li></ul></li><li>d</li></ul>"),
        ("# a\n# b\n- c", "<ol><li>a</li><li>b</li></ol><ul><li>c</li></ul>"),
        ("bq. said", "<blockquote>said</blockquote>"),
        ("----", "<hr>"),
        (
            "||A||B||\n|1|x \\| y|\n|[t|https://e.com]|",
            '<div class="scroll"><table><tr><th>A</th><th>B</th></tr><tr><td>1</td><td>x | y</td>'
            '</tr><tr><td><a href="https://e.com" rel="noreferrer noopener">t</a></td></tr>'
            "</table></div>",
        ),
        ("|a|b", '<div class="scroll"><table><tr><td>a</td><td>b</td></tr></table></div>'),
        ("{noformat}\n*a* <b>\n{noformat}\nc", "<pre>*a* &lt;b&gt;</pre><p>c</p>"),
        ("{code:json}x\n  y{code}", "<pre>x\n  y</pre>"),
        ("{noformat}\nnever closed", "<pre>never closed</pre>"),
        ("a {noformat}*x*{noformat}", "<p>a <code>*x*</code></p>"),
        ("{color:red}r{color}", '<p><span style="color:red">r</span></p>'),
        ('{color:red;x"}r{color}', "<p>r</p>"),
        ("[javascript:alert(1)]", "<p>[javascript:alert(1)]</p>"),
        ("[x|javascript:alert(1)]", "<p>[x|javascript:alert(1)]</p>"),
        (
            "https://e.com/a?b=1&c=2",
            '<p><a href="https://e.com/a?b=1&amp;c=2" rel="noreferrer noopener">'
            "https://e.com/a?b=1&amp;c=2</a></p>",
        ),
        ("[~accountid:1]", '<p><span class="mention">@1</span></p>'),
        ("<b> *x* <i>", "<p>&lt;b&gt; <strong>x</strong> &lt;i&gt;</p>"),
        ("<script>x</script>", "<p>&lt;script&gt;x&lt;/script&gt;</p>"),
    ],
)  # fmt: skip
def test_wiki_markup_becomes_html_that_cannot_be_broken_out_of(text: str, html: str) -> None:
    assert html == wiki.render(text)


async def test_list_links_to_every_issue_with_its_status() -> None:
    async with Jira.start() as jira, browser(jira) as person:
        open_key = jira.as_person("bot").create("OPS", "Open <one>")
        done_key = jira.as_person("bot").create("OPS", "Done one")
        jira.as_person("alex").transition(done_key, "Rejected")
        page = (await person.get("/")).text
        going, _, done = page.partition('id="done"')

    assert f'href="/browse/{open_key}"' in going
    assert "Open &lt;one&gt;" in going
    assert f'href="/browse/{done_key}"' in done
    assert "Rejected" in done


async def test_person_decides_with_a_comment_by_a_plain_form() -> None:
    async with Jira.start() as jira, browser(jira) as person:
        key = jira.as_person("bot").create(
            "OPS",
            "S",
            description="h2. What",
            labels=["hitl"],
            customfield_10041={"accountId": "712020:sam"},
            customfield_10051={"value": "High"},
        )
        before = (await person.get(f"/browse/{key}", params={"as": "megan"})).text
        form = {"as": "megan", "comment": "Too *much*", "transition": "21"}
        after = await person.post(f"/browse/{key}/act", data=form)
        issue = jira.issue(key)

    assert 'value="megan" selected' in before
    for shown in ("<h4>What</h4>", ">hitl<", "Approve</button>", "Sam Carter", "High"):
        assert shown in before
    assert [("712020:megan", "10003")] == moves_of(issue)
    assert ["Too *much*"] == [c["body"] for c in issue["fields"]["comment"]["comments"]]
    assert (200, f"/browse/{key}") == (after.status_code, after.url.path)
    assert "Status: Pending → Rejected" in after.text
    assert "Moved to Rejected." in after.text
    # The choice of the person is remembered.
    assert 'value="megan" selected' in after.text


async def test_person_only_comments_and_saves_requested_changes() -> None:
    async with Jira.start() as jira, browser(jira) as person:
        key = jira.as_person("bot").create("OPS", "S")
        said = await person.post(f"/browse/{key}/act", data={"as": "sam", "comment": "Hm"})
        saved = await person.post(f"/browse/{key}/changes", data={"changes": '{"a": 1}\r\n'})
        empty = await person.post(f"/browse/{key}/act", data={"comment": " "})
        issue = jira.issue(key)
        await person.post(f"/browse/{key}/changes", data={"changes": ""})
        cleared = jira.issue(key)

    assert "712020:sam" == issue["fields"]["comment"]["comments"][0]["author"]["accountId"]
    assert '{"a": 1}' == issue["fields"]["customfield_10050"]
    assert "Comment added." in said.text
    assert "Requested changes saved." in saved.text
    assert "can not be empty" in empty.text
    assert cleared["fields"]["customfield_10050"] is None


async def test_only_approvers_are_offered_the_approval() -> None:
    async with Jira.start() as jira, browser(jira) as person:
        stranger = (await person.get("/browse/HELP-1", params={"as": "mallory"})).text
        forced = await person.post(
            "/browse/HELP-1/act", data={"as": "mallory", "decision": "approve"}
        )
        approver = (await person.get("/browse/HELP-1", params={"as": "alex"})).text
        decided = await person.post(
            "/browse/HELP-1/act", data={"as": "alex", "decision": "decline", "comment": "No"}
        )
        late = await person.post("/browse/HELP-1/act", data={"decision": "approve"})

        assert 'name="decision"' not in stranger
        assert "Waiting for the approval of Alex Wilber, Megan Bowen." in stranger
        assert "not one of its approvers" in forced.text
        assert 'name="decision" value="approve"' in approver
        assert "Declined" in decided.text
        assert "does not exist" in late.text
        assert [("712020:alex", "10013")] == moves_of(jira.issue("HELP-1"))


async def test_answer_that_is_not_enough_moves_nothing_and_says_so() -> None:
    async with Jira.start() as jira, browser(jira) as person:
        jira.site.approvals_needed = 2
        answered = await person.post("/browse/HELP-1/act", data={"decision": "approve"})

        assert "Your answer was written down." in answered.text
        assert [] == moves_of(jira.issue("HELP-1"))


async def test_missing_and_hidden_issues_are_not_found() -> None:
    async with Jira.start() as jira, browser(jira) as person:
        missing = await person.get("/browse/OPS-9")
        jira.site.access.grant("alex", "HELP", set())
        hidden = await person.get("/browse/HELP-1")
        listing = await person.get("/")

    assert (404, 404) == (missing.status_code, hidden.status_code)
    assert "HELP-1" not in listing.text
