// <live-fragment src events [subject] [agent]>: fetches its part of the page again when an event concerns it.
import { morph } from "./morph.js";

const pause = 120;

class LiveFragment extends HTMLElement {
  connectedCallback() {
    this.prefixes = (this.getAttribute("events") ?? "").split(" ").filter(Boolean);
    this.onEvent = ({ detail }) => { if (this.concerns(detail)) this.later(); };
    this.onReset = () => this.later();
    document.addEventListener("live:event", this.onEvent);
    document.addEventListener("live:reset", this.onReset);
  }

  disconnectedCallback() {
    document.removeEventListener("live:event", this.onEvent);
    document.removeEventListener("live:reset", this.onReset);
    clearTimeout(this.timer);
    this.request?.abort();
  }

  concerns(event) {
    if (event.type === "task.stream" || !this.prefixes.some((prefix) => event.type.startsWith(prefix))) return false;
    const workspace = document.body.dataset.workspaceId;
    if (workspace && event.workspace_id !== workspace) return false;
    const subject = this.getAttribute("subject");
    const agent = this.getAttribute("agent");
    if (subject && event.subject !== subject && event.data.agent_id !== subject) return false;
    return !agent || event.data.agent_id === agent;
  }

  // Several events in a row make one fetch; one that comes during a fetch makes one more.
  later() {
    this.stale = true;
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.refresh(), pause);
  }

  async refresh() {
    if (this.request) return;
    this.stale = false;
    this.request = new AbortController();
    try {
      const answer = await fetch(this.getAttribute("src"), {
        headers: { Accept: "text/html" }, signal: this.request.signal, redirect: "error",
      });
      if (answer.ok) morph(this, await answer.text());
    } catch (error) {
      if (error.name !== "AbortError") this.stale = false;
    } finally {
      this.request = null;
      if (this.stale && this.isConnected) this.later();
    }
  }
}

customElements.define("live-fragment", LiveFragment);
