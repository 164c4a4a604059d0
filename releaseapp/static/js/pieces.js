// What <who-is-here> and lines of pages are made of: small elements, the dialog that wants a reason, and forms that can only be read.
export function made(tag, className, ...children) {
  const element = document.createElement(tag);
  if (className) element.className = className;
  element.append(...children);
  return element;
}

export function button(label, action, className = "button small") {
  const element = made("button", className, label);
  element.type = "button";
  element.addEventListener("click", action);
  return element;
}

export function since(moment) {
  const minutes = Math.floor((Date.now() - Date.parse(moment)) / 60000);
  if (minutes < 1) return "is editing";
  return `has been editing for ${minutes < 60 ? `${minutes} min` : `${Math.floor(minutes / 60)} h`}`;
}

// While another edits, in a form or a part with several: what stands there can be read, marked and copied, nothing can
// be changed or sent, nothing is lost. Choices are not disabled: their form would be kept without them.
export function setReadOnly(part, on) {
  part.toggleAttribute("data-read-only", on);
  for (const control of part.querySelectorAll("button, select, textarea, input:not([type=hidden])")) {
    if (control.localName === "button") setWaiting(control, on);
    else if (control.matches("select, [type=radio], [type=checkbox], [type=file]")) set(control, "aria-disabled", on);
    else set(control, "readonly", on);
  }
}

// For the capture of clicks and keys in the part.
export function refuseChoice(event) {
  if (event.key !== "Tab" && event.target.closest?.("[aria-disabled=true]")) event.preventDefault();
}

function set(control, name, on) {
  if (control.hasAttribute(name) === on) return;
  if (on) control.setAttribute(name, "true");
  else control.removeAttribute(name);
}

function setWaiting(button, on) {
  if (on && !button.disabled) {
    button.dataset.waits = "yes";
    button.disabled = true;
  } else if (!on && button.dataset.waits) {
    delete button.dataset.waits;
    button.disabled = false;
  }
}

export function askReason(name, then) {
  const title = made("h2", "", `Take over from ${name}?`);
  title.id = "force-title";
  const text = made("p", "muted", `${name} is told why, and the activity log keeps it. What ${name} has not saved stays on ${name}’s page alone.`);
  const label = made("label", "", "Reason");
  const reason = made("input", "");
  Object.assign(reason, { id: "force-reason", required: true, maxLength: 300, pattern: ".*\\S.*", title: "Say why, in a few words.", autocomplete: "off" });
  label.htmlFor = reason.id;
  const go = made("button", "button primary danger", "Take over");
  const actions = made("div", "actions", button("Cancel", () => dialog.close(), "button"), go);
  const form = made("form", "stack", title, text, made("div", "field", label, reason), actions);
  form.method = "dialog";
  form.addEventListener("submit", () => then(reason.value));
  const dialog = made("dialog", "ask", form);
  dialog.setAttribute("aria-labelledby", title.id);
  dialog.addEventListener("close", () => dialog.remove());
  document.body.append(dialog);
  dialog.showModal();
  reason.focus();
}
