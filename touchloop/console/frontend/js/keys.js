// One map of shortcuts: single keys and "g then x". The sheet (?) is drawn by the server from the
// same rooms; letters come from data-key on the rail's links.
let waitingForRoom = false;

document.addEventListener("keydown", (event) => {
  if (event.defaultPrevented) return;
  if ((event.metaKey || event.ctrlKey) && event.key.toLowerCase() === "k") {
    event.preventDefault();
    document.dispatchEvent(new CustomEvent("palette:open"));
    return;
  }
  if (event.metaKey || event.ctrlKey || event.altKey || isWriting(event.target)) return;
  if (document.querySelector("dialog[open]")) return;
  if (waitingForRoom) {
    waitingForRoom = false;
    document.querySelector(`.rail-link[data-key="${CSS.escape(event.key)}"]`)?.click();
  } else if (event.key === "g") {
    waitingForRoom = true;
    setTimeout(() => (waitingForRoom = false), 1200);
  } else if (event.key === "?") {
    document.getElementById("shortcuts")?.showModal();
  } else if (event.key === "/") {
    focusFilter(event);
  } else if (event.key === "n") {
    document.querySelector("[data-primary]")?.click();
  } else {
    document.dispatchEvent(new CustomEvent("list:key", { detail: event }));
  }
});

export function isWriting(element) {
  return element.closest?.("input:not([type=checkbox], [type=radio]), textarea, select, [contenteditable]");
}

function focusFilter(event) {
  const field = document.querySelector("main input[type=search]");
  if (field) {
    event.preventDefault();
    field.focus();
  } else {
    event.preventDefault();
    document.dispatchEvent(new CustomEvent("palette:open"));
  }
}
