// <search-palette>: Ctrl-K opens a box that finds agents, workflows and the places of this page's navigation.
const pause = 90;
const most = 6;

class SearchPalette extends HTMLElement {
  connectedCallback() {
    this.onKey = (event) => {
      if ((event.ctrlKey || event.metaKey) && event.key.toLowerCase() === "k") {
        event.preventDefault();
        this.open();
      }
    };
    document.addEventListener("keydown", this.onKey);
    this.querySelector(".search-link").addEventListener("click", (event) => {
      if (event.ctrlKey || event.metaKey || event.shiftKey) return;
      event.preventDefault();
      this.open();
    });
    const mac = /Mac|iPhone|iPad/.test(navigator.userAgent);
    if (mac) this.querySelector("kbd").textContent = "⌘ K";
  }

  disconnectedCallback() {
    document.removeEventListener("keydown", this.onKey);
  }

  build() {
    this.dialog = make("dialog", "palette", { "aria-label": "Go to" });
    this.input = make("input", "", {
      type: "search", placeholder: "Go to …", role: "combobox", autocomplete: "off", spellcheck: "false",
      "aria-expanded": "true", "aria-controls": "palette-list", "aria-autocomplete": "list", "aria-label": "Go to",
    });
    this.list = make("ul", "", { id: "palette-list", role: "listbox", "aria-label": "Places" });
    this.none = make("p", "palette-none", { role: "status" });
    const keys = make("p", "palette-keys", { "aria-hidden": "true" });
    keys.append(...["↑ ↓ choose", "↵ go", "esc close"].map((text) => make("span", "", {}, text)));
    this.dialog.append(this.input, this.list, this.none, keys);
    this.input.addEventListener("input", () => this.search());
    this.input.addEventListener("keydown", (event) => this.key(event));
    this.dialog.addEventListener("click", (event) => { if (event.target === this.dialog) this.dialog.close(); });
    document.body.append(this.dialog);
  }

  open() {
    if (!this.dialog) this.build();
    if (this.dialog.open) return;
    this.input.value = "";
    this.found = [];
    this.dialog.showModal();
    this.search();
  }

  places(text) {
    const links = document.querySelectorAll(".rail a, .switcher .drop a, .account .drop a");
    const all = [...links].map((link) => ({
      name: (link.querySelector("span") ?? link).textContent.trim(),
      kind: link.classList.contains("space") ? "workspace" : "page",
      href: link.href,
    }));
    const once = all.filter((place, index) => all.findIndex((other) => other.href === place.href) === index);
    return once.filter((place) => place.name.toLowerCase().includes(text));
  }

  search() {
    this.moved = false;
    const text = this.input.value.trim();
    const places = this.places(text.toLowerCase());
    // What was found for the text before stays while it still fits, so that the list does not jump.
    this.show([...this.found.filter((one) => one.name.toLowerCase().includes(text.toLowerCase())), ...places]);
    clearTimeout(this.timer);
    this.request?.abort();
    this.request = new AbortController();
    const { signal } = this.request;
    this.timer = setTimeout(async () => {
      const slug = document.body.dataset.workspace;
      const kinds = slug && document.querySelector('.rail a[href$="/workflows"]') ? ["agents", "workflows"] : ["agents"];
      const found = await Promise.all(kinds.map((kind) => this.ask(kind, slug, text, signal)));
      if (signal.aborted) return;
      this.found = found.flat();
      this.show([...this.found, ...places]);
    }, text ? pause : 0);
  }

  async ask(kind, slug, text, signal) {
    const base = slug ? `/workspaces/${slug}/${kind}` : `/${kind}`;
    try {
      const address = `${base}?limit=${most}&q=${encodeURIComponent(text)}`;
      const answer = await fetch(address, { headers: { Accept: "application/json" }, signal });
      if (!answer.ok) return [];
      return (await answer.json()).items.map((item) => ({
        name: item.name,
        kind: `${kind.slice(0, -1)}, ${item.status}`,
        href: new URL(`/workspaces/${slug ?? item.workspace_id}/${kind}/${item.id}`, location.href).href,
      }));
    } catch {
      // Without the server the places of this page are still there.
      return [];
    }
  }

  // The first is chosen, until somebody has chosen another: that one stays when others join the list.
  show(places) {
    this.shown = places;
    if (!this.moved || !places.some((place) => place.href === this.chosen)) this.chosen = places[0]?.href;
    this.list.replaceChildren(...places.map((place, index) => {
      const item = make("li", "", { id: `palette-${index}`, role: "option" }, place.name);
      item.append(make("span", "muted", {}, place.kind));
      item.addEventListener("click", () => { location.href = place.href; });
      return item;
    }));
    this.none.textContent = places.length ? "" : "Nothing fits.";
    this.none.hidden = Boolean(places.length);
    this.list.hidden = !places.length;
    this.mark();
  }

  mark() {
    const at = this.shown.findIndex((place) => place.href === this.chosen);
    [...this.list.children].forEach((item, index) => item.setAttribute("aria-selected", String(index === at)));
    this.input.setAttribute("aria-activedescendant", at < 0 ? "" : `palette-${at}`);
    this.list.children[at]?.scrollIntoView({ block: "nearest" });
  }

  key(event) {
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (step && this.shown.length) {
      event.preventDefault();
      this.moved = true;
      const at = this.shown.findIndex((place) => place.href === this.chosen);
      this.chosen = this.shown[(at + step + this.shown.length) % this.shown.length].href;
      this.mark();
    } else if (event.key === "Enter" && this.chosen) {
      event.preventDefault();
      location.href = this.chosen;
    }
  }
}

function make(name, className, attributes, text) {
  const element = document.createElement(name);
  if (className) element.className = className;
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
  if (text) element.textContent = text;
  return element;
}

customElements.define("search-palette", SearchPalette);
