// Pictures on canvases: decoding, small ones, heat maps, boxes, and making one smaller that the server would refuse.
import { note, problem } from "./dom.js";

const SHOWN = 1600;    // longest side of a picture on the screen
const HEAT = 448;      // longest side of a heat map: it is smooth
const SHRUNK = 16e6;   // pixels of a picture that had to be made smaller

// The colours of base/image/colormap.c: lightness rises evenly from blue over green to yellow.
const COLORS = [[23, 19, 97], [19, 36, 109], [9, 52, 121], [7, 69, 126], [10, 84, 132], [14, 100, 133], [16, 115, 137], [19, 131, 140], [25, 147, 141],
  [26, 163, 143], [31, 179, 140], [36, 196, 128], [71, 212, 105], [129, 221, 89], [175, 229, 71], [216, 235, 55], [254, 241, 66]];

function color(t) {
  const at = Math.min(Math.max(t, 0), 1) * 16, i = Math.min(Math.floor(at), 15), f = at - i;
  return COLORS[i].map((c, k) => c + (COLORS[i + 1][k] - c) * f);
}

// What use makes of the decoded picture, upright as its EXIF data says; it gets null where this browser cannot read the file.
export async function withBitmap(file, use) {
  const bitmap = await createImageBitmap(file).catch(() => null);
  try {
    return await use(bitmap);
  } finally {
    bitmap?.close(); // a large one is not left to the collector
  }
}

function fitted(width, height, side) {
  const scale = Math.min(1, side / Math.max(width, height));
  return [Math.max(1, Math.round(width * scale)), Math.max(1, Math.round(height * scale))];
}

export function draw(canvas, bitmap, side = SHOWN) {
  const context = canvas.getContext("2d");
  [canvas.width, canvas.height] = bitmap ? fitted(bitmap.width, bitmap.height, side) : [1, 1];
  context.imageSmoothingQuality = "high";
  if (bitmap) context.drawImage(bitmap, 0, 0, canvas.width, canvas.height);
}

// A small picture; it stays empty for what cannot be read.
export function thumb(bitmap, canvas = document.createElement("canvas")) {
  canvas.className = "thumb";
  canvas.setAttribute("aria-hidden", "true");
  draw(canvas, bitmap, 144);
  return canvas;
}

// The values of a map, row by row.
function valuesOf(map) {
  const bytes = Uint8Array.from(atob(map.f32), (c) => c.charCodeAt(0));
  const view = new DataView(bytes.buffer);
  return Float32Array.from({ length: bytes.length / 4 }, (_, i) => view.getFloat32(4 * i, true));
}

// Where the pixels of an axis lie between the cells of the grid: as iadgpt_result_map, centres on centres, edges repeated.
function axis(pixels, cells) {
  return Array.from({ length: pixels }, (_, i) => {
    const at = Math.min(Math.max((i + 0.5) * cells / pixels - 0.5, 0), cells - 1), low = Math.min(Math.floor(at), Math.max(cells - 2, 0));
    return { low, high: Math.min(low + 1, cells - 1), f: at - low };
  });
}

// Heat over a picture of this size: the hotter, the less is seen through it, as in the pictures of iadgpt inspect --overlay.
export function drawHeat(canvas, map, size) {
  [canvas.width, canvas.height] = map ? fitted(size[0] * HEAT, size[1] * HEAT, HEAT) : [1, 1];
  if (!map || !(map.hi > map.lo)) return;
  const values = valuesOf(map), [columns, rows] = map.grid;
  const context = canvas.getContext("2d"), heat = context.createImageData(canvas.width, canvas.height);
  const xs = axis(canvas.width, columns), ys = axis(canvas.height, rows);
  let at = 0;
  for (const y of ys)
    for (const x of xs) {
      const top = values[y.low * columns + x.low] * (1 - x.f) + values[y.low * columns + x.high] * x.f;
      const bottom = values[y.high * columns + x.low] * (1 - x.f) + values[y.high * columns + x.high] * x.f;
      const t = Math.min(Math.max((top * (1 - y.f) + bottom * y.f - map.lo) / (map.hi - map.lo), 0), 1);
      heat.data.set([...color(t), 255 * t], at);
      at += 4;
    }
  context.putImageData(heat, 0, 0);
}

// Boxes, corners inclusive, in pixels of a picture of this size.
export function drawBoxes(svg, boxes, size) {
  svg.setAttribute("viewBox", `0 0 ${size[0]} ${size[1]}`);
  svg.replaceChildren(...["under", "over"].flatMap((className) => boxes.map((box) => {
    const rect = document.createElementNS("http://www.w3.org/2000/svg", "rect");
    const place = { class: className, x: box.x0, y: box.y0, width: box.x1 - box.x0 + 1, height: box.y1 - box.y0 + 1 };
    for (const [name, value] of Object.entries(place)) rect.setAttribute(name, value);
    return rect;
  })));
}

export const pixelsOf = (bitmap) => (bitmap ? bitmap.width * bitmap.height : 0);

const millions = (n) => `${+(n / 1e6).toPrecision(3)} million`;

// The file itself, or, beyond the room that the server leaves it, a smaller picture of it, and then the reader is told. bitmap: the
// decoded file, or null.
export async function withinLimits(file, bitmap, { bytes, pixels }) {
  const many = pixelsOf(bitmap);
  if (file.size <= bytes && many <= pixels) return file;
  const why = many > pixels ? `${millions(many)} pixels where the server takes ${millions(pixels)}`
    : `${millions(file.size)} bytes where the server takes ${millions(bytes)}`;
  if (!bitmap) throw problem(`${file.name} has ${why}, and this browser cannot read it to make it smaller.`);
  const ratio = bitmap.width / bitmap.height;
  for (let area = Math.min(many, pixels, SHRUNK); area >= 1e4; area /= 2) {
    const height = Math.floor(Math.sqrt(area / ratio)), width = Math.floor(height * ratio);
    if (width < 1 || height < 1) break;
    const canvas = new OffscreenCanvas(width, height), context = canvas.getContext("2d");
    context.imageSmoothingQuality = "high";
    context.fillStyle = "#fff"; // what the server puts under transparent pixels
    context.fillRect(0, 0, width, height);
    context.drawImage(bitmap, 0, 0, width, height);
    const blob = await canvas.convertToBlob({ type: "image/jpeg", quality: 0.95 });
    if (blob.size > bytes) continue;
    note(`${file.name} has ${why}: it is sent as a JPEG of ${width} x ${height}.`);
    return new File([blob], file.name, { type: blob.type });
  }
  throw problem(`${file.name} has ${why}, and it cannot be made that small.`);
}
