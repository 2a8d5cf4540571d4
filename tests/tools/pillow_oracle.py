"""What Pillow makes of a picture file, in the conventions of base/image/decode.h. Used by the scripts beside it."""
import hashlib

import numpy as np
from PIL import Image, ImageOps


def on_white(image):
    """Alpha composed on white: RGBA -> RGB, LA -> L."""
    base = Image.new("RGB" if image.mode == "RGBA" else "L", image.size, "white")
    alpha = image.getchannel("A")
    colour = image.convert("RGB") if image.mode == "RGBA" else image.getchannel("L")
    base.paste(colour, (0, 0), alpha)
    return base


def bmp_greys(image):
    """A BMP palette of greys only counts as a grey picture."""
    palette = np.array(image.getpalette()).reshape(-1, 3)
    return bool(np.all(palette == palette[:, :1]))


def decode(path, channels=0):
    """Array [height][width] or [height][width][3] of 8 bits, upright, as iad_image_decode gives it."""
    image = Image.open(path)
    kind = image.format
    image.load()
    image = ImageOps.exif_transpose(image)
    if image.mode.startswith("I"):
        image = Image.fromarray((np.array(image).astype(np.uint32) >> 8).astype(np.uint8))
    if image.mode == "P" and kind == "BMP" and bmp_greys(image):
        image = image.convert("L")
    if image.mode == "P":
        image = image.convert("RGBA" if "transparency" in image.info else "RGB")
    if image.mode == "1":
        image = image.convert("L")
    if image.mode in ("L", "RGB") and "transparency" in image.info:
        image = image.convert("LA" if image.mode == "L" else "RGBA")
    if image.mode in ("CMYK", "RGBX"):
        image = image.convert("RGB")
    if image.mode in ("RGBA", "LA"):
        image = on_white(image)
    if channels:
        image = image.convert("L" if channels == 1 else "RGB")
    return np.asarray(image)


def sha(array):
    """SHA-256 of the pixels; 16-bit samples in little-endian order."""
    if array.dtype == np.uint16:
        array = array.astype("<u2")
    return hashlib.sha256(np.ascontiguousarray(array).tobytes()).hexdigest()
