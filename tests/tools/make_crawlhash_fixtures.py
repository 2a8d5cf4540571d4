#!/usr/bin/env python3
"""Writes tests/unit/crawlhash/data/pdq.tsv: hashes and qualities of pictures that the test draws by the same rule, computed with numpy from the published description
with the two differences that crawl/hash/pdq.h states (symmetric tents, integers). Shares no code with the C program: exact fractions for the weights, matrix
products of Python integers, sorting for the median.

    make_crawlhash_fixtures.py            # needs numpy
    make_crawlhash_fixtures.py --compare  # also needs pdqhash: bits between these hashes and the published program's
"""
import os
import sys
from fractions import Fraction
from math import cos, floor, pi

import numpy as np

GRID, LOW = 64, 16


def picture(kind, channels, width, height):
    """kind 0: noise; 1: waves; 2: blobs; everything in integers, so that C can draw the same."""
    y, x, c = np.meshgrid(np.arange(height), np.arange(width), np.arange(channels), indexing='ij')
    x, y, c = x.astype(np.int64), y.astype(np.int64), c.astype(np.int64)
    if kind == 0:
        h = (x * 374761393 + y * 668265263 + c * 974711 + 12345) & 0xffffffff
        h = ((h ^ (h >> 13)) * 1274126177) & 0xffffffff
        return ((h ^ (h >> 16)) & 255).astype(np.uint8)
    if kind == 1:
        return ((x * x * 3 // (width + 1) + y * (5 + c) + x * y // (height + 7)) & 255).astype(np.uint8)
    return np.where((x - width // 3) ** 2 * 4 + (y - height // 2) ** 2 < (width * height) // 9, 200 - 20 * c, 40 + (x * 60) // width).astype(np.uint8)


def weights(n):
    """[64][n] integers that add up to 2^14 per row: the tent around (i + 1/2) n / 64 of half width n / 128, integrated over pixels."""
    out = np.zeros((GRID, n), dtype=object)
    half = Fraction(n, 128)

    def until(t):  # integral from the left end, 0..1
        if t <= -half: return Fraction(0)
        if t >= half: return Fraction(1)
        if t <= 0: return (half + t) ** 2 / (2 * half * half)
        return 1 - (half - t) ** 2 / (2 * half * half)

    def whole(t):  # rounded the same way from both ends
        if t <= 0: return floor(until(t) * 2 ** 14 + Fraction(1, 2))
        return 2 ** 14 - floor((1 - until(t)) * 2 ** 14 + Fraction(1, 2))

    for i in range(GRID):
        centre = Fraction((2 * i + 1) * n, 128)
        for k in range(n):
            if centre - half < k + 1 and k < centre + half:
                out[i, k] = whole(k + 1 - centre) - whole(k - centre)
    return out


def pdq(image):
    height, width, channels = image.shape
    grey_weights = [65536] if channels == 1 else [19595, 38470, 7471]
    down, across = weights(height), weights(width)
    total = np.zeros((GRID, GRID), dtype=object)
    for c, w in enumerate(grey_weights):
        total = total + w * down.dot(image[:, :, c].astype(object)).dot(across.T)
    sample = np.vectorize(lambda v: int(v) >> (16 + 28 - 8), otypes=[object])(total)
    steps = sum(abs(int(a) - int(b)) * 100 // (255 * 256) for a, b in zip(sample[:, 1:].ravel(), sample[:, :-1].ravel()))
    steps += sum(abs(int(a) - int(b)) * 100 // (255 * 256) for a, b in zip(sample[1:].ravel(), sample[:-1].ravel()))
    basis = np.array([[int(floor(4096 * cos(pi * (2 * x + 1) * u / 128) + 0.5)) for x in range(GRID)] for u in range(1, LOW + 1)], dtype=object)
    low = basis.dot(sample).dot(basis.T)  # [v][u]
    median = sorted(low.ravel())[127]
    bits = 0
    for v in range(LOW):
        for u in range(LOW):
            if low[v, u] > median: bits |= 1 << (16 * v + u)
    return bits, min(100, steps // 90), low


def main():
    rows = []
    for kind in range(3):
        for channels in (1, 3):
            for width, height in ((64, 64), (1, 1), (37, 91), (128, 200), (255, 63), (300, 300), (513, 385), (2100, 70)):
                image = picture(kind, channels, width, height)
                bits, quality, _ = pdq(image)
                rows.append('%d\t%d\t%d\t%d\t%064x\t%d\n' % (kind, channels, width, height, bits, quality))
                if '--compare' in sys.argv and min(width, height) > 60:
                    import pdqhash
                    theirs, q = pdqhash.compute(np.repeat(image, 3, axis=2) if channels == 1 else image)
                    mine = [int(b) for b in bin(bits)[2:].zfill(256)]
                    print(kind, channels, width, height, 'bits apart', sum(int(a) != b for a, b in zip(theirs, mine)), 'quality', quality, q)
    path = os.path.join(os.path.dirname(os.path.abspath(__file__)), '..', 'unit', 'crawlhash', 'data', 'pdq.tsv')
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, 'w') as out:
        out.write('kind\tchannels\twidth\theight\thash\tquality\n' + ''.join(rows))


if __name__ == '__main__':
    main()
