// What a tooltip says. Names are others' words: they are put there as text, never as markup.
import { FORMATS, last } from "./formats.js";

export function said(option, colour) {
  const series = [option.series].flat();
  return (given) => {
    const found = [given].flat().filter((each) => (series[each.seriesIndex]?.type ?? "") !== "band");
    const tip = found.map((each) => each.data?.tip).find(Boolean);
    const box = document.createElement("div");
    if (tip) [tip].flat().forEach((words, i) => box.append(line(words, i === 0)));
    else lines(found, series, option, box, colour);
    return box.childNodes.length ? box : "";
  };
}

function lines(found, series, option, box, colour) {
  const [first] = found;
  if (!first) return;
  const title = first.axisValueLabel ?? first.name;
  if (title) box.append(line(title, true));
  for (const each of found) {
    const one = series[each.seriesIndex] ?? {};
    const value = numbers(each, one, option);
    if (value === null) continue;
    const row = line(one.name ? `${one.name}: ${value}` : value);
    if (one.name) row.prepend(mark(each.color ?? colour("muted")));
    box.append(row);
  }
}

// Values as the series says, else as its axis does.
function numbers(each, one, option) {
  const axis = [[option.yAxis, option.xAxis].flat().find((found) => found && found.type !== "category")][0];
  const name = one.valueFormatter ?? axis?.axisLabel?.formatter;
  const format = FORMATS[name === "short" ? "figure" : name] ?? FORMATS.figure;
  const value = each.data?.value ?? each.value;
  if (value === null || value === undefined || each.dataType === "edge") return null;
  if (one.type === "interval") return value.slice(1).map(format).join(" – ");
  return format(last(value));
}

function line(words, strong = false) {
  const row = document.createElement("div");
  row.className = strong ? "chart-said-head" : "chart-said-line";
  row.append(`${words}`);
  return row;
}

function mark(colour) {
  const dot = document.createElement("i");
  dot.className = "mark";
  if (typeof colour === "string") dot.style.background = colour;
  return dot;
}
