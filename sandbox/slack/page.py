"""The page to look at: what stands in each conversation, drawn much as Slack draws it, and what
each person can press and send."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from html import escape
from typing import Any

from countersign.sandbox.slack.workspace import (
    Conversation,
    Message,
    View,
    Workspace,
    decoded,
)

STYLE = """
:root{color-scheme:light dark;--ink:#1d1c1d;--soft:#616061;--paper:#fff;--line:#dddddd;--go:#007a5a;
--no:#e01e5a;--tint:#f8f8f8}
@media(prefers-color-scheme:dark){:root{--ink:#d1d2d3;--soft:#9a9b9d;--paper:#1a1d21;--line:#3a3d42;
--go:#148567;--no:#e8547f;--tint:#222529}}
*{box-sizing:border-box}
body{margin:0 auto;max-width:760px;padding:16px;background:var(--paper);color:var(--ink);
font:15px/1.46668 Lato,'Segoe UI',Roboto,Helvetica,Arial,sans-serif}
h1{font-size:18px}h2{font-size:15px;margin:28px 0 8px;color:var(--soft)}
.message{display:flex;gap:10px;padding:8px 0}.face{flex:0 0 36px;height:36px;border-radius:6px;
background:var(--go)}.said{flex:1;min-width:0}.thread{margin-left:46px}
.who{font-weight:900}.app{font-size:10px;background:var(--line);border-radius:2px;padding:1px 3px}
.header{font-size:18px;font-weight:900;margin:8px 0}.section{margin:6px 0;white-space:pre-wrap;
overflow-wrap:anywhere}.fields{display:grid;grid-template-columns:1fr 1fr;gap:4px 16px;margin:6px 0}
.fields>div{white-space:pre-wrap;overflow-wrap:anywhere}
.context{font-size:13px;color:var(--soft);margin:6px 0;overflow-wrap:anywhere}
.context span{margin-right:12px}
.divider{border-top:1px solid var(--line);margin:10px 0}
.actions{display:flex;flex-wrap:wrap;gap:8px;margin:8px 0}
.actions form{margin:0}
button,.button{font:inherit;font-weight:700;font-size:13px;padding:5px 12px;border-radius:4px;
border:1px solid var(--line);background:var(--paper);color:var(--ink);text-decoration:none}
.primary{background:var(--go);color:#fff;border-color:var(--go)}
.danger{color:#fff;background:var(--no);border-color:var(--no)}
.modal{border:1px solid var(--line);border-radius:8px;padding:0 20px 16px;margin:12px 0;
box-shadow:0 4px 16px #0003}
.modal label{display:block;font-weight:700;margin:12px 0 4px}.hint{font-size:13px;color:var(--soft)}
.modal input,.modal textarea,.modal select{width:100%;font:inherit;padding:6px 10px;
border:1px solid var(--soft);border-radius:4px;background:var(--paper);color:var(--ink)}
.write{display:flex;gap:8px;margin:8px 0}.write select{max-width:30%}
.write input{flex:1;min-width:0;font:inherit;padding:6px 10px;border:1px solid var(--line);
border-radius:4px;background:var(--paper);color:var(--ink)}
code{border:1px solid var(--line);border-radius:3px;padding:0 3px;background:var(--tint)}
.wrong{color:var(--no);font-size:13px}.alone{background:var(--tint);color:var(--soft)}
@media(max-width:480px){.fields{grid-template-columns:1fr}}
"""
_BOLD = re.compile(r"\*([^*\n]+)\*")
_USER = re.compile(r"&lt;@(U\w+)&gt;")


def page(workspace: Workspace, user_id: str) -> str:
    """All that one person sees, with what they can do."""
    user = workspace.user(user_id)
    people = (u for u in workspace.users.values() if not u.is_bot)
    others = " · ".join(f'<a href="?as={u.id}">{escape(u.name)}</a>' for u in people)
    rows = [f"<h1>Slack, as {escape(user.name)}</h1><p>{others}</p>"]
    views = [v for v in workspace.views.values() if v.user == user_id and v.is_open]
    rows += [_modal(view) for view in views[-1:]]
    for place in workspace.conversations.values():
        if user_id not in place.members:
            continue
        name = "Countersign" if place.is_im else f"# {place.name}"
        rows.append(f"<h2>{escape(name)}</h2>")
        alone = [m for m in workspace.ephemerals if (m.channel, m.only_for) == (place.id, user_id)]
        for message in sorted([*place.messages.values(), *alone], key=lambda m: m.ts):
            rows.append(_message(message, user_id, workspace))
        rows.append(_writing(place, user_id))
    return (
        '<!doctype html><html lang="en"><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width,initial-scale=1">'
        f"<title>Slack (stand-in)</title><style>{STYLE}</style>{''.join(rows)}</html>"
    )


def _message(message: Message, user_id: str, workspace: Workspace) -> str:
    kind = "message thread" if message.thread_ts else "message"
    author = workspace.users.get(message.user)
    who = "Countersign" if author is None else author.name
    app = ' <span class="app">APP</span>' if author is None else ""
    note = '<div class="context">Only visible to you</div>' if message.only_for else ""
    body = "".join(_blocks(message, user_id)) if message.blocks else _marked(message.text)
    for found in _USER.findall(body):
        body = body.replace(f"&lt;@{found}&gt;", f"@{escape(workspace.user(found).name)}")
    if not message.blocks:
        body = f'<div class="section">{body}</div>'
    return (
        f'<div class="{kind}{" alone" if message.only_for else ""}"><div class="face"></div>'
        f'<div class="said">{note}<span class="who">{escape(who)}</span>{app}{body}</div></div>'
    )


def _writing(place: Conversation, user_id: str) -> str:
    """Where the person writes to the app, and below which message."""
    roots = [m for m in place.messages.values() if not m.thread_ts]
    options = "".join(
        f'<option value="{m.ts}">reply to: {escape(m.words()[:60])}</option>' for m in roots
    )
    where = "to Countersign" if place.is_im else f"in #{place.name}, to @Countersign"
    return (
        f'<form class="write" method="post" action="/" data-channel="{place.id}">'
        f'<input type="hidden" name="user" value="{user_id}">'
        f'<input type="hidden" name="channel" value="{place.id}">'
        f'<input name="write" aria-label="Message {escape(where)}" '
        f'placeholder="Message {escape(where)}, or /countersign">'
        f'<select name="thread" aria-label="Thread"><option value="">no thread</option>{options}'
        "</select><button>Send</button></form>"
    )


def _blocks(message: Message, user_id: str) -> Iterator[str]:
    for block in message.blocks:
        match block["type"]:
            case "actions":
                inner = "".join(_button(each, message, user_id) for each in block["elements"])
                yield f'<div class="actions">{inner}</div>'
            case _:
                yield _block(block)


def _block(block: Mapping[str, Any]) -> str:
    match block["type"]:
        case "header":
            return f'<div class="header">{_text(block["text"])}</div>'
        case "rich_text":
            inner = "".join(_piece(e) for s in block["elements"] for e in s["elements"])
            return f'<div class="section">{inner}</div>'
        case "divider":
            return '<div class="divider"></div>'
        case "context":
            inner = "".join(f"<span>{_text(each)}</span>" for each in block["elements"])
            return f'<div class="context">{inner}</div>'
    text = f'<div class="section">{_text(block["text"])}</div>' if "text" in block else ""
    fields: Iterable[Any] = block.get("fields", ())
    cells = "".join(f"<div>{_text(each)}</div>" for each in fields)
    return f'{text}<div class="fields">{cells}</div>' if cells else text


def _piece(of: Mapping[str, Any]) -> str:
    style, text = of.get("style", {}), escape(of["text"])
    if style.get("code"):
        return f"<code>{text}</code>"
    return f"<b>{text}</b>" if style.get("bold") else text


def _text(of: Mapping[str, Any]) -> str:
    if of["type"] == "mrkdwn":
        return _marked(of["text"])
    return escape(decoded(of["text"]))


def _marked(text: str) -> str:
    return _BOLD.sub(r"<b>\1</b>", escape(decoded(text)))


def _button(button: Mapping[str, Any], message: Message, user_id: str) -> str:
    style, words = button.get("style", ""), _text(button["text"])
    if "url" in button:
        return f'<a class="button {style}" href="{escape(button["url"])}">{words}</a>'
    named = {
        "user": user_id,
        "channel": message.channel,
        "ts": message.ts,
        "click": button["action_id"],
        "of": button.get("value", ""),
    }
    hidden = "".join(
        f'<input type="hidden" name="{n}" value="{escape(v)}">' for n, v in named.items()
    )
    return f'<form method="post" action="/">{hidden}<button class="{style}">{words}</button></form>'


def _modal(view: View) -> str:
    content = view.content
    inner = "".join(
        _input(block, view.errors.get(block["block_id"], ""))
        if block["type"] == "input"
        else _block(block)
        for block in content["blocks"]
    )
    words = _text(content["close"]) if "close" in content else "Cancel"
    close = f'<button name="close" value="1">{words}</button>'
    submit = ""
    if "submit" in content:
        submit = f' <button class="primary">{_text(content["submit"])}</button>'
    return (
        f'<form class="modal" method="post" action="/"><div class="header">'
        f"{_text(content['title'])}</div>"
        f'<input type="hidden" name="user" value="{view.user}">{inner}'
        f'<div class="actions">{close}{submit}</div></form>'
    )


def _input(block: Mapping[str, Any], error: str) -> str:
    element, name = block["element"], f"in.{block['block_id']}"
    optional = ' <span class="hint">(optional)</span>' if block.get("optional") else ""
    wrong = f'<div class="wrong">{escape(error)}</div>' if error else ""
    hint = f'<div class="hint">{_text(block["hint"])}</div>' if "hint" in block else ""
    initial = str(element.get("initial_value", element.get("initial_date", "")))
    if element["type"] == "static_select":
        present = element.get("initial_option", {}).get("value")
        options = "".join(
            f'<option value="{o["value"]}"{" selected" if o["value"] == present else ""}>'
            f"{_text(o['text'])}</option>"
            for o in element["options"]
        )
        control = f'<select id="{name}" name="{name}">{options}</select>'
    elif element.get("multiline"):
        control = f'<textarea id="{name}" name="{name}" rows="3">{escape(initial)}</textarea>'
    else:
        control = f'<input id="{name}" name="{name}" value="{escape(initial)}">'
    return f'<label for="{name}">{_text(block["label"])}{optional}</label>{control}{wrong}{hint}'
