// Keys for everything: a key presses the button that carries it. What lies in a page never runs:
// no words of a case are read here but those our own templates wrote as attributes.
"use strict";

const answer = () => document.getElementById("answer");

const field = (name) => answer().querySelector(`input[name=${name}]`);

function send(kind, word, comment) {
  const form = answer();
  if (!form || form.dataset.sent) return;
  form.dataset.sent = "yes"; // a second key must not answer the next case
  field("kind").value = kind;
  field("word").value = word;
  if (comment !== undefined) field("comment").value = comment;
  for (const button of form.querySelectorAll("button[name]")) button.removeAttribute("name");
  form.requestSubmit();
}

function press(target) {
  if (target.dataset.opens) document.getElementById(target.dataset.opens).showModal();
  else if (target.dataset.skip) skip(target);
  else if (target.dataset.word !== undefined) send("decision", target.dataset.word);
  else if (target.dataset.kind) send(target.dataset.kind, "");
  else if (target.tagName === "DETAILS") target.open = !target.open;
  else target.form.requestSubmit();
}

function skip(target) {
  target.closest("dialog").close();
  const written = field("comment").value.trim();
  send("skip", "", written ? `${target.dataset.skip}: ${written}` : target.dataset.skip);
}

document.addEventListener("click", (event) => {
  const target = event.target.closest("button[data-opens], button[data-skip], button[data-word], button[data-kind]");
  if (!target) return;
  event.preventDefault();
  press(target);
});

document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || event.isComposing) return;
  const field = event.target.closest("input, textarea, select");
  if (field) {
    if (event.key === "Escape") field.blur();
    if (event.key === "Enter" && field.form && field.form.id === "answer") event.preventDefault();
    return;
  }
  const open = document.querySelector("dialog[open]");
  const place = open || document;
  if (event.key === "c" && !open) {
    const comment = document.querySelector("[data-focus=c]");
    if (comment) { event.preventDefault(); comment.focus(); }
    return;
  }
  for (const target of place.querySelectorAll("[data-key]")) {
    if (target.dataset.key !== event.key || (!open && target.closest("dialog"))) continue;
    event.preventDefault();
    if (!event.repeat) press(target); // a key held down is one answer
    return;
  }
});

// whether the model's part was looked at is a fact of the answer
document.addEventListener("toggle", (event) => {
  if (event.target.id === "opinion" && event.target.open && answer()) field("opinion").value = "true";
}, true);

// the facts of the next case are in the page: they show while the answer is on its way
let left = null;
document.addEventListener("htmx:beforeRequest", (event) => {
  const ahead = document.getElementById("ahead");
  if (event.target.id !== "answer" || !ahead) return;
  const columns = document.querySelector("#case .columns");
  const next = columns.cloneNode(false);
  next.append(ahead.content.cloneNode(true));
  next.setAttribute("aria-busy", "true");
  columns.replaceWith(next);
  left = { columns, next };
});

// what was not sent may be sent again: the same answer twice is one
for (const name of ["htmx:sendError", "htmx:timeout", "htmx:responseError"]) {
  document.addEventListener(name, () => {
    if (answer()) delete answer().dataset.sent;
    if (left) left.next.replaceWith(left.columns);
    left = null;
    let note = document.getElementById("offline");
    if (!note) {
      note = document.createElement("p");
      note.id = "offline";
      note.className = "message wrong";
      note.setAttribute("role", "alert");
      document.querySelector(".bar").append(note);
    }
    note.textContent = "The server did not answer: it is not known whether that was saved. Answer again, the same.";
  });
}
