// A text field with suggestions (WAI-ARIA combobox). Options come from the page or, with
// data-options-url, from the server as the person types.
document.addEventListener("input", (event) => {
  const field = event.target.closest(".combobox input[role=combobox]");
  if (field) suggest(field);
});

document.addEventListener("focusin", (event) => {
  const field = event.target.closest(".combobox input[role=combobox]");
  if (field) suggest(field);
});

document.addEventListener("focusout", (event) => {
  const box = event.target.closest(".combobox");
  if (box && !box.contains(event.relatedTarget)) close(box);
});

document.addEventListener("pointerdown", (event) => {
  const option = event.target.closest(".combobox [role=option]");
  if (!option) return;
  event.preventDefault();
  take(option);
});

document.addEventListener("keydown", (event) => {
  const field = event.target.closest?.(".combobox input[role=combobox]");
  if (!field) return;
  const box = field.closest(".combobox");
  const shown = [...box.querySelectorAll("[role=option]:not([hidden])")];
  const now = shown.findIndex((option) => option.getAttribute("aria-selected") === "true");
  if (event.key === "ArrowDown" || event.key === "ArrowUp") {
    event.preventDefault();
    const step = event.key === "ArrowDown" ? 1 : -1;
    choose(field, shown, (now + step + shown.length) % shown.length);
  } else if (event.key === "Enter" && now >= 0 && field.getAttribute("aria-expanded") === "true") {
    event.preventDefault();
    take(shown[now]);
  } else if (event.key === "Escape" && field.getAttribute("aria-expanded") === "true") {
    event.preventDefault();
    close(box);
  }
});

function suggest(field) {
  const box = field.closest(".combobox");
  const list = box.querySelector("[role=listbox]");
  const words = field.value.trim().toLowerCase();
  let any = false;
  for (const option of list.querySelectorAll("[role=option]")) {
    option.hidden = words !== "" && !option.textContent.toLowerCase().includes(words);
    any ||= !option.hidden;
  }
  const none = list.querySelector(".combobox-none");
  if (none) none.hidden = any;
  list.hidden = !any && !none;
  field.setAttribute("aria-expanded", String(!list.hidden));
}

function choose(field, shown, index) {
  shown.forEach((option, i) => option.setAttribute("aria-selected", String(i === index)));
  shown[index]?.scrollIntoView({ block: "nearest" });
  if (shown[index]) field.setAttribute("aria-activedescendant", shown[index].id);
}

function take(option) {
  const box = option.closest(".combobox");
  const field = box.querySelector("input[role=combobox]");
  field.value = option.dataset.value ?? option.textContent.trim();
  field.dispatchEvent(new Event("change", { bubbles: true }));
  close(box);
}

function close(box) {
  const field = box.querySelector("input[role=combobox]");
  box.querySelector("[role=listbox]").hidden = true;
  field.setAttribute("aria-expanded", "false");
  field.removeAttribute("aria-activedescendant");
}
