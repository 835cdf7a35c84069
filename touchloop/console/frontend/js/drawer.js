// A drawer has an address of its own: a link with data-drawer opens it over the list, Back closes it,
// and the same address loaded alone shows the list with the drawer open.
import htmx from "htmx.org";

const place = () => document.getElementById("drawer-place");
let opener = null;

document.addEventListener("click", (event) => {
  if (event.defaultPrevented || event.metaKey || event.ctrlKey || event.shiftKey || event.button) return;
  const link = event.target.closest("a[data-drawer]");
  if (link) {
    event.preventDefault();
    opener = link;
    open(link.href, true);
  } else if (event.target.closest("[data-drawer-close]")) {
    event.preventDefault();
    leave();
  }
});

document.addEventListener("keydown", (event) => {
  if (event.key !== "Escape" || event.defaultPrevented || document.querySelector("dialog[open]")) return;
  if (place()?.firstElementChild) leave();
});

window.addEventListener("popstate", (event) => {
  if (event.state?.drawer) open(location.href, false);
  else if (place()?.firstElementChild) shut();
});

async function open(url, remember) {
  await htmx.ajax("GET", url, { target: "#drawer-place", swap: "innerHTML", headers: { "X-Drawer": "1" } });
  const drawer = place().querySelector(".drawer");
  if (!drawer) return;
  if (remember) history.pushState({ drawer: true }, "", url);
  mark(url);
  drawer.focus({ preventScroll: true });
}

function leave() {
  if (history.state?.drawer) return history.back();
  const base = place().querySelector(".drawer")?.dataset.back;
  if (base) history.pushState({}, "", base);
  shut();
}

function shut() {
  place().replaceChildren();
  mark(null);
  opener?.focus({ preventScroll: true });
}

function mark(url) {
  for (const row of document.querySelectorAll("tr[data-href]")) {
    const here = url && new URL(row.dataset.href, location.href).pathname === new URL(url, location.href).pathname;
    here ? row.setAttribute("aria-current", "true") : row.removeAttribute("aria-current");
  }
}

if (place()?.firstElementChild) mark(location.href);
