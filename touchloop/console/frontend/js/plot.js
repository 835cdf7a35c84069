// A chart is described by the server as JSON beside it: kind, labels, series [{name, tone, values}].
// Tones are the disciplines' hues; each series also differs by dash and symbol, never by hue alone.
import { BarChart, LineChart } from "echarts/charts";
import { AriaComponent, GridComponent, LegendComponent, TooltipComponent } from "echarts/components";
import { init, use } from "echarts/core";
import { SVGRenderer } from "echarts/renderers";

use([AriaComponent, BarChart, GridComponent, LegendComponent, LineChart, SVGRenderer, TooltipComponent]);

const DASHES = ["solid", "dashed", "dotted"];
const SYMBOLS = ["circle", "rect", "triangle"];
const drawn = new Set();

export function plot(place) {
  const data = JSON.parse(document.getElementById(place.dataset.chart).textContent);
  const chart = init(place, null, { renderer: "svg" });
  const render = () => chart.setOption(option(data, place), true);
  render();
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
