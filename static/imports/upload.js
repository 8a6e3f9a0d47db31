"use strict";
// Without this script the form sends the file and the server answers with a page; with it there is a bar, and dropping.
{
  const form = document.getElementById("upload");
  const zone = form.querySelector(".dropzone");
  const input = form.elements.file;
  const outcome = document.getElementById("outcome");
  const status = document.getElementById("said-outcome");
  const again = document.getElementById("again");
  const make = (tag, text, props) => Object.assign(document.createElement(tag), { textContent: text }, props);
  const say = (...parts) => {
    outcome.hidden = false;
    again.hidden = true;
    status.replaceChildren(...parts);
  };
  const refuse = (words) => say(make("span", words, { className: "reason" }));

  const take = (files) => {
    if (files.length > 1) return refuse(`You dropped ${files.length} files; an import has one. Drop them one after the other.`);
    if (files.length) send(files[0]);
  };
  const send = (file) => {
    const request = new XMLHttpRequest();
    const body = new FormData(form);
    body.set("file", file);
    const bar = make("progress", "", { max: 1, value: 0, ariaLabel: `Upload of ${file.name}` });
    const words = make("span", `Uploading ${file.name}`, { className: "name" });
    say(words, bar, make("button", "Cancel", { type: "button", className: "btn small", onclick: () => request.abort() }));
    request.upload.onprogress = ({ loaded, total }) => {
      bar.value = loaded / total;
      if (loaded === total) words.textContent = `Reading ${file.name}`;
    };
    request.onload = () => finish(request);
    request.onerror = () => say("No connection.", make("button", "Try again", { type: "button", className: "btn small", onclick: () => send(file) }));
    request.onabort = () => say("Cancelled.");
    request.open("POST", form.action);
    request.setRequestHeader("Accept", "application/json");
    request.send(body);
  };
  const finish = ({ status: code, responseText }) => {
    let answer = { words: `This was not accepted. The limit is ${form.dataset.most} MB; or were you signed out?` };
    try { answer = JSON.parse(responseText); } catch { /* a page: of the sign-in, or of a proxy with a limit of its own */ }
    if (code === 201) return location.assign(answer.url);
    if (!answer.again) return refuse(answer.words);
    say(make("span", answer.words), make("a", "Open it", { href: answer.url, className: "btn small" }));
    again.querySelector("form").action = answer.again;
    again.hidden = false;
  };

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
  document.getElementById("send").hidden = true;
  if (input.files.length) chosen(); // before this script had come
}
