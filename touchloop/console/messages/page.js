// A message while it is written: the frame beside it follows. The form is handed to the frame as it is,
// without a submit event, so that the warning before unsaved work is left stays armed.
const WAIT = 500;
const form = document.querySelector("form[data-compose]");
const button = form?.querySelector("[data-see]");
let timer = null;

function see() {
  const { action, target } = form;
  form.action = button.formAction;
  form.target = button.formTarget;
  HTMLFormElement.prototype.submit.call(form);
  form.action = action;
  form.target = target;
}

if (form) {
  form.addEventListener("input", (event) => {
    if (event.target.name === "q" || event.target.name === "view") return;
    clearTimeout(timer);
    timer = setTimeout(see, WAIT);
  });
  see();
}

// HTML or plain text is another address; desktop and phone are widths of the same.
document.addEventListener("change", (event) => {
  const part = event.target.dataset?.framePart;
  if (!part) return;
  const frame = event.target.closest("[data-frame-box]").querySelector("iframe");
  const hidden = form?.elements.part;
  if (hidden) {
    if (hidden.value === part) return;
    hidden.value = part;
    return see();
  }
  const url = new URL(frame.src);
  if ((url.searchParams.get("part") ?? "html") === part) return;
  url.searchParams.set("part", part);
  frame.src = url.href;
});
