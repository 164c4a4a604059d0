// <workflow-graph>: one tab stop for the whole picture; arrow keys walk along its lines and rows, Home and End go to
// its first and last step. Where they lead stands in data-up, -down, -left and -right. Enter is the link's own.
const ways = { ArrowUp: "up", ArrowDown: "down", ArrowLeft: "left", ArrowRight: "right" };

class WorkflowGraph extends HTMLElement {
  connectedCallback() {
    this.onKey = (event) => this.key(event);
    this.onFocus = ({ target }) => this.enter(target.closest(".graph-node"));
    this.onOver = ({ target }) => this.light(target.closest?.(".graph-node"));
    this.onOut = () => this.light(this.querySelector(".graph-node:focus"));
    this.addEventListener("keydown", this.onKey);
    this.addEventListener("focusin", this.onFocus);
    this.addEventListener("focusout", this.onOut);
    this.addEventListener("pointerover", this.onOver);
    this.addEventListener("pointerleave", this.onOut);
    // A part that is fetched again comes without our tab stops, and may select another step.
    this.watch = new MutationObserver((changes) => this.settle(changes));
    this.watch.observe(this, { childList: true, subtree: true, attributeFilter: ["tabindex", "aria-current"] });
    this.settle();
    this.show(this.selected ?? this.nodes()[0]);
  }

  disconnectedCallback() {
    this.watch.disconnect();
    this.removeEventListener("keydown", this.onKey);
    this.removeEventListener("focusin", this.onFocus);
    this.removeEventListener("focusout", this.onOut);
    this.removeEventListener("pointerover", this.onOver);
    this.removeEventListener("pointerleave", this.onOut);
  }

  nodes() {
    return this.querySelectorAll(".graph-node");
  }

  get selected() {
    return this.querySelector(".graph-node[aria-current]");
  }

  settle(changes = []) {
    if (changes.some(({ attributeName }) => attributeName === "aria-current") && this.selected) {
      this.stop = this.selected;
      this.show(this.stop);
    }
    const nodes = this.nodes();
    if (!this.contains(this.stop)) this.stop = this.selected ?? nodes[0];
    for (const node of nodes) {
      const wanted = node === this.stop ? "0" : "-1";
      if (node.getAttribute("tabindex") !== wanted) node.setAttribute("tabindex", wanted);
    }
  }

  enter(node) {
    if (!node) return;
    this.stop = node;
    this.settle();
    this.light(node);
  }

  key(event) {
    const node = event.target.closest(".graph-node");
    if (!node || event.ctrlKey || event.altKey || event.metaKey || event.shiftKey) return;
    const nodes = this.nodes();
    const way = ways[event.key];
    const next = way ? this.querySelector(`[data-node="${node.getAttribute(`data-${way}`)}"]`)
      : event.key === "Home" ? nodes[0] : event.key === "End" ? nodes[nodes.length - 1] : undefined;
    if (next === undefined) return;
    event.preventDefault();
    if (!next) return;
    next.focus({ preventScroll: true });
    this.show(next, true);
  }

  // Brings a step into the visible part of the picture; of the page only when somebody walks there.
  show(node, page = false) {
    const scroll = this.querySelector(".graph-scroll");
    if (!node || !scroll) return;
    const [step, view, margin] = [node.getBoundingClientRect(), scroll.getBoundingClientRect(), 24];
    const [x, y] = [view.left + scroll.clientLeft, view.top + scroll.clientTop];
    if (step.left - margin < x || step.right + margin > x + scroll.clientWidth) {
      scroll.scrollLeft += step.left + step.width / 2 - x - scroll.clientWidth / 2;
    }
    if (step.top - margin < y || step.bottom + margin > y + scroll.clientHeight) {
      scroll.scrollTop += step.top + step.height / 2 - y - scroll.clientHeight / 2;
    }
    if (page) node.scrollIntoView({ block: "nearest", inline: "nearest" });
  }

  // The lines from and to a step stand out while it has the focus or the pointer.
  light(node) {
    const number = node?.getAttribute("data-node");
    for (const edge of this.querySelectorAll(".graph-edge.near")) edge.classList.remove("near");
    if (number === undefined || number === null) return;
    for (const edge of this.querySelectorAll(`[data-from="${number}"], [data-to="${number}"]`)) edge.classList.add("near");
  }
}

customElements.define("workflow-graph", WorkflowGraph);
