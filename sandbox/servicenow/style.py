"""The frame of the pages a person sees: "acting as" on top, light and dark, down to a phone."""

from __future__ import annotations

from html import escape

from countersign.sandbox.servicenow.people import USERS, User

_STYLE = """
:root { color-scheme: light dark; --bg: #f4f6f5; --card: #fff; --ink: #17201c; --soft: #566159;
  --line: #d8dfdb; --bar: #0f3d33; --on-bar: #fff; --link: #0b6a55; --focus: #1a73e8;
  --wait: #fdf0cd; --on-wait: #6b4a00; --good: #d6f1de; --on-good: #0d5227; --bad: #fbdcd9;
  --on-bad: #8a1410; --calm: #e7ecea; --on-calm: #3a4540; --yes: #176b3a; --no: #b3261e }
@media (prefers-color-scheme: dark) { :root { --bg: #121614; --card: #1b211e; --ink: #e9efec;
  --soft: #a4b1aa; --line: #333c38; --bar: #0b2d26; --link: #6fd3b5; --focus: #8ab4f8;
  --wait: #463611; --on-wait: #fbdf9c; --good: #143f26; --on-good: #b0ebc4; --bad: #4d1b18;
  --on-bad: #ffc9c4; --calm: #2b332f; --on-calm: #cbd6d0; --yes: #1f8a4c; --no: #c5392f } }
* { box-sizing: border-box }
body { margin: 0; background: var(--bg); color: var(--ink); font: 15px/1.5 system-ui, sans-serif }
a { color: var(--link) }
:focus-visible { outline: 3px solid var(--focus); outline-offset: 2px }
.bar { background: var(--bar); color: var(--on-bar) }
.bar > div, main { max-width: 68rem; margin: 0 auto; padding: .7rem 1rem }
.bar > div { display: flex; flex-wrap: wrap; gap: .5rem 1.5rem; align-items: center }
.bar a { color: inherit; font-weight: 650; text-decoration: none } .bar a:hover { text-decoration:
  underline } .bar form { margin-left: auto; display: flex; gap: .5rem; align-items: center }
.bar small { opacity: .8 }
select, textarea, button { font: inherit; border-radius: .45rem; border: 1px solid var(--line) }
select { padding: .25rem .4rem; background: var(--card); color: var(--ink); max-width: 13rem }
.bar button { background: transparent; color: inherit; padding: .25rem .7rem; cursor: pointer }
main { padding-top: 1.1rem; padding-bottom: 3rem }
h1 { font-size: 1.35rem; line-height: 1.3; margin: 0 0 .5rem; overflow-wrap: anywhere }
h2 { font-size: 1.02rem; margin: 1.6rem 0 .5rem }
.card { background: var(--card); border: 1px solid var(--line); border-radius: .6rem }
.pad { padding: .9rem 1rem }
.scroll { overflow-x: auto }
table { border-collapse: collapse; width: 100% }
th, td { text-align: left; padding: .55rem .9rem; border-top: 1px solid var(--line);
  vertical-align: top }
thead th { border-top: 0; color: var(--soft); font-size: .85rem; white-space: nowrap }
td.short { white-space: nowrap } td.text { min-width: 14rem; overflow-wrap: anywhere }
.empty { color: var(--soft); margin: 0; padding: .9rem 1rem }
.tag { display: inline-block; border-radius: 1rem; padding: .05rem .65rem; font-size: .85rem;
  font-weight: 600; white-space: nowrap; background: var(--calm); color: var(--on-calm) }
.tag.wait { background: var(--wait); color: var(--on-wait) }
.tag.good { background: var(--good); color: var(--on-good) }
.tag.bad { background: var(--bad); color: var(--on-bad) }
.tags { display: flex; flex-wrap: wrap; gap: .4rem; margin: 0 0 1rem }
.columns { display: grid; gap: 0 1.25rem; grid-template-columns: minmax(0, 1fr) 20rem;
  grid-template-areas: "ask answer" "rest answer"; grid-template-rows: auto 1fr }
.columns > :nth-child(1) { grid-area: ask } .columns > aside { grid-area: answer }
.columns > :nth-child(3) { grid-area: rest } .columns h2:first-child { margin-top: 0 }
.columns > :nth-child(3) h2:first-child { margin-top: 1.6rem }
@media (max-width: 50rem) { .columns { grid-template-columns: minmax(0, 1fr);
  grid-template-areas: "ask" "answer" "rest" } .columns > aside { margin-top: 1.6rem }
  .bar form { margin-left: 0 } .wide { display: none } td.text { min-width: 6rem }
  th, td { padding: .5rem } thead th { white-space: normal } }
pre { margin: 0; white-space: pre-wrap; overflow-wrap: anywhere;
  font: .9rem/1.5 ui-monospace, "DejaVu Sans Mono", monospace }
dl { margin: 0; display: grid; grid-template-columns: max-content minmax(0, 1fr);
  gap: .3rem 1rem } dt { color: var(--soft) } dd { margin: 0; overflow-wrap: anywhere }
ul.people { list-style: none; margin: 0; padding: 0 }
ul.people li { padding: .6rem 1rem; border-top: 1px solid var(--line); display: flex;
  flex-wrap: wrap; gap: .1rem .6rem; justify-content: space-between }
ul.people li:first-child { border-top: 0 } ul.people small { flex-basis: 100%; color: var(--soft) }
label { display: block; font-weight: 600; margin: .8rem 0 .2rem }
label:first-of-type { margin-top: 0 }
.hint { color: var(--soft); margin: .2rem 0 0; font-size: .88rem }
textarea { width: 100%; padding: .45rem .6rem; background: var(--bg); color: var(--ink);
  min-height: 4.2rem; resize: vertical }
.buttons { display: flex; gap: .6rem; margin-top: .9rem }
.buttons button { flex: 1; padding: .5rem 1rem; font-weight: 650; cursor: pointer; color: #fff;
  border-color: transparent } .buttons .yes { background: var(--yes) }
.buttons .no { background: var(--no) } .buttons .plain { background: transparent;
  color: var(--ink); border-color: var(--line) } .buttons button:hover { filter: brightness(1.1) }
.entry { padding: .7rem 1rem; border-top: 1px solid var(--line) } .entry:first-child {
  border-top: 0 } .entry p { margin: 0 0 .2rem; color: var(--soft); font-size: .88rem }
.entry strong { color: var(--ink) } .entry pre { font: inherit }
.problem { background: var(--bad); color: var(--on-bad); border-radius: .6rem;
  padding: .7rem 1rem; margin: 0 0 1rem }
"""

