// <snapshot-upload>: sends a file part by part, and goes on where it stopped: after a lost connection by itself, after a
// closed page when the same file is chosen again.
import { attempt } from "./draft.js";

const pauses = [500, 1000, 2000, 4000, 8000, 15000, 15000, 15000];
const smallest = 16384;

class Refused extends Error {}

class SnapshotUpload extends HTMLElement {
  connectedCallback() {
    this.form = this.querySelector("form");
    this.progress = this.querySelector("progress");
    this.said = this.querySelector("[role=status]");
    this.form.hidden = false;
    this.form.addEventListener("submit", (event) => {
      event.preventDefault();
      this.send(this.form.elements.file.files[0]);
    });
    this.warn = (event) => event.preventDefault();
  }

  disconnectedCallback() {
    removeEventListener("beforeunload", this.warn);
  }

  async send(file) {
    const button = this.form.querySelector("button");
    button.disabled = true;
    this.progress.hidden = false;
    addEventListener("beforeunload", this.warn);
    const key = `upload:${file.name}:${file.size}:${file.lastModified}`;
    try {
      const address = await this.place(file, key);
      await this.sendParts(file, address);
      await this.ask(`${address}/import`, { method: "POST" });
      this.say("It is looked through now: above you see how that ends.");
    } catch (error) {
      this.say(error instanceof Refused ? error.message : "The server cannot be reached. Press Upload to go on where it stopped.");
    } finally {
      button.disabled = false;
      this.progress.hidden = true;
      removeEventListener("beforeunload", this.warn);
    }
  }

  // Where the file goes: where it went before, if some of it is there, or a new place. A browser that keeps nothing
  // sends it anew.
  async place(file, key) {
    const before = attempt(() => localStorage.getItem(key));
    if (before && (await this.answer(before, {})).ok) return before;
    const answer = await this.ask(this.form.getAttribute("action"), { method: "POST", headers: { "Upload-Length": file.size } });
    const begun = await answer.json();
    this.most = begun.part_bytes;
    const address = `${this.form.getAttribute("action")}/${begun.id}`;
    attempt(() => localStorage.setItem(key, address));
    return address;
  }

  async sendParts(file, address) {
    let size = this.most ?? 1048576;
    let offset = await this.offsetOf(address);
    let failures = 0;
    while (offset < file.size) {
      this.tell(offset, file.size);
      let answer;
      try {
        answer = await this.answer(address, {
          method: "PATCH",
          headers: { "Content-Type": "application/offset+octet-stream", "Upload-Offset": offset },
          body: file.slice(offset, offset + size),
        });
      } catch (error) {
        if (failures >= pauses.length) throw error;
      }
      if (answer?.ok) {
        offset = Number(answer.headers.get("Upload-Offset"));
        failures = 0;
      } else if (answer?.status === 413 && size > smallest) {
        // What is before the server takes less at a time than the server does.
        size = Math.floor(size / 2);
      } else if (answer && answer.status !== 409 && answer.status < 500) {
        throw await refusal(answer);
      } else if (failures >= pauses.length) {
        throw await refusal(answer);
      } else {
        this.say("The server does not take it just now; trying again …");
        await new Promise((resume) => setTimeout(resume, pauses[failures]));
        failures += 1;
        offset = await this.offsetOf(address).catch(() => offset);
      }
    }
    this.tell(file.size, file.size);
  }

  async offsetOf(address) {
    return Number((await this.ask(address, {})).headers.get("Upload-Offset"));
  }

  async ask(address, options) {
    const answer = await this.answer(address, options);
    if (!answer.ok) throw await refusal(answer);
    return answer;
  }

  answer(address, options) {
    const token = this.form.elements.csrf_token.value;
    return fetch(address, { redirect: "error", ...options, headers: { Accept: "application/json", "X-CSRF-Token": token, ...options.headers } });
  }

  tell(sent, length) {
    this.progress.value = (100 * sent) / length;
    this.say(`${(sent / 1e6).toFixed(1)} of ${(length / 1e6).toFixed(1)} MB sent.`);
  }

  say(sentence) {
    this.said.textContent = sentence;
  }
}

async function refusal(answer) {
  const problem = await answer.json().catch(() => ({}));
  return new Refused(problem.detail ?? `The server answered ${answer.status}.`);
}

customElements.define("snapshot-upload", SnapshotUpload);
