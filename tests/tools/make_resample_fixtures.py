#!/usr/bin/env python3
"""Writes tests/unit/resample/data: what Pillow, OpenCV, scipy, the written rules of PyTorch, and a plain numpy version of our hash
say about pictures made by formula. Nothing in it comes from this library. Needs numpy, Pillow, scipy, OpenCV. Run it from anywhere.

resize.tsv    filter, formula, channels, w, h, out w, out h, first 16 hex digits of sha256 of the result
              `filter+13` is Pillow 13's order of passes, written only when that Pillow runs this script
arrays.tsv    a few whole results, for debugging: the same columns, then the bytes in hex
planes.tsv    rule, w, h, out w, out h, parameter, then up to 48 samples spread evenly over the result, or `#` and a hash of its bits
phash.tsv     formula, channels, w, h, hash
"""
import hashlib
import os
import random
from decimal import Decimal, getcontext

import cv2
import numpy as np
import PIL
from PIL import Image
from scipy.ndimage import correlate1d, gaussian_filter

OUT = os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "unit", "resample", "data")
R = Image.Resampling
PILLOW = {"nearest_pil": R.NEAREST, "box": R.BOX, "bilinear": R.BILINEAR, "bicubic": R.BICUBIC, "lanczos": R.LANCZOS}
MAJOR = int(PIL.__version__.split(".")[0])
rng = random.Random(20)


def noise(i):
    i = np.asarray(i, dtype=np.uint64) & 0xFFFFFFFF
    i = ((i ^ 61 ^ (i >> 16)) * 9) & 0xFFFFFFFF
    i = ((i ^ (i >> 4)) * 0x27D4EB2D) & 0xFFFFFFFF
    return i ^ (i >> 15)


