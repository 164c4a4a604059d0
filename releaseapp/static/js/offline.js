// Pages without a connection: what this machine has kept of them says from when it is, and nothing is sent into the void.
import { tellBack, tellNotSent } from "./gone.js";

const keptAt = document.body.dataset.keptAt;

if ("serviceWorker" in navigator && document.body.classList.contains("app")) {
  navigator.serviceWorker.register("/service-worker.js").catch(() => {
    // Without it pages are as they always were.
  });
}

if (keptAt) {
  const time = document.createElement("time");
  time.dateTime = keptAt;
  time.textContent = new Date(keptAt).toLocaleString();
  const words = document.createElement("span");
  words.append("There is no connection. This page is as it was at ", time, "; what you change now is not sent.");
  const line = document.createElement("p");
  line.className = "notice";
  line.setAttribute("role", "status");
  line.append(words);
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
