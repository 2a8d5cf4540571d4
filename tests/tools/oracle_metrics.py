"""Compares the metric library with scikit-learn and with NumPy re-statements of the published definitions.

Usage: oracle_metrics.py METRICS_CLI [ROUNDS]

Random sets of many kinds (ties, skew, saturation, pictures of different sizes, both connectivities) go through
metrics_cli and through the code below. Exits 1 and names the case when a value differs by more than its tolerance.
"""
import os
import subprocess
import sys
import tempfile
import warnings

import numpy as np
from scipy import ndimage
from sklearn import metrics as sk

warnings.filterwarnings("ignore")


def run(*args):
    out = subprocess.run(args, check=True, capture_output=True, text=True).stdout
    return {k: float(v) for k, v in (line.split("=") for line in out.splitlines())}


def labelled(masks, connectivity):
    structure = np.ones((3, 3)) if connectivity == 8 else None
    return [ndimage.label(m, structure) for m in masks]


def aupro(maps, masks, limit, connectivity):
    """The MVTec curve: every distinct score a threshold, region overlaps averaged, linear, cut at the limit."""
    weight, total = [], 0
    for m, (lab, n) in zip(masks, labelled(masks, connectivity)):
        area = np.bincount(lab.ravel(), minlength=n + 1).astype(float)
        w = np.where(lab > 0, 1 / area[lab], 0.0)
        weight.append(w.ravel())
        total += n
    s = np.concatenate([m.ravel() for m in maps]).astype(float)
    w = np.concatenate(weight) / total
    neg = np.concatenate([m.ravel() for m in masks]) == 0
    order = np.argsort(-s, kind="stable")
    s, w, neg = s[order], w[order], neg[order]
    last = np.append(np.flatnonzero(np.diff(s)), len(s) - 1)
    x = np.concatenate([[0.0], np.cumsum(neg)[last] / neg.sum()])
    y = np.concatenate([[0.0], np.cumsum(w)[last]])
    cut = np.searchsorted(x, limit, side="right")
    if cut < len(x):
        y_cut = y[cut - 1] + (y[cut] - y[cut - 1]) * (limit - x[cut - 1]) / (x[cut] - x[cut - 1])
        x, y = np.append(x[:cut], limit), np.append(y[:cut], y_cut)
    return np.trapezoid(y, x) / limit


def overlaps(maps, regions, t, strict=True):
    found = [((m > t) if strict else (m >= t))[c].mean() for m, cs in zip(maps, regions) for c in cs]
    return np.mean(found)


def pro_thr200(maps, masks, regions, rescale):
    lo, hi = float(min(m.min() for m in maps)), float(max(m.max() for m in maps))
    neg = np.concatenate([m[k == 0] for m, k in zip(maps, masks)]).astype(float)
    x, y = [], []
    for t in np.arange(lo, hi, (hi - lo) / 200):
        x.append((neg > t).mean())
        y.append(overlaps([m.astype(float) for m in maps], regions, t))
    x, y = np.array(x), np.array(y)
    keep = x < 0.3
    x, y = x[keep], y[keep]
    if len(x) < 2 or x.max() <= (x.min() if rescale else 0):
        return np.nan  # the published code divides by zero here
    x = (x - x.min()) / (x.max() - x.min()) if rescale else x / x.max()
    return sk.auc(x, y)


def pro_3d100(maps, masks, regions):
    neg = np.sort(np.concatenate([m[k == 0] for m, k in zip(maps, masks)]))
    x, y = [1.0], [1.0]
    for pos in np.linspace(0, len(neg) - 1, num=100, dtype=int):
        x.append(1 - (pos + 1) / len(neg))
        y.append(overlaps(maps, regions, neg[pos]))
    x, y = np.array(x[::-1]), np.array(y[::-1])
    inside = x <= 0.3
    area = np.trapezoid(y[inside], x[inside])
    i = np.flatnonzero(inside)[-1]
    if x[i] < 0.3:
        cut = y[i] + (y[i + 1] - y[i]) * (0.3 - x[i]) / (x[i + 1] - x[i])
        area += (0.3 - x[i]) * (y[i] + cut) / 2
    return area / 0.3


def visa202(s, y):
    s = s.astype(float)
    pos, neg = s[y], s[~y]
    t = np.concatenate([np.percentile(pos, np.linspace(100, 0, 100)), np.linspace(pos.max(), pos.min(), 100),
                        [s.min() - 1e-8, s.max() + 1e-8]])
    t = np.flip(np.sort(t))
    pos, neg = np.sort(pos), np.sort(neg)
    tp = len(pos) - np.searchsorted(pos, t, side="right")
    fp = len(neg) - np.searchsorted(neg, t, side="right")
    fpr, tpr = fp / len(neg), tp / len(pos)
    prec = np.where(tp + fp > 0, tp / np.maximum(tp + fp, 1), 1.0)
    f1 = np.where((prec > 0) & (tpr > 0), 2 * prec * tpr / np.maximum(prec + tpr, 1e-300), 0)
    return round(sk.auc(fpr, tpr), 4), round(sk.auc(tpr, prec), 4), f1.max()


