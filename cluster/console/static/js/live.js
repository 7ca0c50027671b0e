// Keeps <section data-live="address"> true: while the tab is seen one conditional GET a second, morphed in place.
// What a viewer does stays: focus, scroll, selection, opened details, and a click that has begun.
"use strict";

(() => {
  const EVERY_MS = 1000;
  const TICK_MS = 250;
  const OLD_MS = 5000;
  const PAUSE_MS_MAX = 10000;
  const WAIT_MS_MAX = 10000;
  const WORDS = {
    old: "What you see is older than 5 seconds. This page keeps asking.",
    away: "The server does not answer, it may be restarting. What you see is old; this page tries again by itself.",
    held: "What you see is older than 5 seconds: it stands still while text in it is selected.",
    paused: "",
  };

  const banner = document.getElementById("stale");
  const pulse = document.getElementById("pulse");
  if (!document.querySelector("[data-live]") || !banner || !pulse) return;

  let address = "";
  let etag = null;
  let renewedAt = performance.now();
  let ageThen = Number(document.querySelector("[data-live]").dataset.ageMs || 0);
  let askedAt = -Infinity;
  let failures = 0;
  let busy = false;
  let ended = false;
  let paused = false;
  let pressed = false;
  let held = null;

  const section = () => document.querySelector("[data-live]");
  const age = () => ageThen + performance.now() - renewedAt;
  const selecting = (part) => {
    const chosen = getSelection();
    return chosen && !chosen.isCollapsed && part.contains(chosen.anchorNode);
  };

  const say = (text) => { if (banner.textContent !== text) banner.textContent = text; };
  const end = (text, label, href) => {
    ended = true;
    const link = document.createElement("a");
    link.href = href;
    link.textContent = label;
    banner.replaceChildren(`${text} `, link);
    pulse.dataset.state = "away";
    pulse.lastElementChild.textContent = "Ended";
    pulse.disabled = true;
  };

  // What flows stands still under a pointer, or whatever has the focus in it: else nobody could open it.
  const still = (node) => "still" in node.dataset && node.matches(":hover, :focus-within");

  const morph = (part, html) => {
    const scrolled = [...part.querySelectorAll(".table-scroll")].map((box) => [box, box.scrollTop, box.scrollLeft]);
    Idiomorph.morph(part, html, {
      morphStyle: "innerHTML",
      ignoreActiveValue: true,
      callbacks: {
        beforeNodeMorphed: (old) => !(old instanceof HTMLElement && ("keep" in old.dataset || still(old))),
        beforeNodeRemoved: (old) => !(old instanceof Element && "keep" in old.dataset && old.matches(".table-tools") && document.getElementById(old.id.replace(/-tools$/, ""))),
        beforeAttributeUpdated: (name, node) => !((name === "open" && node.tagName === "DETAILS") || name === "data-done"),
      },
    });
    for (const [box, top, left] of scrolled) if (box.scrollTop !== top || box.scrollLeft !== left) box.scrollTo(left, top);
    window.htmx?.process(part);
    document.dispatchEvent(new CustomEvent("kairos:changed"));
  };

  const renew = (ageMs) => {
    renewedAt = performance.now();
    ageThen = ageMs;
  };

  const show = (html, ageMs, at) => {
    const part = section();
    if (pressed || selecting(part)) {
      held = { html, ageMs, at };
      return;
    }
    held = null;
    renew(ageMs + performance.now() - at);
    morph(part, html);
  };

  const release = () => {
    if (held && !pressed && !selecting(section())) show(held.html, held.ageMs, held.at);
  };

  const ask = async () => {
    const part = section();
    if (part.dataset.live !== address) {
      address = part.dataset.live;
      etag = null;
    }
    busy = true;
    askedAt = performance.now();
    try {
      const answer = await fetch(address, {
        headers: { "x-kairos-live": "1", ...(etag ? { "if-none-match": etag } : {}) },
        cache: "no-store", credentials: "same-origin", signal: AbortSignal.timeout(WAIT_MS_MAX),
      });
      await take(answer, Number(answer.headers.get("x-data-age-ms") || 0));
    } catch {
      failures += 1;
    } finally {
      busy = false;
    }
  };

  const take = async (answer, ageMs) => {
    if (answer.status === 401) {
      end("Your session has ended.", "See why", location.href);
    } else if ([403, 404, 410].includes(answer.status)) {
      end("This cannot be shown any more.", "See why", location.href);
    } else if (answer.status === 304) {
      failures = 0;
      if (!held) renew(ageMs);
    } else if (answer.headers.has("x-kairos-problem")) {
      failures += 1;  // told in a header: the browser takes an error's status for an error of ours
    } else if (answer.ok) {
      const html = await answer.text();
      failures = 0;
      etag = answer.headers.get("etag");
      if (!paused) show(html, ageMs, performance.now());
    } else {
      failures += 1;
    }
  };

  const words = (ms) => (ms < 1000 ? "just now" : ms < 60000 ? `${Math.floor(ms / 1000)} s ago` : `${Math.floor(ms / 60000)} min ago`);

  const tell = () => {
    const ms = age();
    const old = ms > OLD_MS;
    const state = paused ? "paused" : old && failures ? "away" : old ? "old" : "live";
    pulse.dataset.state = state;
    pulse.lastElementChild.textContent = paused ? `Paused, ${words(ms)}` : words(ms);
    say(!old || paused ? "" : WORDS[failures ? "away" : held ? "held" : "old"]);
  };

  const tick = () => {
    if (ended || document.hidden) return;
    tell();
    const pause = Math.min(EVERY_MS * 2 ** Math.min(failures, 5), PAUSE_MS_MAX);
    if (!busy && !paused && performance.now() - askedAt >= pause - TICK_MS / 2) ask();
  };

  pulse.hidden = false;
  pulse.addEventListener("click", () => {
    paused = !paused;
    pulse.setAttribute("aria-pressed", String(paused));
    if (!paused) etag = null;
    tick();
  });
  document.addEventListener("pointerdown", () => { pressed = true; });
  for (const kind of ["pointerup", "pointercancel", "dragend"]) {
    document.addEventListener(kind, () => setTimeout(() => { pressed = false; release(); }));
  }
  document.addEventListener("selectionchange", release);
  document.addEventListener("visibilitychange", () => {
    pressed = false;
    if (!document.hidden) { failures = 0; askedAt = -Infinity; tick(); }
  });
  setInterval(tick, TICK_MS);
  tick();
})();
