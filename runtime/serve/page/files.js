// Files in and out: drop zones, file inputs, whole folders, a table to take away.
import { busy, note, plural } from "./dom.js";

const PICTURE = /\.(jpe?g|png|webp|bmp)$/i;

// A folder's reader gives its entries in portions, until one is empty.
async function entriesOf(folder) {
  const reader = folder.createReader(), all = [];
  for (;;) {
    const some = await new Promise((resolve, reject) => reader.readEntries(resolve, reject));
    if (some.length === 0) return all;
    all.push(...some);
  }
}

async function filesOf(entry, path, found) {
  if (entry.isFile) {
    const file = await new Promise((resolve, reject) => entry.file(resolve, reject));
    found.push({ file, name: path + file.name });
  } else for (const inner of await entriesOf(entry)) await filesOf(inner, `${path}${entry.name}/`, found);
}

const byName = (a, b) => a.name.localeCompare(b.name, undefined, { numeric: true });

// Of a folder only the pictures; what was chosen one by one is the server's to judge.
function picturesOf(found, wasFolder) {
  const kept = wasFolder ? found.filter(({ file }) => PICTURE.test(file.name) || file.type.startsWith("image/")) : found;
  const left = found.length - kept.length;
  if (left > 0) note(`${plural(left, "file")} of the folder ${left === 1 ? "is no picture and was" : "are no pictures and were"} left out.`);
  if (wasFolder && kept.length === 0) note("There is no picture in this folder.");
  return kept.sort(byName);
}

async function dropped(transfer) {
  const entries = [...transfer.items].filter((item) => item.kind === "file").map((item) => item.webkitGetAsEntry()); // before any await
  const plain = [...transfer.files].map((file) => ({ file, name: file.name }));
  if (!entries.some((entry) => entry?.isDirectory)) return picturesOf(plain, false);
  const found = [];
  for (const entry of entries) if (entry) await filesOf(entry, "", found);
  return picturesOf(found, true);
}

// take([{file, name}]) for what is dropped on the zone or chosen in one of the inputs.
export function takeFiles(zone, inputs, take) {
  let depth = 0; // of elements inside the zone that the pointer is over
  const over = (step) => zone.classList.toggle("over", (depth = Math.max(0, depth + step)) > 0);
  zone.addEventListener("dragenter", (event) => { event.preventDefault(); over(1); });
  zone.addEventListener("dragleave", () => over(-1));
  zone.addEventListener("dragover", (event) => { event.preventDefault(); event.dataTransfer.dropEffect = "copy"; });
  zone.addEventListener("drop", (event) => {
    event.preventDefault();
    over(-depth);
    busy(async () => {
      const found = await dropped(event.dataTransfer);
      if (found.length > 0) take(found);
    });
  });
  for (const input of inputs)
    input.addEventListener("change", () => {
      const found = picturesOf([...input.files].map((file) => ({ file, name: file.webkitRelativePath || file.name })), input.webkitdirectory);
      input.value = ""; // so that the same choice counts again
      if (found.length > 0) take(found);
    });
}

// A picture beside a zone must not replace the page.
export function guardWindow() {
  for (const type of ["dragover", "drop"])
    window.addEventListener(type, (event) => {
      if (event.defaultPrevented) return;
      event.preventDefault();
      event.dataTransfer.dropEffect = "none";
    });
}

// A cell of a CSV file (RFC 4180). A name that a spreadsheet would take for a formula gets an apostrophe in front.
function cell(value) {
  const text = typeof value === "string" && /^[=+\-@\t\r]/.test(value) ? `'${value}` : String(value ?? "");
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}

export const csv = (rows) => rows.map((row) => row.map(cell).join(",") + "\r\n").join("");

export function download(name, type, text) {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(new Blob([text], { type }));
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 60000); // the browser may still be reading
}
