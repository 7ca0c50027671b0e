"use strict";
/* The catalog's text: a link to a line puts the caret there, and line numbers grow with the text. */
(() => {
  const text = document.getElementById("catalog");
  const editor = document.getElementById("editor");
  if (!text || !editor) return;

  const countLines = () => {
    let count = 1;
    for (let at = text.value.indexOf("\n"); at >= 0; at = text.value.indexOf("\n", at + 1)) count += 1;
    return count;
  };

  const rangeOf = (line) => {
    let begin = 0;
    for (let at = 1; at < line; at += 1) {
      const next = text.value.indexOf("\n", begin);
      if (next < 0) break;
      begin = next + 1;
    }
    const end = text.value.indexOf("\n", begin);
    return [begin, end < 0 ? text.value.length : end];
  };

  const goTo = (line) => {
    const [begin, end] = rangeOf(line);
    text.focus({ preventScroll: true });
    text.setSelectionRange(begin, end);
    const height = Number.parseFloat(getComputedStyle(text).lineHeight);
    editor.scrollTo({ top: Math.max(0, (line - 1) * height - editor.clientHeight / 3), left: 0 });
    editor.scrollIntoView({ block: "nearest" });
  };

  document.addEventListener("click", (event) => {
    const link = event.target instanceof Element ? event.target.closest("a[data-line]") : null;
    if (!link) return;
    event.preventDefault();
    goTo(Number(link.dataset.line));
  });

  /* Numbers are in the page for the text as it came, and for some lines more. */
  text.addEventListener("input", () => {
    const gutter = document.getElementById("gutter");
    const lines = countLines();
    text.rows = lines;
    const known = Number(gutter.dataset.known || gutter.textContent.trim().split("\n").length);
    if (lines <= known) {
      gutter.dataset.known = String(known);
      return;
    }
    let more = "";
    for (let line = known + 1; line <= lines + 200; line += 1) more += `${line}\n`;
    gutter.append(more);
    gutter.dataset.known = String(lines + 200);
  });

  if (text.dataset.caret) goTo(Number(text.dataset.caret));
})();
