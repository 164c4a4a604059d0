// <live-fragment src events [subject] [agent] [every]>: fetches its part of the page again when an event concerns it,
// and every so many seconds when no event tells of what it shows.
import { morph } from "./morph.js";
import { tellGone } from "./gone.js";

const pause = 120;
const patience = 3000;

class LiveFragment extends HTMLElement {
  connectedCallback() {
    this.prefixes = (this.getAttribute("events") ?? "").split(" ").filter(Boolean);
    this.onEvent = ({ detail }) => { if (this.concerns(detail)) this.later(); };
    this.onReset = () => this.later();
    this.onBack = () => { if (this.stale) this.later(); };
    document.addEventListener("live:event", this.onEvent);
    document.addEventListener("live:reset", this.onReset);
    document.addEventListener("live:open", this.onBack);
    document.addEventListener("visibilitychange", this.onBack);
    const every = Number(this.getAttribute("every"));
    if (every > 0) this.clock = setInterval(() => this.later(), every * 1000);
  }

  disconnectedCallback() {
    document.removeEventListener("live:event", this.onEvent);
    document.removeEventListener("live:reset", this.onReset);
    document.removeEventListener("live:open", this.onBack);
    document.removeEventListener("visibilitychange", this.onBack);
    clearTimeout(this.timer);
    clearInterval(this.clock);
    this.timer = null;
    this.request?.abort();
  }

  concerns(event) {
    if (event.type === "task.stream" || !this.prefixes.some((prefix) => event.type.startsWith(prefix))) return false;
    const workspace = document.body.dataset.workspaceId;
    if (workspace && event.workspace_id !== workspace && !this.hasAttribute("everywhere")) return false;
    const subject = this.getAttribute("subject");
    const agent = this.getAttribute("agent");
    if (subject && event.subject !== subject && event.data.agent_id !== subject) return false;
    return !agent || event.data.agent_id === agent;
  }

  // Events in a row make one fetch, however long the row; one that comes during a fetch makes one more.
  // A page that nobody looks at waits until somebody does.
  later(wait = pause) {
    this.stale = true;
    if (this.timer || this.request || document.hidden) return;
    this.timer = setTimeout(() => {
      this.timer = null;
      this.refresh();
    }, wait);
  }

  async refresh() {
    this.stale = false;
    const request = this.request = new AbortController();
    let wait = pause;
    try {
      const answer = await fetch(this.getAttribute("src"), {
        headers: { Accept: "text/html" }, signal: request.signal, redirect: "error",
      });
      if (answer.ok) morph(this, await answer.text());
      else if (answer.status === 403 || answer.status === 404) tellGone();
      else throw new Error(`answered ${answer.status}`);
    } catch {
      // What was to be shown is still owed: tried again while the page is there, and when the connection is back.
      this.stale = true;
      wait = patience;
    } finally {
      this.request = null;
      if (this.stale && this.isConnected) this.later(wait);
    }
  }
}

customElements.define("live-fragment", LiveFragment);
