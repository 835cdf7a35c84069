// Suggestions by keyboard: j and k move, m merges, a keeps apart. Nothing happens without a place.
let at = null;

document.addEventListener("list:key", ({ detail: event }) => {
  const all = [...document.querySelectorAll("[data-question]")];
  if (!all.length) return;
  if (event.key === "j" || event.key === "ArrowDown") go(all, 1, event);
  else if (event.key === "k" || event.key === "ArrowUp") go(all, -1, event);
  else if (event.key === "m") at?.querySelector("[data-yes]")?.click();
  else if (event.key === "a") at?.querySelector("[data-no]")?.click();
});

function go(all, step, event) {
  event.preventDefault();
  const next = at?.isConnected ? all.indexOf(at) + step : 0;
  at?.classList.remove("at");
  at = all[Math.max(0, Math.min(all.length - 1, next))];
  at.classList.add("at");
  at.focus({ preventScroll: true });
  at.scrollIntoView({ block: "nearest" });
}
