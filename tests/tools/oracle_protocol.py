"""Makes the fixtures of the protocol and map reader tests with Pillow, OpenCV, SciPy and NumPy.

Usage: oracle_protocol.py OUT_FOLDER   (tests/unit/metrics/data)

Each case is one small map and mask brought to a 40 x 40 (or stored) evaluation size exactly as the protocol describes it,
written with the libraries that the published code calls. The C test applies the same protocol and compares.
"""
import sys

import cv2
import numpy as np
from PIL import Image
from scipy import ndimage

SIZE = 40


def inputs():
    rng = np.random.default_rng(5)
    native = rng.random((16, 16)).astype(np.float32)
    native[3:7, 8:12] += 1.5
    mask = np.zeros((90, 120), np.uint8)          # rows, columns
    yy, xx = np.mgrid[0:90, 0:120]
    mask[(yy - 30) ** 2 + (xx - 70) ** 2 < 200] = 255
    mask[60:62, 10:12] = 255                      # lost by some rules
    mask[40:80, 95:97] = 255
    mask[5, 5] = 255
    ids = np.where(mask > 0, 1 + (xx // 40), 0).astype(np.uint8)  # class ids 1..3
    return native, mask, ids


def bilinear(src, size, align):
    """PyTorch interpolate(mode='bilinear') in float64, rounded at the end."""
    def axis(n_in, n_out):
        d = np.arange(n_out)
        pos = d * (n_in - 1) / (n_out - 1) if align else np.maximum((d + 0.5) * n_in / n_out - 0.5, 0)
        lo = np.minimum(np.floor(pos).astype(int), n_in - 1)
        hi = np.minimum(lo + 1, n_in - 1)
        return lo, hi, pos - lo
    w, h = size
    y0, y1, fy = axis(src.shape[0], h)
    x0, x1, fx = axis(src.shape[1], w)
    s = src.astype(np.float64)
    top = s[y0][:, x0] * (1 - fx) + s[y0][:, x1] * fx
    low = s[y1][:, x0] * (1 - fx) + s[y1][:, x1] * fx
    return (top * (1 - fy[:, None]) + low * fy[:, None]).astype(np.float32)


def gaussian(m):
    return ndimage.gaussian_filter(m, sigma=4)


def kernel2d(k, sigma):
    x = np.arange(k) - (k - 1) / 2
    g = np.exp(-(x[:, None] ** 2 + x[None, :] ** 2) / (2 * sigma ** 2))
    return g / g.sum()


def pil(mask, w, h):
    return np.asarray(Image.fromarray(mask, mode="L").resize((w, h), Image.BILINEAR))


def short_side(mask, size):
    h, w = mask.shape
    nw, nh = (int(size * w / h), size) if w > h else (size, int(size * h / w))
    m = pil(mask, nw, nh)
    top, left = int(round((nh - size) / 2.0)), int(round((nw - size) / 2.0))
    return m[top:top + size, left:left + size]


def nearest(mask, w, h):
    return cv2.resize(mask, (w, h), interpolation=cv2.INTER_NEAREST)


def main(out):
    native, mask, ids = inputs()
    both = {"map16": native, "mask": mask, "ids": ids}
    wide = bilinear(native, (SIZE, SIZE), False)
    align = bilinear(native, (SIZE, SIZE), True)
    visa = short_side(ids, SIZE)
    via = pil(mask, 448, 448)[28:420, 28:420]
    blur = ndimage.convolve1d(ndimage.convolve1d(wide.astype(np.float64), w := kernel2d(3, 4).sum(0), axis=1, mode="mirror"),
                              w, axis=0, mode="mirror").astype(np.float32)
    cases = {
        "anomalygpt-mvtec": (align, pil(mask, SIZE, SIZE) / 255 > 0.1),
        "anomalygpt-visa": (align, visa > visa.max() / 100),
        "iipad": (gaussian(wide), pil(mask, SIZE, SIZE) / 255 > 0.5),
        "promptad": (gaussian(wide), nearest(nearest(mask, 1024, 1024), SIZE, SIZE) > 0),
        "winclip": (cv2.resize(native, (SIZE, SIZE), interpolation=cv2.INTER_CUBIC), nearest(mask, SIZE, SIZE) / 255 > 0.45),
        "dinomaly": (ndimage.correlate(wide.astype(np.float64), kernel2d(5, 4), mode="constant").astype(np.float32),
                     nearest(via, SIZE, SIZE) > 0),
        "inpformer": (ndimage.correlate(wide.astype(np.float64), kernel2d(5, 4), mode="constant").astype(np.float32),
                      nearest(via, SIZE, SIZE) / 255 > 0.5),
        "univad": (blur, pil(mask, SIZE, SIZE) / 255 > 0.5),
        "mvtec-official": (cv2.resize(native, (120, 90), interpolation=cv2.INTER_LINEAR), mask > 0),
    }
    for name, array in both.items():
        np.save(f"{out}/protocol_{name}.npy", array)
    for name, (m, k) in cases.items():
        np.save(f"{out}/protocol_{name}_map.npy", np.ascontiguousarray(m, np.float32))
        np.save(f"{out}/protocol_{name}_mask.npy", np.ascontiguousarray(k, np.uint8))
    v = np.array([[0, 0.5, -2.25], [65504, 1e-3, 3]])
    np.save(f"{out}/reader_f2_be.npy", v.astype(">f2"))
    np.save(f"{out}/reader_f8_1hw.npy", v.astype("<f8")[None])
    np.save(f"{out}/reader_u2_hw1.npy", np.abs(v).astype("<u2")[..., None])
    cv2.imwrite(f"{out}/reader_f4.tiff", v.astype(np.float32))
    Image.fromarray(v.astype(np.float32), mode="F").save(f"{out}/reader_pil.tiff")


if __name__ == "__main__":
    main(sys.argv[1])
