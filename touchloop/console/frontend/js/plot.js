// A chart is an ECharts option as JSON beside its place, drawn with the tokens of the page: see
// console/ui/charts.py for what the option may say beyond ECharts (tones, formats, url, tip).
import { BarChart, CustomChart, GraphChart, HeatmapChart, LineChart, ScatterChart } from "echarts/charts";
import { AriaComponent, GridComponent, LegendComponent, MarkAreaComponent, MarkLineComponent, TooltipComponent, VisualMapComponent } from "echarts/components";
import { init, use } from "echarts/core";
import { LabelLayout } from "echarts/features";
import { SVGRenderer } from "echarts/renderers";
import { dressed } from "./plot/dress.js";
import { paint } from "./plot/tones.js";

use([
  AriaComponent, BarChart, CustomChart, GraphChart, GridComponent, HeatmapChart, LabelLayout, LegendComponent, LineChart,
  MarkAreaComponent, MarkLineComponent, ScatterChart, SVGRenderer, TooltipComponent, VisualMapComponent,
]);

const NARROW = 560;
const drawn = new Set();

export function plot(place) {
  const text = document.getElementById(place.dataset.chart).textContent;
  const chart = init(place, null, { renderer: "svg" });
  let narrow = null;
  const render = () => {
    narrow = place.clientWidth < NARROW;
    chart.setOption(dressed(JSON.parse(text), paint(place), narrow), true);
  };
  render();
  chart.on("click", ({ data }) => data?.url && location.assign(data.url));
  const watch = new ResizeObserver(() => {
    if (!place.isConnected) return gone();
    chart.resize();
    if (narrow !== place.clientWidth < NARROW) render();
  });
  const gone = () => {
    watch.disconnect();
    drawn.delete(again);
    chart.dispose();
  };
  const again = () => (place.isConnected ? render() : gone());
  drawn.add(again);
  watch.observe(place);
}

const redraw = () => drawn.forEach((again) => again());
new MutationObserver(redraw).observe(document.documentElement, { attributeFilter: ["data-theme"] });
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", redraw);
