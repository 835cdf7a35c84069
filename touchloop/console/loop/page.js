// A customer's link dropped on the loop is followed round it.
const CUSTOMER = /\/customers\/(\d+)\//;
const loop = () => document.getElementById("loop");

document.addEventListener("dragover", (event) => {
  if (!loop()?.contains(event.target)) return;
  event.preventDefault();
  loop().classList.add("loop-over");
});
document.addEventListener("dragleave", (event) => {
  if (event.target === loop()) loop().classList.remove("loop-over");
});
document.addEventListener("drop", (event) => {
  if (!loop()?.contains(event.target)) return;
  const found = CUSTOMER.exec(event.dataTransfer.getData("text/uri-list") || event.dataTransfer.getData("text/plain"));
  if (!found) return;
  event.preventDefault();
  location.assign(`${loop().dataset.loop}?follow=${found[1]}`);
});
// A page that is being used does not change under the hand.
document.addEventListener("htmx:beforeRequest", (event) => {
  const place = loop();
  if (place && event.target === place && place.querySelector(".station") && (place.contains(document.activeElement) || place.matches(":hover"))) event.preventDefault();
});
