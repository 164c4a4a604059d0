// Turns the children of an element into those of a piece of HTML, keeping every node that is still right,
// and with it focus, selection, scroll and what somebody is typing.
export function morph(target, html) {
  const wanted = document.createElement("template");
  wanted.innerHTML = html;
  children(target, wanted.content);
}

function children(from, to) {
  let have = from.firstChild;
  for (const want of [...to.childNodes]) {
    const match = find(have, want);
    if (!match) {
      from.insertBefore(want, have);
      continue;
    }
    while (have !== match) {
      const gone = have;
      have = have.nextSibling;
      gone.remove();
    }
    node(match, want);
    have = match.nextSibling;
  }
  while (have) {
    const gone = have;
    have = have.nextSibling;
    gone.remove();
  }
}

// The next sibling that can become what is wanted: the same id when there is one, else the same kind of node.
function find(from, want) {
  if (want.id) {
    for (let have = from; have; have = have.nextSibling) if (have.id === want.id) return have;
    return null;
  }
  for (let have = from, looked = 0; have && looked < 8; have = have.nextSibling, looked++) {
    if (have.nodeType === want.nodeType && have.nodeName === want.nodeName && !have.id) return have;
  }
  return null;
}

function node(have, want) {
  if (have.nodeType !== Node.ELEMENT_NODE) {
    if (have.nodeValue !== want.nodeValue) have.nodeValue = want.nodeValue;
    return;
  }
  if (have.isEqualNode(want)) return;
  // What somebody is typing or has chosen stays theirs.
  if (have === document.activeElement && have.matches("input, textarea, select")) return;
  if (have.localName === "relative-time") {
    const [old, fresh] = [have.querySelector("time"), want.querySelector("time")];
    if (old && fresh && old.dateTime === fresh.dateTime) return;
  }
  for (const { name } of [...have.attributes]) {
    if (!want.hasAttribute(name) && !(name === "open" && have.localName === "details")) have.removeAttribute(name);
  }
  for (const { name, value } of [...want.attributes]) if (have.getAttribute(name) !== value) have.setAttribute(name, value);
  children(have, want);
  if (have.localName === "relative-time") have.update();
}
