// The page of iadgpt serve: good parts on one side, parts to inspect on the other.
import { $, busy, plural } from "./dom.js";
import { guardWindow, takeFiles } from "./files.js";
import { inspectMany, startMany } from "./many.js";
import { inspectOne, startPart } from "./part.js";
import { askKey, getModel } from "./server.js";
import { chosenSet, loadSets, startSets, threshold } from "./sets.js";

function showSet() {
  const set = chosenSet(), t = threshold(set);
  $("against").textContent = !set ? "No set of good parts yet." : `Against "${set.name}", ${t === null ? "without a threshold" : `threshold ${t.toFixed(3)}`}.`;
}

async function connect() {
  const model = await getModel();
  $("server").textContent = `Model ${model.id} on ${model.iad.device}, version ${model.iad.version}, ${plural(model.iad.sessions, "session")}`;
  await loadSets();
}

guardWindow();
startSets(showSet);
startPart();
startMany();
takeFiles($("part-drop"), [$("part-files"), $("part-folder")], (found) => (found.length === 1 ? inspectOne(found[0]) : inspectMany(found)));
$("key-change").addEventListener("click", () => askKey("The next requests carry this key.").then((given) => given && busy(connect)));
showSet();
busy(connect).then((done) => { if ($("server").textContent.endsWith("\u2026")) $("server").textContent = "Not connected."; return done; });