def ader(s, y):
    norm = (s - s.min()) / (s.max() - s.min())

    def at(t):
        p = norm.astype(np.float64) > t
        tp, pred, true = (p & y).sum(), p.sum(), y.sum()
        precision, recall = tp / (pred + 1e-8), tp / (true + 1e-8)
        return 2 * precision * recall / (precision + recall + 1e-8), tp / ((p | y).sum() + 1e-8)
    full = np.array([at(t) for t in np.arange(0.0, 1.0 + 1e-3, 0.05)])
    seven = np.array([at(t) for t in np.arange(0.2, 0.8 + 1e-3, 0.1)])
    return full[:, 0].max(), full[:, 1].max(), seven[:, 0].mean()


def aupimo(maps, masks, low, high, n=200000):
    """anomalib's sampling of the definition: thresholds evenly between the lowest and highest normal score."""
    normal = [np.sort(m.ravel()).astype(float) for m, k in zip(maps, masks) if not k.any()]
    t = np.linspace(min(m[0] for m in normal), max(m[-1] for m in normal), n)
    fpr = np.mean([1 - np.searchsorted(m, t, side="left") / len(m) for m in normal], axis=0)
    keep = (fpr >= low) & (fpr <= high)
    x = np.log(fpr[keep])[::-1]
    out = []
    for m, k in zip(maps, masks):
        if k.any():
            d = np.sort(m[k > 0]).astype(float)
            tpr = 1 - np.searchsorted(d, t[keep], side="left") / len(d)
            out.append(np.trapezoid(tpr[::-1], x) / np.log(high / low))
    return np.mean(out)


def make_set(rng, kind):
    n = int(rng.integers(3, 8))
    maps, masks = [], []
    for i in range(n):
        h, w = (48, 64) if kind != "sizes" else (int(rng.integers(20, 70)), int(rng.integers(20, 70)))
        k = np.zeros((h, w), np.uint8)
        if i != n - 1:
            for _ in range(int(rng.integers(1, 4))):
                y, x, r = rng.integers(0, h), rng.integers(0, w), rng.integers(1, 9)
                yy, xx = np.mgrid[0:h, 0:w]
                k |= ((yy - y) ** 2 + (xx - x) ** 2 < r * r).astype(np.uint8)
            k |= (rng.random((h, w)) < 0.003).astype(np.uint8)
        m = ndimage.gaussian_filter(rng.standard_normal((h, w)), 2) * 3 + k * 0.6 + rng.standard_normal((h, w)) * 0.1
        if kind == "skew":
            m = np.exp(4 * m)
        if kind == "ties":
            m = np.round(m * 3) / 3
        if kind == "saturated":
            m = 1 / (1 + np.exp(-30 * m))
        if kind == "u8":
            m = np.clip(np.round(m * 40 + 90), 0, 255)
        maps.append(m.astype(np.float32))
        masks.append(k)
    return maps, masks


def check(name, got, want, tolerance, worst):
    d = abs(got - want) if np.isfinite(want) else (0 if not np.isfinite(got) else np.inf)
    worst[name] = max(worst.get(name, 0), d)
    if d > tolerance:
        print(f"FAILED {name}: {got!r}, expected {want!r}, off by {d:.3g}")
        sys.exit(1)


