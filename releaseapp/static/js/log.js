// <live-log src task last>: adds the lines of a task as they are written, each once and in order.
class LiveLog extends HTMLElement {
  connectedCallback() {
    this.box = this.querySelector(".log");
    this.list = this.querySelector("ol");
    this.last = Number(this.getAttribute("last"));
    this.follow = true;
    this.tools();
    this.onEvent = ({ detail }) => {
      if (detail.subject !== this.getAttribute("task")) return;
      if (detail.type === "task.stream") this.add(detail.data);
      else this.catchUp();
    };
    this.onReset = () => this.catchUp();
    document.addEventListener("live:event", this.onEvent);
    document.addEventListener("live:reset", this.onReset);
    this.box.addEventListener("scroll", () => this.scrolled());
    this.toEnd();
  }

  disconnectedCallback() {
    document.removeEventListener("live:event", this.onEvent);
    document.removeEventListener("live:reset", this.onReset);
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
    const item = document.createElement("li");
    item.value = line.seq;
    const time = document.createElement("time");
    time.dateTime = line.at;
    time.textContent = line.at.slice(11, 19);
    const text = document.createElement("span");
    text.textContent = line.text;
    item.append(time, text);
    this.list.append(item);
    this.toEnd();
  }

  async catchUp() {
    if (this.fetching) {
      this.again = true;
      return;
    }
    this.fetching = true;
    this.again = false;
    try {
      const answer = await fetch(`${this.getAttribute("src")}?after=${this.last}`, { headers: { Accept: "application/json" } });
      if (answer.ok) for (const line of (await answer.json()).items) this.add(line);
    } catch {
      // The next event, or the end of the task, tries again.
    } finally {
      this.fetching = false;
      if (this.again) this.catchUp();
    }
  }

  scrolled() {
    const atEnd = this.box.scrollHeight - this.box.scrollTop - this.box.clientHeight < 24;
    this.follow = this.toggle.checked = atEnd;
  }

  toEnd() {
    if (this.follow) this.box.scrollTop = this.box.scrollHeight;
  }
}

customElements.define("live-log", LiveLog);
