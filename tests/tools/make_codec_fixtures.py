#!/usr/bin/env python3
"""Draws the small pictures of tests/unit/codec/data and writes expected.tsv, whose pixels come from Pillow or from the
drawing itself, never from this library. Needs Pillow and numpy. Run it from anywhere; it rewrites the folder.

expected.tsv: file, mode, width, height, channels, sha256 of the pixels. Modes: `auto` (channels as stored), `grey`, `rgb`,
`raw` (raw_values), `wide` (16-bit grey, little endian), `turn:N` (auto, with the EXIF orientation byte set to N).
"""
import io
import os
import struct
import sys
import zlib

import numpy as np
from PIL import Image

sys.dont_write_bytecode = True
import pillow_oracle  # noqa: E402
from pillow_oracle import sha

OUT = os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "unit", "codec", "data")
W, H = 21, 13  # odd, not a multiple of any block size
rows = []


def expect(name, mode, array):
    channels = 1 if array.ndim == 2 else array.shape[2]
    rows.append((name, mode, array.shape[1], array.shape[0], channels, sha(array)))


def save(name, data):
    with open(os.path.join(OUT, name), "wb") as file:
        file.write(data)
    assert len(data) < 2048, (name, len(data))


def by_pillow(name, data, modes=("auto", "grey", "rgb")):
    save(name, data)
    path = os.path.join(OUT, name)
    for mode in modes:
        expect(name, mode, pillow_oracle.decode(path, {"auto": 0, "grey": 1, "rgb": 3}[mode]))


# ---- drawings ----

