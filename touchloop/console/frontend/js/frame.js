// Rail (fold, phone drawer), theme, and local times.
const root = document.documentElement;

document.addEventListener("click", (event) => {
  const at = event.target.closest("[data-rail], [data-theme-to]");
  if (at?.dataset.rail === "fold") fold(!document.body.classList.contains("rail-folded"));
  if (at?.dataset.rail === "open") openRail(true);
  if (at?.dataset.rail === "close") openRail(false);
  if (at?.dataset.themeTo) root.dataset.theme = at.dataset.themeTo;
  const open = document.body.classList.contains("rail-open");
  if (open && !event.target.closest(".rail, [data-rail]")) openRail(false);
});

document.addEventListener("keydown", (event) => {
  if (event.key === "Escape" && document.body.classList.contains("rail-open")) openRail(false);
});

function fold(folded) {
  document.body.classList.toggle("rail-folded", folded);
  document.querySelector('[data-rail="fold"]')?.setAttribute("aria-expanded", String(!folded));
  // A cookie, so that the server draws the next page folded at once and nothing jumps.
  document.cookie = `rail=${folded ? "folded" : "open"}; path=/; max-age=31536000; samesite=lax`;
}

function openRail(open) {
  document.body.classList.toggle("rail-open", open);
  const target = open ? ".rail-close" : ".bar-menu";
  document.querySelector(target)?.focus();
}

// <time datetime> is written in the organisation's clock; resting on it tells the reader's own.
const spoken = new Intl.DateTimeFormat(root.lang, { dateStyle: "medium", timeStyle: "short" });

export function localTimes(within = document) {
  for (const time of within.querySelectorAll("time[datetime]:not([title])")) {
    const at = new Date(time.dateTime);
    if (!Number.isNaN(at.valueOf())) time.title = spoken.format(at);
  }
}

localTimes();
document.addEventListener("htmx:load", (event) => localTimes(event.target.parentElement ?? document));
