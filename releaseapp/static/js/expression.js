// Completes paths in {{ … }}: fields marked data-expression offer what #paths lists, with its sample values.
const most = 12;
let list = null;

document.addEventListener("input", ({ target }) => { if (isField(target)) offer(target); });
document.addEventListener("keyup", ({ target, key }) => { if (isField(target) && ["ArrowLeft", "ArrowRight"].includes(key)) offer(target); });
document.addEventListener("focusout", close);
document.addEventListener("keydown", (event) => {
  if (!list || event.target !== list.field) return;
  const act = { ArrowDown: () => step(1), ArrowUp: () => step(-1), Escape: close, Enter: accept, Tab: accept }[event.key];
  if (!act || (event.key === "Enter" && (event.ctrlKey || event.metaKey))) return;
  event.preventDefault();
  event.stopPropagation();
  act();
}, true);

const isField = (target) => target.matches?.("[data-expression]");

// The word before the cursor, when the cursor is in an expression and not in a text of it.
function word(field) {
  const before = field.value.slice(0, field.selectionStart);
  const start = before.lastIndexOf("{{");
  if (start < 0 || before.indexOf("}}", start) >= 0) return null;
  const inside = before.slice(start + 2);
  if ((inside.match(/'/g)?.length ?? 0) % 2 || (inside.match(/"/g)?.length ?? 0) % 2) return null;
  return inside.match(/[A-Za-z_][\w.]*$/)?.[0] ?? (/(^|[\s(|,=<>~+*/[-])$/.test(inside) ? "" : null);
}

function found(typed) {
  const words = typed.toLowerCase();
  const paths = [...document.querySelectorAll("#paths > div")].map((row) => [row.querySelector("dt").textContent, row.querySelector("dd").textContent]);
  const begins = paths.filter(([path]) => path.toLowerCase().startsWith(words) && path !== typed);
  const holds = words ? paths.filter(([path]) => !path.toLowerCase().startsWith(words) && path.toLowerCase().includes(words)) : [];
  return [...begins, ...holds].slice(0, most);
}

function offer(field) {
  close();
  const typed = field.selectionStart === field.selectionEnd ? word(field) : null;
  const paths = typed === null ? [] : found(typed);
  if (!paths.length) return;
  list = document.createElement("ul");
  Object.assign(list, { className: "completions", id: "completions", field, typed, chosen: 0 });
  list.setAttribute("role", "listbox");
  list.setAttribute("aria-label", "What can be read here");
  paths.forEach(([path, sample], number) => {
    const item = document.createElement("li");
    item.id = `completion-${number}`;
    item.setAttribute("role", "option");
    item.dataset.path = path;
    const name = document.createElement("span");
    name.className = "path";
    name.textContent = path;
    const value = document.createElement("span");
    value.className = "muted";
    value.textContent = sample;
    item.append(name, value);
    // Before the field loses the focus.
    item.addEventListener("pointerdown", (event) => { event.preventDefault(); list.chosen = number; accept(); });
    list.append(item);
  });
  field.setAttribute("aria-autocomplete", "list");
  field.setAttribute("aria-controls", "completions");
  (field.closest(".row") ?? field.closest(".field")).append(list);
  step(0);
}

function step(by) {
  const items = [...list.children];
  list.chosen = (list.chosen + by + items.length) % items.length;
  items.forEach((item, number) => item.setAttribute("aria-selected", String(number === list.chosen)));
  items[list.chosen].scrollIntoView({ block: "nearest" });
  list.field.setAttribute("aria-activedescendant", items[list.chosen].id);
}

function accept() {
  const { field, typed } = list;
  const path = list.children[list.chosen].dataset.path;
  close();
  const end = field.selectionStart;
  const after = field.value.slice(end);
  const space = !typed && field.value.slice(0, end).endsWith("{{") ? " " : "";
  const closing = /^[^{]*}}/.test(after) ? "" : " }}";
  field.setRangeText(space + path + closing, end - typed.length, end, "end");
  const cursor = field.selectionStart - closing.length;
  field.setSelectionRange(cursor, cursor);
  field.dispatchEvent(new InputEvent("input", { bubbles: true }));
  close();
}

function close() {
  if (!list) return;
  list.field.removeAttribute("aria-activedescendant");
  list.field.removeAttribute("aria-controls");
  list.remove();
  list = null;
}
