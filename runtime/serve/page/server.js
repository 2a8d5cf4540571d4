// The routes of runtime/serve/README.md, and nothing of the page's look: requests with the key, waiting when the server says so, streams.
import { $, problem } from "./dom.js";

const KEY = "iadgpt-key"; // sessionStorage: this tab, until it is closed
const ENVELOPE = 65536;   // bytes of a body that are not pictures
const TOGETHER = 4;       // times the pixels of one picture may all of a request have (serve.h)

let limits = { body_bytes: Infinity, images: 16, calibration_images: 64, pixels: Infinity };
export const getLimits = () => limits;
// What one picture may have, alone in its request, and all of one request together.
export const roomAlone = () => ({ bytes: limits.body_bytes - ENVELOPE, pixels: limits.pixels });
export const roomTogether = () => ({ bytes: limits.body_bytes - ENVELOPE, pixels: TOGETHER * limits.pixels });

// ---- the key

let asking = null; // requests that are refused together ask once

export function askKey(why) {
  asking ??= new Promise((resolve) => {
    const dialog = $("key-dialog");
    $("key-why").textContent = why;
    $("key").value = "";
    dialog.returnValue = "cancel"; // what Escape leaves
    dialog.addEventListener("close", () => {
      asking = null;
      const given = dialog.returnValue === "ok" && $("key").value !== "";
      if (given) sessionStorage.setItem(KEY, $("key").value);
      $("key").value = "";
      resolve(given);
    }, { once: true });
    dialog.showModal();
  });
  return asking;
}

// ---- requests

const wait = (seconds, signal) => new Promise((resolve, reject) => {
  const timer = setTimeout(resolve, 1000 * seconds);
  signal?.addEventListener("abort", () => { clearTimeout(timer); reject(signal.reason); }, { once: true });
});

// What the server says is wrong, with the file's name where it is about one of the pictures: then which is its index. everyone: any other
// request would fail in the same way, so a run of many ends.
const refused = (said, files, everyone) => {
  const index = /^\w+\[(\d+)\]/.exec(said.param ?? "")?.[1], name = files?.[index]?.name;
  return problem((name ? `${name}: ` : "") + said.message, { index: name && Number(index), everyone });
};

async function errorOf(response, files) {
  let said = {};
  try { said = (await response.json()).error ?? {}; } catch { /* not ours: a proxy's page */ }
  const { status } = response;
  return refused({ message: `${status} ${response.statusText}`, ...said }, files, [401, 403, 404, 503].includes(status));
}

async function once(path, { method, body, signal }) {
  const key = sessionStorage.getItem(KEY);
  const headers = key ? { Authorization: `Bearer ${key}` } : {};
  if (typeof body === "string") headers["Content-Type"] = "application/json";
  try {
    return { key, response: await fetch(path, { method, body, headers, signal, cache: "no-store" }) };
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw problem("The server does not answer. Is it still running?", { everyone: true });
  }
}

// The response of a request that succeeded. A full server is asked again when it says so; onWait hears for how many seconds.
async function request(path, options = {}) {
  for (;;) {
    const { key, response } = await once(path, options);
    if (response.ok) return response;
    const error = await errorOf(response, options.files), again = Number(response.headers.get("Retry-After"));
    if (response.status === 401) {
      $("key-change").hidden = false;
      const changed = sessionStorage.getItem(KEY) !== key; // another request has asked meanwhile
      if (changed || await askKey(key ? `The server refused the key: ${error.message}` : error.message)) continue;
    } else if (again > 0 && (response.status === 429 || response.status === 503)) {
      options.onWait?.(again);
      await wait(again, options.signal);
      continue;
    }
    throw error;
  }
}

const reply = async (path, options) => (await request(path, options)).json();

// A request with pictures.
function post(path, fields, files, options) {
  const body = new FormData();
  body.append("options", JSON.stringify(fields));
  for (const file of files) body.append("images", file, file.name);
  return request(path, { method: "POST", body, files, ...options });
}

// ---- streams

// Server-sent events of a response: {event, data}.
async function* events(response) {
  const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
  let text = "", event = "message", data = [];
  for (;;) {
    const { value, done } = await reader.read();
    if (done) return;
    const lines = (text + value).split("\n");
    text = lines.pop(); // not whole yet
    for (const line of lines.map((l) => l.replace(/\r$/, ""))) {
      if (line === "") {
        if (data.length > 0) yield { event, data: JSON.parse(data.join("\n")) };
        event = "message";
        data = [];
      } else if (line.startsWith("event:")) event = line.slice(6).trim();
      else if (line.startsWith("data:")) data.push(line.slice(5).replace(/^ /, ""));
    }
  }
}

// ---- the routes

export async function getModel() {
  const model = (await reply("/v1/models")).data[0];
  limits = { ...limits, ...model.iad.limits };
  return model;
}

export const listSets = async () => (await reply("/v1/exemplars")).data;

export const makeSet = async (name, files, options) => (await post("/v1/exemplars", { name }, files, options)).json();

export const deleteSet = (id) => reply(`/v1/exemplars/${encodeURIComponent(id)}`, { method: "DELETE" });

export const calibrateSet = async (id, files, targetFpr, options) =>
  (await post(`/v1/exemplars/${encodeURIComponent(id)}/calibration`, { target_fpr: targetFpr }, files, options)).json();

// {result, told}: of one picture, with the threshold it was judged by. With onWords the explanation is asked for too: onResult comes first, then
// onWords with each piece; told is the whole {words, finish, timings}.
export async function inspect(id, file, { onResult, onWords, ...options } = {}) {
  const words = onWords !== undefined, files = [file];
  const response = await post("/v1/inspect", { exemplar_set: id, map: ["grid"], words, stream: words }, files, options);
  let result = null, told;
  const take = (whole) => ({ ...whole.results[0], threshold: whole.threshold });
  if (!words) result = take(await response.json());
  else {
    for await (const { event, data } of events(response)) {
      if (data.error) throw refused(data.error, files);
      if (event === "result") onResult?.(result = take(data));
      else if (event === "words") onWords(data.text);
      else if (event === "done") told = data;
    }
    if (!told) throw problem("The server ended the answer too early.");
  }
  if (result.error) throw refused(result.error, files);
  return { result, told };
}
