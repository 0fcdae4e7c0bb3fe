"""Style and behaviour of the pages; without scripts everything still works."""

STYLE = """
:root { color-scheme: light dark; --bg: #f5f6f8; --card: #fff; --line: #d8dce3; --ink: #172b4d;
  --soft: #57647a; --link: #0b5cd7; --focus: #388bff; --code: #eceef2;
  --new-bg: #e6e8ec; --new: #3b475c; --going-bg: #dbe9ff; --going: #08326f;
  --done-bg: #d6f3e3; --done: #114b33; --bad-bg: #fde3df; --bad: #7a1a0c;
  --go: #0b5cd7; --go-ink: #fff; --stop: #b3261e; --stop-ink: #fff }
@media (prefers-color-scheme: dark) { :root { --bg: #14171c; --card: #1d2127; --line: #38404b;
  --ink: #e6eaf0; --soft: #a4afbf; --link: #86b6ff; --focus: #86b6ff; --code: #2a3038;
  --new-bg: #333b46; --new: #d3dae4; --going-bg: #17366b; --going: #cfe1ff;
  --done-bg: #14482f; --done: #c4f2d8; --bad-bg: #5c1f16; --bad: #ffdad4;
  --go: #86b6ff; --go-ink: #0c1a2e; --stop: #ff9c8f; --stop-ink: #38100a } }
* { box-sizing: border-box }
body { margin: 0; background: var(--bg); color: var(--ink); font: 15px/1.5 system-ui, sans-serif;
  overflow-wrap: anywhere }
a { color: var(--link) }
:focus-visible { outline: 3px solid var(--focus); outline-offset: 2px; border-radius: .2rem }
.bar { background: var(--card); border-bottom: 1px solid var(--line) }
.bar > div { max-width: 68rem; margin: 0 auto; padding: .6rem 1rem; display: flex; gap: .5rem 1rem;
  flex-wrap: wrap; align-items: center; justify-content: space-between }
.bar strong a { color: inherit; text-decoration: none }
.bar label { margin: 0 }
.bar form { display: flex; gap: .5rem; align-items: center }
main { max-width: 68rem; margin: 0 auto; padding: 1.25rem 1rem 3rem }
h1 { font-size: 1.5rem; line-height: 1.25; margin: .15rem 0 .6rem }
h2 { font-size: 1.05rem; margin: 0 0 .6rem }
h3, h4, h5, h6 { font-size: 1rem; margin: 1.1rem 0 .3rem }
.crumb { color: var(--soft); margin: 0 }
.columns { display: grid; grid-template-columns: minmax(0, 1fr) 20rem; gap: 1rem;
  align-items: start }
.card { background: var(--card); border: 1px solid var(--line); border-radius: .6rem;
  padding: 1rem 1.1rem; margin: 0 0 1rem }
.card > :last-child, .text > :last-child { margin-bottom: 0 }
.text > :first-child { margin-top: 0 }
.lozenge { display: inline-block; white-space: nowrap; border-radius: .3rem;
  padding: .1rem .5rem; font-weight: 600;
  font-size: .85rem; background: var(--new-bg); color: var(--new) }
.lozenge.indeterminate { background: var(--going-bg); color: var(--going) }
.lozenge.done { background: var(--done-bg); color: var(--done) }
.lozenge.stop { background: var(--bad-bg); color: var(--bad) }
.tag { display: inline-block; background: var(--code); border-radius: 1rem; padding: 0 .6rem;
  font-size: .85rem; margin: 0 .25rem .25rem 0 }
.scroll { overflow-x: auto }
table { border-collapse: collapse; margin: .4rem 0 .8rem }
.text table { border: 1px solid var(--line) }
th, td { text-align: left; vertical-align: top; padding: .4rem .7rem; border-top: 1px solid
  var(--line); overflow-wrap: break-word }
.text th { background: var(--code) }
.list { width: 100%; margin: 0 }
.list thead th { border-top: 0; color: var(--soft); font-size: .85rem; white-space: nowrap }
.list td { white-space: nowrap } .list td.wide { white-space: normal; width: 100% }
.list th:first-child, .list td:first-child { padding-left: 0 }
pre, code { font: .9em/1.45 ui-monospace, Menlo, Consolas, monospace; background: var(--code);
  border-radius: .3rem }
code { padding: .05rem .3rem } pre { padding: .6rem .8rem; overflow-x: auto; white-space: pre-wrap }
blockquote { border-left: 3px solid var(--line); margin: .5rem 0; padding-left: .8rem;
  color: var(--soft) }
dl { display: grid; grid-template-columns: auto minmax(0, 1fr); gap: .45rem .9rem; margin: 0 }
dt { color: var(--soft) } dd { margin: 0 }
label, .label { display: block; font-weight: 600; margin-bottom: .25rem }
.hint { color: var(--soft); font-size: .9rem; margin: .25rem 0 .6rem }
textarea, select { font: inherit; color: inherit; background: var(--bg); border: 1px solid
  var(--soft); border-radius: .35rem; padding: .45rem .6rem }
textarea { width: 100%; min-height: 5rem; resize: vertical }
.buttons { display: flex; flex-wrap: wrap; gap: .5rem; margin-top: .6rem }
button { font: inherit; font-weight: 600; min-height: 2.5rem; padding: .35rem 1rem;
  border-radius: .35rem; border: 1px solid var(--soft); background: transparent;
  color: var(--ink); cursor: pointer }
button.go { background: var(--go); border-color: var(--go); color: var(--go-ink) }
button.stop { background: var(--stop); border-color: var(--stop); color: var(--stop-ink) }
.events { list-style: none; margin: 0; padding: 0 }
.events > li { border-top: 1px solid var(--line); padding: .7rem 0 }
.events > li:first-child { border-top: 0; padding-top: 0 }
.events > li:last-child { padding-bottom: 0 }
.events > li:last-child > :last-child { margin-bottom: 0 }
.events p { margin: .2rem 0 }
.when { color: var(--soft); font-size: .9rem }
.note { border-radius: .4rem; padding: .6rem .9rem; margin: 0 0 1rem;
  background: var(--done-bg); color: var(--done) }
.note.bad { background: var(--bad-bg); color: var(--bad) }
.empty { color: var(--soft); margin: 0 }
.mention { background: var(--going-bg); color: var(--going); border-radius: .3rem;
  padding: 0 .3rem }
@media (max-width: 46rem) {
  .columns { grid-template-columns: minmax(0, 1fr) }
  .card { padding: .9rem }
  .list thead { position: absolute; clip-path: inset(50%); width: 1px; height: 1px;
    overflow: hidden }
  .list tr { display: block; padding: .7rem 0; border-top: 1px solid var(--line) }
  .list tbody tr:first-child { border-top: 0; padding-top: 0 }
  .list td { display: inline-block; border: 0; padding: 0 .6rem .15rem 0 }
  .list td.wide { display: block; font-weight: 600 }
  button { flex: 1 1 auto }
}
"""

SCRIPT = """
const people = document.querySelector("select[name=as]");
if (people) {
  people.addEventListener("change", () => people.form.submit());
  people.form.querySelector("button").hidden = true;
}
setInterval(async () => {
  try {
    const text = await (await fetch(location.pathname)).text();
    const page = new DOMParser().parseFromString(text, "text/html");
    for (const old of document.querySelectorAll("[data-live]")) {
      const fresh = page.getElementById(old.id);
      if (fresh && fresh.innerHTML !== old.innerHTML && !old.contains(document.activeElement))
        old.innerHTML = fresh.innerHTML;
    }
  } catch { /* the stand-in was stopped: keep what is shown */ }
}, 2000);
"""
