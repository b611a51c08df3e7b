// Everything works without this script. It shows local times, refreshes what has changed, and
// reads the keyboard. It writes no HTML: pages are parsed by the browser as documents.
"use strict";

const REFRESH_MS = 3000, SLOW_MS = 15000, TOP_PIXELS = 250, PAGE_ROWS = 50;
const all = (selector, root = document) => [...root.querySelectorAll(selector)];

function showLocalTimes(root) {
  const now = new Date();
  for (const element of all("time", root)) {
    const moment = new Date(element.dateTime);
    if (Number.isNaN(moment.getTime())) continue;
    const isToday = moment.toDateString() === now.toDateString();
    const time = { hour: "2-digit", minute: "2-digit", second: "2-digit" };
    const day = { month: "short", day: "numeric" };
    if (moment.getFullYear() !== now.getFullYear()) day.year = "numeric";
    const format = new Intl.DateTimeFormat(document.documentElement.lang, isToday ? time : { ...day, ...time });
    element.textContent = format.format(moment);
  }
}

function fetchDocument(url, method, body) {
  return new Promise((resolve) => {
    const request = new XMLHttpRequest();
    request.open(method || "GET", url);
    request.responseType = "document";
    request.onloadend = () => resolve(request.status === 200 ? request.response : null);
    request.send(body || null);
  });
}

function isBusy(region) {
  const selection = getSelection();
  const selects = selection && !selection.isCollapsed && region.contains(selection.anchorNode);
  return selects || region.contains(document.activeElement);
}

function replaceRegion(region, fresh) {
  const ticked = new Set(all("input:checked", region).map((input) => input.name + input.value));
  const closed = all("details", region).map((details) => details.open);
  const adopted = document.importNode(fresh, true);
  for (const input of all("input[type=checkbox]", adopted)) input.checked = ticked.has(input.name + input.value);
  all("details", adopted).forEach((details, position) => { details.open = closed[position] ?? details.open; });
  showLocalTimes(adopted);
  region.replaceWith(adopted);
}

async function refresh() {
  const fresh = await fetchDocument(location.href);
  for (const region of fresh ? all("[data-live]") : []) {
    const next = fresh.querySelector(`[data-live="${region.dataset.live}"]`);
    if (!next || next.textContent === region.dataset.text) continue;
    if (isBusy(region) || region.dataset.extended || scrollY > TOP_PIXELS) continue;
    const text = next.textContent;
    replaceRegion(region, next);
    document.querySelector(`[data-live="${next.dataset.live}"]`).dataset.text = text;
  }
}

function keepFresh() {
  const regions = all("[data-live]");
  if (!regions.length || location.search.includes("before=")) return;
  let last = Date.now();
  setInterval(async () => {
    const isSlow = document.querySelector("[data-slow]");
    if (document.hidden || Date.now() - last < (isSlow ? SLOW_MS : REFRESH_MS)) return;
    last = Infinity;
    await refresh();
    last = Date.now();
  }, 500);
}

// A search that was cut short goes on, and adds what it finds, until the page is full.
async function searchOn() {
  for (;;) {
    const more = document.querySelector("[data-search-on]");
    if (!more || all("[data-row]").length >= PAGE_ROWS) return;
    const region = more.closest("[data-live]");
    region.dataset.extended = "yes";
    const next = (await fetchDocument(more.href))?.querySelector("[data-live]");
    if (!next) return;
    const adopted = document.importNode(next, true);
    adopted.dataset.extended = "yes";
    showLocalTimes(adopted);
    const body = region.querySelector("tbody"), end = region.querySelector("#more");
    if (!body) {
      region.replaceWith(adopted);
      continue;
    }
    body.append(...all("[data-row]", adopted));
    const following = adopted.querySelector("[data-search-on]");
    end.replaceChildren(...(adopted.querySelector("#more")?.childNodes ?? (following ? [following] : [])));
  }
}

// The playground: the server composes the filter from the ticks, and tries it.
function followPlayground(form) {
  let timer = 0, latest = 0;
  const send = async (action, parts) => {
    const fields = new URLSearchParams(new FormData(form));
    fields.set("action", action);
    const number = ++latest;
    const fresh = await fetchDocument(form.getAttribute("action"), "POST", fields);
    if (!fresh || number !== latest) return;
    for (const part of parts) {
      const adopted = document.importNode(fresh.querySelector(`[data-part="${part}"]`), true);
      showLocalTimes(adopted);
      form.querySelector(`[data-part="${part}"]`).replaceWith(adopted);
    }
  };
  const later = (milliseconds, ...order) => {
    clearTimeout(timer);
    timer = setTimeout(() => send(...order), milliseconds);
  };
  form.addEventListener("input", (event) => {
    if (event.target.name === "leaf") later(60, "compose", ["editor", "result"]);
    else if (event.target.matches("[data-edit]") || event.target.name === "inbox") later(350, "try", ["result"]);
  });
}

function move(step) {
  const rows = all("[data-row]");
  const current = rows.findIndex((row) => row.classList.contains("current"));
  const next = rows[Math.min(Math.max(current + step, 0), rows.length - 1)];
  if (!next) return;
  rows.forEach((row) => row.classList.toggle("current", row === next));
  next.scrollIntoView({ block: "nearest" });
}

const KEYS = {
  j: () => move(1),
  k: () => move(-1),
  Enter: () => document.querySelector(".current a")?.click(),
  x: () => document.querySelector(".current input[type=checkbox]")?.click(),
  r: () => document.querySelector("[data-replay]")?.click(),
  "/": () => document.querySelector("[data-search]")?.focus(),
  "?": () => document.getElementById("keys").showModal(),
};

document.addEventListener("keydown", (event) => {
  const isTyping = event.target.closest("input:not([type=checkbox]), textarea, select, dialog, a, button, summary");
  if (event.ctrlKey || event.metaKey || event.altKey || (isTyping && (event.key === "Enter" || !event.target.closest("a, button, summary")))) return;
  const action = KEYS[event.key];
  if (action) {
    event.preventDefault();
    action();
  }
});

document.addEventListener("click", async (event) => {
  const copy = event.target.closest("[data-copy]");
  if (copy) {
    await navigator.clipboard.writeText(copy.dataset.copy);
    copy.textContent = "✓";
    setTimeout(() => { copy.textContent = "⧉"; }, 1200);
  }
  const opener = event.target.closest("[data-open]");
  if (opener) document.getElementById(opener.dataset.open).showModal();
});

document.documentElement.classList.add("script");
for (const region of all("[data-live]")) region.dataset.text = region.textContent;
showLocalTimes(document);
searchOn();
all("[data-playground]").forEach(followPlayground);
keepFresh();
