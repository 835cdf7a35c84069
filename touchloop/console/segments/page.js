// Builds a rule as a tree of rows. The JSON field is the truth that is sent: rows are read into it, and
// what is written there is drawn as rows. A condition that no row can say exactly stays as JSON.
const form = document.querySelector("[data-build]");
const WAIT = 350;
let timer = null;
let asking = null;
const ask = () => (clearTimeout(timer), (timer = setTimeout(preview, WAIT)));

const $ = (selector, inside = document) => inside.querySelector(selector);
const piece = (selector) => $(`template[${selector}]`).content.cloneNode(true).firstElementChild;
const kinds = () => [...document.querySelectorAll("template[data-kind]")];

function steps(path) {
  return path.split(".").map((part) => (/^\d+$/.test(part) ? Number(part) : part));
}
const get = (data, path) => steps(path).reduce((at, step) => at?.[step], data);
function put(data, path, value) {
  const way = steps(path);
  way.slice(0, -1).reduce((at, step, i) => (at[step] ??= typeof way[i + 1] === "number" ? [] : {}), data)[way.at(-1)] = value;
}
function same(a, b) {
  if (typeof a !== "object" || typeof b !== "object" || !a || !b) return a === b;
  const keys = Object.keys(a);
  return keys.length === Object.keys(b).length && keys.every((key) => same(a[key], b[key]));
}

function parsed(text, otherwise) {
  try {
    return JSON.parse(text);
  } catch {
    return otherwise;
  }
}

const TYPES = {
  text: { read: (text) => text.trim(), write: String },
  number: { read: (text) => (text.trim() === "" ? null : Number(text)), write: String },
  bool: { read: (text) => text === "true", write: String },
  list: { read: (text) => text.split(";").map((part) => part.trim()).filter(Boolean), write: (list) => (Array.isArray(list) ? list.join("; ") : "") },
};

// A row and its condition.
function read(row) {
  const raw = $("[data-raw]", row);
  let condition = raw && parsed(raw.value, { unreadable: {} });
  if (!raw) {
    const body = JSON.parse(row.dataset.base);
    for (const field of row.querySelectorAll("[data-f]")) {
      if (field.closest("[data-last]")?.hidden) continue;
      const value = TYPES[field.dataset.t].read(field.value);
      if (field.dataset.t === "list" && !value.length && field.dataset.f.endsWith("events")) continue;
      put(body, field.dataset.f, value);
    }
    condition = { [row.dataset.wrap]: body };
  }
  return $("[data-not]", row).checked ? { not: condition } : condition;
}

function make(kind, condition) {
  const row = piece("data-row");
  const body = $("[data-body]", row);
  body.append(kind.content.cloneNode(true));
  Object.assign(row.dataset, { base: kind.dataset.base ?? "{}", wrap: kind.dataset.wrap ?? "", kind: kind.dataset.kind });
  $("[data-window-here]", row)?.replaceWith(piece("data-window"));
  if (condition && !kind.dataset.wrap) $("[data-raw]", row).value = JSON.stringify(condition, null, 1);
  if (condition && kind.dataset.wrap) {
    const given = condition[kind.dataset.wrap];
    if (!given) return null;
    if ($("[data-when]", row) && given.window?.last) $("[data-when]", row).value = "last";
    for (const field of row.querySelectorAll("[data-f]")) {
      const value = get(given, field.dataset.f);
      if (value !== undefined) field.value = TYPES[field.dataset.t].write(value);
    }
  }
  dress(row);
  return row;
}

function dress(row) {
  const when = $("[data-when]", row);
  if (when) {
    $("[data-last]", row).hidden = when.value !== "last";
    const count = $('[data-f="window.last"]', row);
    if (when.value === "last" && !count.value) count.value = 30;
  }
  const lists = $("[data-lists]", row);
  if (lists) $("[list]", row).setAttribute("list", `of-${lists.value}`);
}

