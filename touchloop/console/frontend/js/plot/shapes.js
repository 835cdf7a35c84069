// Shapes that ECharts lacks: an interval with its whiskers, and a band between two lines.
const WHISKER = 5;

export const SHAPES = { interval, band };

function interval(series, option) {
  const lying = !series.upright && [option.yAxis].flat()[0]?.type === "category";
  return {
    ...series,
    type: "custom",
    z: series.z ?? 3,
    encode: lying ? { y: 0, x: [1, 2] } : { x: 0, y: [1, 2] },
    renderItem(_params, api) {
      const at = (value) => (lying ? api.coord([value, api.value(0)]) : api.coord([api.value(0), value]));
      const [low, high] = [at(api.value(1)), at(api.value(2))];
      const line = (x1, y1, x2, y2) => ({ type: "line", shape: { x1, y1, x2, y2 }, style: { stroke: api.visual("color"), lineWidth: 1.5 } });
      const across = ([x, y]) => (lying ? line(x, y - WHISKER, x, y + WHISKER) : line(x - WHISKER, y, x + WHISKER, y));
      const ends = series.plain ? [] : [across(low), across(high)];
      return { type: "group", children: [line(...low, ...high), ...ends] };
    },
  };
}

function band(series) {
  const values = (series.data ?? []).map((datum) => datum?.value ?? datum);
  return {
    ...series,
    type: "custom",
    z: series.z ?? 1,
    silent: true,
    encode: { x: 0, y: [1, 2] },
    // one polygon for all: drawn with the first datum, empty for the others
    renderItem(params, api) {
      if (params.dataIndexInside) return null;
      const there = (place) => values.filter((value) => value[place] !== null).map((value) => api.coord([value[0], value[place]]));
      return { type: "polygon", shape: { points: [...there(1), ...there(2).reverse()] }, style: { fill: api.visual("color"), opacity: series.opacity ?? 0.16 } };
    },
  };
}
