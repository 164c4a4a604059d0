// <relative-time><time datetime="…" title="…">…</time></relative-time>: "5 min ago", exact on hover, in the person's zone.
const words = new Intl.RelativeTimeFormat("en", { numeric: "auto", style: "short" });
const exact = new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "medium" });
const steps = [["second", 60], ["minute", 60], ["hour", 24], ["day", 30], ["month", 12], ["year", Infinity]];

export function relative(moment, now = Date.now()) {
  let value = (moment - now) / 1000;
  if (Math.abs(value) < 5) return "now";
  for (const [unit, size] of steps) {
    if (Math.abs(value) < size) return words.format(Math.round(value), unit);
    value /= size;
  }
}

customElements.define("relative-time", class extends HTMLElement {
  connectedCallback() {
    this.update();
    this.timer = setInterval(() => this.update(), 15000);
  }

  disconnectedCallback() {
    clearInterval(this.timer);
  }

  update() {
    const time = this.querySelector("time");
    if (!time) return;
    const moment = Date.parse(time.dateTime);
    const text = relative(moment);
    if (time.textContent !== text) time.textContent = text;
    time.title = exact.format(moment);
  }
});
