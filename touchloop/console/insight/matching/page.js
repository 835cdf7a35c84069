// Labelling by keyboard: s is the same person, d different people, u not sure.
document.addEventListener("list:key", ({ detail: event }) => {
  document.querySelector(`[data-label-key="${CSS.escape(event.key)}"]`)?.click();
});
