// Many parts: a table that fills while the pictures go through the model, several at a time, so that the server can join them in batches.
import { $, busy, complain, make, problem } from "./dom.js";
import { csv, download } from "./files.js";
import { refresh, showPart } from "./part.js";
import { thumb, withBitmap, withinLimits } from "./picture.js";
import { inspect, roomAlone } from "./server.js";
import { chosenSet } from "./sets.js";
import { VERDICTS, digits, verdictOf } from "./verdict.js";

const AT_ONCE = 4; // a browser opens six connections to a server; two stay free for the rest of the page

let parts = [], live = null, sorting = { by: "name", down: false };

// ---- the table

const ORDER = { bad: 0, open: 1, ok: 2, failed: 3, stopped: 4, busy: 5, wait: 6 };
const KEYS = {
  name: (a, b) => a.name.localeCompare(b.name, undefined, { numeric: true }),
  score: (a, b) => (a.result?.score ?? -1) - (b.result?.score ?? -1),
  verdict: (a, b) => ORDER[verdictOf(a)] - ORDER[verdictOf(b)],
};

function sort() {
  const way = sorting.down ? -1 : 1;
  parts.sort((a, b) => way * KEYS[sorting.by](a, b) || KEYS.name(a, b));
  $("rows").append(...parts.map((part) => part.row));
  for (const button of document.querySelectorAll("[data-sort]"))
    button.closest("th").setAttribute("aria-sort", button.dataset.sort !== sorting.by ? "none" : sorting.down ? "descending" : "ascending");
}

function addRow(part) {
  const canvas = thumb(null), score = make("td", { className: "right" }), verdict = make("td", { className: "verdict-cell" });
  const open = make("button", { type: "button", className: "open", onclick: () => { showPart(part); $("part-title").scrollIntoView(); } },
                    ...part.name.split(/(?<=\/)/).flatMap((piece) => [piece, make("wbr")]));
  part.row = make("tr", {}, make("td", {}, canvas), make("td", {}, open), score, verdict);
  part.canvas = canvas;
  part.onchange = () => {
    part.row.dataset.verdict = verdictOf(part);
    score.textContent = part.result ? part.result.score.toFixed(digits(part.result.score, part.result.threshold)) : "";
    verdict.replaceChildren(make("span", { className: "mark", ariaHidden: "true" }), ` ${VERDICTS[verdictOf(part)]}`, ...(part.error ? [`: ${part.error}`] : []));
  };
  part.onchange();
}

const todo = () => parts.filter((part) => !part.result && !part.error);

function count() {
  const done = parts.length - todo().length, of = (verdict) => parts.filter((part) => verdictOf(part) === verdict).length;
  const said = [["bad", "Not OK"], ["ok", "OK"], ["open", "undecided"], ["failed", "not inspected"]].filter(([v]) => of(v) > 0).map(([v, text]) => `${of(v)} ${text}`);
  $("many-state").textContent = [`${done} of ${parts.length} done`, ...said].join(", ");
  $("many-progress").max = parts.length;
  $("many-progress").value = done;
  $("many-stop").textContent = live ? "Cancel" : "Go on";
  $("many-stop").disabled = !live && todo().length === 0;
  $("many-csv").disabled = done === 0;
}

// ---- the run

async function one(part, signal) {
  part.state = "busy";
  refresh(part);
  try {
    const file = await withBitmap(part.file, (bitmap) => {
      thumb(bitmap, part.canvas);
      return withinLimits(part.file, bitmap, roomAlone());
    });
    part.result = (await inspect(part.set.id, file, { signal })).result;
  } catch (error) {
    const itsOwn = error.ours && !error.everyone;
    if (itsOwn) part.error = error.message;
    else part.state = "stopped";
    if (!itsOwn) throw error;
  } finally {
    refresh(part);
    count();
  }
}

const next = () => parts.find((part) => !part.result && !part.error && part.state === "wait");

// Takes part after part; what would fail for every other one too ends the run, which can go on later.
async function lane(run) {
  run.lanes++;
  try {
    for (let part = next(); part && !run.stop.signal.aborted; part = next()) await one(part, run.stop.signal);
  } catch (error) {
    run.stop.abort();
    throw error;
  } finally {
    run.lanes--;
    if (run.lanes === 0 && run === live) {
      live = null;
      if (sorting.by !== "name") sort();
      count();
    }
  }
}

// Starts a run, or gives the one that goes on all its lanes again.
function start() {
  if (!live || live.stop.signal.aborted) live = { stop: new AbortController(), lanes: 0 };
  const run = live;
  for (let n = run.lanes; n < AT_ONCE; n++) busy(() => lane(run));
  count();
}

export function inspectMany(found) {
  const set = chosenSet();
  if (!set) return complain(problem("First make or choose a set of good parts."));
  $("many").hidden = false;
  const added = found.map(({ file, name }) => ({ file, name, set, state: "wait" }));
  added.forEach(addRow);
  parts.push(...added);
  sort();
  $("many-title").focus();
  start();
}

function table() {
  const line = ({ name, result, error, ...part }) => [name, result?.score ?? "", VERDICTS[verdictOf({ result, error, ...part })], result?.threshold ?? "",
    (result?.boxes ?? []).map((b) => `${b.x0} ${b.y0} ${b.x1} ${b.y1}`).join("; "), part.set.name, error ?? ""];
  return csv([["file", "score", "verdict", "threshold", "boxes (x0 y0 x1 y1)", "set", "error"], ...parts.map(line)]);
}

export function startMany() {
  for (const button of document.querySelectorAll("[data-sort]"))
    button.addEventListener("click", () => {
      const by = button.dataset.sort;
      sorting = { by, down: sorting.by === by ? !sorting.down : by === "score" }; // the worst first
      sort();
    });
  $("many-stop").addEventListener("click", () => {
    if (live) return void live.stop.abort();
    for (const part of todo()) {
      part.state = "wait";
      refresh(part);
    }
    start();
  });
  $("many-csv").addEventListener("click", () => download("iadgpt.csv", "text/csv", table()));
  $("many-close").addEventListener("click", () => {
    live?.stop.abort();
    parts = [];
    $("rows").replaceChildren();
    $("many").hidden = true;
    $("part-files").focus();
  });
}
