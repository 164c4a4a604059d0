// Forms of a draft as data: what is in them, filling them again, and where unsaved work waits in the browser.
const oldest = 30 * 24 * 3600 * 1000;

// Every field but the token, in order.
export function fields(form) {
  return [...new FormData(form)].filter(([name]) => name !== "csrf_token");
}

export function fill(form, values) {
  const byName = new Map();
  for (const [name, value] of values) byName.set(name, [...(byName.get(name) ?? []), value]);
  for (const rows of form.querySelectorAll(".rows")) {
    const named = rows.querySelector(".row [name]")?.name;
    while (rows.querySelectorAll(".row").length < (byName.get(named)?.length ?? 0)) grow(rows);
  }
  const place = new Map();
  for (const control of form.elements) {
    const given = byName.get(control.name) ?? [];
    if (!control.name || control.name === "csrf_token") continue;
    if (control.type === "checkbox" || control.type === "radio") {
      control.checked = given.includes(control.value);
      continue;
    }
    const number = place.get(control.name) ?? 0;
    place.set(control.name, number + 1);
    if (number < given.length) control.value = given[number];
  }
}

// Whoever types in the last row of names and values gets another one below.
export function addRow(control) {
  const row = control.closest?.(".row");
  const rows = row?.closest(".rows");
  if (rows && row === [...rows.querySelectorAll(".row")].at(-1) && control.value) grow(rows);
}

function grow(rows) {
  const last = [...rows.querySelectorAll(".row")].at(-1);
  const next = last.cloneNode(true);
  for (const control of next.querySelectorAll("input, select")) {
    if (control.localName === "select") control.selectedIndex = 0;
    else control.value = "";
  }
  last.after(next);
}

// A form without unsaved work says what the server says. Where somebody is writing, only news of others come in:
// the form that was just saved keeps the text under the cursor as it was typed.
export function settle(form, html, justSaved) {
  for (const control of form.elements) {
    if (control === document.activeElement) {
      if (!justSaved && control.id) takeUp(control, html);
    } else if (control.type === "checkbox" || control.type === "radio") {
      control.checked = control.defaultChecked;
    } else if (control.localName === "select") {
      const chosen = [...control.options].findIndex((option) => option.defaultSelected);
      control.selectedIndex = Math.max(chosen, 0);
    } else if ("defaultValue" in control && control.value !== control.defaultValue) {
      control.value = control.defaultValue;
    }
  }
}

function takeUp(control, html) {
  const wanted = document.createElement("template");
  wanted.innerHTML = html;
  const fresh = wanted.content.getElementById(control.id);
  if (!fresh || !("setSelectionRange" in control) || fresh.value === control.value) return;
  const [start, end] = [control.selectionStart, control.selectionEnd];
  control.value = control.defaultValue = fresh.value;
  control.setSelectionRange(start, end);
}

// Unsaved work of one draft, by part. A browser that keeps nothing (private, full) costs the safety net, no more.
export function kept(draft) {
  const prefix = `draft:${draft}:`;
  return {
    keep(form) {
      attempt(() => localStorage.setItem(prefix + form.dataset.part, JSON.stringify({ at: Date.now(), fields: fields(form) })));
    },
    find(part) {
      return attempt(() => {
        const found = JSON.parse(localStorage.getItem(prefix + part));
        return found && Date.now() - found.at < oldest ? found : null;
      });
    },
    drop(part) {
      attempt(() => localStorage.removeItem(prefix + part));
    },
    parts() {
      const names = attempt(() => Object.keys(localStorage)) ?? [];
      return new Set(names.filter((name) => name.startsWith(prefix)).map((name) => name.slice(prefix.length)));
    },
  };
}

// What a browser may forbid.
export function attempt(what) {
  try {
    return what();
  } catch {
    return null;
  }
}
