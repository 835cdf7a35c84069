// Dialogs, menus, why-panels and toasts.
const FLOATING = "details.menu[open], details.why[open]";

document.addEventListener("click", (event) => {
  for (const open of document.querySelectorAll(FLOATING)) {
    if (!open.contains(event.target)) open.open = false;
  }
  const asks = event.target.closest("[data-dialog]");
  if (asks) {
    event.preventDefault();
    document.getElementById(asks.dataset.dialog)?.showModal();
  }
  if (event.target.closest("[data-dialog-close]") || event.target.matches("dialog.dialog")) {
    event.target.closest("dialog")?.close();
  }
  event.target.closest("[data-toast-close]")?.closest(".toast")?.remove();
});

document.addEventListener("keydown", (event) => {
  if (event.key !== "Escape") return;
  const open = document.querySelector(FLOATING);
  if (!open) return;
  event.preventDefault();
  open.open = false;
  open.querySelector("summary")?.focus();
});

// A toast with an undo stays until it is answered; a plain one leaves by itself, not while it is read.
function settle(toast) {
  if (toast.dataset.settled) return;
  toast.dataset.settled = "1";
  if (toast.querySelector(".toast-undo") || toast.classList.contains("toast-error")) return;
  let timer = setTimeout(() => toast.remove(), 6000);
  toast.addEventListener("pointerenter", () => clearTimeout(timer));
  toast.addEventListener("pointerleave", () => (timer = setTimeout(() => toast.remove(), 3000)));
}

const toasts = document.getElementById("toasts");
if (toasts) {
  const settleAll = () => toasts.querySelectorAll(".toast").forEach(settle);
  settleAll();
  new MutationObserver(settleAll).observe(toasts, { childList: true });
}

// Errors of requests made in the background are said, never swallowed.
function say(words) {
  const template = document.getElementById("toast-template");
  if (!template) return;
  const toast = template.content.firstElementChild.cloneNode(true);
  toast.querySelector("p").textContent = words;
  toasts.append(toast);
}

document.addEventListener("htmx:responseError", (event) => {
  const status = event.detail.xhr.status;
  if (status === 401) return location.reload();
  const words = document.getElementById("toast-template")?.dataset;
  say(status === 403 ? words.forbidden : words.failed);
});
document.addEventListener("htmx:sendError", () => {
  const offline = document.getElementById("toast-template")?.dataset.offline;
  if (!toasts.textContent.includes(offline)) say(offline);
});
