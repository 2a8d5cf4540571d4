"""What `iad-bench speed synth` compares with: defects as people make them in Python, on one picture in memory, one thread.

    synth_baseline.py PICTURE SECOND REPEATS

Prints seconds for one picture and its mask, the mean over the repeats: cutpaste (numpy and Pillow, published sizes, jitter of brightness, contrast, saturation and hue),
nsa (OpenCV: seamlessClone of one to three patches from the second picture, change mask with a median), and codec (Pillow: JPEG in, JPEG out at quality 90).
"""
import io
import sys
import time

try:
    import numpy as np
    from PIL import Image, ImageEnhance
except ImportError as e:
    sys.exit('baseline missing: %s' % e)
try:
    import cv2
    cv2.setNumThreads(1)
except ImportError:
    cv2 = None


def jitter(patch, rng):
    steps = [lambda p: ImageEnhance.Brightness(p).enhance(rng.uniform(0.9, 1.1)), lambda p: ImageEnhance.Contrast(p).enhance(rng.uniform(0.9, 1.1)),
             lambda p: ImageEnhance.Color(p).enhance(rng.uniform(0.9, 1.1)), lambda p: hue(p, rng.uniform(-0.1, 0.1))]
    for k in rng.permutation(4):
        patch = steps[k](patch)
    return patch


def hue(patch, turn):
    h, s, v = patch.convert('HSV').split()
    h = Image.fromarray((np.asarray(h).astype(np.int16) + int(turn * 255)).astype(np.uint8))
    return Image.merge('HSV', (h, s, v)).convert('RGB')


def cutpaste(picture, rng):
    w, h = picture.size
    area = rng.uniform(0.02, 0.15) * w * h
    ratio = rng.uniform(0.3, 1) if rng.random() < 0.5 else rng.uniform(1, 3.3)
    pw, ph = min(w, max(2, int(round((area / ratio) ** 0.5)))), min(h, max(2, int(round((area * ratio) ** 0.5))))
    x, y = rng.integers(0, w - pw + 1), rng.integers(0, h - ph + 1)
    patch = jitter(picture.crop((x, y, x + pw, y + ph)), rng)
    x, y = rng.integers(0, w - pw + 1), rng.integers(0, h - ph + 1)
    out = picture.copy()
    out.paste(patch, (int(x), int(y)))
    mask = np.zeros((h, w), np.uint8)
    mask[y:y + ph, x:x + pw] = 255
    return np.asarray(out), mask


def nsa(a, b, rng):
    h, w = a.shape[:2]
    out, touched = a, np.zeros((h, w), np.uint8)
    for k in range(3):
        if k and rng.random() < 0.5:
            continue
        half = np.clip(0.03 + rng.gamma(2, 0.05, 2), 0.03, 0.40)
        ph, pw = int(2 * half[0] * h) // 2 * 2, int(2 * half[1] * w) // 2 * 2
        scale = np.clip(rng.normal(1, 0.5), 0.7, 1.3)
        y, x = rng.integers(0, h - ph + 1), rng.integers(0, w - pw + 1)
        patch = cv2.resize(b[y:y + ph, x:x + pw], None, fx=scale, fy=scale)
        ph, pw = min(patch.shape[0], h - 4), min(patch.shape[1], w - 4)
        patch = patch[:ph, :pw]
        mask = np.full((ph, pw), 255, np.uint8)
        mask[0], mask[-1], mask[:, 0], mask[:, -1] = 0, 0, 0, 0
        cx, cy = rng.integers(pw // 2 + 1, w - pw // 2 - 1), rng.integers(ph // 2 + 1, h - ph // 2 - 1)
        out = cv2.seamlessClone(patch, out, mask, (int(cx), int(cy)), cv2.NORMAL_CLONE)
        y, x = cy - ph // 2, cx - pw // 2
        touched[y:y + ph, x:x + pw] = 255
    change = np.abs(out.astype(np.int16) - a).mean(2)
    return out, cv2.medianBlur(((change > 1) & (touched > 0)).astype(np.uint8) * 255, 5)


def codec(data):
    picture = Image.open(io.BytesIO(data))
    picture.load()
    out = io.BytesIO()
    picture.save(out, 'JPEG', quality=90)


def mean(fn, repeats):
    fn()
    start = time.process_time()
    for _ in range(repeats):
        fn()
    return (time.process_time() - start) / repeats


def main():
    data = open(sys.argv[1], 'rb').read()
    repeats = int(sys.argv[3])
    picture = Image.open(io.BytesIO(data)).convert('RGB')
    second = np.asarray(Image.open(sys.argv[2]).convert('RGB'))
    rng = np.random.default_rng(1)
    import PIL
    print('version numpy %s, Pillow %s%s' % (np.__version__, PIL.__version__, ', OpenCV ' + cv2.__version__ if cv2 else ''))
    print('cutpaste', mean(lambda: cutpaste(picture, rng), repeats))
    print('codec', mean(lambda: codec(data), repeats))
    if cv2:
        a = np.asarray(picture)
        print('nsa', mean(lambda: nsa(a, second, rng), max(1, repeats // 4)))


main()
