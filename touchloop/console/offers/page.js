// Rows of the offer's form: each list is filled from the template of its kind, and a row can go again.
document.addEventListener("click", (event) => {
  const form = event.target.closest("[data-rows]");
  if (!form) return;
  const add = event.target.closest("[data-add]");
  const drop = event.target.closest("[data-drop]");
  if (add) {
    const template = form.querySelector(`template[data-row="${CSS.escape(add.dataset.add)}"]`);
    const row = template.content.cloneNode(true).querySelector("[data-row-of]");
    template.parentElement.querySelector("[data-list]").append(row);
    row.querySelector("select, input").focus();
    form.dispatchEvent(new Event("input", { bubbles: true }));
  } else if (drop) {
    const row = drop.closest("[data-row-of]");
    const next = row.nextElementSibling ?? row.previousElementSibling;
    row.remove();
    (next?.querySelector("select, input") ?? form.querySelector("[data-add]")).focus();
    form.dispatchEvent(new Event("input", { bubbles: true }));
  }
});

for (const form of document.querySelectorAll("[data-rows]")) form.classList.add("has-script");
