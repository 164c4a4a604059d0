// Turns the children of an element into those of a piece of HTML, keeping every node that is still right,
// and with it focus, selection, scroll and what somebody is typing. Rows and cards are known again by their id.
export function morph(target, html) {
  const wanted = document.createElement("template");
  wanted.innerHTML = html;
  children(target, wanted.content);
}

function children(from, to) {
  const wanted = new Set([...to.children].map((child) => child.id).filter(Boolean));
  const known = new Map();
  for (const child of [...from.children]) {
    if (!child.id) continue;
    if (wanted.has(child.id)) known.set(child.id, child);
    else child.remove();
  }
  let have = from.firstChild;
  for (const want of [...to.childNodes]) {
    const match = want.id ? known.get(want.id) : alike(have, want);
    if (!match) {
      from.insertBefore(want, have);
      continue;
    }
    // What is moved loses the focus: the space before it goes instead.
    while (want.id && have !== match && have?.nodeType === Node.TEXT_NODE) have = drop(have);
    if (want.id && match !== have) {
      from.insertBefore(match, have);
    } else {
      while (have !== match) have = drop(have);
      have = match.nextSibling;
    }
    node(match, want);
  }
  while (have) have = drop(have);
}

function drop(node) {
  const next = node.nextSibling;
  node.remove();
  return next;
}

// The next of the same kind without an id; one with an id waits for its own and is not passed.
function alike(from, want) {
  for (let have = from, looked = 0; have && looked < 8 && !have.id; have = have.nextSibling, looked++) {
    if (have.nodeType === want.nodeType && have.nodeName === want.nodeName) return have;
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
