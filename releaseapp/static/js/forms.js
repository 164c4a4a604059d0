// Forms: sent once however often one presses, sent from a text box by Ctrl-Enter, and <form data-keep> not lost unasked.
const changed = new Set();

document.addEventListener("submit", (event) => {
  if (event.defaultPrevented || event.target.method !== "post") return;
  if (event.target.dataset.sent) {
    event.preventDefault();
    return;
  }
  event.target.dataset.sent = "yes";
  changed.clear();
  event.submitter?.setAttribute("aria-busy", "true");
});

// Back from the page that followed: the form may be sent anew.
addEventListener("pageshow", () => {
  for (const form of document.querySelectorAll("form[data-sent]")) delete form.dataset.sent;
  for (const button of document.querySelectorAll("button[aria-busy]")) button.removeAttribute("aria-busy");
});

document.addEventListener("keydown", (event) => {
  if (event.key === "Enter" && (event.ctrlKey || event.metaKey) && event.target.localName === "textarea") {
    event.target.form?.requestSubmit();
  }
});

document.addEventListener("input", (event) => {
  const form = event.target.form;
  if (form && "keep" in form.dataset) changed.add(form);
});

addEventListener("beforeunload", (event) => {
  if ([...changed].some((form) => form.isConnected)) event.preventDefault();
});
