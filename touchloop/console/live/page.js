// Live: asks for what came after the newest row. Nothing moves while the pointer or the keyboard is on
// the list: what arrived meanwhile waits behind one button.
const EVERY = 2000;
const MOST = 300;
let paused = false;
let waiting = [];

const rows = () => document.getElementById("live-rows");
const still = () => paused || document.hidden || rows().matches(":hover") || rows().contains(document.activeElement) || document.querySelector("#drawer-place .drawer");

async function ask() {
  const list = rows();
  if (!list) return;
  if (!document.hidden && !paused) {
    try {
      const answer = await fetch(`${list.dataset.live}?after=${list.dataset.newest}`, { headers: { "HX-Request": "true" } });
      if (answer.status === 401) return location.reload();
      if (answer.ok) take(await answer.text());
      state(answer.ok ? (paused ? "paused" : "running") : "offline");
    } catch {
      state("offline");
    }
  }
  setTimeout(ask, EVERY);
}

function take(html) {
  const holder = document.createElement("template");
  holder.innerHTML = html;
  const fresh = [...holder.content.querySelectorAll("tr[data-id]")];
  if (fresh.length) {
    rows().dataset.newest = fresh[0].dataset.id;
    waiting = [...fresh, ...waiting].slice(0, MOST);
  }
  still() ? say() : show();
}

function show() {
  const list = rows();
  list.prepend(...waiting);
  waiting = [];
  while (list.children.length > MOST) list.lastElementChild.remove();
  if (list.children.length) {
    list.closest(".table-wrap").hidden = false;
    document.getElementById("live-none")?.remove();
  }
  say();
}

function say() {
  const button = document.querySelector("[data-live-show]");
  button.hidden = waiting.length === 0;
  button.querySelector("[data-live-count]").textContent = waiting.length;
}

function state(word) {
  const words = document.querySelector("[data-live-words]");
  if (words.textContent !== words.dataset[word]) words.textContent = words.dataset[word];
  document.getElementById("live-state").dataset.state = word;
}

function pause() {
  paused = !paused;
  const button = document.querySelector("[data-live-pause]");
  button.setAttribute("aria-pressed", String(paused));
  state(paused ? "paused" : "running");
}

document.addEventListener("click", (event) => {
  if (!rows()) return;
  if (event.target.closest("[data-live-pause]")) pause();
  if (event.target.closest("[data-live-show]")) show();
});
document.addEventListener("list:key", ({ detail: event }) => {
  if (event.key === "p" && rows()) pause();
});
if (rows()) setTimeout(ask, EVERY);
