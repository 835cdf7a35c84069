// Search and commands: the server answers with a list of links; arrows choose, Enter follows.
const palette = document.getElementById("palette");
const field = palette?.querySelector("input");
const list = palette?.querySelector(".palette-list");
let chosen = 0;

document.addEventListener("palette:open", open);
document.addEventListener("click", (event) => {
  if (event.target.closest("[data-palette]")) open();
  if (event.target === palette) palette.close();
});

function open() {
  if (!palette || palette.open) return;
  document.getElementById("shortcuts")?.close();
  palette.showModal();
  field.value = "";
  field.dispatchEvent(new Event("palette:ask", { bubbles: true }));
}

field?.addEventListener("keydown", (event) => {
  if (event.key === "ArrowDown") choose(chosen + 1, event);
  else if (event.key === "ArrowUp") choose(chosen - 1, event);
  else if (event.key === "Enter") follow(event);
});
list?.addEventListener("htmx:afterSwap", () => choose(0));
function items() {
  return [...list.querySelectorAll(".palette-item")];
}

function choose(index, event) {
  event?.preventDefault();
  const all = items();
  if (!all.length) return field.removeAttribute("aria-activedescendant");
  chosen = (index + all.length) % all.length;
  all.forEach((item, i) => item.setAttribute("aria-selected", String(i === chosen)));
  all[chosen].scrollIntoView({ block: "nearest" });
  field.setAttribute("aria-activedescendant", all[chosen].id);
}

function follow(event) {
  event.preventDefault();
  items()[chosen]?.click();
}
