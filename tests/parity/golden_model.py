"""The tiny model in numpy, float64, no intermediate rounding: the truth behind the golden numbers of the C tests.

Deterministic weights by name (FNV-1a, splitmix64), synthetic pictures, the vision tower with real windows, the language model with
M-RoPE and a key/value cache. Change CONFIG to look at variants. golden_extra.py prints what the C tests embed.
"""
from math import erf

import numpy as np

M64 = (1 << 64) - 1

def fnv1a(s):
    h = 0xCBF29CE484222325
    for b in s.encode():
        h = (h ^ b) * 0x100000001B3 & M64
    return h

def splitmix(x):
    x = x + np.uint64(0x9E3779B97F4A7C15)
    x = (x ^ x >> np.uint64(30)) * np.uint64(0xBF58476D1CE4E5B9)
    x = (x ^ x >> np.uint64(27)) * np.uint64(0x94D049BB133111EB)
    return x ^ x >> np.uint64(31)

def bf16(a):
    """Rounded to the nearest bfloat16, ties to even, kept as float64."""
    u = np.ascontiguousarray(a, dtype=np.float32).view(np.uint32).astype(np.uint64)
    u = u + np.uint64(32767) + (u >> np.uint64(16) & np.uint64(1)) >> np.uint64(16) << np.uint64(16)
    return u.astype(np.uint32).view(np.float32).astype(np.float64)

def T(name, *shape):
    """Tensor `name` (old style) of this shape."""
    n = int(np.prod(shape))
    with np.errstate(over='ignore'):
        x = splitmix(np.uint64(fnv1a(name)) + np.arange(n, dtype=np.uint64) * np.uint64(0xD1342543DE82EF95))
    u = (x >> np.uint64(40)).astype(np.float64) / (1 << 24)
    v = 2 * u - 1
    if len(shape) == 1:
        v = 1 + 0.25 * v if name.endswith('norm.weight') or 'norm1' in name or 'norm2' in name or ('ln_q' in name) or ('layernorm' in name) else 0.1 * v
    elif 'embed_tokens' in name:
        pass
    else:
        v = v * np.sqrt(3.0 / np.prod(shape[1:]))
    return bf16(v).reshape(shape)

CONFIG = dict(vd=32, vh=2, vi=44, vL=4, full=(1, 3), D=96, H=6, KV=2, I=76, L=4, V=320, sec=(2, 3, 3), theta=1000000.0, IMG=300, VS=302, VE=303)

P = 'visual.'

def rms(x, w, eps=1e-06):
    return w * (x / np.sqrt((x * x).mean(-1, keepdims=True) + eps))

def silu(x):
    return x / (1 + np.exp(-x))
gelu = np.vectorize(lambda x: 0.5 * x * (1 + erf(x / 2 ** 0.5)))

def softmax(s):
    s = s - s.max(-1, keepdims=True)
    e = np.exp(s)
    return e / e.sum(-1, keepdims=True)

MEAN = (0.48145466, 0.4578275, 0.40821073)
STD = (0.26862954, 0.26130258, 0.27577711)

def image(h, w, k):
    """Synthetic picture k, [3][h][w] bytes."""
    y, x = np.mgrid[0:h, 0:w]
    return np.stack([7 * y + 13 * x + 31 * c + 17 * k + 5 * (x * y % 11) & 255 for c in range(3)])

