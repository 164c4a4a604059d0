// Pages without a connection: what this machine has kept of them says from when it is, and nothing is sent into the void.
import { tellBack, tellNotSent } from "./gone.js";
import { made } from "./pieces.js";

const keptAt = document.body.dataset.keptAt;

if ("serviceWorker" in navigator && document.body.classList.contains("app")) {
  navigator.serviceWorker.register("/service-worker.js").catch(() => {
    // Without it pages are as they always were.
  });
}

if (keptAt) {
  const time = made("time", "", new Date(keptAt).toLocaleString());
  time.dateTime = keptAt;
  const words = made("span", "", "There is no connection. This page is as it was at ", time, "; what you change now is not sent.");
  const line = made("p", "notice", words);
  line.setAttribute("role", "status");
  document.getElementById("main").prepend(line);
  addEventListener("online", tellBack);
  document.addEventListener("live:open", tellBack);
}

// Before all others: a form that cannot be sent stays as it was typed.
document.addEventListener("submit", (event) => {
  if ((navigator.onLine && !keptAt) || event.target.method !== "post") return;
  event.preventDefault();
  event.stopImmediatePropagation();
  tellNotSent();
}, true);
