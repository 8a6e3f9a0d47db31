"use strict";
// Without this script the form sends all files at once; with it each file is a request and a row of its own.
{
  const form = document.getElementById("upload");
  const list = document.getElementById("uploads");
  const sums = document.getElementById("sums");
  const zone = form.querySelector(".dropzone");
  const input = form.elements.files;
  const rows = [];
  const at = (...phases) => rows.filter((row) => phases.includes(row.phase));
  const make = (tag, text, props) => Object.assign(document.createElement(tag), { textContent: text }, props);
  // The file's name follows for people who hear one button after the other.
  const named = (node, { file }) => (node.append(make("span", ` ${file.name}`, { className: "visually-hidden" })), node);
  const button = (row, text, onclick) => named(make("button", text, { type: "button", className: "btn small", onclick }), row);
  const size = (n) => (n < 1024 ? `${n} bytes` : n < 1048576 ? `${Math.round(n / 1024)} KB` : `${(n / 1048576).toFixed(1)} MB`);

  const show = (row, phase, ...parts) => {
    const focused = row.state.contains(document.activeElement);
    row.phase = phase;
    row.state.replaceChildren(...parts);
    if (focused) (row.state.querySelector("a, button") ?? input).focus();
    const counts = {};
    for (const row of rows) counts[row.phase] = (counts[row.phase] ?? 0) + 1;
    const words = Object.entries(counts).map(([phase, count]) => `${count} ${phase}`).join(", ");
    if (sums.textContent !== words) sums.textContent = words;
  };
  const take = (files) => {
    document.getElementById("progress").hidden = false;
    for (const file of files) {
      const row = { file, tries: 0, state: make("div", "", { className: "state" }) };
      const item = make("li", "");
      item.append(make("span", file.name, { className: "name" }), make("span", size(file.size), { className: "muted" }), row.state);
      list.append(item);
      rows.push(row);
      wait(row);
    }
    next();
  };
  const wait = (row) => show(row, "waiting", "Waiting", button(row, "Cancel", () => cancel(row)));
  const again = (row) => {
    clearTimeout(row.timer);
    wait(row);
    next();
  };
  const cancel = (row) => {
    clearTimeout(row.timer);
    show(row, "cancelled", "Cancelled", button(row, "Upload after all", () => again(row)));
    row.request?.abort();
    next();
  };
  const next = () => {
    while (at("uploading").length < 3 && at("waiting").length) send(at("waiting")[0]);
  };

  const send = (row) => {
    const request = (row.request = new XMLHttpRequest());
    const bar = make("progress", "", { max: 1, value: 0, ariaLabel: `Upload of ${row.file.name}` });
    const percent = make("span", "0 %", { className: "num" });
    const body = new FormData(form);
    body.set("files", row.file);
    if (rows.length > 1) body.delete("title");
    request.upload.onprogress = ({ loaded, total }) => {
      bar.value = loaded / total;
      percent.textContent = `${Math.round(bar.value * 100)} %`;
    };
    request.onload = () => (request.status < 500 ? finish(row, request) : offline(row, "The server has a problem."));
    request.onerror = () => offline(row, "No connection.");
    request.open("POST", form.action);
    request.setRequestHeader("Accept", "application/json");
    request.send(body);
    show(row, "uploading", bar, percent, button(row, "Cancel", () => cancel(row)));
  };
  const finish = (row, { status, responseText }) => {
    let answer = { words: `This was not accepted. The limit is ${form.dataset.most} MB; or were you signed out?` };
    try { answer = JSON.parse(responseText); } catch { /* a page: of the sign-in, or of a proxy with a limit of its own */ }
    if (status === 201) {
      row.id = String(answer.id);
      show(row, "parsing", "Uploaded");
      poll(500);
    } else if (answer.url) show(row, "uploaded before", answer.words, named(make("a", "Open", { href: answer.url }), row));
    else show(row, "refused", make("span", answer.words, { className: "reason" }));
    next();
  };
  const offline = (row, words) => {
    const pause = Math.min(2 ** row.tries++, 30);
    row.timer = setTimeout(() => again(row), pause * 1000);
    show(row, "offline", `${words} Next try in ${pause} s.`, button(row, "Try again", () => again(row)), button(row, "Cancel", () => cancel(row)));
    next();
  };

  // One poll for all rows; the server writes what each of them shows.
  let timer;
  const poll = (pause) => { timer ??= setTimeout(ask, pause); };
  const ask = async () => {
    try {
      const answer = document.hidden || await fetch(`${form.dataset.rows}?ids=${at("parsing").map((row) => row.id)}`);
      if (answer.ok) update(new DOMParser().parseFromString(await answer.text(), "text/html"));
    } catch { /* no connection: the next poll asks again */ }
    timer = undefined;
    if (at("parsing").length) poll(2000);
  };
  const update = (page) => {
    for (const part of page.querySelectorAll("[data-call]")) {
      const row = rows.find(({ id }) => id === part.dataset.call);
      if (row.seen === part.outerHTML) continue;
      row.seen = part.outerHTML;
      show(row, part.dataset.state, part);
    }
  };
  list.addEventListener("click", async ({ target }) => {
    const pressed = target.closest("[data-again]");
    if (!pressed) return;
    pressed.disabled = true;
    const row = rows.find(({ id }) => id === pressed.closest("[data-call]").dataset.call);
    const body = new URLSearchParams({ seen: pressed.dataset.seen, csrfmiddlewaretoken: form.elements.csrfmiddlewaretoken.value });
    await fetch(pressed.dataset.again, { method: "POST", body, redirect: "manual" }).catch(() => {});
    row.seen = "";
    show(row, "parsing", "Started again");
    poll(500);
  });

  for (const type of ["dragover", "dragleave", "drop"])
    zone.addEventListener(type, (event) => {
      event.preventDefault();
      zone.classList.toggle("is-over", type === "dragover");
      if (type === "drop") take(event.dataTransfer.files);
    });
  const chosen = () => {
    take(input.files);
    input.value = "";
  };
  input.addEventListener("change", chosen);
  addEventListener("online", () => at("offline").forEach(again));
  addEventListener("beforeunload", (event) => {
    if (at("waiting", "uploading", "offline").length) event.preventDefault();
  });
  document.getElementById("send").hidden = true;
  if (input.files.length) chosen(); // before this script had come
}
