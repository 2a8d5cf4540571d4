// Exemplar sets: the stored ones, making one from pictures, its threshold from further good pictures.
import { $, busy, complain, make, note, plural, problem } from "./dom.js";
import { takeFiles } from "./files.js";
import { pixelsOf, thumb, withBitmap, withinLimits } from "./picture.js";
import { calibrateSet, deleteSet, getLimits, listSets, makeSet, roomAlone, roomTogether } from "./server.js";

const CHOSEN = "iadgpt-set"; // sessionStorage
const CONFIDENCE = 0.95;     // the server's default
const PORTION = 4;           // pictures of a threshold in one request: the reader sees it go on, and any four have room together

let sets = [], chosen = null, changed = () => {};

export const chosenSet = () => chosen;
export const percent = (share) => `${+(100 * share).toFixed(2)} %`;
export const threshold = (set) => set?.calibration?.threshold ?? null;

// Good pictures that a threshold needs: with fewer, even the highest score says too little.
export const needed = (rate) => Math.ceil(Math.log(1 - CONFIDENCE) / Math.log(1 - rate));

// ---- the list

function choose(set) {
  chosen = set;
  if (set) sessionStorage.setItem(CHOSEN, set.id);
  $("calib").hidden = !set;
  if (set) showThreshold();
  changed();
}

function about(set) {
  const t = threshold(set);
  return `${plural(set.k, "picture")}, ${t === null ? "no threshold" : `threshold ${t.toFixed(3)}`}`;
}

function row(set) {
  const radio = make("input", { type: "radio", name: "set", value: set.id, checked: set.id === chosen?.id, onchange: () => choose(set) });
  const text = make("span", { className: "about" }, make("b", {}, set.name), make("span", { className: "hint" }, about(set)));
  const remove = make("button", { type: "button", className: "quiet", onclick: () => forget(set) }, "Delete");
  remove.setAttribute("aria-label", `Delete the set ${set.name}`);
  return make("li", {}, make("label", {}, radio, text), remove);
}

function show() {
  const focused = document.activeElement?.name === "set"; // the list is made anew
  $("set-list").replaceChildren(...sets.map(row));
  if (focused) $("set-list").querySelector("input:checked")?.focus();
  if (sets.length === 0) $("set-new").open = true;
}

export async function loadSets() {
  sets = (await listSets()).reverse(); // the newest first
  choose(sets.find((set) => set.id === (chosen?.id ?? sessionStorage.getItem(CHOSEN))) ?? sets[0] ?? null);
  show();
}

function put(set, take = false) {
  sets = sets.some((s) => s.id === set.id) ? sets.map((s) => (s.id === set.id ? set : s)) : [set, ...sets];
  if (take || chosen === null || chosen.id === set.id) choose(set);
  show();
}

function forget(set) {
  if (!confirm(`Delete the set "${set.name}" and its threshold from the server?`)) return;
  busy(async () => {
    await deleteSet(set.id);
    sets = sets.filter((s) => s.id !== set.id);
    if (chosen?.id === set.id) choose(sets[0] ?? null);
    show();
    ($("set-list").querySelector("input:checked") ?? $("set-new").querySelector("summary")).focus();
  });
}

// ---- a new set

let good = []; // {file, canvas}

function addOne(file) {
  const canvas = thumb(null);
  const remove = () => {
    good = good.filter((g) => g.file !== file);
    ((li.nextSibling ?? li.previousSibling)?.querySelector("button") ?? $("good-files")).focus();
    li.remove();
    countGood();
  };
  const take = make("button", { type: "button", className: "take", onclick: remove }, "\u00d7");
  take.setAttribute("aria-label", `Remove ${file.name}`);
  const li = make("li", { title: file.name }, canvas, take);
  $("good-thumbs").append(li);
  return { file, canvas };
}

async function addGood(found) {
  const room = getLimits().images - good.length, added = found.slice(0, room).map(({ file }) => addOne(file));
  good.push(...added);
  countGood();
  if (found.length > room)
    note(`A set has at most ${getLimits().images} pictures: ${plural(found.length - room, "picture")} left out. ` +
         "Further good pictures serve for the threshold, once the set is made.");
  for (const { file, canvas } of added) await withBitmap(file, (bitmap) => thumb(bitmap, canvas));
}

const countGood = () => { $("set-state").textContent = good.length > 0 ? `${plural(good.length, "picture")} of at most ${getLimits().images}.` : ""; };

