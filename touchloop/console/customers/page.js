// The customer's page: its three parts become tabs on a phone, and a button leads to the composer.
document.addEventListener("click", (event) => {
  const panel = event.target.closest("[data-panel]");
  if (panel) {
    document.querySelector("[data-panels]").dataset.panels = panel.dataset.panel;
    for (const other of document.querySelectorAll("[data-panel]")) other.setAttribute("aria-pressed", String(other === panel));
  }
  const focus = event.target.closest("[data-focus]");
  if (focus) {
    document.querySelector('[data-panel="what"]')?.click();
    document.getElementById(focus.dataset.focus)?.focus();
  }
});
// Ctrl or Cmd + Enter sends what is being written.
document.addEventListener("keydown", (event) => {
  if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) event.target.closest?.(".composer")?.requestSubmit();
});
