// <live-log src task last lines>: adds the lines of a task as they are written, each once and in order.
const clock = new Intl.DateTimeFormat("en-GB", { hour: "2-digit", minute: "2-digit", second: "2-digit", hourCycle: "h23" });
const exact = new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "medium" });

const page = 1000;

// The person's own clock instead of UTC.
function local(time) {
  const moment = Date.parse(time.dateTime);
  time.textContent = clock.format(moment);
  time.title = exact.format(moment);
}

class LiveLog extends HTMLElement {
  connectedCallback() {
    this.box = this.querySelector(".log");
    this.list = this.querySelector("ol");
    this.rest = this.querySelector(".log-rest");
    this.last = Number(this.getAttribute("last"));
    this.follow = true;
    this.pending = [];
    this.tools();
    this.onEvent = ({ detail }) => {
      if (detail.subject !== this.getAttribute("task")) return;
      if (detail.type === "task.stream") this.add(detail.data);
      else this.catchUp();
    };
    this.onReset = () => this.catchUp();
    this.onBack = () => { if (this.again) this.catchUp(); };
    document.addEventListener("live:event", this.onEvent);
    document.addEventListener("live:reset", this.onReset);
    document.addEventListener("live:open", this.onBack);
    this.box.addEventListener("scroll", () => this.scrolled());
    for (const time of this.list.querySelectorAll("time")) local(time);
    this.toEnd();
    if (this.last < Number(this.getAttribute("lines"))) this.catchUp();
  }

  disconnectedCallback() {
    document.removeEventListener("live:event", this.onEvent);
    document.removeEventListener("live:reset", this.onReset);
    document.removeEventListener("live:open", this.onBack);
  }

  tools() {
    const tools = document.createElement("div");
    tools.className = "log-tools";
    const label = document.createElement("label");
    label.className = "inline";
    this.toggle = document.createElement("input");
    this.toggle.type = "checkbox";
    this.toggle.checked = true;
    this.toggle.addEventListener("change", () => { this.follow = this.toggle.checked; this.toEnd(); });
    label.append(this.toggle, "Follow the end");
    tools.append(label);
    this.append(tools);
  }

  // A line beyond the next one means that some are missing: they are fetched rather than skipped.
  add(line) {
    if (line.seq <= this.last) return;
    if (line.seq > this.last + 1) {
      this.catchUp();
      return;
    }
    this.last = line.seq;
    this.pending.push(line);
    // Lines that come together are drawn together.
    if (this.pending.length === 1) setTimeout(() => this.draw(), 40);
  }

  draw() {
    this.list.append(...this.pending.map((line) => {
      const item = document.createElement("li");
      item.value = line.seq;
      const time = document.createElement("time");
      time.dateTime = line.at;
      local(time);
      const text = document.createElement("span");
      text.textContent = line.text;
      item.append(time, text);
      return item;
    }));
    this.pending = [];
    this.toEnd();
  }

  // Fetches what is behind the last line, page after page until there is no more.
  async catchUp() {
    this.again = true;
    if (this.fetching) return;
    this.fetching = true;
    try {
      while (this.again && this.isConnected) {
        this.again = false;
        const answer = await fetch(`${this.getAttribute("src")}?after=${this.last}&limit=${page}`, { headers: { Accept: "application/json" } });
        if (!answer.ok) break;
        const { items } = await answer.json();
        const before = this.last;
        for (const line of items) this.add(line);
        if (items.length && this.last === before) break;
        this.again ||= items.length === page;
      }
      this.rest?.remove();
    } catch {
      // Tried again when the connection is back, and by the next event.
      this.again = true;
    } finally {
      this.fetching = false;
    }
  }

  // Follows only while the end is in sight; coming back to the end follows again.
  scrolled() {
    const atEnd = this.box.scrollHeight - this.box.scrollTop - this.box.clientHeight < 24;
    this.follow = this.toggle.checked = atEnd;
  }

  toEnd() {
    if (this.follow) this.box.scrollTop = this.box.scrollHeight;
  }
}

customElements.define("live-log", LiveLog);
