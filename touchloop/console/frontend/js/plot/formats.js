// Numbers as people write them, by name: an option is JSON and cannot carry functions.
const language = document.documentElement.lang || "en";
const currency = document.documentElement.dataset.currency;
const number = (options) => {
  const format = new Intl.NumberFormat(language, options);
  return (value) => (value === null || value === undefined || Number.isNaN(value) ? "–" : typeof value === "number" ? format.format(value) : `${value}`);
};
const date = (options) => {
  const format = new Intl.DateTimeFormat(language, { timeZone: "UTC", ...options });
  return (value) => (Number.isNaN(new Date(value).getTime()) ? `${value}` : format.format(new Date(value)));
};
const figure = number({ maximumFractionDigits: 2 });

export const FORMATS = {
  figure,
  plain: (value) => `${value}`,
  short: number({ notation: "compact", maximumFractionDigits: 1 }),
  percent: number({ style: "percent", maximumFractionDigits: 1 }),
  points: number({ style: "percent", maximumFractionDigits: 1, signDisplay: "exceptZero" }),
  signed: number({ maximumFractionDigits: 2, signDisplay: "exceptZero" }),
  money: currency ? number({ style: "currency", currency, maximumFractionDigits: 2, minimumFractionDigits: 0 }) : figure,
  days: number({ style: "unit", unit: "day", unitDisplay: "long", maximumFractionDigits: 1 }),
  date: date({ day: "numeric", month: "short", year: "numeric" }),
  day: date({ day: "numeric", month: "short" }),
  month: date({ month: "short", year: "numeric" }),
};

// Of what ECharts hands over: a value of an axis, or the parameters of a label.
export function written(name) {
  const format = FORMATS[name];
  return (given) => format(given !== null && typeof given === "object" ? last(given.value) : given);
}

export function last(value) {
  return Array.isArray(value) ? value.at(-1) : value;
}
