// Charts load their library only on pages that have one.
async function draw(within) {
  const places = within.querySelectorAll?.(".chart-plot[data-chart]:empty") ?? [];
  if (!places.length) return;
  const { plot } = await import("./plot.js");
  places.forEach(plot);
}

draw(document);
document.addEventListener("htmx:load", (event) => draw(event.target.parentElement ?? document));
