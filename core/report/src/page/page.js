// Sorting of tables, and where each number comes from. Without it the page is whole, but still.
"use strict";
const data = JSON.parse(document.getElementById("provenance").textContent);

function sort(header) {
  const table = header.closest("table");
  const body = table.tBodies[0];
  const place = header.cellIndex;
  const down = header.getAttribute("aria-sort") === "ascending";
  const key = (row) => {
    const cell = row.cells[place];
    return cell.dataset.value === undefined ? cell.textContent.trim() : Number(cell.dataset.value);
  };
  // Numbers, then words, then what is missing, whatever the direction.
  const rank = (value) => (typeof value === "number" ? 0 : /[\p{L}\p{N}]/u.test(value) ? 1 : 2);
  const compare = (a, b) => {
    if (rank(a) !== rank(b)) return rank(a) - rank(b);
    const order = typeof a === "number" ? a - b : a.localeCompare(b, "en", { numeric: true });
    return down ? -order : order;
  };
  const rows = Array.from(body.rows, (row) => [key(row), row]);
  rows.sort((a, b) => compare(a[0], b[0]));
  body.append(...rows.map((pair) => pair[1]));
  for (const other of table.tHead.rows[0].cells) other.setAttribute("aria-sort", "none");
  header.setAttribute("aria-sort", down ? "descending" : "ascending");
}

function make(name, text, parent) {
  const made = document.createElement(name);
  if (text !== undefined) made.textContent = text;
  if (parent) parent.append(made);
  return made;
}

function facts(pairs, parent) {
  const list = make("dl", undefined, parent);
  list.className = "facts";
  for (const [name, value, code] of pairs) {
    make("dt", name, list);
    make(code ? "code" : "span", value, make("dd", undefined, list));
  }
}

function recipe(run, parent) {
  const lines = run.recipe.map((i) => data.lines[i]);
  if (!lines.length) return;
  make("p", "Recipe: everything that the result is a function of.", parent);
  make("pre", lines.join("\n"), parent).tabIndex = 0;
}

function show(button) {
  const dialog = document.getElementById("from");
  const cell = button.closest("td, th, li");
  const table = button.closest("table");
  const where = [];
  if (table) {
    where.push(table.caption.textContent, cell.parentNode.cells[0].textContent);
    where.push(table.tHead.rows[0].cells[cell.cellIndex].textContent);
  }
  dialog.querySelector("h2").textContent = "Where " + button.textContent.trim() + " comes from";
  const body = dialog.querySelector(".body");
  body.replaceChildren();
  if (button.dataset.of) where.push(cell.querySelector("em").textContent, button.dataset.of);
  if (where.length) make("p", where.map((w) => w.trim()).join(" · "), body).className = "quiet";
  const runs = button.dataset.runs.split(" ").map((i) => data.runs[i]);
  make("p", runs.length === 1 ? "One run:" : runs.length + " runs:", body);
  for (const run of runs) {
    const details = make("details", undefined, body);
    details.open = runs.length === 1;
    make("summary", run.name, details);
    facts(run.facts, details);
    make("p", "To check it:", details);
    make("pre", run.commands.join("\n"), details).tabIndex = 0;
    recipe(run, details);
  }
  dialog.showModal();
}

document.addEventListener("click", (event) => {
  const button = event.target.closest("button");
  if (!button) return;
  if (button.matches(".sort")) sort(button.closest("th"));
  else if (button.matches(".from")) show(button);
  else if (button.matches(".close")) button.closest("dialog").close();
});
