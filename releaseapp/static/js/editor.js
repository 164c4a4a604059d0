// <draft-editor>: saves what is typed by itself, keeps it in the browser until the server has it, and follows what
// others save. Every saving is the same form that is sent without scripts; the answer is the editor anew.
import { tellGone, tellSignedOut } from "./gone.js";
import { addRow, fill, fields, kept, settle } from "./draft.js";
import { morph } from "./morph.js";

const pause = 800;
const patience = 4000;

class DraftEditor extends HTMLElement {
  connectedCallback() {
    this.work = kept(this.dataset.draft);
    this.unsaved = new Set();
    this.addEventListener("input", (event) => this.typed(event.target));
    this.addEventListener("submit", (event) => this.submitted(event));
    this.addEventListener("click", (event) => this.clicked(event));
    this.addEventListener("keydown", (event) => this.pressed(event));
    this.leaving = (event) => this.publishing(event);
    document.addEventListener("submit", this.leaving, { capture: true });
    this.follow = ({ detail }) => { if (!detail || detail.subject === this.dataset.workflow) this.refreshSoon(); };
    this.again = () => this.saveSoon(0);
    document.addEventListener("live:event", this.follow);
    document.addEventListener("live:reset", this.follow);
    document.addEventListener("live:open", this.again);
    addEventListener("online", this.again);
    this.drag();
    this.restore();
    this.mark();
  }

  disconnectedCallback() {
    document.removeEventListener("submit", this.leaving, { capture: true });
    document.removeEventListener("live:event", this.follow);
    document.removeEventListener("live:reset", this.follow);
    document.removeEventListener("live:open", this.again);
    removeEventListener("online", this.again);
    clearTimeout(this.timer);
    clearTimeout(this.refreshing);
  }

  get forms() { return [...this.querySelectorAll("form[data-part]")]; }

  typed(control) {
    const form = control.form;
    if (control.dataset.filter) this.filter(control);
    if (!form?.dataset.part) return;
    addRow(control);
    this.unsaved.add(form.id);
    this.work.keep(form);
    if (form.dataset.part !== "new" && !this.overtaken) {
      this.tell("waiting", "Not saved yet");
      this.saveSoon();
    }
  }

