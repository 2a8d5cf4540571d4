// One part on the screen: picture, heat map, boxes, verdict, words; and the parts of this session, to be seen again.
import { $, busy, complain, make, problem } from "./dom.js";
import { draw, drawBoxes, drawHeat, thumb, withBitmap, withinLimits } from "./picture.js";
import { inspect, roomAlone } from "./server.js";
import { chosenSet } from "./sets.js";
import { VERDICTS, digits, verdictOf } from "./verdict.js";

// A part is {name, file, set, result, error, state, says, words, talking, talk, onchange}: result as the server gives it, state while there is
// none (see verdict.js), says why it waits, talking while words come, talk the timings of that.

let shown = null, running = null, shows = 0;

// ---- the viewer

function timingsOf({ result, talk }) {
  const t = result.timings, seconds = (ms) => `${(ms / 1000).toFixed(ms < 9950 ? 2 : 0)} s`;
  return `${seconds(t.preprocess_ms + t.vision_ms + t.prefill_ms)}, ${t.reused_tokens} of ${t.prompt_tokens} tokens known already` +
    (result.batch > 1 ? `, in a batch of ${result.batch}` : "") + (talk ? `; words ${seconds(talk.decode_ms)}` : "");
}

function scoreOf({ result, error, says }) {
  if (error) return error;
  if (!result) return says ?? "\u00a0";
  const n = digits(result.score, result.threshold);
  return `Score ${result.score.toFixed(n)}` + (result.threshold === null ? "; no threshold: see Good parts" : `, threshold ${result.threshold.toFixed(n)}`);
}

function drawMeter(result) {
  $("meter-score").dataset.verdict = verdictOf({ result });
  $("meter-score").style.width = `${100 * (result?.score ?? 0)}%`;
  const t = result?.threshold ?? null;
  $("meter-threshold").style.visibility = t === null ? "hidden" : "visible";
  $("meter-threshold").style.left = `${100 * (t ?? 0)}%`;
}

function drawWords(part) {
  const words = part.words ?? "";
  if ($("words").textContent !== words) $("words").textContent = words;
  $("words").setAttribute("aria-busy", String(Boolean(part.talking)));
  $("words").scrollTop = part.talking ? $("words").scrollHeight : 0;
  $("explain-now").style.visibility = words || part.talking || !part.result || part === running?.part ? "hidden" : "visible";
}

// Shows what is new about a part: everything but the picture.
export function refresh(part) {
  part.onchange?.();
  if (part !== shown) return;
  const { result } = part, verdict = verdictOf(part);
  if ($("verdict").dataset.verdict !== verdict || $("verdict").dataset.name !== part.name) { // said aloud once
    Object.assign($("verdict").dataset, { verdict, name: part.name });
    $("verdict").lastElementChild.textContent = VERDICTS[verdict];
  }
  $("score").textContent = scoreOf(part);
  drawMeter(result);
  drawHeat($("map"), result?.map ?? null, result?.size ?? [1, 1]);
  const boxes = result?.boxes ?? [];
  drawBoxes($("boxes"), boxes, result?.size ?? [1, 1]);
  $("box-count").textContent = !result ? "" : result.map ? `(${boxes.length})` : "(no map with this set)";
  $("timings").textContent = result ? timingsOf(part) : "\u00a0";
  drawWords(part);
}

export async function showPart(part) {
  const turn = ++shows;
  await withBitmap(part.file, (bitmap) => {
    if (turn !== shows) return; // another one was asked for meanwhile
    draw($("picture"), bitmap);
    $("stage-hint").textContent = bitmap ? "" : `This browser cannot show ${part.name}.`;
  });
  if (turn !== shows) return;
  shown = part;
  $("picture").setAttribute("aria-label", `Picture ${part.name}`);
  $("file").textContent = $("file").title = part.name;
  for (const button of $("history").querySelectorAll("button")) button.setAttribute("aria-current", String(button.shows === part));
  refresh(part);
}

// ---- inspecting

// Fills in the part's result, and its words when they are wanted.
async function ask(part, words, stop) {
  try {
    const file = await withBitmap(part.file, (bitmap) => withinLimits(part.file, bitmap, roomAlone()));
    const onResult = (result) => {
      part.result ??= result;
      part.talking = true;
      refresh(part);
      if (running?.part !== part) stop.abort(); // another part came: the verdict is enough
    };
    const onWords = words ? (text) => { part.words = (part.words ?? "") + text; if (part === shown) drawWords(part); } : undefined;
    const onWait = (seconds) => { part.says = `The server is full; again in ${seconds} s.`; refresh(part); };
    const { result, told } = await inspect(part.set.id, file, { signal: stop.signal, onResult, onWords, onWait });
    part.result ??= result;
    part.words = told && told.words + (told.finish === "length" ? " \u2026" : "");
    part.talk = told?.timings;
  } catch (error) {
    if (!part.result) part.error = error.message;
    part.words = ""; // half an explanation is none; it can be asked for again
    throw error;
  } finally {
    part.talking = false;
  }
}

async function run(part, words) {
  if (running?.part.talking) running.stop.abort(); // two explanations at once would only keep each other waiting
  const mine = running = { part, stop: new AbortController() };
  await busy(() => ask(part, words, mine.stop));
  if (running === mine) running = null;
  refresh(part);
}

async function remember(part) {
  const canvas = thumb(null), mark = make("span", { className: "mark", ariaHidden: "true" }), label = make("span", { className: "hidden" });
  const button = make("button", { type: "button", title: part.name, shows: part, onclick: () => showPart(part) },
                      canvas, make("span", { className: "name" }, mark, ` ${part.name}`), label);
  part.onchange = () => {
    button.dataset.verdict = verdictOf(part);
    label.textContent = `, ${VERDICTS[verdictOf(part)]}`;
  };
  part.onchange();
  $("history-hint")?.remove();
  $("history").prepend(make("li", {}, button));
  $("history").scrollLeft = 0;
  await withBitmap(part.file, (bitmap) => thumb(bitmap, canvas));
}

export async function inspectOne({ file, name }) {
  const set = chosenSet();
  if (!set) return complain(problem("First make or choose a set of good parts."));
  const part = { file, name, set, state: "busy" };
  await Promise.all([remember(part), showPart(part), run(part, $("explain").checked)]);
}

export function startPart() {
  const fade = () => { $("map").style.opacity = $("opacity").value / 100; $("opacity-out").value = `${$("opacity").value} %`; };
  $("opacity").addEventListener("input", fade);
  fade();
  const boxes = () => { $("boxes").style.visibility = $("show-boxes").checked ? "visible" : "hidden"; };
  $("show-boxes").addEventListener("change", boxes);
  boxes();
  $("explain-now").addEventListener("click", () => run(shown, true));
}
