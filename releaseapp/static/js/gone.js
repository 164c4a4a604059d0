// A line at the foot of the page for what the page alone cannot mend; what somebody has typed stays where it is.
import { made } from "./pieces.js";

export function tellGone() {
  tell("This was deleted, or you may not see it any more.", "Reload", location.href);
}

export function tellRestored() {
  tell("A snapshot was put back: what stands here may be older now.", "Reload", location.href);
}

export function tellSignedOut() {
  tell("You are signed out.", "Sign in", `/auth/login?next=${encodeURIComponent(location.pathname + location.search)}`);
}

export function tellBack() {
  tell("The connection is back.", "Reload", location.href);
}

export function tellNotSent() {
  tell("There is no connection: nothing was sent. What you typed stays here.");
}

function tell(text, label, href) {
  if (document.querySelector(".gone")) return;
  const words = made("span", "", `${text} `);
  if (href) {
    const link = made("a", "", label);
    link.href = href;
    words.append(link);
  }
  const line = made("p", "gone notice notice-error", words);
  line.setAttribute("role", "alert");
  document.body.append(line);
}
