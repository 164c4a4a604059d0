// <run-view src>: opens steps, attempts and items of a run in place. Each is a link that works without scripts, too;
// the answer's parts are put where those of the page are, and a log that is still the same goes on undisturbed.
import { morph } from "./morph.js";

const parts = ["run-steps", "run-panel", "run-log"];

class RunView extends HTMLElement {
  connectedCallback() {
    this.here = location.search;
    this.addEventListener("click", (event) => this.clicked(event));
    this.onPop = () => { if (location.search !== this.here) this.open(location.search); };
    addEventListener("popstate", this.onPop);
  }

  disconnectedCallback() {
    removeEventListener("popstate", this.onPop);
  }

  clicked(event) {
    const link = event.target.closest("a[href]");
    if (!link || event.defaultPrevented || event.metaKey || event.ctrlKey || event.shiftKey || event.altKey || event.button) return;
    const written = link.getAttribute("href");
    if (!written.startsWith("?") || written.includes("#")) return;
    event.preventDefault();
    const stepBefore = new URLSearchParams(location.search).get("step");
    history.pushState(null, "", written === "?" ? location.pathname : written);
    this.open(location.search).then(() => {
      const step = new URLSearchParams(location.search).get("step");
      if (step && step !== stepBefore) this.querySelector("#step")?.scrollIntoView({ block: "nearest" });
    });
  }

  async open(search) {
    this.here = search;
    this.request?.abort();
    const request = this.request = new AbortController();
    this.setAttribute("aria-busy", "true");
    try {
      const address = `${this.getAttribute("src")}${search}${search ? "&" : "?"}fragment=view`;
      const answer = await fetch(address, { headers: { Accept: "text/html" }, signal: request.signal, redirect: "error" });
      if (!answer.ok) throw new Error(`answered ${answer.status}`);
      this.show(await answer.text());
    } catch (error) {
      if (error.name !== "AbortError") location.reload();
    } finally {
      if (this.request === request) this.removeAttribute("aria-busy");
    }
  }

  show(html) {
    const fresh = document.createElement("template");
    fresh.innerHTML = html;
    for (const id of parts) {
      const [have, want] = [this.querySelector(`#${id}`), fresh.content.getElementById(id)];
      if (!have || !want) continue;
      if (id === "run-log") {
        if (have.dataset.step !== want.dataset.step) have.replaceWith(want);
        continue;
      }
      for (const { name, value } of [...want.attributes]) have.setAttribute(name, value);
      morph(have, want.innerHTML);
    }
  }
}

customElements.define("run-view", RunView);