// A group and its parts.
function draw(rule) {
  const negated = "not" in rule;
  const inner = negated ? rule.not : rule;
  let part = null;
  if (inner.all || inner.any) {
    part = piece("data-group");
    $("[data-join]", part).value = inner.all ? "all" : "any";
    $("[data-kinds]", part).append(...kinds().map((kind) => {
      const item = Object.assign(document.createElement("button"), { type: "button", className: "menu-item", textContent: kind.dataset.label });
      item.dataset.add = kind.dataset.kind;
      return item;
    }));
    $("[data-parts]", part).append(...(inner.all ?? inner.any).map(draw));
  } else {
    for (const kind of kinds()) {
      const row = make(kind, inner);
      if (row && (!kind.dataset.wrap || same(read(row), inner))) {
        part = row;
        break;
      }
    }
  }
  $("[data-not]", part).checked = negated;
  return part;
}

function gather(part) {
  if (!part.matches(".group")) return read(part);
  const rule = { [$("[data-join]", part).value]: [...$("[data-parts]", part).children].map(gather) };
  return $(".group-head [data-not]", part).checked ? { not: rule } : rule;
}

function words() {
  for (const group of form.querySelectorAll(".group")) {
    const join = $("[data-join]", group).value;
    [...$("[data-parts]", group).children].forEach((part, i) => {
      const word = $(":scope > [data-word]", part);
      if (word) word.textContent = i ? word.dataset[join] : "";
    });
  }
}

function changed() {
  form.rule.value = JSON.stringify(gather($("[data-root]", form).firstElementChild), null, 2);
  words();
  ask();
}

async function preview() {
  asking?.abort();
  asking = new AbortController();
  const said = $("[data-said]", form);
  said.setAttribute("aria-busy", "true");
  try {
    const answer = await fetch(form.dataset.preview, { method: "POST", body: new FormData(form), signal: asking.signal, headers: { "HX-Request": "true" } });
    if (answer.ok) said.innerHTML = await answer.text();
    said.setAttribute("aria-busy", "false");
  } catch (error) {
    if (error.name !== "AbortError") said.setAttribute("aria-busy", "false");
  }
}

function redraw() {
  let rule = parsed(form.rule.value, null);
  if (!rule) return ask();
  if (!rule.all && !rule.any && !(rule.not?.all || rule.not?.any)) rule = { all: [rule] };
  $("[data-root]", form).replaceChildren(draw(rule));
  words();
  ask();
}

form?.addEventListener("click", (event) => {
  const group = event.target.closest(".group");
  const add = event.target.closest("[data-add]");
  if (add) {
    const row = make(kinds().find((kind) => kind.dataset.kind === add.dataset.add));
    $(":scope > [data-parts]", group).append(row);
    add.closest("details").open = false;
    $("input:not([type=checkbox]), select, textarea", row)?.focus();
  } else if (event.target.closest("[data-add-group]")) {
    $(":scope > [data-parts]", group).append(draw({ any: [] }));
  } else if (event.target.closest("[data-remove]")) {
    const part = event.target.closest(".rule-row") ?? group;
    if (part.parentElement.matches("[data-root]")) $("[data-parts]", part).replaceChildren();
    else part.remove();
  } else return;
  changed();
});
form?.addEventListener("input", (event) => {
  if (event.target === form.rule) return redraw();
  if (event.target === form.purpose || !event.target.closest("[data-root]")) return;
  const row = event.target.closest(".rule-row");
  if (row) dress(row);
  if (event.target.matches("[data-trait]")) suggestValues(event.target);
  changed();
});
form?.purpose.addEventListener("change", ask);
form?.addEventListener("focusin", (event) => {
  if (event.target.matches("[data-trait-value]")) suggestValues($("[data-trait]", event.target.closest(".rule-row")));
});

function suggestValues(trait) {
  const values = JSON.parse(document.getElementById("trait-values").textContent)[trait.value] ?? [];
  const list = document.getElementById("of-values") ?? document.body.appendChild(Object.assign(document.createElement("datalist"), { id: "of-values" }));
  list.replaceChildren(...values.map((value) => Object.assign(document.createElement("option"), { value })));
  $("[data-trait-value]", trait.closest(".rule-row"))?.setAttribute("list", "of-values");
}

if (form) redraw();

// The size of a group of lookalikes is said while it is chosen.
document.addEventListener("input", ({ target }) => {
  const said = target.closest?.("[data-alike]")?.querySelector("output");
  if (said) said.textContent = Number(target.value).toLocaleString(document.documentElement.lang || "en");
});
