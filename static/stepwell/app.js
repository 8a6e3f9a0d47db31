"use strict";
// Everything here makes pages nicer; nothing but the dialogs needs it.
const live = () => document.querySelector("[data-live]")?.checked ?? true;
const kept = new Map();
let moved = 0;

// A page asks again only while somebody looks at it, and never moves what a moving pointer is about to hit.
document.addEventListener("pointermove", () => (moved = performance.now()));
document.addEventListener("htmx:beforeRequest", (event) => {
  const { elt } = event.detail;
  if (!elt.getAttribute("hx-trigger")?.includes("every")) return;
  const aiming = performance.now() - moved < 1500 && elt.matches(":hover");
  if (document.hidden || !live() || aiming) event.preventDefault();
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
// Between two answers the page counts on by itself: how long a step has run, how long ago something was.
const units = [[86400, "d"], [3600, "h"], [60, "min"], [1, "s"]];
const ago = (seconds) => {
  const [size, unit] = units.find(([size]) => Math.abs(seconds) >= size) ?? [];
  if (!size || Math.abs(seconds) < 1.5) return "now";
  const words = `${Math.floor(Math.abs(seconds) / size)} ${unit}`;
  return seconds > 0 ? `${words} ago` : `in ${words}`;
};
const length = (seconds) => {
  if (seconds < 59.95) return `${seconds.toFixed(1)} s`;
  const whole = Math.round(seconds);
  const [size, unit, below, smaller] = whole < 3600 ? [60, "min", 1, "s"] : [3600, "h", 60, "min"];
  const rest = Math.floor((whole % size) / below);
  return `${Math.floor(whole / size)} ${unit}${rest ? ` ${rest} ${smaller}` : ""}`;
};
// The reader's clock may be wrong.
const skew = document.body.dataset.now * 1000 - Date.now();
setInterval(() => {
  if (document.hidden || !live()) return;
  for (const each of document.querySelectorAll("time[data-ago]")) {
    const words = ago((Date.now() + skew - Date.parse(each.dateTime)) / 1000);
    if (each.textContent !== words) each.textContent = words;
  }
  for (const each of document.querySelectorAll("[data-took]")) {
    each.since ??= performance.now() - each.dataset.took * 1000;
    each.textContent = length((performance.now() - each.since) / 1000);
  }
}, 1000);
const say = (words) => {
  const status = document.getElementById("said");
  if (status) status.textContent = words;
};
