// Inline edit: press the value, type, Enter saves, Esc gives up. Also: forms that submit themselves,
// tabs within a page, and a warning before unsaved work is left.
document.addEventListener("click", (event) => {
  const show = event.target.closest(".inline-edit-show");
  if (show) start(show.closest(".inline-edit"));
  if (event.target.closest("[data-edit-cancel]")) stop(event.target.closest(".inline-edit"));
  const tab = event.target.closest('[role="tab"]');
  if (tab) turn(tab);
});

document.addEventListener("keydown", (event) => {
  const edit = event.target.closest?.(".inline-edit form");
  if (edit && event.key === "Escape") {
    event.preventDefault();
    stop(edit.closest(".inline-edit"));
  }
  const tab = event.target.closest?.('[role="tab"]');
  if (tab && (event.key === "ArrowRight" || event.key === "ArrowLeft")) {
    const all = [...tab.closest('[role="tablist"]').querySelectorAll('[role="tab"]')];
    const forward = (event.key === "ArrowRight") === (getComputedStyle(tab).direction === "ltr");
    const next = all[(all.indexOf(tab) + (forward ? 1 : -1) + all.length) % all.length];
    turn(next);
    next.focus();
  }
});

document.addEventListener("change", (event) => {
  if (event.target.closest("[data-submits]")) event.target.form.requestSubmit();
});

function start(edit) {
  const form = edit.querySelector("form");
  edit.querySelector(".inline-edit-show").hidden = true;
  form.hidden = false;
  const field = form.querySelector("input:not([type=hidden]), select, textarea");
  field.select?.();
  field.focus();
}

function stop(edit) {
  edit.querySelector("form").reset();
  edit.querySelector("form").hidden = true;
  const show = edit.querySelector(".inline-edit-show");
  show.hidden = false;
  show.focus();
}

function turn(tab) {
  for (const other of tab.closest('[role="tablist"]').querySelectorAll('[role="tab"]')) {
    const here = other === tab;
    other.setAttribute("aria-selected", String(here));
    other.tabIndex = here ? 0 : -1;
    document.getElementById(other.getAttribute("aria-controls")).hidden = !here;
  }
}

// On a phone the tab that is open may lie beyond the edge.
for (const here of document.querySelectorAll(".tabs [aria-current]")) {
  here.parentElement.scrollLeft = here.offsetLeft - here.parentElement.clientWidth / 2;
}

let changed = null;
document.addEventListener("input", (event) => {
  const form = event.target.closest("form[data-guard]");
  if (form) changed = form;
});
document.addEventListener("submit", () => (changed = null));
window.addEventListener("beforeunload", (event) => {
  if (changed?.isConnected) event.preventDefault();
});
