// The service worker: pages that were read can be read again without a connection, and say from when they are. Everything
// else is asked of the server, always. ``release`` is put before this file by the server: where its static files are.
const files = `files ${release}`;
const pages = "pages";
const most = 60;
// What tells secrets once, or is the server's own, is not left on a machine.
const shut = /^\/(account|auth|maintenance|release)(\/|$)|\/credentials(\/|$)/;

self.addEventListener("install", (event) => event.waitUntil(install()));
self.addEventListener("activate", (event) => event.waitUntil(activate()));
self.addEventListener("fetch", (event) => {
  const address = new URL(event.request.url);
  if (address.origin !== location.origin) return;
  if (address.pathname.startsWith(release)) event.respondWith(file(event.request));
  if (event.request.mode !== "navigate") return;
  // Whoever signs in, or out, finds nothing of what another has read.
  if (address.pathname === "/auth/login" || address.pathname === "/auth/logout") event.waitUntil(caches.delete(pages));
  if (event.request.method === "GET") event.respondWith(page(event, address));
});

async function install() {
  const cache = await caches.open(files);
  await cache.add(new Request("/offline", { headers: { Accept: "text/html" }, credentials: "omit", cache: "reload" }));
  await cache.addAll([`${release}app.css`, `${release}parts.css`, `${release}js/app.js`]);
  await self.skipWaiting();
}

async function activate() {
  for (const name of await caches.keys()) if (name !== files && name !== pages) await caches.delete(name);
  await self.clients.claim();
}

async function file(request) {
  const cache = await caches.open(files);
  const found = await cache.match(request.url);
  if (found) return found;
  const answer = await fetch(request);
  if (answer.ok) await cache.put(request.url, answer.clone());
  return answer;
}

async function page(event, address) {
  let answer;
  try {
    answer = await fetch(event.request);
  } catch {
    return (await kept(event.request.url)) ?? (await caches.match("/offline", { ignoreVary: true })) ?? Response.error();
  }
  const isPage = answer.ok && answer.type === "basic" && answer.headers.get("Content-Type")?.startsWith("text/html");
  if (isPage && !shut.test(address.pathname)) event.waitUntil(keep(event.request.url, answer.clone()));
  return answer;
}

async function keep(address, answer) {
  const cache = await caches.open(pages);
  const headers = new Headers(answer.headers);
  headers.set("X-Kept-At", new Date().toISOString());
  await cache.delete(address);
  await cache.put(address, new Response(await answer.blob(), { headers }));
  const there = await cache.keys();
  for (const oldest of there.slice(0, Math.max(0, there.length - most))) await cache.delete(oldest);
}

async function kept(address) {
  const found = await (await caches.open(pages)).match(address, { ignoreVary: true });
  if (!found) return undefined;
  const at = found.headers.get("X-Kept-At");
  const html = (await found.text()).replace("<body ", `<body data-kept-at="${at}" `);
  return new Response(html, { headers: found.headers });
}