  saveSoon(wait = pause) {
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.flush(), wait);
  }

  // Saves every part that has changed; a new step waits until one says that it is ready.
  async flush() {
    clearTimeout(this.timer);
    for (const form of this.forms) {
      if (this.unsaved.has(form.id) && form.dataset.part !== "new" && !this.overtaken) await this.save(form);
    }
  }

  async save(form, button) {
    if (this.sending) {
      this.saveSoon();
      return;
    }
    const sent = JSON.stringify(fields(form));
    const part = form.dataset.part;
    this.sending = true;
    this.tell("waiting", "Saving…");
    try {
      const address = `${form.action}${form.action.includes("?") ? "&" : "?"}fragment=editor`;
      const body = new URLSearchParams(new FormData(form, button));
      const answer = await fetch(address, { method: "POST", headers: { Accept: "text/html" }, body, redirect: "error" });
      if (answer.status >= 500) throw new Error(`answered ${answer.status}`);
      if (answer.status === 401) return tellSignedOut();
      if (answer.status === 403 || answer.status === 404) return tellGone();
      const saved = answer.ok && JSON.stringify(fields(form)) === sent;
      if (saved) {
        this.unsaved.delete(form.id);
        this.work.drop(part);
      }
      this.overtaken = answer.status === 409;
      this.show(await answer.text(), form);
      if (answer.ok && !saved && part) this.saveSoon();
    } catch {
      this.tell("unsaved", "Not saved: the server cannot be reached. What you wrote is kept in this browser.");
      this.saveSoon(patience);
    } finally {
      this.sending = false;
    }
  }

  // The editor as the server has it now. What is unsaved stays as it is typed, and remembers what it began from.
  show(html, saved) {
    const began = new Map();
    for (const form of this.forms) {
      if (!this.unsaved.has(form.id) || form === saved) continue;
      for (const name of ["seen", "revision"]) if (form.elements[name]) began.set(`${form.id} ${name}`, form.elements[name].value);
    }
    const folds = [...this.querySelectorAll("details")].map((one) => one.open);
    const focused = this.contains(document.activeElement) ? document.activeElement : null;
    morph(this, html);
    // A row that was moved has lost it.
    if (focused?.isConnected && focused !== document.activeElement) focused.focus({ preventScroll: true });
    [...this.querySelectorAll("details")].forEach((one, place) => { if (place in folds) one.open = folds[place]; });
    for (const form of this.forms) {
      for (const name of ["seen", "revision"]) {
        const value = began.get(`${form.id} ${name}`);
        if (value !== undefined) form.elements[name].value = value;
      }
      if (!this.unsaved.has(form.id)) settle(form, html, form === saved);
    }
    const here = this.querySelector(".editor").dataset.here;
    if (location.search !== here) history.replaceState(null, "", here === "?" ? location.pathname : here);
    this.mark();
  }

  submitted(event) {
    const form = event.target;
    if (event.defaultPrevented || form.method !== "post") return;
    if (form.dataset.part) {
      if (form.dataset.part === "new") {
        this.work.keep(form);
        return;
      }
      event.preventDefault();
      this.overtaken = false;
      this.unsaved.add(form.id);
      this.save(form, event.submitter);
    } else if (form.classList.contains("step-moves")) {
      event.preventDefault();
      this.flush().then(() => this.save(form, event.submitter));
    }
  }

  // What is published is what one sees: the last words are saved first, and with faults nothing is published.
  async publishing(event) {
    const form = event.target;
    const waiting = this.forms.filter((one) => this.unsaved.has(one.id) && one.dataset.part !== "new");
    if (!form.action.endsWith("/publish") || !waiting.length) return;
    event.preventDefault();
    event.stopPropagation();
    await this.flush();
    if (waiting.some((one) => this.unsaved.has(one.id))) this.querySelector("#faults")?.focus();
    else form.requestSubmit();
  }

  async clicked(event) {
    const link = event.target.closest("a[href]");
    if (event.target.closest("[data-discard]")) {
      this.work.drop(this.forms[0].dataset.part);
      this.work.drop("yaml");
      location.reload();
    }
    if (!link || event.metaKey || event.ctrlKey || event.shiftKey || event.button) return;
    if ("takeTheirs" in link.dataset) for (const form of this.forms) this.work.drop(form.dataset.part);
    else if (this.unsaved.size) {
      event.preventDefault();
      await this.flush();
      location.assign(link.href);
    }
  }

  pressed(event) {
    const item = event.target.closest(".step-item[data-step]");
    if (!item || !event.altKey || !["ArrowUp", "ArrowDown"].includes(event.key)) return;
    event.preventDefault();
    const button = item.querySelectorAll(".step-moves button")[event.key === "ArrowUp" ? 0 : 1];
    if (!button.disabled) this.flush().then(() => this.save(button.form, button));
  }

  drag() {
    let dragged = null;
    const over = (event) => dragged && event.target.closest?.(".step-item[data-step]");
    const clear = () => this.querySelectorAll("[data-over]").forEach((item) => delete item.dataset.over);
    const below = (item, event) => event.clientY > item.getBoundingClientRect().top + item.offsetHeight / 2;
    this.addEventListener("dragstart", (event) => {
      dragged = event.target.closest?.(".step-item[data-step]");
      dragged?.classList.add("dragged");
    });
    this.addEventListener("dragover", (event) => {
      const item = over(event);
      if (!item) return;
      event.preventDefault();
      clear();
      item.dataset.over = below(item, event) ? "after" : "before";
    });
    this.addEventListener("drop", (event) => {
      const item = over(event);
      if (!item) return;
      event.preventDefault();
      const from = Number(dragged.dataset.place);
      const target = Number(item.dataset.place) + (below(item, event) ? 1 : 0);
      const to = target > from ? target - 1 : target;
      const button = dragged.querySelector(".step-moves button");
      if (to !== from) {
        button.value = to;
        button.disabled = false;
        this.flush().then(() => this.save(button.form, button));
      }
    });
    this.addEventListener("dragend", () => {
      dragged?.classList.remove("dragged");
      dragged = null;
      clear();
    });
  }

  // What was typed here before the page was closed, or before the connection was lost.
  restore() {
    for (const form of this.forms) {
      const found = this.work.find(form.dataset.part);
      if (!found || JSON.stringify(found.fields) === JSON.stringify(fields(form))) {
        this.work.drop(form.dataset.part);
        continue;
      }
      fill(form, found.fields);
      this.unsaved.add(form.id);
      const notice = document.createElement("p");
      notice.className = "notice";
      notice.setAttribute("role", "status");
      const discard = document.createElement("button");
      discard.type = "button";
      discard.className = "button small";
      discard.dataset.discard = "";
      discard.textContent = "Discard it";
      notice.append(`What you wrote at ${new Date(found.at).toLocaleTimeString()} was not saved, and is here again. `, discard);
      form.prepend(notice);
      if (form.dataset.part !== "new") this.saveSoon();
    }
  }

  mark() {
    const waiting = this.work.parts();
    for (const item of this.querySelectorAll(".step-item[data-step]")) {
      item.draggable = true;
      item.toggleAttribute("data-unsaved", waiting.has(item.dataset.step));
    }
    const help = this.querySelector(".step-help");
    if (help) help.hidden = false;
  }

  tell(state, text) {
    const line = this.querySelector(".editor-state");
    if (!line) return;
    line.dataset.state = state;
    line.textContent = text;
  }

  filter(input) {
    const words = input.value.trim().toLowerCase();
    for (const item of document.getElementById(input.dataset.filter).children) item.hidden = !item.dataset.words.includes(words);
  }

  // Others' savings. Events in a row make one fetch; what is being saved brings the news along by itself.
  refreshSoon() {
    clearTimeout(this.refreshing);
    this.refreshing = setTimeout(async () => {
      if (this.sending) return this.refreshSoon();
      const here = this.querySelector(".editor").dataset.here;
      try {
        const address = `${location.pathname}${here}${here === "?" ? "" : "&"}fragment=editor`;
        const answer = await fetch(address, { headers: { Accept: "text/html" }, redirect: "error" });
        if (answer.ok && !this.sending) this.show(await answer.text());
      } catch {
        // The next event, or the connection when it is back, asks again.
      }
    }, 300);
  }
}

customElements.define("draft-editor", DraftEditor);
