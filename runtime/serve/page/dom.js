// What every part of the page uses: elements, messages to the reader, and whether something is under way.

export const $ = (id) => document.getElementById(id);

// make("li", {className: "x", onclick: f}, child, "text")
export function make(tag, properties = {}, ...children) {
  const element = Object.assign(document.createElement(tag), properties);
  element.append(...children);
  return element;
}

export const plural = (n, one, many = one + "s") => `${n} ${n === 1 ? one : many}`;

const MESSAGES = 5; // at once; the oldest goes

function message(text, kind) {
  const same = [...$("messages").children].find((m) => m.dataset.text === text);
  same?.remove();
  const box = make("div", { className: `message ${kind}` }, make("p", {}, text));
  box.dataset.text = text;
  box.append(make("button", { type: "button", className: "quiet", onclick: () => box.remove() }, "Close"));
  $("messages").append(box);
  while ($("messages").children.length > MESSAGES) $("messages").firstChild.remove();
}

export const note = (text) => message(text, "note");

// A request that the reader took back is no error.
export function complain(error) {
  if (error.name === "AbortError") return;
  if (!error.ours) console.error(error); // not an answer of the server: a fault of the page
  message(error.message, "error");
}

// An error whose text is meant for the reader.
export function problem(text, fields = {}) {
  return Object.assign(new Error(text), { ours: true }, fields);
}

let running = 0;
function count(step) {
  running += step;
  $("main").setAttribute("aria-busy", String(running > 0));
}

// Runs a task while the page says that it is busy; shows what goes wrong.
export async function busy(task) {
  count(1);
  try {
    return await task();
  } catch (error) {
    complain(error);
    return undefined;
  } finally {
    count(-1);
  }
}
