// Lays an option over the house's look: type, axes, legend, tooltip; tones become colours.
import { FORMATS, written } from "./formats.js";
import { SHAPES } from "./shapes.js";
import { said } from "./said.js";
import { CYCLE } from "./tones.js";

const DASHES = ["solid", "dashed", "dotted", [8, 3, 2, 3]];
const SYMBOLS = ["circle", "rect", "triangle", "diamond"];

export function dressed(given, colour, narrow) {
  const { narrow: small, ...wide } = given;
  const option = narrow && small ? over(wide, small) : wide;
  const series = list(option.series);
  const named = series.filter((each) => each.name && !each.silent);
  const legend = series.some((each) => each.type === "graph") ? undefined : named.length > 1 ? {} : undefined;
  const bars = new Set(series.filter((each) => each.type === "bar" && !each.plain).map((each) => each.name)).size;
  const base = {
    animation: false,
    aria: { enabled: true, label: { enabled: false }, decal: { show: bars > 1, decals: bars > 1 ? decals(colour) : undefined } },
    textStyle: { fontFamily: getComputedStyle(document.body).fontFamily, color: "quiet" },
    grid: { left: 8, right: 16, top: legend ? 36 : 10, bottom: 4, outerBoundsMode: "same", outerBoundsContain: "all" },
    tooltip: { trigger: series.some((each) => ["line", "bar"].includes(each.type)) && !series.some((each) => each.type === "scatter") ? "axis" : "item", confine: true, className: "chart-said", borderWidth: 1, padding: [6, 10], backgroundColor: "surface", borderColor: "line", textStyle: { color: "ink", fontSize: 12 }, axisPointer: { lineStyle: { color: "muted" } } },
  };
  const full = over(base, option);
  full.tooltip.formatter = said(option, colour);
  if (legend || option.legend) full.legend = over({ type: "scroll", top: 0, left: 0, itemHeight: 8, itemWidth: 20, itemGap: 14, pageIconColor: "quiet", pageIconInactiveColor: "line", pageTextStyle: { color: "quiet" }, textStyle: { color: "quiet" }, data: named.map((each) => each.name).filter((name, i, all) => all.indexOf(name) === i) }, option.legend ?? {});
  for (const [key, otherwise] of [["xAxis", "x"], ["yAxis", "y"]]) {
    if (full[key]) full[key] = each(full[key], (axis) => over(looks(axis, otherwise), axis));
  }
  if (full.visualMap) full.visualMap = each(full.visualMap, (map) => over({ textStyle: { color: "quiet" }, inRange: { color: ["surface", "record"] } }, map));
  full.series = series.map((one, i) => shaped(one, i, option));
  return painted(full, colour);
}

function looks(axis, side) {
  const category = axis.type === "category";
  return {
    axisLine: { show: side === "x", lineStyle: { color: "line" } },
    axisTick: { show: false },
    axisLabel: { color: "quiet", hideOverlap: true, ...(category ? {} : { formatter: "short" }) },
    splitLine: { show: side === "y" && !category, lineStyle: { color: "line" } },
    nameTextStyle: { color: "quiet", fontSize: 12 },
    ...(axis.name ? { nameLocation: "middle", nameGap: side === "x" ? 26 : 44 } : {}),
  };
}

function shaped(series, i, option) {
  const { tone = CYCLE[i % CYCLE.length], ...rest } = series;
  const alike = list(option.series).slice(0, i).filter((each) => each.type === series.type).length;
  const look = { itemStyle: { color: tone }, cursor: list(series.data).some((datum) => datum?.url) ? "pointer" : "default", ...by(series, alike, tone) };
  const full = over(look, rest);
  if (series.type === "heatmap") full.data = legible(full, [option.visualMap].flat()[0]);
  if (Array.isArray(full.data)) full.data = full.data.map(toned);
  if (Array.isArray(full.links)) full.links = full.links.map(toned);
  if (series.type in SHAPES) return SHAPES[series.type](full, option);
  return full;
}

function by(series, i, tone) {
  if (series.type === "line") return { symbol: SYMBOLS[i % SYMBOLS.length], symbolSize: 5, showSymbol: list(series.data).length < 32, lineStyle: { width: 2, color: tone, type: DASHES[i % DASHES.length] } };
  if (series.type === "bar") return { barMaxWidth: 28 };
  if (series.type === "scatter") return { symbol: SYMBOLS[i % SYMBOLS.length], symbolSize: 9 };
  if (series.type === "heatmap") return { itemStyle: { borderColor: "surface", borderWidth: 2 } };
  if (series.type === "graph") return { label: { show: true, position: "right", distance: 6, color: "ink" }, lineStyle: { color: "muted", curveness: 0.15, opacity: 0.8 }, edgeSymbol: ["none", "arrow"], edgeSymbolSize: 8, edgeLabel: { color: "quiet" } };
  return {};
}

// Figures on a dark cell are light, and the other way round.
function legible(series, map) {
  const { min = 0, max = 1 } = map ?? {};
  return list(series.data).map((datum) => {
    const value = datum?.value ?? datum;
    const dark = (value.at(-1) - min) / (max - min || 1) > 0.6;
    return over({ value, label: { color: dark ? "surface" : "ink" } }, Array.isArray(datum) ? {} : datum);
  });
}

// A datum's tone stands for its colour.
function toned(datum) {
  if (!datum?.tone) return datum;
  const { tone, ...rest } = datum;
  return over({ itemStyle: { color: tone }, ...("source" in rest ? { lineStyle: { color: tone } } : {}) }, rest);
}

// Colours and formats stand in the option by name; everything else is left as it is.
function painted(value, colour, key = "") {
  if (Array.isArray(value)) return value.map((each) => painted(each, colour, key));
  if (value !== null && typeof value === "object") {
    if (Object.getPrototypeOf(value) !== Object.prototype) return value;
    return Object.fromEntries(Object.entries(value).map(([name, each]) => [name, painted(each, colour, name)]));
  }
  if (typeof value !== "string") return value;
  if (/color$/i.test(key)) return colour(value);
  if (key === "formatter" && value in FORMATS) return written(value);
  return value;
}

function decals(colour) {
  const mark = { color: colour("surface"), dashArrayX: [1, 0] };
  return [
    { symbol: "none" },
    { ...mark, dashArrayY: [2, 5], rotation: -Math.PI / 4 },
    { ...mark, dashArrayX: [[6, 6], [0, 6, 6, 0]], dashArrayY: [6, 0], symbol: "circle", symbolSize: 0.5 },
    { ...mark, dashArrayY: [2, 5], rotation: Math.PI / 4 },
  ];
}

function over(under, upper) {
  const merged = { ...under };
  for (const [key, value] of Object.entries(upper)) merged[key] = plainObject(value) && plainObject(merged[key]) ? over(merged[key], value) : value;
  return merged;
}

function plainObject(value) {
  return value !== null && typeof value === "object" && Object.getPrototypeOf(value) === Object.prototype;
}

function each(value, change) {
  return Array.isArray(value) ? value.map(change) : change(value);
}

function list(value) {
  return Array.isArray(value) ? value : value ? [value] : [];
}
