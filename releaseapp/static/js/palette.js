// <search-palette>: Ctrl-K opens a box that finds agents and the places of this page's navigation.
class SearchPalette extends HTMLElement {
  connectedCallback() {
    this.onKey = (event) => {
      if ((event.ctrlKey || event.metaKey) && event.key.toLowerCase() === "k") {
        event.preventDefault();
        this.open();
      }
    };
    document.addEventListener("keydown", this.onKey);
  }

  disconnectedCallback() {
    document.removeEventListener("keydown", this.onKey);
  }

  build() {
    this.dialog = document.createElement("dialog");
    this.dialog.className = "palette";
    this.dialog.setAttribute("aria-label", "Go to");
    this.input = document.createElement("input");
    this.input.type = "search";
    this.input.placeholder = "Go to an agent or a page";
    for (const [name, value] of [["role", "combobox"], ["aria-expanded", "true"], ["aria-controls", "palette-list"], ["aria-label", "Go to"]]) {
      this.input.setAttribute(name, value);
    }
    this.list = document.createElement("ul");
    this.list.id = "palette-list";
    this.list.setAttribute("role", "listbox");
    this.list.setAttribute("aria-label", "Places");
    this.dialog.append(this.input, this.list);
    this.input.addEventListener("input", () => this.search());
    this.input.addEventListener("keydown", (event) => this.key(event));
    this.dialog.addEventListener("click", (event) => { if (event.target === this.dialog) this.dialog.close(); });
    document.body.append(this.dialog);
  }

  open() {
    if (!this.dialog) this.build();
    if (this.dialog.open) return;
    this.input.value = "";
    this.dialog.showModal();
    this.search();
  }

  async search() {
    const text = this.input.value.trim().toLowerCase();
    const turn = this.turn = (this.turn ?? 0) + 1;
    const places = [...document.querySelectorAll(".rail a, .switcher a")]
      .map((link) => ({ name: link.innerText.split("\n")[0].trim() || link.textContent.trim(), kind: "page", href: link.href }))
      .filter((place) => place.name.toLowerCase().includes(text));
    this.show(places);
    const base = `/workspaces/${document.body.dataset.workspace}/agents`;
    try {
      const answer = await fetch(`${base}?limit=8&q=${encodeURIComponent(text)}`, { headers: { Accept: "application/json" } });
      if (!answer.ok || turn !== this.turn) return;
      const agents = (await answer.json()).items.map((agent) => ({ name: agent.name, kind: agent.status, href: `${base}/${agent.id}` }));
      this.show([...agents, ...places]);
    } catch {
      // Without the server the places of this page are still there.
    }
  }

  show(places) {
    this.places = places;
    this.chosen = 0;
    this.list.replaceChildren(...places.map((place, index) => {
      const item = document.createElement("li");
      item.id = `palette-${index}`;
      item.setAttribute("role", "option");
      const kind = document.createElement("span");
      kind.className = "muted";
      kind.textContent = place.kind;
      item.append(place.name, kind);
      item.addEventListener("click", () => { location.href = place.href; });
      return item;
    }));
    this.mark();
  }

  mark() {
    [...this.list.children].forEach((item, index) => item.setAttribute("aria-selected", String(index === this.chosen)));
    this.input.setAttribute("aria-activedescendant", this.places.length ? `palette-${this.chosen}` : "");
    this.list.children[this.chosen]?.scrollIntoView({ block: "nearest" });
  }

  key(event) {
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (step && this.places.length) {
      event.preventDefault();
      this.chosen = (this.chosen + step + this.places.length) % this.places.length;
      this.mark();
    } else if (event.key === "Enter" && this.places[this.chosen]) {
      event.preventDefault();
      location.href = this.places[this.chosen].href;
    }
  }
}

customElements.define("search-palette", SearchPalette);
