// <run-log path run step [more] [behind] [over]>: a window of at most 2,000 lines of a log that may have a hundred times as
// many. It follows the end as lines are written; scrolled up it stays, and fetches what is before and behind as needed.
const clock = new Intl.DateTimeFormat("en-GB", { hour: "2-digit", minute: "2-digit", second: "2-digit", hourCycle: "h23" });
const exact = new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "medium" });

const page = 500;
const most = 2000;
const edge = 200;
const pause = 150;
const end = 10_000_000;

class RunLog extends HTMLElement {
  connectedCallback() {
    if (this.box) return this.listen();
    this.box = this.querySelector(".log");
    this.list = this.querySelector("ol");
    this.querySelector(".log-rest")?.remove();
    this.step = this.getAttribute("step");
    this.follow = !this.hasAttribute("over");
    // Whether the last line of all is among those that are shown, and whether the first one is.
    this.atEnd = !this.hasAttribute("more");
    this.atStart = !this.hasAttribute("behind");
    for (const time of this.list.querySelectorAll("time")) local(time);
    this.tools();
    this.box.addEventListener("scroll", () => this.scrolled(), { passive: true });
    this.listen();
    if (!this.follow) return;
    if (this.atEnd) this.toEnd();
    else this.jump();
  }

  disconnectedCallback() {
    for (const [name, heard] of Object.entries(this.heard ?? {})) document.removeEventListener(name, heard);
    clearTimeout(this.timer);
    this.timer = null;
  }

  listen() {
    this.heard = {
      "live:event": ({ detail }) => {
        if (detail.subject === this.getAttribute("run") && (detail.type === "step.stream" || detail.type.startsWith("run."))) this.news();
      },
      "live:reset": () => this.news(),
      "live:open": () => this.news(),
      visibilitychange: () => { if (this.stale) this.news(); },
    };
    for (const [name, heard] of Object.entries(this.heard)) document.addEventListener(name, heard);
  }

  get first() { return this.list.firstElementChild?.value ?? 0; }
  get last() { return this.list.lastElementChild?.value ?? 0; }

  tools() {
    const tools = document.createElement("div");
    tools.className = "log-tools";
    const label = document.createElement("label");
    label.className = "inline";
    this.toggle = document.createElement("input");
    this.toggle.type = "checkbox";
    this.toggle.checked = this.follow;
    this.toggle.addEventListener("change", () => {
      this.follow = this.toggle.checked;
      if (this.follow) this.atEnd ? this.toEnd() : this.jump();
    });
    label.append(this.toggle, "Follow the end");
    this.told = document.createElement("span");
    tools.append(label, this.told);
    this.append(tools);
    this.tell();
  }

  // Lines were written. Several in a row make one fetch; who looks further up is only told.
  news() {
    if (!this.follow && !this.near()) {
      this.atEnd = false;
      return;
    }
    // A page that nobody looks at waits until somebody does.
    this.stale = document.hidden;
    if (this.stale) return;
    this.timer ??= setTimeout(() => {
      this.timer = null;
      this.more();
    }, pause);
  }

  // Fetches what is behind the last line that is shown.
  async more() {
    if (this.fetching) {
      this.again = true;
      return;
    }
    await this.during(async () => {
      const query = new URLSearchParams({ after: this.last, limit: page, ...(this.step && { step: this.step }) });
      const answer = await fetch(`${this.getAttribute("path")}/log?${query}`, { headers: { Accept: "application/json" } });
      if (!answer.ok) return;
      const { items } = await answer.json();
      this.list.append(...items.filter((line) => line.seq > this.last).map((line) => this.item(line)));
      this.atEnd = items.length < page;
      // Far behind what is written, one would never catch up line by line.
      this.again ||= this.follow && !this.atEnd;
      if (this.list.children.length > most) {
        this.cut(() => this.list.firstElementChild, this.list.children.length - most);
        this.atStart = false;
      }
      if (this.follow) this.toEnd();
    });
    if (this.again && this.isConnected) {
      this.again = false;
      this.news();
    }
  }

  // Fetches what is before the first line that is shown, or with ``whole`` the last lines of all in place of them.
  async older(whole = false) {
    if (this.fetching) return;
    await this.during(async () => {
      const query = new URLSearchParams({ fragment: "lines", before: whole ? end : this.first, limit: page, ...(this.step && { step: this.step }) });
      const answer = await fetch(`${this.getAttribute("path")}?${query}`, { headers: { Accept: "text/html" }, redirect: "error" });
      if (!answer.ok) return;
      const fresh = document.createElement("template");
      fresh.innerHTML = await answer.text();
      const lines = [...fresh.content.querySelectorAll("li")];
      for (const line of lines) local(line.querySelector("time"));
      this.atStart = lines.length < page;
      if (whole) {
        this.list.replaceChildren(...lines);
        this.atEnd = true;
        this.toEnd();
        return;
      }
      const [height, top] = [this.box.scrollHeight, this.box.scrollTop];
      this.list.prepend(...lines);
      this.box.scrollTop = top + this.box.scrollHeight - height;
      if (this.list.children.length > most) {
        this.cut(() => this.list.lastElementChild, this.list.children.length - most);
        this.atEnd = false;
      }
    });
  }

  jump() { return this.older(true); }

  async during(work) {
    this.fetching = true;
    try {
      await work();
    } catch {
      // Away: the next event asks again, or the connection when it is back.
    } finally {
      this.fetching = false;
      this.tell();
    }
  }

  cut(next, number) {
    const [before, atTop] = [this.box.scrollHeight, next() === this.list.firstElementChild];
    for (let count = 0; count < number; count++) next().remove();
    if (atTop && !this.follow) this.box.scrollTop -= before - this.box.scrollHeight;
  }

  item(line) {
    const item = document.createElement("li");
    item.value = line.seq;
    const time = document.createElement("time");
    time.dateTime = line.at;
    local(time);
    const text = document.createElement("span");
    text.textContent = line.text;
    item.append(time);
    if (!this.step) {
      const step = document.createElement("b");
      step.textContent = line.item >= 0 ? `${line.step_id}.${line.item}` : line.step_id;
      item.append(step);
    }
    item.append(text);
    return item;
  }

  near() { return this.box.scrollHeight - this.box.scrollTop - this.box.clientHeight < edge; }

  // Follows while the end is in sight; who scrolls up stays there, who comes back to the end follows again.
  scrolled() {
    if (this.placing) {
      this.placing = false;
      return;
    }
    const bottom = this.box.scrollHeight - this.box.scrollTop - this.box.clientHeight;
    if (!this.fetching) this.follow = this.toggle.checked = bottom < 24 && this.atEnd && !this.hasAttribute("over");
    if (this.box.scrollTop < edge && !this.atStart) this.older();
    else if (bottom < edge && !this.atEnd) this.more();
  }

  toEnd() {
    const wanted = this.box.scrollHeight - this.box.clientHeight;
    this.placing = Math.abs(this.box.scrollTop - wanted) > 1;
    this.box.scrollTop = this.box.scrollHeight;
  }

  tell() {
    const format = (number) => number.toLocaleString("en");
    this.told.textContent = this.list.children.length ? `lines ${format(this.first)}–${format(this.last)}` : "";
  }
}

// The person's own clock instead of UTC.
function local(time) {
  const moment = Date.parse(time.dateTime);
  time.textContent = clock.format(moment);
  time.title = exact.format(moment);
}

customElements.define("run-log", RunLog);