def patches(img):
    """Rows in merge-block order with columns (c, t, py, px); patch coordinates of the rows; grid."""
    f = np.stack([(img[c] / 255.0 - MEAN[c]) / STD[c] for c in range(3)])
    gh, gw = (img.shape[1] // 14, img.shape[2] // 14)
    rows = []
    pos = []
    for by in range(gh // 2):
        for bx in range(gw // 2):
            for dy in range(2):
                for dx in range(2):
                    y, x = (2 * by + dy, 2 * bx + dx)
                    b = f[:, 14 * y:14 * y + 14, 14 * x:14 * x + 14]
                    rows.append(np.stack([b, b], 1).reshape(-1))
                    pos.append((y, x))
    return (np.array(rows), np.array(pos), (1, gh, gw))

def windows(g):
    """Window order of the merged tokens, and the patch row at which each window begins."""
    W = 4
    lh, lw = (g[1] // 2, g[2] // 2)
    idx = []
    cu = [0]
    for y0 in range(0, lh, W):
        for x0 in range(0, lw, W):
            c = [y * lw + x for y in range(y0, min(y0 + W, lh)) for x in range(x0, min(x0 + W, lw))]
            idx += c
            cu.append(cu[-1] + 4 * len(c))
    return (idx, cu)

def rot(x, ang):
    """x [S][heads][d], ang [S][d / 2]: pairs (i, i + d/2)."""
    d = x.shape[-1] // 2
    c, s = (np.cos(ang)[:, None], np.sin(ang)[:, None])
    a, b = (x[..., :d], x[..., d:])
    return np.concatenate([a * c - b * s, b * c + a * s], -1)

def vit(img, taps=None, scale=1.0):
    """Vision tokens in raster order and the grid. taps collects every block's output, in the picture's patch order."""
    px, pos, g = patches(img)
    px = px * scale
    d = CONFIG['vd']
    h = CONFIG['vh']
    hd = d // h
    q = hd // 4
    x = px @ T(P + 'patch_embed.proj.weight', d, 3, 2, 14, 14).reshape(d, -1).T
    widx, cu = windows(g)
    S = len(x)
    order = np.array([4 * i + j for i in widx for j in range(4)])
    x = x[order]
    pos = pos[order]
    inv = 1.0 / 10000.0 ** (np.arange(q) * 2 / (hd // 2))
    ang = np.concatenate([pos[:, :1] * inv, pos[:, 1:] * inv], 1)
    for l in range(CONFIG['vL']):
        n = P + 'blocks.%d.' % l
        y = rms(x, T(n + 'norm1.weight', d))
        qkv = (y @ T(n + 'attn.qkv.weight', 3 * d, d).T + T(n + 'attn.qkv.bias', 3 * d)).reshape(S, 3, h, hd)
        Q, K, V = (rot(qkv[:, 0], ang), rot(qkv[:, 1], ang), qkv[:, 2])
        o = np.zeros((S, h, hd))
        c = [0, S] if l in CONFIG['full'] else cu
        for a, b in zip(c, c[1:]):
            for i in range(h):
                o[a:b, i] = softmax(Q[a:b, i] @ K[a:b, i].T / np.sqrt(hd)) @ V[a:b, i]
        x = x + o.reshape(S, d) @ T(n + 'attn.proj.weight', d, d).T + T(n + 'attn.proj.bias', d)
        y = rms(x, T(n + 'norm2.weight', d))
        vi = CONFIG['vi']
        u = silu(y @ T(n + 'mlp.gate_proj.weight', vi, d).T + T(n + 'mlp.gate_proj.bias', vi)) * (y @ T(n + 'mlp.up_proj.weight', vi, d).T + T(n + 'mlp.up_proj.bias', vi))
        x = x + u @ T(n + 'mlp.down_proj.weight', d, vi).T + T(n + 'mlp.down_proj.bias', d)
        if taps is not None:
            taps.append(x[np.argsort(order)])
    y = rms(x, T(P + 'merger.ln_q.weight', d)).reshape(S // 4, 4 * d)
    y = gelu(y @ T(P + 'merger.mlp.0.weight', 4 * d, 4 * d).T + T(P + 'merger.mlp.0.bias', 4 * d)) @ T(P + 'merger.mlp.2.weight', CONFIG['D'], 4 * d).T + T(P + 'merger.mlp.2.bias', CONFIG['D'])
    out = np.empty_like(y)
    out[widx] = y
    return (out, g)

def positions(ids, grids):
    """(t, h, w) of every token, and the next position."""
    p = i = k = 0
    o = []
    while i < len(ids):
        if ids[i] == CONFIG['IMG']:
            lh, lw = (grids[k][1] // 2, grids[k][2] // 2)
            k += 1
            o += [(p, p + y, p + x) for y in range(lh) for x in range(lw)]
            i += lh * lw
            p += max(lh, lw)
        else:
            o.append((p, p, p))
            p += 1
            i += 1
    return (np.array(o).T, p)

def llm(x, pos, cache, tie=False, attn=None, eps=1e-06, layers=None):
    """Logits of every row and the new cache; attn[layer] collects the heads' probabilities, layers the states after each layer."""
    D, H, KV = (CONFIG['D'], CONFIG['H'], CONFIG['KV'])
    hd = D // H
    S = len(x)
    ax = [0] * CONFIG['sec'][0] + [1] * CONFIG['sec'][1] + [2] * CONFIG['sec'][2]
    inv = 1.0 / CONFIG['theta'] ** (np.arange(hd // 2) * 2 / hd)
    ang = pos[ax].T * inv
    past = cache[0][0].shape[0] if cache else 0
    new = []
    for l in range(CONFIG['L']):
        n = 'model.layers.%d.' % l
        y = rms(x, T(n + 'input_layernorm.weight', D), eps)
        L = lambda s, o: (y @ T(n + 'self_attn.%s_proj.weight' % s, o * hd, D).T + T(n + 'self_attn.%s_proj.bias' % s, o * hd)).reshape(S, o, hd)
        Q, K, V = (rot(L('q', H), ang), rot(L('k', KV), ang), L('v', KV))
        if cache:
            K = np.concatenate([cache[l][0], K])
            V = np.concatenate([cache[l][1], V])
        new.append((K, V))
        o = np.zeros((S, H, hd))
        m = np.triu(np.full((S, past + S), -np.inf), past + 1)
        for i in range(H):
            w = softmax(Q[:, i] @ K[:, i // (H // KV)].T / np.sqrt(hd) + m)
            o[:, i] = w @ V[:, i // (H // KV)]
            if attn is not None:
                attn.setdefault(l, []).append(w)
        x = x + o.reshape(S, D) @ T(n + 'self_attn.o_proj.weight', D, D).T
        y = rms(x, T(n + 'post_attention_layernorm.weight', D), eps)
        I = CONFIG['I']
        x = x + silu(y @ T(n + 'mlp.gate_proj.weight', I, D).T) * (y @ T(n + 'mlp.up_proj.weight', I, D).T) @ T(n + 'mlp.down_proj.weight', D, I).T
        if layers is not None:
            layers.append(x)
    x = rms(x, T('model.norm.weight', D), eps)
    W = T('model.embed_tokens.weight', CONFIG['V'], D) if tie else T('lm_head.weight', CONFIG['V'], D)
    return (x @ W.T, new)
