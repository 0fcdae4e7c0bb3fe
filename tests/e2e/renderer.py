"""Cards as clients draw them: Microsoft's renderer, with the colours of Teams."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

Look = Literal["light", "dark", "phone"]
SCRIPT = Path("adaptivecards/dist/adaptivecards.min.js")
"""The renderer, in node_modules."""
LOOKS: dict[Look, tuple[int, str]] = {
    "light": (620, "#ffffff"),
    "dark": (620, "#1f1f1f"),
    "phone": (340, "#ffffff"),
}
"""Width and background."""
LIGHT = {
    "fg": "#242424", "subtle": "#616161", "attention": "#fdf3f4", "warning": "#fefbf4",
    "good": "#f1faf1", "accent": "#ebf3fc", "emphasis": "#f5f5f5",
}  # fmt: skip
DARK = {
    "fg": "#ffffff", "subtle": "#adadad", "attention": "#3f1011", "warning": "#4a1e04",
    "good": "#052505", "accent": "#082338", "emphasis": "#2e2e2e",
}  # fmt: skip
_PAGE = """<!doctype html><meta charset="utf-8"><style>
body{margin:0;padding:16px;background:%s;font-family:'Segoe UI',system-ui,sans-serif}
#card{border:1px solid #8886;border-radius:8px}
.ac-pushButton{font:inherit;font-size:14px;padding:5px 12px;border:1px solid #8888;
border-radius:4px;background:none;color:%s;margin-right:0}
.style-positive{background:#5b5fc7!important;color:#fff!important;border-color:#5b5fc7!important}
.style-destructive{color:%s!important;border-color:currentColor!important}
.ac-input{font:inherit;border:1px solid #8888;border-radius:4px;background:none;color:%s;
padding:6px}
</style><div id="card"></div>"""
DRAW = """([card, look]) => {
  const colors = {};
  for (const name of ['default','dark','light','accent','good','warning','attention'])
    colors[name] = {default: look.fg, subtle: look.subtle};
  const style = name => ({backgroundColor: look[name] || '#00000000', foregroundColors: colors});
  const it = new AdaptiveCards.AdaptiveCard();
  it.hostConfig = new AdaptiveCards.HostConfig({
    fontFamily: "'Segoe UI', system-ui, sans-serif",
    supportsInteractivity: true,
    fontSizes: {small: 12, default: 14, medium: 14, large: 18, extraLarge: 24},
    spacing: {small: 8, default: 12, medium: 16, large: 20, extraLarge: 24, padding: 16},
    containerStyles: Object.fromEntries(
      ['default','emphasis','good','attention','warning','accent'].map(n => [n, style(n)])),
    actions: {maxActions: 6, spacing: 'default', buttonSpacing: 8, actionsOrientation: 'horizontal',
              actionAlignment: 'left', showCard: {actionMode: 'inline'}},
  });
  AdaptiveCards.AdaptiveCard.onProcessMarkdown = (text, result) => {
    const plain = text.replace(/&/g, '&amp;').replace(/</g, '&lt;');
    result.outputHtml = plain.replace(/\\*\\*(.+?)\\*\\*/g, '<b>$1</b>');
    result.didProcess = true;
  };
  it.parse(card);
  document.getElementById('card').appendChild(it.render());
}"""


def page(look: Look) -> str:
    """An empty page for a card."""
    colours, red = (DARK, "#f1707b") if look == "dark" else (LIGHT, "#b10e1c")
    return _PAGE % (LOOKS[look][1], colours["fg"], red, colours["fg"])
