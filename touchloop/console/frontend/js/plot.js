// A chart is described by the server as JSON beside it: kind, labels, series [{name, tone, values}];
// a funnel: x, lines [{name, dash, points}], groups [{name, tone, symbol, points: [{at, name, href}]}].
// Tones are the disciplines' hues; each series also differs by dash and symbol, never by hue alone.
import { BarChart, LineChart, ScatterChart } from "echarts/charts";
import { AriaComponent, GridComponent, LegendComponent, TooltipComponent } from "echarts/components";
import { init, use } from "echarts/core";
import { SVGRenderer } from "echarts/renderers";

use([AriaComponent, BarChart, GridComponent, LegendComponent, LineChart, ScatterChart, SVGRenderer, TooltipComponent]);

const DASHES = ["solid", "dashed", "dotted"];
const SYMBOLS = ["circle", "rect", "triangle"];
const drawn = new Set();

export function plot(place) {
  const data = JSON.parse(document.getElementById(place.dataset.chart).textContent);
  const chart = init(place, null, { renderer: "svg" });
  const render = () => chart.setOption((data.kind === "funnel" ? funnel : option)(data, place), true);
  render();
  chart.on("click", ({ data: point }) => point?.href && location.assign(point.href));
  drawn.add(render);
  new ResizeObserver(() => chart.resize()).observe(place);
}

new MutationObserver(() => drawn.forEach((render) => render())).observe(document.documentElement, {
  attributeFilter: ["data-theme"],
});
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => drawn.forEach((render) => render()));

function option(data, place) {
  const ink = colour("--ink-2", place);
  const line = colour("--line", place);
  const font = getComputedStyle(document.body).fontFamily;
  return {
    animation: false,
    aria: { enabled: true },
    textStyle: { fontFamily: font, color: ink },
    grid: { left: 8, right: 12, top: data.series.length > 1 ? 32 : 8, bottom: 4, containLabel: true },
    legend: data.series.length > 1 ? { top: 0, left: 0, icon: "roundRect", itemHeight: 8, textStyle: { color: ink } } : undefined,
    tooltip: { trigger: "axis", backgroundColor: colour("--surface", place), borderColor: line, textStyle: { color: colour("--ink", place), fontSize: 12 } },
    xAxis: { type: "category", data: data.labels, axisLine: { lineStyle: { color: line } }, axisTick: { show: false }, axisLabel: { color: ink, hideOverlap: true } },
    yAxis: { type: "value", splitLine: { lineStyle: { color: line } }, axisLabel: { color: ink } },
    series: data.series.map((series, i) => shape(series, i, data.kind, place)),
  };
}

function funnel(data, place) {
  const ink = colour("--ink-2", place);
  const faint = colour("--ink-3", place);
  const line = colour("--line", place);
  const axis = { type: "value", scale: true, axisLabel: { color: ink }, splitLine: { lineStyle: { color: line } } };
  return {
    animation: false,
    aria: { enabled: true },
    textStyle: { fontFamily: getComputedStyle(document.body).fontFamily, color: ink },
    grid: { left: 8, right: 20, top: place.clientWidth < 560 ? 76 : 40, bottom: 24, containLabel: true },
    legend: { top: 0, left: 0, itemHeight: 8, textStyle: { color: ink } },
    tooltip: { backgroundColor: colour("--surface", place), borderColor: line, textStyle: { color: colour("--ink", place), fontSize: 12 }, formatter: said },
    xAxis: { ...axis, name: data.x, nameLocation: "middle", nameGap: 24, nameTextStyle: { color: ink }, splitLine: { show: false }, axisLine: { onZero: false, lineStyle: { color: line } }, minInterval: 1 },
    yAxis: { ...axis, min: ({ min }) => Math.max(data.y[0], Math.floor(min / 20) * 20), max: ({ max }) => Math.min(data.y[1], Math.ceil(max / 20) * 20) },
    series: [
      ...data.lines.map(({ name, dash, points }) => ({ name, data: points, type: "line", symbol: "none", silent: true, itemStyle: { color: faint }, lineStyle: { color: faint, width: 1, type: dash } })),
      ...data.groups.map(({ name, tone, symbol, points }) => ({ name, type: "scatter", symbol, symbolSize: 9, itemStyle: { color: colour(`--${tone}`, place) }, data: points.map(({ at, ...point }) => ({ ...point, value: at })) })),
    ],
  };
}

// Names are others' words: they are put there as text, never as markup.
function said({ data, seriesName }) {
  const words = document.createElement("span");
  words.textContent = data.name ? `${data.name}: ${data.value[1]} (n = ${data.value[0]}), ${seriesName}` : "";
  return data.name ? words : "";
}

function shape(series, i, kind, place) {
  const tone = colour(`--${series.tone ?? ["record", "engage", "experience"][i % 3]}`, place);
  const common = { name: series.name, data: series.values, itemStyle: { color: tone } };
  if (kind === "bar") return { ...common, type: "bar", barMaxWidth: 28, stack: series.stack };
  return { ...common, type: "line", symbol: SYMBOLS[i % 3], symbolSize: 5, showSymbol: series.values.length < 32, lineStyle: { width: 2, type: DASHES[i % 3] } };
}

// light-dark() is resolved by the browser only on a real property
function colour(token, place) {
  const probe = document.createElement("i");
  probe.style.color = `var(${token})`;
  place.append(probe);
  const value = getComputedStyle(probe).color;
  probe.remove();
  return value;
}
