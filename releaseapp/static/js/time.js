// <relative-time><time datetime="…">…</time></relative-time>: "5m ago", with the exact time in the person's zone on hover.
const words = new Intl.RelativeTimeFormat("en", { numeric: "auto", style: "narrow" });
const exact = new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "medium" });
const steps = [["second", 60], ["minute", 60], ["hour", 24], ["day", 30], ["month", 12], ["year", Infinity]];
const shown = new Set();

export function relative(moment, now = Date.now()) {
  let value = (moment - now) / 1000;
  if (Math.abs(value) < 5) return "now";
  for (const [unit, size] of steps) {
    const whole = Math.round(value);
    if (Math.abs(whole) < size) return words.format(whole, unit);
    value /= size;
  }
}

class RelativeTime extends HTMLElement {
  connectedCallback() {
    shown.add(this);
    this.update();
  }

  disconnectedCallback() {
    shown.delete(this);
  }

  update() {
    const time = this.querySelector("time");
    if (!time) return;
    const moment = Date.parse(time.dateTime);
    const text = relative(moment);
    if (time.textContent !== text) time.textContent = text;
    const title = exact.format(moment);
    if (time.title !== title) time.title = title;
  }
}

customElements.define("relative-time", RelativeTime);
setInterval(() => { if (!document.hidden) for (const element of shown) element.update(); }, 15000);
document.addEventListener("visibilitychange", () => { if (!document.hidden) for (const element of shown) element.update(); });
