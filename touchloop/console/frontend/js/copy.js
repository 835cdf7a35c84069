// Copy to the clipboard, with the answer said where the button is.
document.addEventListener("click", async (event) => {
  const button = event.target.closest("[data-copy]");
  if (!button) return;
  const from = document.getElementById(button.dataset.copy);
  const text = from ? from.textContent : button.dataset.copy;
  await navigator.clipboard.writeText(text.trim());
  const label = button.querySelector("[data-copy-label]");
  if (!label) return;
  const before = label.textContent;
  label.textContent = button.dataset.copied;
  setTimeout(() => (label.textContent = before), 1600);
});
