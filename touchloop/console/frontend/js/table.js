// Lists: rows open by click or Enter, j/k or arrows move, x picks, the bulk bar counts.
let at = null;

document.addEventListener("click", (event) => {
  const row = event.target.closest("tr[data-href]");
  if (!row || event.target.closest("a, button, input, label, summary, form")) return;
  if (String(getSelection())) return;
  row.querySelector("a.lead, td a")?.click();
});

document.addEventListener("change", (event) => {
  if (event.target.matches("[data-pick-all]")) {
    const picks = listOf(event.target).querySelectorAll("[data-pick]");
    picks.forEach((pick) => (pick.checked = event.target.checked));
  }
  if (event.target.matches("[data-pick], [data-pick-all]")) count(listOf(event.target));
});

document.addEventListener("click", (event) => {
  if (!event.target.closest("[data-unpick]")) return;
  const list = listOf(event.target);
  list.querySelectorAll("[data-pick], [data-pick-all]").forEach((pick) => (pick.checked = false));
  count(list);
});

document.addEventListener("list:key", ({ detail: event }) => {
  const rows = [...document.querySelectorAll("main tr[data-href]")];
  if (!rows.length) return;
  if (event.key === "j" || event.key === "ArrowDown") move(rows, 1, event);
  else if (event.key === "k" || event.key === "ArrowUp") move(rows, -1, event);
  else if (event.key === "x") pick();
  else if (event.key === "Enter" && at?.isConnected && !event.target.closest("a, button")) {
    at.querySelector("a.lead, td a")?.click();
  }
});

function move(rows, step, event) {
  event.preventDefault();
  const next = at?.isConnected ? rows.indexOf(at) + step : 0;
  at?.classList.remove("at");
  at = rows[Math.max(0, Math.min(rows.length - 1, next))];
  at.classList.add("at");
  at.scrollIntoView({ block: "nearest" });
}

function pick() {
  const box = at?.querySelector("[data-pick]");
  if (!box) return;
  box.checked = !box.checked;
  count(listOf(box));
}

function listOf(element) {
  return element.closest(".list");
}

function count(list) {
  const bar = list.querySelector(".bulk");
  if (!bar) return;
  const picked = list.querySelectorAll("[data-pick]:checked").length;
  bar.hidden = picked === 0;
  bar.querySelector("[data-picked]").textContent = picked;
}