def drawing_rgb(width=W, height=H):
    y, x = np.mgrid[0:height, 0:width]
    red = (x * 255 // (width - 1)).astype(np.uint8)
    green = (y * 255 // (height - 1)).astype(np.uint8)
    blue = (((x // 4 + y // 4) % 2) * 160 + 40).astype(np.uint8)
    return np.dstack([red, green, blue])


def drawing_grey(bits=8, width=W, height=H):
    y, x = np.mgrid[0:height, 0:width]
    top = (1 << bits) - 1
    return ((x * 37 + y * 101 + (x * y) % 7) % (top + 1)).astype(np.uint32) if bits < 16 else \
        ((x * 3001 + y * 4999) % 65536).astype(np.uint32)


def alpha_ramp(top=255, width=W, height=H):
    y, x = np.mgrid[0:height, 0:width]
    return ((x + y) * top // (width + height - 2)).astype(np.uint32)


# ---- PNG, written here: every depth, colour type and interlacing ----

def chunk(kind, body):
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def pack_row(samples, bits):
    """One row of samples (flat list) to bytes."""
    if bits == 16:
        return b"".join(struct.pack(">H", v) for v in samples)
    if bits == 8:
        return bytes(samples)
    out = bytearray((len(samples) * bits + 7) // 8)
    for i, v in enumerate(samples):
        out[i * bits // 8] |= v << (8 - bits - i * bits % 8)
    return bytes(out)


def filtered(lines, pixel_bytes):
    """Applies the five row filters in turn."""
    out, above = b"", None
    for number, line in enumerate(lines):
        kind = number % 5
        above = above or bytes(len(line))
        result = bytearray()
        for i, v in enumerate(line):
            a = line[i - pixel_bytes] if i >= pixel_bytes else 0
            b = above[i]
            c = above[i - pixel_bytes] if i >= pixel_bytes else 0
            p = a + b - c
            near = min((abs(p - a), 0, a), (abs(p - b), 1, b), (abs(p - c), 2, c))[2]
            result.append((v - (0, a, b, (a + b) // 2, near)[kind]) & 255)
        out += bytes([kind]) + bytes(result)
        above = line
    return out


def png(samples, bits, color, interlaced=False, extra=(), after=(), pieces=1):
    """samples: [height][width][channels]."""
    height, width, channels = samples.shape
    pixel_bytes = max(1, bits * channels // 8)
    passes = [(0, 0, 1, 1)]
    if interlaced:
        passes = [(0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2), (0, 1, 1, 2)]
    raw = b""
    for x0, y0, dx, dy in passes:
        part = samples[y0::dy, x0::dx]
        if part.size:
            raw += filtered([pack_row([int(v) for v in line.ravel()], bits) for line in part], pixel_bytes)
    data = zlib.compress(raw, 9)
    size = -(-len(data) // pieces)
    header = struct.pack(">IIBBBBB", width, height, bits, color, 0, 0, int(interlaced))
    parts = [chunk(b"IHDR", header), *(chunk(*e) for e in extra)]
    parts += [chunk(b"IDAT", data[i:i + size]) for i in range(0, len(data), size)]
    parts += [*(chunk(*e) for e in after), chunk(b"IEND", b"")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(parts)


def three(grey):
    return grey[:, :, None]


def white16(value, alpha):
    return (value * alpha + 65535 * (65535 - alpha) + 32767) // 65535


def make_png():
    for bits in (1, 2, 4, 8, 16):
        grey = drawing_grey(bits)
        for interlaced in (False, True):
            name = f"grey{bits}{'_adam7' if interlaced else ''}.png"
            data = png(three(grey), bits, 0, interlaced)
            if bits == 16:
                save(name, data)
                high = (grey >> 8).astype(np.uint8)
                expect(name, "auto", high)
                expect(name, "rgb", np.dstack([high] * 3))
                expect(name, "wide", grey.astype(np.uint16))
            else:
                by_pillow(name, data)
                expect(name, "raw", grey.astype(np.uint8))
                scaled = grey * (255 // ((1 << bits) - 1))
                expect(name, "wide", (scaled * 257).astype(np.uint16))
    for bits, key in ((1, 1), (2, 2), (4, 9), (8, 37)):  # Pillow scales 2- and 4-bit samples, but not their key
        grey = drawing_grey(bits)
        save(f"grey{bits}_key.png", png(three(grey), bits, 0, extra=[(b"tRNS", struct.pack(">H", key))]))
        scaled = np.where(grey == key, 255, grey * (255 // ((1 << bits) - 1)))
        expect(f"grey{bits}_key.png", "auto", scaled.astype(np.uint8))
        expect(f"grey{bits}_key.png", "raw", grey.astype(np.uint8))
    grey = drawing_grey(16)
    save("grey16_key.png", png(three(grey), 16, 0, extra=[(b"tRNS", struct.pack(">H", int(grey[3, 5])))]))
    keyed = np.where(grey == grey[3, 5], 65535, grey)
    expect("grey16_key.png", "wide", keyed.astype(np.uint16))
    expect("grey16_key.png", "auto", (keyed >> 8).astype(np.uint8))

    colours = [(i * 53 % 256, i * 97 % 256, (255 - i * 29) % 256) for i in range(256)]
    for bits in (1, 2, 4, 8):
        indices = drawing_grey(bits)
        if bits == 8:
            indices = indices % 40
        count = min(1 << bits, 40)
        palette = (b"PLTE", b"".join(bytes(c) for c in colours[:count]))
        alpha = (b"tRNS", bytes((i * 71) % 256 for i in range(count - count // 3)))
        for interlaced in (False, True):
            end = "_adam7.png" if interlaced else ".png"
            by_pillow(f"palette{bits}{end}", png(three(indices), bits, 3, interlaced, [palette]))
            expect(f"palette{bits}{end}", "raw", indices.astype(np.uint8))
        by_pillow(f"palette{bits}_alpha.png", png(three(indices), bits, 3, extra=[palette, alpha]))
        expect(f"palette{bits}_alpha.png", "raw", indices.astype(np.uint8))
    by_pillow("palette4_alpha_adam7.png", png(three(drawing_grey(4)), 4, 3, True, [
        (b"PLTE", b"".join(bytes(c) for c in colours[:16])), (b"tRNS", bytes(range(0, 240, 16)))]))

    rgb = drawing_rgb()
    rgb16 = rgb.astype(np.uint32) * 256 + drawing_grey(8)[:, :, None]
    r, g, b = (int(v) for v in rgb[4, 6])
    grey_alpha = np.dstack([drawing_grey(8), alpha_ramp()])
    rgba = np.dstack([rgb.astype(np.uint32), alpha_ramp()])
    for interlaced in (False, True):
        end = "_adam7.png" if interlaced else ".png"
        by_pillow("rgb8" + end, png(rgb, 8, 2, interlaced))
        save("rgb16" + end, png(rgb16, 16, 2, interlaced))
        expect("rgb16" + end, "auto", rgb)
        by_pillow("greya8" + end, png(grey_alpha, 8, 4, interlaced))
        by_pillow("rgba8" + end, png(rgba, 8, 6, interlaced))
        wide = np.dstack([drawing_grey(16), alpha_ramp(65535)])
        save("greya16" + end, png(wide, 16, 4, interlaced))
        expect("greya16" + end, "wide", white16(wide[:, :, 0].astype(np.uint64), wide[:, :, 1]).astype(np.uint16))
        high = Image.merge("LA", [Image.fromarray((wide[:, :, i] >> 8).astype(np.uint8)) for i in (0, 1)])
        expect("greya16" + end, "auto", np.asarray(pillow_oracle.on_white(high)))
    expect("rgba8.png", "raw", rgb)
    expect("greya8.png", "raw", drawing_grey(8).astype(np.uint8))
    by_pillow("rgb8_key.png", png(rgb, 8, 2, extra=[(b"tRNS", struct.pack(">HHH", r, g, b))]))
    r, g, b = (int(v) for v in rgb16[4, 6])
    save("rgb16_key.png", png(rgb16, 16, 2, extra=[(b"tRNS", struct.pack(">HHH", r, g, b))]))
    keyed = rgb.copy()
    keyed[np.all(rgb16 == rgb16[4, 6], axis=2)] = 255
    expect("rgb16_key.png", "auto", keyed)
    rgba16 = rgba * 256 + 77
    save("rgba16.png", png(rgba16, 16, 6))
    expect("rgba16.png", "auto", np.asarray(pillow_oracle.on_white(Image.fromarray(rgba.astype(np.uint8), "RGBA"))))

    by_pillow("one_pixel.png", png(np.full((1, 1, 3), 200), 8, 2))
    by_pillow("wide_adam7.png", png(three(drawing_grey(8, 40, 2)), 8, 0, True))
    by_pillow("tall_adam7.png", png(three(drawing_grey(8, 3, 30)), 8, 0, True))
    by_pillow("pieces.png", png(rgb, 8, 2, pieces=9))
    by_pillow("texts.png", png(three(drawing_grey(8)), 8, 0, extra=[
        (b"gAMA", struct.pack(">I", 45455)), (b"iCCP", b"broken\0\0not a profile"), (b"tEXt", b"Comment\0drawn here"),
        (b"zTXt", b"Comment\0\0broken")], after=[(b"tEXt", b"Comment\0behind the data")]))
    by_pillow("apng.png", png(rgb, 8, 2, extra=[(b"acTL", struct.pack(">II", 2, 0))]), modes=("auto",))
    turn_by_pillow("exif.png", png(rgb, 8, 2, extra=[(b"eXIf", exif(5, "<"))]))
    turn_by_pillow("exif_behind.png", png(rgb, 8, 2, after=[(b"eXIf", exif(5, ">"))]))
    wide = drawing_grey(16)
    save("exif16.png", png(three(wide), 16, 0, extra=[(b"eXIf", exif(6, ">"))]))
    expect("exif16.png", "wide", np.rot90(wide, -1).astype(np.uint16))


# ---- EXIF ----

def exif(orientation, order):
    """A TIFF block whose orientation is the only short that has the value 0x0112 in front of it."""
    mark = b"II" if order == "<" else b"MM"
    other = struct.pack(order + "HHII", 0x0100, 4, 1, 4711)
    entry = struct.pack(order + "HHIHH", 0x0112, 3, 1, orientation, 0)
    return mark + struct.pack(order + "HIH", 42, 8, 2) + other + entry + struct.pack(order + "I", 0)


def with_orientation(data, value):
    """The same file with another orientation (and for PNG another checksum)."""
    for order in "<>":
        at = data.find(struct.pack(order + "HHI", 0x0112, 3, 1))
        if at >= 0:
            break
    out = bytearray(data)
    out[at + 8:at + 10] = struct.pack(order + "H", value)
    kind = out.find(b"eXIf")
    if kind >= 0:
        length = struct.unpack(">I", out[kind - 4:kind])[0]
        out[kind + 4 + length:kind + 8 + length] = struct.pack(">I", zlib.crc32(bytes(out[kind:kind + 4 + length])))
    return bytes(out)


def turn_by_pillow(name, data):
    save(name, data)
    for value in range(1, 9):
        expect(name, f"turn:{value}", pillow_oracle.decode(io.BytesIO(with_orientation(data, value))))


# ---- JPEG ----

def jpeg(image, **options):
    file = io.BytesIO()
    Image.fromarray(image).save(file, "JPEG", **{"quality": 70, **options})
    return file.getvalue()


def make_jpeg():
    rgb, grey = drawing_rgb(), drawing_grey(8).astype(np.uint8)
    by_pillow("grey.jpg", jpeg(grey))
    by_pillow("grey_progressive.jpg", jpeg(grey, progressive=True))
    for name, value in (("444", 0), ("422", 1), ("420", 2)):
        by_pillow(f"ycc{name}.jpg", jpeg(rgb, subsampling=value))
    by_pillow("ycc420_progressive.jpg", jpeg(rgb, subsampling=2, progressive=True))
    by_pillow("optimised.jpg", jpeg(drawing_rgb(40, 33), subsampling=2, optimize=True, quality=40))
    by_pillow("restarts.jpg", jpeg(drawing_rgb(40, 33), subsampling=2, restart_marker_blocks=1))
    by_pillow("rgb.jpg", jpeg(rgb, keep_rgb=True, subsampling=0))
    by_pillow("one_pixel.jpg", jpeg(np.full((1, 1, 3), 200, np.uint8)))
    inks = np.dstack([rgb, alpha_ramp()]).astype(np.uint8)
    file = io.BytesIO()
    Image.fromarray(inks, "CMYK").save(file, "JPEG", quality=70)
    cmyk = file.getvalue()
    by_pillow("cmyk.jpg", cmyk)
    at = cmyk.index(b"Adobe") + 11
    assert cmyk[at] == 0
    by_pillow("ycck.jpg", cmyk[:at] + b"\x02" + cmyk[at + 1:])
    at -= 15  # without the Adobe marker
    by_pillow("cmyk_plain.jpg", cmyk[:at] + cmyk[at + 16:])
    turn_by_pillow("exif.jpg", jpeg(rgb, subsampling=0, exif=b"Exif\0\0" + exif(3, "<")))
    turn_by_pillow("exif_grey.jpg", jpeg(grey, exif=b"Exif\0\0" + exif(3, ">")))


# ---- WebP ----

def webp(image, **options):
    file = io.BytesIO()
    image.save(file, "WEBP", **options)
    return file.getvalue()


def riff(body):
    return b"RIFF" + struct.pack("<I", len(body) + 4) + b"WEBP" + body


def webp_chunk(kind, body):
    return kind + struct.pack("<I", len(body)) + body + b"\0" * (len(body) & 1)


def small_frame(still, x, y, width, height, canvas):
    """An animation of one frame that covers a part of its canvas."""
    def n24(v):
        return struct.pack("<I", v)[:3]
    head = bytes([0x12, 0, 0, 0]) + n24(canvas[0] - 1) + n24(canvas[1] - 1)
    frame = n24(x // 2) + n24(y // 2) + n24(width - 1) + n24(height - 1) + n24(100) + b"\0" + still[12:]
    return riff(webp_chunk(b"VP8X", head) + webp_chunk(b"ANIM", b"\0" * 6) + webp_chunk(b"ANMF", frame))


def make_webp():
    rgb = Image.fromarray(drawing_rgb())
    rgba = Image.fromarray(np.dstack([drawing_rgb(), alpha_ramp()]).astype(np.uint8), "RGBA")
    by_pillow("lossy.webp", webp(rgb, quality=60))
    by_pillow("lossless.webp", webp(rgb, lossless=True))
    by_pillow("lossy_alpha.webp", webp(rgba, quality=60))
    by_pillow("lossless_alpha.webp", webp(rgba, lossless=True, exact=True))
    frames = dict(save_all=True, append_images=[rgb.transpose(Image.Transpose.ROTATE_180)], duration=100)
    by_pillow("animated.webp", webp(rgb, quality=60, **frames))
    frames["append_images"] = [rgba.transpose(Image.Transpose.ROTATE_180)]
    by_pillow("animated_alpha.webp", webp(rgba, lossless=True, exact=True, **frames))
    by_pillow("animated_small.webp", small_frame(webp(rgba, lossless=True, exact=True), 4, 2, W, H, (30, 20)))
    turn_by_pillow("exif.webp", webp(rgb, quality=60, exif=exif(3, "<")))
    turn_by_pillow("exif_alpha.webp", webp(rgba, quality=60, exif=b"Exif\0\0" + exif(3, ">")))


# ---- BMP ----

def bmp(width, height, bits, pixels, palette=b"", compression=0, header=40, masks=(), top_down=False, colors=0,
        masks_behind=False, gap=0):
    if header == 12:
        info = struct.pack("<IHHHH", 12, width, height, 1, bits)
    else:
        info = struct.pack("<IiiHHIIiiII", header, width, -height if top_down else height, 1, bits, compression,
                           len(pixels), 2835, 2835, colors, 0)
        rest = b"".join(struct.pack("<I", m) for m in masks)
        info += rest if masks_behind else rest.ljust(header - 40, b"\0")
    at = 14 + len(info) + len(palette) + gap
    return struct.pack("<2sIHHI", b"BM", at + len(pixels), 0, 0, at) + info + palette + b"\0" * gap + pixels


def bmp_rows(rows_of_bytes, top_down=False):
    lines = [line + b"\0" * (-len(line) % 4) for line in rows_of_bytes]
    return b"".join(lines if top_down else lines[::-1])


def quads(colours):
    return b"".join(bytes([b, g, r, 0]) for r, g, b in colours)


def rle8(indices):
    """Rows bottom up, runs and literal strings in turn."""
    out = b""
    for line in indices[::-1]:
        line = [int(v) for v in line]
        x = 0
        while x < len(line):
            run = 1
            while x + run < len(line) and line[x + run] == line[x] and run < 255:
                run += 1
            if run >= 2 or len(line) - x < 3:
                out += bytes([run, line[x]])
                x += run
            else:
                count = min(5, len(line) - x)
                out += bytes([0, count, *line[x:x + count]]) + b"\0" * (count & 1)
                x += count
        out += b"\0\0"
    return out + b"\0\1"


def make_bmp():
    rgb = drawing_rgb()
    flat = [[tuple(int(v) for v in px) for px in line] for line in rgb]
    colours = [(i * 53 % 256, i * 97 % 256, (255 - i * 29) % 256) for i in range(256)]
    greys = [(i, i, i) for i in range(256)]
    for bits in (1, 4, 8):
        indices = drawing_grey(bits) % 40
        data = bmp_rows([pack_row([int(v) for v in line], bits) for line in indices])
        count = min(1 << bits, 40)
        by_pillow(f"palette{bits}.bmp", bmp(W, H, bits, data, quads(colours[:count]), colors=count))
        expect(f"palette{bits}.bmp", "raw", indices.astype(np.uint8))
    two = drawing_grey(2)
    data = bmp_rows([pack_row([int(v) for v in line], 2) for line in two])
    save("palette2.bmp", bmp(W, H, 2, data, quads(colours[:4])))
    expect("palette2.bmp", "auto", np.array(colours, np.uint8)[two])
    expect("palette2.bmp", "raw", two.astype(np.uint8))
    grey = drawing_grey(8, 9, 7)
    data = bmp_rows([bytes(int(v) for v in line) for line in grey])
    by_pillow("grey8.bmp", bmp(9, 7, 8, data, quads(greys)))
    by_pillow("grey8_inverted.bmp", bmp(9, 7, 8, data, quads(greys[::-1])))
    expect("grey8_inverted.bmp", "raw", grey.astype(np.uint8))
    data = bmp_rows([pack_row([int(v) for v in line], 1) for line in drawing_grey(1)])
    by_pillow("black_white.bmp", bmp(W, H, 1, data, quads([(0, 0, 0), (255, 255, 255)])))
    by_pillow("core1.bmp", bmp(W, H, 1, data, bytes([0, 0, 0, 9, 120, 250]), header=12))
    data24 = bmp_rows([b"".join(bytes([b, g, r]) for r, g, b in line) for line in flat])
    by_pillow("rgb24.bmp", bmp(W, H, 24, data24))
    by_pillow("core24.bmp", bmp(W, H, 24, data24, header=12))
    by_pillow("gap24.bmp", bmp(W, H, 24, data24, gap=6))
    down = bmp_rows([b"".join(bytes([b, g, r]) for r, g, b in line) for line in flat], True)
    by_pillow("rgb24_top_down.bmp", bmp(W, H, 24, down, top_down=True))
    small = [line[:11] for line in flat[:9]]
    data32 = bmp_rows([b"".join(bytes([b, g, r, 7]) for r, g, b in line) for line in small])
    by_pillow("rgb32.bmp", bmp(11, 9, 32, data32))
    alpha = alpha_ramp()
    data32 = bmp_rows([b"".join(bytes([b, g, r, int(alpha[y, x])]) for x, (r, g, b) in enumerate(line))
                       for y, line in enumerate(small)])
    bgra = (0xff0000, 0xff00, 0xff, 0xff000000)
    by_pillow("rgba32_v4.bmp", bmp(11, 9, 32, data32, compression=3, header=108, masks=bgra))
    by_pillow("rgba32_v5.bmp", bmp(11, 9, 32, data32, compression=3, header=124, masks=bgra))
    by_pillow("rgb32_masks.bmp", bmp(11, 9, 32, data32, compression=3, masks=(0xff000000, 0xff0000, 0xff00),
                                     masks_behind=True))
    data16 = bmp_rows([b"".join(struct.pack("<H", (r >> 3) << 10 | (g >> 3) << 5 | b >> 3) for r, g, b in line)
                       for line in flat])
    by_pillow("rgb555.bmp", bmp(W, H, 16, data16))
    data16 = bmp_rows([b"".join(struct.pack("<H", (r >> 3) << 11 | (g >> 2) << 5 | b >> 3) for r, g, b in line)
                       for line in flat])
    by_pillow("rgb565.bmp", bmp(W, H, 16, data16, compression=3, masks=(0xf800, 0x7e0, 0x1f), masks_behind=True))
    by_pillow("rgb565_v2.bmp", bmp(W, H, 16, data16, compression=3, header=52, masks=(0xf800, 0x7e0, 0x1f)))
    ten = bmp_rows([b"".join(struct.pack("<I", r * 4 << 20 | g * 4 << 10 | b * 4) for r, g, b in line) for line in small])
    save("rgb10.bmp", bmp(11, 9, 32, ten, compression=3, masks=(0x3ff << 20, 0x3ff << 10, 0x3ff), masks_behind=True))
    expect("rgb10.bmp", "auto", (np.array(small).astype(np.uint32) * 4 * 255 // 1023).astype(np.uint8))

    runs = (drawing_grey(8) % 40) // 9
    runs[5, :] = 3
    by_pillow("rle8.bmp", bmp(W, H, 8, rle8(runs), quads(colours[:40]), compression=1, colors=40))
    expect("rle8.bmp", "raw", runs.astype(np.uint8))
    moves = bytes([3, 5, 0, 2, 4, 0, 2, 7, 0, 0, 0, 2, 1, 2, 5, 9, 0, 1])
    save("rle8_moves.bmp", bmp(W, H, 8, moves, quads(colours[:40]), compression=1, colors=40))
    moved = np.zeros((H, W), np.uint8)  # Pillow refuses a picture that ends before its last row
    moved[H - 1, 0:3], moved[H - 1, 7:9], moved[H - 4, 1:6] = 5, 7, 9
    expect("rle8_moves.bmp", "raw", moved)
    expect("rle8_moves.bmp", "auto", np.array(colours, np.uint8)[moved])
    packed = bytes([7, 0x12, 0, 5, 0x34, 0x56, 0x70, 0, 0, 0, 21, 0x9a, 0, 0, 0, 2, 3, 1, 4, 0xbc, 0, 6, 0x12, 0x34, 0x56,
                    0, 0, 2, 0, 9, 8, 0xde, 0, 1])
    by_pillow("rle4.bmp", bmp(W, H, 4, packed, quads(colours[:16]), compression=2))


def main():
    os.makedirs(OUT, exist_ok=True)
    for name in os.listdir(OUT):
        os.remove(os.path.join(OUT, name))
    make_png()
    make_jpeg()
    make_webp()
    make_bmp()
    with open(os.path.join(OUT, "expected.tsv"), "w", encoding="ascii") as file:
        for row in rows:
            file.write("\t".join(str(v) for v in row) + "\n")
    print(f"files={len(os.listdir(OUT)) - 1} expectations={len(rows)}")


if __name__ == "__main__":
    main()
