// <who-is-here subject name me [for] [can-edit] [can-force]>: who else looks at the same thing, and who edits it.
// The first who types in the form (or part with forms) named by "for" takes the lock; while another holds it, the form can only be read.
// "lock:changed" bubbles from here with { mine, holder }: holder is the name of somebody else who edits, or null.
import { say } from "./live.js";
import { askReason, button, made, refuseChoice, setReadOnly, since } from "./pieces.js";

const shown = 5;

class WhoIsHere extends HTMLElement {
  connectedCallback() {
    Object.assign(this, { people: [], more: 0, lock: null, mine: false, wanted: false, asked: false, note: "" });
    this.asks = new Map();
    this.me = this.getAttribute("me");
    this.form = document.getElementById(this.getAttribute("for") ?? "");
    this.build();
    this.gone = new AbortController();
    const told = (name, action) => document.addEventListener(name, action, { signal: this.gone.signal });
    told("live:open", () => this.enter());
    told("live:frame", ({ detail }) => { if (detail.subject === this.subject) this.hear(detail); });
    told("live:event", ({ detail }) => this.notice(detail));
    if (this.form && this.hasAttribute("can-edit")) this.guard();
    this.clock = setInterval(() => this.render(), 20000);
    this.enter();
  }

  disconnectedCallback() {
    this.tell("leave");
    this.gone.abort();
    this.closing?.disconnect();
    clearInterval(this.clock);
  }

  get subject() { return this.getAttribute("subject"); }

  get locked() { return Boolean(this.lock) && !this.mine; }

  tell(type, more = {}) { return say({ type, subject: this.subject, ...more }); }

  // Also after the connection was away: the lock went with it, and is mine again unless somebody was quicker.
  enter() {
    this.asks.clear();
    this.asked = false;
    this.back = this.mine;
    if (this.tell("watch") && (this.mine || this.wanted)) this.tell("lock");
  }

  guard() {
    const { signal } = this.gone;
    this.form.addEventListener("input", () => {
      if (this.note) {
        this.note = "";
        this.render();
      }
      if (this.mine || this.wanted || this.locked) return;
      this.wanted = true;
      this.tell("lock");
    }, { signal });
    this.form.addEventListener("submit", (event) => {
      if (!this.locked) return;
      event.preventDefault();
      event.stopImmediatePropagation();
    }, { signal, capture: true });
    for (const type of ["click", "keydown"]) this.form.addEventListener(type, refuseChoice, { signal, capture: true });
  }

  hear(frame) {
    const name = frame.by?.name;
    switch (frame.type) {
      case "presence":
        this.people = frame.people.filter((one) => one.id !== this.me);
        this.more = frame.more;
        if (this.lock && !frame.lock) this.note = "";
        this.lock = frame.lock;
        if (!frame.more) for (const id of this.asks.keys()) if (!this.people.some((one) => one.id === id)) this.asks.delete(id);
        break;
      case "lock.granted":
        this.note = this.asked ? "You can edit now." : "";
        Object.assign(this, { mine: true, wanted: false, asked: false, lock: null });
        break;
      case "lock.lost":
        this.lose(frame, name);
        break;
      case "lock.refused":
        this.refused(frame);
        break;
      case "lock.asked":
        this.asks.set(frame.by.id, name);
        this.speak(`${name} asks to edit.`);
        break;
      case "lock.declined":
        this.asked = false;
        this.note = `${name} goes on editing for now.`;
        break;
      case "watch.refused":
      case "watch.ended":
        Object.assign(this, { people: [], more: 0, lock: null, mine: false, wanted: false, asked: false });
        break;
    }
    this.render();
  }

  lose({ why, by, reason }, name) {
    this.mine = false;
    this.asks.clear();
    this.lock = by && { ...by, since: new Date().toISOString() };
    this.note = {
      forced: `${name} took over: “${reason}”. What you typed is still here.`,
      handed_over: `You handed over to ${name}. What you typed is still here.`,
      elsewhere: "You went on in another tab. What you typed is still here.",
      role: "Your role may not edit this any more. What you typed is still here.",
    }[why] ?? "";
  }

  refused({ holder, detail }) {
    const returning = this.back && holder?.id === this.me;
    this.back = false;
    // What still stands there is the end of my own old connection.
    if (returning) {
      this.tell("ask");
      return;
    }
    if (!this.mine && !this.wanted) this.note = detail;
    else if (holder && holder.id !== this.me) this.note = `${holder.name} was quicker. What you typed is still here.`;
    Object.assign(this, { mine: false, wanted: false, asked: false });
    this.lock = holder ?? this.lock;
  }

