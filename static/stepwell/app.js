"use strict";
// Everything here makes pages nicer; nothing but the dialogs needs it.
const live = () => document.querySelector("[data-live]")?.checked ?? true;
const kept = new Map();

document.addEventListener("htmx:beforeRequest", (event) => {
  const polls = event.detail.elt.getAttribute("hx-trigger")?.includes("every");
  if (polls && (document.hidden || !live())) event.preventDefault();
});
// A refresh leaves open what a person opened, and chosen what they chose.
document.addEventListener("htmx:beforeSwap", ({ detail }) => {
  if (detail.xhr.responseURL.includes("/login/")) {
    detail.shouldSwap = false;
    location.reload();
  }
  kept.clear();
  for (const each of detail.target.querySelectorAll("details[id], input[type=checkbox][id]"))
    kept.set(each.id, each.open ?? each.checked);
});
document.addEventListener("htmx:afterSettle", () => {
  for (const [id, on] of kept) {
    const each = document.getElementById(id);
    if (each) each[each.matches("details") ? "open" : "checked"] = on;
  }
  kept.clear();
});
document.addEventListener("click", ({ target }) => {
  const dialog = target.closest("[data-dialog]");
  if (dialog) document.getElementById(dialog.dataset.dialog).showModal();
  const copy = target.closest("[data-copy]");
  if (copy) navigator.clipboard?.writeText(copy.dataset.copy).then(() => say("Copied"));
});
document.addEventListener("change", ({ target }) => {
  if (target.matches("[data-submit]")) target.form.requestSubmit();
  if (target.matches("[data-check-all]"))
    for (const box of document.getElementsByName(target.dataset.checkAll)) box.checked = target.checked;
});
document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || event.target.closest("input, select, textarea, dialog")) return;
  const key = { "/": "input[type=search]", r: "[data-live]", "?": "#keys" }[event.key];
  const found = key && document.querySelector(key);
  if (!found) return;
  event.preventDefault();
  if (event.key === "/") found.focus();
  else if (event.key === "r") found.click();
  else found.showModal();
});
const say = (words) => {
  const status = document.getElementById("said");
  if (status) status.textContent = words;
};