def pixel_round(cli, rng, kind, connectivity, worst):
    maps, masks = make_set(rng, kind)
    s = np.concatenate([m.ravel() for m in maps])
    y = np.concatenate([m.ravel() for m in masks]) > 0
    with tempfile.TemporaryDirectory() as d:
        for i, (m, k) in enumerate(zip(maps, masks)):
            np.save(f"{d}/map_{i}.npy", m)
            if k.any():
                np.save(f"{d}/mask_{i}.npy", k)
        got = run(cli, "pixel", d, str(len(maps)), str(int(rng.integers(1, 4))), str(connectivity))
    lab = labelled(masks, connectivity)
    regions = [[np.nonzero(l == r) for r in range(1, n + 1)] for l, n in lab]
    check("regions", got["regions"], sum(n for _, n in lab), 0, worst)
    check("auroc", got["auroc"], sk.roc_auc_score(y, s), 1e-12, worst)
    check("ap", got["ap"], sk.average_precision_score(y, s), 1e-12, worst)
    p, r, _ = sk.precision_recall_curve(y, s)
    check("aupr_trapz", got["aupr_trapz"], sk.auc(r, p), 1e-12, worst)
    check("f1_max", got["f1_max"], np.nanmax(2 * p * r / (p + r)), 1e-12, worst)
    for limit in ("0.05", "0.3", "1"):
        check("aupro_" + limit, got["aupro_" + limit], aupro(maps, masks, float(limit), connectivity), 1e-9, worst)
    defect = [k.any() for k in masks]
    s2 = np.concatenate([m.ravel() for m, a in zip(maps, defect) if a])
    y2 = np.concatenate([m.ravel() for m, a in zip(masks, defect) if a]) > 0
    check("auroc_anomaly_only", got["auroc_anomaly_only"], sk.roc_auc_score(y2, s2), 1e-12, worst)
    check("pro_at_threshold", got["pro_at_threshold"], overlaps(maps, regions, 0.5, strict=False), 1e-12, worst)
    check("aupro_thr200_rescaled", got["aupro_thr200_rescaled"], pro_thr200(maps, masks, regions, True), 1e-12, worst)
    check("aupro_thr200_dinomaly", got["aupro_thr200_dinomaly"], pro_thr200(maps, masks, regions, False), 1e-12, worst)
    check("aupro_3d100", got["aupro_3d100"], pro_3d100(maps, masks, regions), 1e-12, worst)
    a, b, c = visa202(s, y)
    check("visa202_auroc", got["visa202_auroc"], a, 1.01e-4, worst)
    check("visa202_aupr", got["visa202_aupr"], b, 1.01e-4, worst)
    check("visa202_f1_max", got["visa202_f1_max"], c, 1e-9, worst)
    a, b, c = ader(s, y)
    check("ader21_f1_max", got["ader21_f1_max"], a, 1e-12, worst)
    check("ader21_iou_max", got["ader21_iou_max"], b, 1e-12, worst)
    check("ader_mf1", got["ader_mf1"], c, 1e-12, worst)
    if kind in ("plain", "sizes"):
        check("aupimo_mean", got["aupimo_mean"], aupimo(maps, masks, 1e-3, 1e-1), 2e-2, worst)


def delong_se(y, s):
    v10 = np.array([np.mean((a > s[~y]) + 0.5 * (a == s[~y])) for a in s[y]])
    v01 = np.array([np.mean((s[y] > a) + 0.5 * (s[y] == a)) for a in s[~y]])
    return np.sqrt(v10.var(ddof=1) / len(v10) + v01.var(ddof=1) / len(v01))


def image_round(cli, rng, worst):
    n = int(rng.integers(10, 400))
    y = rng.random(n) < 0.6
    y[:4] = [0, 0, 1, 1]
    s = rng.standard_normal(n) + y
    if rng.random() < 0.5:
        s = np.round(s * 2) / 2
    with tempfile.TemporaryDirectory() as d:
        path = os.path.join(d, "scores")
        with open(path, "w") as f:
            f.writelines(f"{a!r} {int(b)}\n" for a, b in zip(s.tolist(), y))
        got = run(cli, "image", path)
    p, r, t = sk.precision_recall_curve(y, s)
    check("image auroc", got["auroc"], sk.roc_auc_score(y, s), 1e-12, worst)
    check("image ap", got["ap"], sk.average_precision_score(y, s), 1e-12, worst)
    check("image aupr_trapz", got["aupr_trapz"], sk.auc(r, p), 1e-12, worst)
    check("image f1_max", got["f1_max"], np.nanmax(2 * p * r / (p + r)), 1e-12, worst)
    check("image pg5", got["pg5"], np.mean(s[~y] < np.quantile(s[y], 0.05)), 1e-12, worst)
    check("image pb5", got["pb5"], np.mean(s[y] > np.quantile(s[~y], 0.95)), 1e-12, worst)
    check("image auroc_se", got["auroc_se"], delong_se(y, s), 1e-12, worst)


def main():
    cli, rounds = sys.argv[1], int(sys.argv[2]) if len(sys.argv) > 2 else 3
    worst = {}
    for r in range(rounds):
        for kind in ("plain", "skew", "ties", "saturated", "u8", "sizes"):
            for connectivity in (8, 4):
                pixel_round(cli, np.random.default_rng([r, len(kind), connectivity]), kind, connectivity, worst)
        for i in range(5):
            image_round(cli, np.random.default_rng([r, i]), worst)
    for name, d in worst.items():
        print(f"{name:26s} worst difference {d:.3g}")


if __name__ == "__main__":
    main()