  // Who came later works on what is old once somebody has saved.
  notice(event) {
    if (!this.form || event.type !== "agent.updated" || event.subject !== this.subject || event.actor === this.me) return;
    const name = this.people.find((one) => one.id === event.actor)?.name ?? "Somebody";
    this.old.firstChild.textContent = `${name} saved a change after you opened this page. `;
    this.old.hidden = false;
    this.speak(this.old.firstChild.textContent);
  }

  build() {
    this.tabIndex = -1;
    this.list = made("ul", "here-people");
    this.list.setAttribute("aria-label", `Also at ${this.getAttribute("name")}`);
    this.line = made("p", "here-text");
    this.askButton = button("Ask to edit", () => { this.asked = this.tell("ask"); this.render(); });
    this.hereButton = button("Edit here", () => this.tell("ask"));
    this.forceButton = button("Take over…", () => askReason(this.lock.name, (reason) => this.tell("force", { reason })));
    const actions = made("div", "actions", this.askButton, this.hereButton, this.forceButton);
    this.box = made("div", "here-line notice", this.line, actions);
    this.boxes = made("div", "here-asks");
    const reload = made("a", "", "Reload");
    reload.href = location.href;
    this.old = made("p", "here-line notice", "", reload);
    this.old.prepend(document.createTextNode(""));
    this.old.hidden = true;
    this.status = made("p", "hidden");
    this.status.setAttribute("role", "status");
    this.replaceChildren(this.list, this.box, this.boxes, this.old, this.status);
    this.render();
  }

  render() {
    const focused = this.contains(document.activeElement) && document.activeElement !== this;
    this.renderPeople();
    this.renderAsks();
    const mayAsk = this.locked && this.hasAttribute("can-edit");
    const own = this.lock?.id === this.me;
    const state = own ? "You are editing this in another tab." : `${this.lock?.name} ${since(this.lock?.since)}.`;
    this.line.textContent = this.note || (this.locked ? state : "");
    this.box.hidden = !this.form || !this.line.textContent;
    this.askButton.hidden = !mayAsk || own;
    this.askButton.disabled = this.asked;
    this.askButton.textContent = this.asked ? "Asked" : "Ask to edit";
    this.hereButton.hidden = !mayAsk || !own;
    this.forceButton.hidden = !mayAsk || own || !this.hasAttribute("can-force");
    this.changed();
    if (focused && (document.activeElement === document.body || document.activeElement.closest("[hidden]"))) this.focus();
  }

  renderPeople() {
    const rest = Math.max(0, this.people.length - shown) + this.more;
    const key = JSON.stringify([this.people, rest]);
    if (key === this.painted) return;
    this.painted = key;
    const items = this.people.slice(0, shown).map((one) => {
      const [state, mark] = one.editing ? ["editing", " here-editing"] : ["looking", ""];
      const face = made("span", `avatar${mark}`, [...one.name][0].toUpperCase());
      face.ariaHidden = "true";
      const item = made("li", "", face, made("span", "hidden", `${one.name}, ${state}`));
      item.title = `${one.name}, ${state}`;
      return item;
    });
    if (rest) items.push(made("li", "here-more", `+${rest}`, made("span", "hidden", " more")));
    this.list.replaceChildren(...items);
    this.list.hidden = !items.length;
  }

  renderAsks() {
    for (const box of [...this.boxes.children]) if (!this.mine || !this.asks.has(box.dataset.by)) box.remove();
    if (!this.mine) return;
    for (const [id, name] of this.asks) {
      if ([...this.boxes.children].some((box) => box.dataset.by === id)) continue;
      const answer = (type) => { this.asks.delete(id); this.tell(type, { to: id }); this.render(); };
      const actions = made("div", "actions", button("Hand over", () => answer("hand_over")), button("Not now", () => answer("decline")));
      const box = made("div", "here-line notice", made("p", "here-text", `${name} asks to edit.`), actions);
      box.dataset.by = id;
      this.boxes.append(box);
    }
  }

  changed() {
    const holder = this.locked ? this.lock.name : null;
    const key = JSON.stringify([this.mine, holder, this.note]);
    if (key === this.known) return;
    if (this.known !== undefined || holder) this.speak(this.line.textContent);
    this.known = key;
    if (this.form && this.hasAttribute("can-edit")) this.close(Boolean(holder));
    this.dispatchEvent(new CustomEvent("lock:changed", { bubbles: true, detail: { mine: this.mine, holder } }));
  }

  // What is fetched anew meanwhile, or put right by it, is closed too.
  close(on) {
    this.closing?.disconnect();
    setReadOnly(this.form, on);
    if (!on) return;
    this.closing = new MutationObserver(() => setReadOnly(this.form, true));
    this.closing.observe(this.form, { subtree: true, childList: true, attributeFilter: ["aria-disabled", "disabled", "readonly"] });
  }

  speak(text) { this.status.textContent = text; }
}

customElements.define("who-is-here", WhoIsHere);
