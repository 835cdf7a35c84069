// Builds the console's static files: one stylesheet, one script, the charts as a lazy piece, the fonts,
// and a sprite of just the icons that templates and Python name. Called by console/build.py.
import { copyFileSync, readFileSync, readdirSync, rmSync, statSync, writeFileSync, mkdirSync } from "node:fs";
import { createHash } from "node:crypto";
import { basename, dirname, join, relative } from "node:path";
import { fileURLToPath } from "node:url";
import { brotliCompressSync, gzipSync } from "node:zlib";
import { build } from "esbuild";

const here = dirname(fileURLToPath(import.meta.url));
const console_ = dirname(here);
const out = process.argv[2]; // build.py puts the finished files in place
rmSync(out, { recursive: true, force: true });
mkdirSync(out, { recursive: true });

// Components' styles lie beside their README in ui/; a room may add `<room>/page.css` and `page.js`.
const gathered = {
  "ui-components": () => filesIn(join(console_, "ui"), ".css"),
  "page-styles": () => roomFiles("page.css"),
  "page-scripts": () => roomFiles("page.js"),
};
const gather = {
  name: "gather",
  setup({ onResolve, onLoad }) {
    onResolve({ filter: /^(ui-components|page-styles|page-scripts)$/ }, ({ path }) => ({ path, namespace: "gather" }));
    onLoad({ filter: /.*/, namespace: "gather" }, ({ path }) => {
      const css = path !== "page-scripts";
      const lines = gathered[path]().map((file) => (css ? `@import ${JSON.stringify(file)};` : `import ${JSON.stringify(file)};`));
      return { contents: lines.join("\n"), loader: css ? "css" : "js", resolveDir: here };
    });
  },
};

const common = {
  outdir: out,
  bundle: true,
  minify: true,
  format: "esm",
  target: ["es2022", "chrome123", "firefox120", "safari17.5"],
  entryNames: "[name]-[hash]",
  assetNames: "[name]-[hash]",
  loader: { ".woff2": "file" },
  legalComments: "linked",
  metafile: true,
  nodePaths: [join(here, "node_modules")],
  logLevel: "warning",
};

// The charts are built first and alone: the script then loads them by their final name, and no piece
// is shared between the two, so that a first paint needs one script.
const charts = await build({ ...common, entryPoints: [join(here, "js", "plot.js")] });
const plot = nameOf(charts, "plot.js");
const lazy = {
  name: "lazy",
  setup({ onResolve }) {
    onResolve({ filter: /\/plot\.js$/ }, () => ({ path: `./${plot}`, external: true }));
  },
};
const result = await build({
  ...common,
  entryPoints: [join(here, "app.css"), join(here, "app.js")],
  plugins: [gather, lazy],
});

const assets = {
  "app.css": nameOf(result, "app.css"),
  "app.js": nameOf(result, "app.js"),
  "inter.woff2": readdirSync(out).find((name) => name.startsWith("inter-latin-wght")),
  "icons.svg": sprite(),
  "mark.svg": "mark.svg",
};
copyFileSync(join(here, "mark.svg"), join(out, "mark.svg"));
writeFileSync(join(out, "assets.json"), JSON.stringify(assets, null, 1));
for (const name of readdirSync(out)) {
  if (!/\.(css|js|svg)$/.test(name)) continue;
  const bytes = readFileSync(join(out, name));
  writeFileSync(join(out, `${name}.gz`), gzipSync(bytes, { level: 9 }));
  writeFileSync(join(out, `${name}.br`), brotliCompressSync(bytes));
}

function nameOf(built, entry) {
  const found = Object.entries(built.metafile.outputs).find(([, info]) => info.entryPoint && basename(info.entryPoint) === entry);
  return basename(found[0]);
}

function sprite() {
  const symbols = [...iconsNamed()].sort().map((name) => {
    const file = join(here, "node_modules", "lucide-static", "icons", `${name}.svg`);
    let svg;
    try {
      svg = readFileSync(file, "utf8");
    } catch {
      throw new Error(`no icon "${name}" in Lucide: see frontend/node_modules/lucide-static/icons`);
    }
    const inner = svg.slice(svg.indexOf(">", svg.indexOf("<svg")) + 1, svg.lastIndexOf("</svg>"));
    return `<symbol id="${name}" viewBox="0 0 24 24">${inner.replace(/\s+/g, " ").trim()}</symbol>`;
  });
  const svg = `<svg xmlns="http://www.w3.org/2000/svg">${symbols.join("")}</svg>`;
  const name = `icons-${createHash("sha256").update(svg).digest("hex").slice(0, 8)}.svg`;
  writeFileSync(join(out, name), svg);
  return name;
}

function iconsNamed() {
  const names = new Set();
  for (const file of walk(console_)) {
    const text = readFileSync(file, "utf8");
    for (const [, name] of text.matchAll(/\bicon(?:=|\s+|\()["']([a-z][a-z0-9-]*)["']/g)) names.add(name);
  }
  return names;
}

function* walk(folder, wanted = (file) => /\.(html|py)$/.test(file)) {
  for (const name of readdirSync(folder)) {
    if (["node_modules", "static", "frontend", "tests", "migrations"].includes(name)) continue;
    const path = join(folder, name);
    if (statSync(path).isDirectory()) yield* walk(path, wanted);
    else if (wanted(path)) yield path;
  }
}

function filesIn(folder, end) {
  return readdirSync(folder).filter((name) => name.endsWith(end)).sort().map((name) => join(folder, name));
}

// A room of the console, or a room within one (insight/value).
function roomFiles(name) {
  return [...walk(console_, (file) => basename(file) === name)].sort((a, b) => (relative(console_, a) < relative(console_, b) ? -1 : 1));
}