def picture(formula, channels, w, h):
    y, x, c = np.meshgrid(np.arange(h), np.arange(w), np.arange(channels), indexing="ij")
    if formula == 0:  # noise
        a = noise((y * w + x) * channels + c) >> 24
    elif formula == 1:  # ramps that wrap
        a = (7 * x + 5 * y + 40 * c) & 255
    else:  # hard black and white tiles
        a = ((x // 3 + y // 2 + c) & 1) * 255
    a = a.astype(np.uint8)
    return a if channels == 3 else a[:, :, 0]


def digest(array):
    return hashlib.sha256(np.ascontiguousarray(array).tobytes()).hexdigest()[:16]


def resized(name, a, ow, oh):
    if name == "nearest_cv":
        return cv2.resize(a, (ow, oh), interpolation=cv2.INTER_NEAREST).reshape((oh, ow) + a.shape[2:])
    image = Image.fromarray(a)
    if name == "nearest_pil":
        return np.asarray(image.resize((ow, oh), PILLOW[name]))
    # One axis at a time pins the order of the passes whatever the version of Pillow.
    return np.asarray(image.resize((ow, image.height), PILLOW[name]).resize((ow, oh), PILLOW[name]))


def sizes():
    fixed = [(6, 5, 4, 7), (9, 2, 3, 5), (1, 1, 1, 1), (1, 1, 9, 5), (1, 7, 3, 1), (9, 1, 1, 4), (2, 2, 3, 3), (5, 5, 5, 5), (5, 5, 5, 9), (5, 5, 9, 5), (64, 64, 32, 32),
             (64, 64, 64, 1), (64, 64, 1, 64), (63, 65, 31, 17), (3, 500, 2, 7), (500, 3, 7, 2), (1000, 2, 3, 2), (2, 1000, 2, 3),
             (4001, 2, 5, 3), (17, 13, 170, 130), (31, 7, 32, 8), (128, 96, 129, 97), (256, 256, 224, 224), (37, 37, 224, 224), (16, 16, 100, 3),
             (333, 250, 111, 125), (97, 101, 96, 100), (129, 129, 128, 128), (65, 33, 130, 66), (33, 31, 300, 299), (640, 5, 63, 64)]
    for size in fixed:
        yield size
    for i in range(60):
        top = (12, 70, 260)[i % 3]
        yield tuple(rng.randint(1, top) for _ in range(4))


def write(name, lines):
    with open(os.path.join(OUT, name), "w", encoding="ascii") as file:
        file.write("\n".join(lines) + "\n")


def resize_fixtures():
    lines, arrays = [], []
    names = list(PILLOW) + ["nearest_cv"]

    def case(name, formula, channels, w, h, ow, oh, always13=False):
        a = picture(formula, channels, w, h)
        result = resized(name, a, ow, oh)
        row = "%s\t%d\t%d\t%d\t%d\t%d\t%d" % (name, formula, channels, w, h, ow, oh)
        lines.append(row + "\t" + digest(result))
        if MAJOR >= 13 and not name.startswith("nearest"):
            direct = np.asarray(Image.fromarray(a).resize((ow, oh), PILLOW[name]))
            if always13 or not np.array_equal(direct, result):
                lines.append(row.replace(name, name + "+13") + "\t" + digest(direct))
        if (w, h, ow, oh) in ((6, 5, 4, 7), (9, 2, 3, 5)) and channels == 1:
            arrays.append(row + "\t" + result.tobytes().hex())

    for i, size in enumerate(sizes()):
        for j, name in enumerate(names):
            for channels in (1, 3):
                case(name, (i + j + channels) % 3, channels, *size)
    # The border of Pillow 13's rule: height lost against twice the width lost.
    for size in ((50, 60, 40, 40), (50, 60, 40, 39), (50, 60, 40, 41), (50, 60, 55, 60), (50, 60, 55, 59), (50, 60, 50, 30), (50, 60, 49, 58), (50, 60, 49, 57)):
        case("bicubic", 0, 3, *size, always13=True)
    for side in (224, 336, 448, 518):
        for name in ("bilinear", "bicubic"):
            case(name, 0, 3, 1024, 1024, side, side)
            case(name, 2, 1, 1024, 1024, side, side)
    case("bicubic", 0, 3, 224, 224, 1024, 1024)
    case("bicubic", 1, 1, 224, 224, 1024, 1024)
    case("lanczos", 0, 3, 1200, 900, 448, 448)
    case("box", 0, 1, 20011, 3, 7, 2)
    write("resize.tsv", lines)
    write("arrays.tsv", arrays)
    return len(lines)


def plane(w, h):
    return (noise(np.arange(w * h)) >> 8).astype(np.float32).reshape(h, w) * np.float32(2.0**-24)


def torch_linear(a, ow, oh):
    """aligned corners, every step in float32"""
    f = np.float32

    def axis(n, out):
        step = f(n - 1) / f(out - 1) if out > 1 else f(0)
        at = np.arange(out, dtype=f) * step
        i = np.minimum(at.astype(int), n - 1)
        weight = at - i.astype(f)
        return i, np.minimum(i + 1, n - 1), f(1) - weight, weight

    x0, x1, u0, u1 = axis(a.shape[1], ow)
    y0, y1, v0, v1 = axis(a.shape[0], oh)
    rows = a[:, x0] * u0 + a[:, x1] * u1
    return rows[y0] * v0[:, None] + rows[y1] * v1[:, None]


def residue(a, sigma):
    """scipy's sums with weights from a correctly rounded exp (numpy's own differs between processors)"""
    radius = int(4 * sigma + 0.5)
    weights = np.array([float(Decimal(float(-0.5 / (sigma * sigma) * x**2)).exp()) for x in range(-radius, radius + 1)])
    weights = weights / weights.sum()
    return correlate1d(correlate1d(a, weights, axis=0, mode="reflect"), weights, axis=1, mode="reflect")


def dinomaly(a, k, sigma):
    """the k x k kernel of the method, zero padding, in double"""
    at = np.arange(k) - (k - 1) / 2
    kernel = np.exp(-(at[:, None] ** 2 + at[None] ** 2) / (2 * sigma**2))
    kernel /= kernel.sum()
    padded = np.pad(a.astype(np.float64), k // 2)
    return sum(kernel[i, j] * padded[i : i + a.shape[0], j : j + a.shape[1]] for i in range(k) for j in range(k))


def plane_fixtures():
    lines = []

    def samples(name, a, ow, oh, parameter, result):
        flat = np.asarray(result, dtype=np.float64).reshape(-1)
        n = min(48, flat.size)
        picks = [flat[k * (flat.size - 1) // max(1, n - 1)] for k in range(n)]
        lines.append("%s\t%d\t%d\t%d\t%d\t%g\t%s" % (name, a.shape[1], a.shape[0], ow, oh, parameter, " ".join("%.9g" % v for v in picks)))

    def bits(name, a, ow, oh, parameter, result):
        assert result.dtype == np.float32
        lines.append("%s\t%d\t%d\t%d\t%d\t%g\t#%s" % (name, a.shape[1], a.shape[0], ow, oh, parameter, digest(result)))

    shapes = [(1, 1, 4, 3), (2, 3, 7, 5), (5, 1, 3, 8), (16, 16, 224, 224), (37, 37, 518, 518), (30, 20, 7, 3), (28, 28, 256, 256), (12, 9, 12, 9),
              (100, 60, 33, 47), (7, 5, 1, 1), (64, 48, 640, 480)]
    for w, h, ow, oh in shapes:
        a = plane(w, h)
        bits("aligned", a, ow, oh, 0, torch_linear(a, ow, oh))
        samples("linear", a, ow, oh, 0, cv2.resize(a, (ow, oh), interpolation=cv2.INTER_LINEAR))
        samples("cubic", a, ow, oh, 0, cv2.resize(a, (ow, oh), interpolation=cv2.INTER_CUBIC))
    for w, h, sigma in [(1, 1, 4), (3, 2, 4), (40, 1, 2), (1, 40, 2), (33, 31, 4), (64, 64, 1), (100, 37, 0.7), (31, 97, 3.3), (32, 32, 12), (20, 30, 0.1),
                        (224, 224, 4), (256, 256, 4), (65, 129, 0.5), (518, 518, 4), (50, 60, 30)]:
        a = plane(w, h)
        bits("gaussian", a, w, h, sigma, gaussian_filter(a, sigma))
    # Plus and minus one by turns: what is left comes from the cut tails alone, small differences of weights show.
    for w, h, sigma in [(40, 33, 4), (70, 21, 2.5), (33, 64, 7.3), (20, 20, 1)]:
        y, x = np.meshgrid(np.arange(h), np.arange(w), indexing="ij")
        a = np.where((x + y) & 1, -1, 1).astype(np.float32)
        bits("residue", a, w, h, sigma, residue(a, sigma))
    for w, h, k, sigma in [(1, 1, 5, 4), (3, 7, 5, 4), (256, 256, 5, 4), (33, 65, 3, 4), (40, 40, 9, 1.5), (10, 10, 63, 8)]:
        a = plane(w, h)
        samples("kernel%d" % k, a, w, h, sigma, dinomaly(a, k, sigma))
    write("planes.tsv", lines)
    return len(lines)


def phash(a):
    planes = [a] if a.ndim == 2 else [a[..., i] for i in range(3)]
    h, w = planes[0].shape
    sums = []
    for g in planes:
        cells = np.repeat(g.astype(np.int64), 32, 1).reshape(h, 32, w).sum(2)
        sums.append(np.repeat(cells, 32, 0).reshape(32, h, 32).sum(1))
    cells = sums[0] * 256 // (w * h) if len(sums) == 1 else (19595 * sums[0] + 38470 * sums[1] + 7471 * sums[2]) // (256 * w * h)
    n = np.arange(32)
    basis = np.round(np.cos(np.pi * (2 * n[None] + 1) * np.arange(1, 9)[:, None] / 64) * 16384).astype(np.int64)
    low = (basis @ cells @ basis.T).reshape(-1)
    middle = np.sort(low)[31:33].sum()
    return sum(1 << k for k in range(64) if 2 * low[k] > middle)


def phash_fixtures():
    lines = []
    for w, h in [(1, 1), (31, 33), (32, 32), (64, 64), (100, 57), (257, 300), (5, 400), (1000, 3), (640, 480)]:
        for formula in range(3):
            for channels in (1, 3):
                lines.append("%d\t%d\t%d\t%d\t%016x" % (formula, channels, w, h, phash(picture(formula, channels, w, h))))
    write("phash.tsv", lines)
    return len(lines)


if __name__ == "__main__":
    getcontext().prec = 50
    os.makedirs(OUT, exist_ok=True)
    print("resize %d, planes %d, hashes %d" % (resize_fixtures(), plane_fixtures(), phash_fixtures()))
