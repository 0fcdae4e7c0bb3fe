// The inbox without this works; with it pages follow what happens, times are the reader's own, and
// keys lead through the list.
"use strict";
(function () {
  const language = document.documentElement.lang;
  const clock = new Intl.DateTimeFormat(language, { dateStyle: "medium", timeStyle: "short" });

  function ownTimes(root) {
    for (const time of root.querySelectorAll("time[datetime]:not([data-own])")) {
      const at = new Date(time.dateTime);
      if (Number.isNaN(at.getTime())) continue;
      time.dataset.own = "1";
      time.title = time.textContent;
      if (!time.classList.contains("ago")) time.textContent = clock.format(at);
    }
  }

  // On a phone the pages do not fit beside each other: the one that is open is to be seen.
  const here = document.querySelector(".top nav [aria-current]");
  if (here) here.parentElement.scrollLeft = here.offsetLeft - here.parentElement.offsetLeft - 24;

  function say(text) {
    const box = document.getElementById("said");
    if (box && text) box.textContent = text;
  }

  // What is being typed, or was typed before and is shown again, is not taken away: such a part only
  // says that there is more.
  function isBusy(part) {
    if ("kept" in part.dataset) return true;
    const active = document.activeElement;
    if (active && part.contains(active) && active.matches("input, textarea, select")) return true;
    for (const field of part.querySelectorAll("textarea, input:not([type=hidden]), select")) {
      if (field.type === "checkbox" || field.type === "radio") {
        if (field.checked !== field.defaultChecked) return true;
      } else if (field.tagName === "SELECT") {
        for (const o of field.options) if (o.selected !== o.defaultSelected) return true;
      } else if (field.value !== field.defaultValue) return true;
    }
    return false;
  }

  // What a part says, without how long ago and without what the reader has opened.
  function bare(part) {
    const copy = part.cloneNode(true);
    copy.classList.remove("fresh");
    if (!copy.className) copy.removeAttribute("class");
    for (const box of copy.querySelectorAll("details")) box.removeAttribute("open");
    for (const time of copy.querySelectorAll("time")) {
      time.textContent = "";
      time.removeAttribute("title");
      time.removeAttribute("data-own");
    }
    for (const more of copy.querySelectorAll("[data-more]")) more.hidden = true;
    return copy.outerHTML;
  }

  // A part with forms says itself what it stands for; what was typed into it is no change.
  function isSame(made, part) {
    if ("version" in part.dataset) return made.dataset.version === part.dataset.version;
    return bare(made) === bare(part);
  }

  function copyAges(from, to) {
    const ages = to.querySelectorAll("time.ago");
    from.querySelectorAll("time.ago").forEach(function (time, n) { ages[n].textContent = time.textContent; });
  }

  // One round at a time: what changes meanwhile is a round of its own.
  let rounds = 0;
  async function refresh() {
    rounds += 1;
    if (rounds > 1) return;
    while (rounds > 0) {
      rounds = 1;
      await Promise.allSettled(Array.from(document.querySelectorAll("[data-live]"), drawAgain));
      rounds -= 1;
    }
  }

  async function drawAgain(part) {
    const answer = await fetch(part.dataset.live, {
      headers: { "HX-Request": "true" }, signal: AbortSignal.timeout(15000),
    });
    if (!answer.ok) return;
    const made = new DOMParser().parseFromString(await answer.text(), "text/html").body.firstElementChild;
    if (!made || made.id !== part.id || !part.isConnected) return;
    if (isBusy(part)) {
      const more = part.querySelector("[data-more]");
      if (more && !isSame(made, part)) more.hidden = false;
      return;
    }
    if (bare(made) === bare(part)) {
      copyAges(made, part);
      return;
    }
    const before = part.querySelectorAll("details"), after = made.querySelectorAll("details");
    if (before.length === after.length) after.forEach(function (box, n) { box.open = before[n].open; });
    part.replaceWith(made);
    htmx.process(made);
    ownTimes(made);
    made.classList.add("fresh");
    say(made.dataset.said);
  }

  function follow() {
    const path = document.body.dataset.follow;
    if (!path || !window.EventSource) return;
    let source = null;
    function open() {
      if (source) return;
      source = new EventSource(path);
      source.addEventListener("changed", refresh);
      source.addEventListener("ended", function () { close(); });
    }
    function close() { if (source) { source.close(); source = null; } }
    // A page that nobody looks at holds no connection: browsers have six for one server.
    document.addEventListener("visibilitychange", function () {
      if (document.hidden) close();
      else { open(); refresh(); }
    });
    // Also without an event: a connection may be dead without anybody being told.
    setInterval(function () { if (!document.hidden) refresh(); }, 15000);
    window.addEventListener("pagehide", close);
    window.addEventListener("pageshow", function (event) { if (event.persisted) { open(); refresh(); } });
    open();
  }

  function keys(event) {
    if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.target.matches("input, textarea, select, [contenteditable]")) {
      if (event.key === "Escape") event.target.blur();
      return;
    }
    const rows = Array.from(document.querySelectorAll("[data-rows] a[data-row]"));
    const at = rows.indexOf(document.activeElement);
    const next = { j: at + 1, k: at < 0 ? 0 : at - 1 }[event.key];
    if (next !== undefined && rows.length) {
      rows[Math.max(0, Math.min(next, rows.length - 1))].focus();
      event.preventDefault();
      return;
    }
    const target = document.querySelector("[data-key='" + CSS.escape(event.key) + "']");
    if (target) {
      event.preventDefault();
      const box = target.closest("details");
      if (box) box.open = true;
      if (target.matches("a")) target.click();
      else { target.focus(); target.scrollIntoView({ block: "center" }); }
    }
  }

  document.addEventListener("keydown", keys);
  document.addEventListener("htmx:afterSwap", function () { ownTimes(document); });
  ownTimes(document);
  follow();
})();
