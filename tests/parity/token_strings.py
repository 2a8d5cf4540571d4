"""The strings of the golden files: the same as tests/unit/token/token_strings.h makes (see there)."""
import os

HERE = os.path.dirname(os.path.abspath(__file__))
DATA = os.path.join(HERE, "..", "unit", "token", "data")
STRINGS, BLOCK = 24000, 100
MASK = (1 << 64) - 1


def unescape(line):
    out, i = bytearray(), 0
    while i < len(line):
        c = line[i]
        if c == 0x5C:
            i += 1
            c = line[i]
            if c == ord("x"):
                c = int(line[i + 1:i + 3], 16)
                i += 2
            else:
                c = {ord("n"): 10, ord("r"): 13, ord("t"): 9}.get(c, c)
        out.append(c)
        i += 1
    return bytes(out)


PIECES = [unescape(l) for l in open(os.path.join(DATA, "pieces.txt"), "rb").read().split(b"\n")[:-1]]
LO = [0, 0, 0x10000, 0x300, 0x1100, 0]
HI = [0x7FF, 0xFFFF, 0x1FFFF, 0x36F, 0x11FF, 0x10FFFF]
SPACE = [0x20, 0x20, 9, 10, 13, 0x0B, 0xA0, 0x3000, 0x2028, 0x85]


class Rng:
    def __init__(self, i):
        self.s = 0x1AD70C ^ (i * 0xD1342543DE82EF95 & MASK)

    def below(self, n):
        self.s = (self.s + 0x9E3779B97F4A7C15) & MASK
        z = self.s
        z = (z ^ z >> 30) * 0xBF58476D1CE4E5B9 & MASK
        z = (z ^ z >> 27) * 0x94D049BB133111EB & MASK
        return (z ^ z >> 31) % n


def cp(c):
    return chr(c).encode("utf-8", "surrogatepass")


def element(g):
    r = g.below(100)
    if r < 60:
        return PIECES[g.below(len(PIECES))]
    if r < 68:
        return b"".join(cp(32 + g.below(95)) for _ in range(1 + g.below(8)))
    if r < 75:
        k = g.below(6)
        return cp(LO[k] + g.below(HI[k] - LO[k] + 1))
    if r < 80:
        return bytes(g.below(256) for _ in range(1 + g.below(3)))
    if r < 88:
        return b"".join(cp(SPACE[g.below(10)]) for _ in range(1 + g.below(6)))
    if r < 94:
        p = PIECES[g.below(len(PIECES))]
        return p * (1 + g.below(12))
    if r < 98:
        return b"".join(cp(48 + g.below(10)) for _ in range(1 + g.below(6)))
    return cp(97 + g.below(26)) + b"".join(cp(0x300 + g.below(0x70)) for _ in range(1 + g.below(6)))


def make(i):
    g = Rng(i)
    out = [element(g) for _ in range(1 + g.below(20))]
    if i % 1000 == 999:
        out += [cp(97 + g.below(26)) for _ in range(20000)]
    if i % 1000 == 499:
        out.append(PIECES[g.below(len(PIECES))] * 3000)
    return b"".join(out)


def fnv(h, data):
    for b in data:
        h = (h ^ b) * 0x100000001B3 & MASK
    return h


FNV_START = 0xCBF29CE484222325
