// One live connection for the page. Events are handed on as "live:event" on document, in order, each once;
// "live:reset" says that what the page shows may be old, "live:open" that the connection is there again.
// What else the server says comes as "live:frame"; say() answers it.
import { tellRestored, tellSignedOut } from "./gone.js";

const body = document.body;
const shortest = 500;
const longest = 30000;
const steady = 10000;
const silence = 45000;

const tellAll = (name, detail) => document.dispatchEvent(new CustomEvent(name, { detail }));

class Live {
  constructor(last) {
    this.last = last;
    this.failures = 0;
    this.ended = false;
    addEventListener("online", () => this.soon(0));
    addEventListener("offline", () => this.tell("off", "offline"));
    addEventListener("pagehide", () => { this.leaving = true; this.socket?.close(1000); });
    addEventListener("pageshow", (event) => { if (event.persisted) { this.leaving = false; this.open(); } });
    document.addEventListener("visibilitychange", () => this.wake());
    this.open();
  }

  open() {
    clearTimeout(this.timer);
    if (this.ended || (this.socket && this.socket.readyState <= WebSocket.OPEN)) return;
    const scheme = location.protocol === "https:" ? "wss" : "ws";
    const socket = this.socket = new WebSocket(`${scheme}://${location.host}/ws?since=${this.last}`);
    this.greeted = false;
    this.wait = null;
    socket.onmessage = (message) => { if (this.socket === socket) this.receive(JSON.parse(message.data)); };
    socket.onclose = (event) => { if (this.socket === socket) this.closed(event.code); };
  }

  receive(frame) {
    this.heard = Date.now();
    if (frame.type === "hello") {
      this.greeted = true;
      this.since = Date.now();
      this.tell("live", "live");
      tellAll("live:open");
    } else if (frame.type === "ping") {
      // Everything up to this id has been told, though none of it may have been for us.
      this.last = Math.max(this.last, frame.id ?? 0);
      this.socket.send('{"type":"pong"}');
    } else if (frame.type === "memberships") {
      tellAll("live:reset");
    } else if (frame.type === "goodbye") {
      this.wait = frame.wait * 1000;
    } else if (frame.type === "reset") {
      this.last = frame.id;
      tellAll("live:reset");
      if (frame.restored) this.restored();
    } else if (frame.type === "event" && frame.event.id > this.last) {
      this.last = frame.event.id;
      tellAll("live:event", frame.event);
    } else if (frame.type !== "event") {
      tellAll("live:frame", frame);
    }
  }

  // Everything may be older than it stands here. Not all pages at one moment; and what somebody types is not thrown away.
  restored() {
    if (document.querySelector("form[data-keep], draft-editor, dialog[open]")) tellRestored();
    // Who has just sent a form is on the way to another page, which is new by itself.
    else setTimeout(() => { if (!document.querySelector("form[data-sent]")) location.reload(); }, Math.random() * 2000);
  }

  say(message) {
    if (!this.greeted || this.socket?.readyState !== WebSocket.OPEN) return false;
    this.socket.send(JSON.stringify(message));
    return true;
  }

  async closed(code) {
    if (this.leaving) return;
    if (code === 4401) return this.signedOut();
    if (code === 4403) {
      this.ended = true;
      location.reload();
      return;
    }
    // Only a connection that stood for a while shows that all is well; one that is cut at once is a failure too.
    if (this.greeted && Date.now() - this.since > steady) this.failures = 0;
    // Full jitter: after a restart of the server not everybody comes back at the same moment.
    const ceiling = Math.min(longest, shortest * 2 ** this.failures++);
    this.soon((this.wait ?? Math.random() * (code === 1012 ? Math.min(ceiling, 2000) : ceiling)) + 50);
    if (!this.greeted) await this.ask();
  }

  // A handshake that is refused looks to a page like a server that is away; whether one is signed out must be asked.
  async ask() {
    try {
      const answer = await fetch("/auth/me", { headers: { Accept: "application/json" } });
      if (answer.status === 401) this.signedOut();
    } catch {
      // It is away.
    }
  }

  signedOut() {
    this.ended = true;
    clearTimeout(this.timer);
    this.tell("off", "signed out");
    tellSignedOut();
  }

  // After a sleep a connection may be dead without knowing it.
  wake() {
    if (document.hidden || this.ended) return;
    if (this.socket.readyState > WebSocket.OPEN) this.soon(0);
    else if (this.greeted && Date.now() - this.heard > silence) {
      const old = this.socket;
      this.socket = null;
      old.close(1000);
      this.open();
    }
  }

  soon(milliseconds) {
    if (this.ended) return;
    this.tell(navigator.onLine ? "waiting" : "off", navigator.onLine ? "reconnecting" : "offline");
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.open(), milliseconds);
  }

  // Read aloud only from the first trouble on: that a page is live when it opens is no news.
  tell(state, text) {
    for (const dot of document.querySelectorAll("live-dot")) {
      if (state !== "live") dot.setAttribute("role", "status");
      dot.hidden = false;
      dot.dataset.state = state;
      dot.title = `Live updates: ${text}`;
      dot.querySelector(".dot-text").textContent = text;
    }
  }
}

const live = "live" in body.dataset ? new Live(Number(body.dataset.lastEvent)) : null;

// Whether it could be sent; after "live:open" it can.
export const say = (message) => live?.say(message) ?? false;
