// One live connection for the page. Events are handed on as "live:event" on document, in order, each once.
const body = document.body;
const shortest = 500;
const longest = 30000;

class Live {
  constructor(last) {
    this.last = last;
    this.failures = 0;
    this.ended = false;
    addEventListener("online", () => this.soon(0));
    addEventListener("offline", () => this.tell("off", "offline"));
    addEventListener("pagehide", () => { this.leaving = true; this.socket?.close(1000); });
    addEventListener("pageshow", (event) => { if (event.persisted) { this.leaving = false; this.open(); } });
    this.open();
  }

  open() {
    clearTimeout(this.timer);
    if (this.ended || (this.socket && this.socket.readyState <= WebSocket.OPEN)) return;
    const scheme = location.protocol === "https:" ? "wss" : "ws";
    const socket = this.socket = new WebSocket(`${scheme}://${location.host}/ws?since=${this.last}`);
    socket.onmessage = (message) => this.receive(JSON.parse(message.data));
    socket.onclose = (event) => { if (this.socket === socket) this.closed(event.code); };
  }

  receive(frame) {
    if (frame.type === "hello") {
      this.failures = 0;
      this.tell("live", "live");
    } else if (frame.type === "ping") {
      // Everything up to this id has been told, though none of it may have been for us.
      this.last = Math.max(this.last, frame.id ?? 0);
      this.socket.send('{"type":"pong"}');
    } else if (frame.type === "memberships") {
      document.dispatchEvent(new CustomEvent("live:reset"));
    } else if (frame.type === "reset") {
      this.last = frame.id;
      document.dispatchEvent(new CustomEvent("live:reset"));
    } else if (frame.type === "event" && frame.event.id > this.last) {
      this.last = frame.event.id;
      document.dispatchEvent(new CustomEvent("live:event", { detail: frame.event }));
    }
  }

  closed(code) {
    if (this.leaving) return;
    if (code === 4401) {
      this.ended = true;
      this.tell("off", "signed out");
    } else if (code === 4403) {
      this.ended = true;
      location.reload();
    } else {
      // Full jitter: after a restart of the server not everybody comes back at the same moment.
      const ceiling = Math.min(longest, shortest * 2 ** this.failures++);
      this.soon(Math.random() * (code === 1012 ? Math.min(ceiling, 2000) : ceiling) + 50);
    }
  }

  soon(milliseconds) {
    if (this.ended) return;
    this.tell(navigator.onLine ? "waiting" : "off", navigator.onLine ? "reconnecting" : "offline");
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.open(), milliseconds);
  }

  tell(state, text) {
    for (const dot of document.querySelectorAll("live-dot")) {
      dot.hidden = false;
      dot.dataset.state = state;
      dot.title = `Live updates: ${text}`;
      dot.querySelector(".dot-text").textContent = text;
    }
  }
}

if ("live" in body.dataset) new Live(Number(body.dataset.lastEvent));