// The files as they go: when all of them are too much for one request, the large ones smaller.
async function asSent(files) {
  const alone = roomAlone(), together = roomTogether(), sum = (numbers) => numbers.reduce((a, b) => a + b, 0);
  const pixels = [];
  for (const file of files) pixels.push(await withBitmap(file, pixelsOf));
  const share = (name, all) => (all <= together[name] ? alone[name] : Math.min(alone[name], Math.floor(together[name] / files.length)));
  const room = { bytes: share("bytes", sum(files.map((file) => file.size))), pixels: share("pixels", sum(pixels)) };
  const sent = [];
  for (const file of files) sent.push(await withBitmap(file, (bitmap) => withinLimits(file, bitmap, room)));
  return sent;
}

// Runs a task that a button can stop.
async function stoppable(button, task) {
  const stop = new AbortController();
  button.hidden = false;
  button.onclick = () => stop.abort();
  try {
    await busy(() => task(stop.signal));
  } finally {
    button.hidden = true;
  }
}

async function submit(event) {
  event.preventDefault();
  const name = $("set-name").value.trim();
  $("set-state").textContent = name === "" ? "The set needs a name." : good.length === 0 ? "The set needs at least one good picture." : "";
  if ($("set-state").textContent !== "") return void $(name === "" ? "set-name" : "good-files").focus();
  $("set-make").disabled = true;
  await stoppable($("set-stop"), async (signal) => {
    $("set-state").textContent = "The model looks at the pictures\u2026";
    const onWait = (seconds) => { $("set-state").textContent = `The server is full; again in ${seconds} s.`; };
    const set = await makeSet(name, await asSent(good.map((g) => g.file)), { signal, onWait });
    good = [];
    $("good-thumbs").replaceChildren();
    $("set-name").value = "";
    $("set-new").open = false;
    put(set, true);
    $("set-list").querySelector("input:checked").focus();
  });
  $("set-make").disabled = false;
  countGood();
}

// ---- the threshold

function showThreshold() {
  const c = chosen.calibration, rate = Number($("calib-rate").value);
  let text = "No threshold yet: parts are scored, but not judged.";
  if (c && c.threshold !== null)
    text = `A part above ${c.threshold.toFixed(3)} is Not OK. From ${plural(c.pictures, "good picture")}: at most ${percent(c.target_fpr)} of good ` +
      `parts are refused, with ${percent(c.confidence)} confidence.`;
  else if (c) text = `${c.pictures} of the ${c.needed} good pictures that ${percent(c.target_fpr)} needs.`;
  $("calib-state").textContent = text;
  $("calib-need").textContent = `${percent(rate)} needs ${needed(rate)}, none of them in the set`;
}

// Portions of one request each: not too many pictures, not too many bytes.
async function portionsOf(files) {
  const portions = [], most = Math.min(PORTION, getLimits().calibration_images);
  let bytes = Infinity;
  for (const file of files) {
    const sent = await withBitmap(file, (bitmap) => withinLimits(file, bitmap, roomAlone()));
    if (bytes + sent.size > roomTogether().bytes || portions.at(-1).length === most) {
      portions.push([]);
      bytes = 0;
    }
    portions.at(-1).push(sent);
    bytes += sent.size;
  }
  return portions;
}

// The set with these pictures counted. One that the server refuses is named and left out; null when none is left.
async function score(set, files, rate, options) {
  while (files.length > 0) {
    try {
      return await calibrateSet(set.id, files, rate, options);
    } catch (error) {
      if (error.index === undefined) throw error;
      complain(error);
      files = files.toSpliced(error.index, 1);
    }
  }
  return null;
}

async function calibrate(found) {
  const set = chosen, rate = Number($("calib-rate").value), progress = $("calib-progress");
  if (!set) throw problem("First make or choose a set of good parts.");
  progress.hidden = false;
  progress.value = 0;
  await stoppable($("calib-stop"), async (signal) => {
    $("calib-state").textContent = `Scoring ${plural(found.length, "good picture")}\u2026`;
    let done = 0;
    const onWait = (seconds) => { $("calib-state").textContent = `The server is full; again in ${seconds} s.`; };
    for (const portion of await portionsOf(found.map(({ file }) => file))) {
      const now = await score(set, portion, rate, { signal, onWait });
      done += portion.length;
      if (!now) continue;
      progress.value = done / found.length;
      put(now);
      if (done < found.length) $("calib-state").textContent = `${done} of ${found.length} good pictures scored\u2026`;
    }
  });
  progress.hidden = true;
  if (chosen) showThreshold();
}

// onChange: another set, or another threshold of it
export function startSets(onChange) {
  changed = onChange;
  takeFiles($("good-drop"), [$("good-files")], (found) => busy(() => addGood(found)));
  takeFiles($("calib-drop"), [$("calib-files")], (found) => busy(() => calibrate(found)));
  $("set-form").addEventListener("submit", submit);
  $("calib-rate").addEventListener("change", showThreshold);
}