_RENEW = """
setInterval(async () => {
  try {
    const text = await (await fetch(location.href)).text();
    const page = new DOMParser().parseFromString(text, "text/html");
    const fresh = page.querySelector("main").innerHTML, main = document.querySelector("main");
    if (main.innerHTML !== fresh) main.innerHTML = fresh;
  } catch { /* the stand-in was stopped: keep what is shown */ }
}, 2000);
"""
_SWITCH = 'document.querySelector("#as").onchange = (event) => event.target.form.submit();'


def frame(title: str, user: User, back: str, main: str, *, renews: bool = False) -> str:
    """A whole page. `back` is where a change of the acting person leads; `renews`: the page
    fetches itself every two seconds, which only suits one without a form.
    """
    people = "".join(
        f'<option value="{escape(one.user_name)}"{" selected" if one == user else ""}>'
        f"{escape(one.name)}</option>"
        for one in USERS
    )
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        f"<title>{escape(title)}</title>"
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        '<link rel="icon" href="data:,">'
        f'<style>{_STYLE}</style></head><body><header class="bar"><div>'
        '<a href="/">ServiceNow</a><small>a stand-in: nothing leaves this machine</small>'
        f'<form action="/acting-as"><input type="hidden" name="back" value="{escape(back)}">'
        f'<label for="as" style="margin:0">Acting as</label>'
        f'<select id="as" name="user">{people}</select>'
        f"<noscript><button>Switch</button></noscript></form></div></header>"
        f"<main>{main}</main><script>{_SWITCH}{_RENEW if renews else ''}</script></body></html>"
    )
