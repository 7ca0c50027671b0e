// Every table can be copied (tab-separated) or had as CSV: as it stands, with the machine's form of numbers and times.
"use strict";

(() => {
  const NUMBER = /^[-+]?(\d+\.?\d*|\.\d+)(e[-+]?\d+)?$/i;

  // A cell of text that a spreadsheet would take for a formula becomes text.
  const harmless = (text) => (/^[=+\-@\t\r]/.test(text) && !NUMBER.test(text) ? `'${text}` : text);

  const shown = (node) => node.textContent.replace(/\s+/g, " ").trim();

  const value = (cell) => {
    const [only, more] = cell.querySelectorAll("data, time");
    return only && !more && shown(only) === shown(cell) ? only.value ?? only.dateTime : shown(cell);
  };

  // Cells that span several columns leave the others empty, so that columns stay columns.
  const rows = (table) => [...table.rows].map((row) => [...row.cells].flatMap((cell) => [
    harmless(value(cell)), ...Array(cell.colSpan - 1).fill(""),
  ]));

  const csv = (table) => rows(table)
    .map((row) => row.map((text) => (/[",\n\r]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text)).join(",")).join("\r\n") + "\r\n";

  const tabbed = (table) => rows(table).map((row) => row.join("\t")).join("\n");

  const copy = async (text) => {
    if (navigator.clipboard) return navigator.clipboard.writeText(text);
    const field = document.createElement("textarea");
    field.value = text;
    field.className = "unseen";
    document.body.append(field);
    field.select();
    document.execCommand("copy");
    field.remove();
    return undefined;
  };

  const download = (name, text) => {
    const link = document.createElement("a");
    link.href = URL.createObjectURL(new Blob([text], { type: "text/csv;charset=utf-8" }));
    link.download = `${name.replace(/[^a-z0-9_-]+/gi, "-")}.csv`;
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 1000);
  };

  const say = (button, word) => {
    button.dataset.done = word;
    document.getElementById("said").textContent = word;
    setTimeout(() => { delete button.dataset.done; document.getElementById("said").textContent = ""; }, 1600);
  };

  document.addEventListener("click", async (event) => {
    const button = event.target.closest("[data-table-copy], [data-table-csv]");
    if (!button) return;
    const table = document.getElementById(button.dataset.tableCopy ?? button.dataset.tableCsv);
    if (!table) return;
    if ("tableCsv" in button.dataset) {
      download(table.dataset.name || table.id, csv(table));
      say(button, "Saved");
      return;
    }
    try {
      await copy(tabbed(table));
      say(button, "Copied");
    } catch {
      say(button, "Not allowed");
    }
  });

  // A table that was written without the macro gets its buttons here.
  const tool = (kind, table, label) => {
    const button = document.createElement("button");
    button.type = "button";
    button.className = "tool";
    button.dataset[kind] = table.id;
    button.textContent = label;
    button.setAttribute("aria-label", `${label}: ${table.dataset.name || table.id}`);
    return button;
  };

  const equip = () => {
    for (const table of document.querySelectorAll("table.data[id]")) {
      const id = CSS.escape(table.id);
      if (document.querySelector(`[data-table-csv="${id}"]`)) continue;
      const tools = document.createElement("div");
      tools.className = "table-tools";
      tools.id = `${table.id}-tools`;
      tools.dataset.keep = "";
      tools.append(tool("tableCopy", table, "Copy"), tool("tableCsv", table, "CSV"));
      table.before(tools);
    }
  };

  equip();
  document.addEventListener("kairos:changed", equip);
  document.addEventListener("htmx:afterSwap", equip);
})();
