"""The training pass in PyTorch: transformers' Qwen2.5-VL with the paper's fusion, compression and map loss written out, autograd for the
gradients, torch.optim.AdamW for the steps. Golden numbers for the C test, and a comparison of whole gradients.

    python3 tests/parity/train_reference.py MODEL --golden tests/unit/train/data/train_parity.txt
    python3 tests/parity/train_reference.py MODEL --against test_model_parity [--device cuda]

MODEL: a folder made by `iadgpt new-model --config tiny --golden MODEL`. transformers 4.53.3. The second form runs the built C test, which
writes its gradients in f32 and bf16, and prints a table; exit code 1 when one is beyond its tolerance. Samples: model_train_fixture.h.
"""
import argparse
import os
import subprocess
import sys
import tempfile

import numpy as np
import torch
import torch.nn.functional as F
from transformers import Qwen2_5_VLForConditionalGeneration

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import golden_model as gm  # noqa: E402

IMAGE, START, END, VOCAB = 300, 302, 303, 320
TAPS = MAPS = (0, 1, 2, 3)
CE_SCALE, MAP_SCALE = 0.125, 0.5
LO, HI = 0.004, 0.05
RETENTION = 0.2
# picture: 28 a x 28 b pixels of synthetic picture k, compressed against picture `ref` of the sample
SAMPLES = [
    dict(id=1, pictures=[(3, 4, 1, -1)], query=-1, words=4, answer=6),
    dict(id=2, pictures=[(5, 2, 2, -1), (4, 4, 3, -1)], query=1, words=5, answer=3),
    dict(id=3, pictures=[(3, 3, 4, -1), (3, 4, 5, 0), (2, 5, 6, 0), (3, 3, 7, 0), (4, 3, 8, -1)], query=4, words=6, answer=4),
    dict(id=4, pictures=[], query=-1, words=2, answer=5),
]


def old_name(name):
    return name.replace('model.visual.', 'visual.').replace('model.language_model.', 'model.')


class Trained(torch.nn.Module):
    """The base model and the paper's additions."""

    def __init__(self, folder, dtype):
        super().__init__()
        self.base = Qwen2_5_VLForConditionalGeneration.from_pretrained(folder, torch_dtype=torch.float32, attn_implementation='eager')
        width, taps = 32, len(TAPS)
        shapes = {'norm.weight': (taps, width), 'gate.weight': (taps, taps * width), 'gate.bias': (taps,), 'scale': (1,)}
        self.fusion = torch.nn.ParameterDict()
        for name, shape in shapes.items():
            value = gm.T('iadgpt.fusion.' + name, *shape) if name != 'scale' else np.array([0.5])
            self.fusion[name.replace('.', '_')] = torch.nn.Parameter(torch.tensor(value, dtype=torch.float32))
        with torch.no_grad():
            for name, value in self.base.state_dict().items():
                value.copy_(torch.tensor(gm.T(old_name(name), *value.shape)))
        self.to(dtype)
        self.taps = {}
        for i in TAPS:
            self.base.model.visual.blocks[i].register_forward_hook(lambda _, __, out, i=i: self.taps.__setitem__(i, out))
        merger = self.base.model.visual.merger
        plain = merger.forward
        merger.forward = lambda x: plain(self.fuse(x))

    def named(self):
        """(old-style name, parameter) of everything that learns."""
        seen = {old_name(n): p for n, p in self.base.named_parameters()}
        seen.update({'iadgpt.fusion.' + n.replace('_', '.'): p for n, p in self.fusion.items()})
        return seen

    def fuse(self, last):
        rms = lambda x: (x.pow(2).mean(-1, keepdim=True) + 1e-6).sqrt()  # noqa: E731
        n = [self.taps[t] / rms(self.taps[t]) * self.fusion['norm_weight'][i] for i, t in enumerate(TAPS)]
        a = F.linear(torch.cat(n, -1), self.fusion['gate_weight'], self.fusion['gate_bias']).softmax(-1)
        mixed = sum(a[:, i:i + 1] * n[i] for i in range(len(n)))
        return last + self.fusion['scale'] * (rms(last) * mixed - last)


def word(s, i):
    return (17 * s + 29 * i + 3) % 290


def kept_tokens(tokens, reference):
    with torch.no_grad():
        best = (F.normalize(tokens, dim=-1) @ F.normalize(reference, dim=-1).T).max(-1).values
        keep = max(1, int(np.floor(RETENTION * len(tokens) + 0.5)))
        return torch.sort(torch.argsort(best, stable=True)[:keep]).values


def focal(p):
    p = p.clamp(1e-5, 1 - 1e-5)
    return -(1 - p) ** 2 * p.log()


def dice(u, y):
    return 1 - (2 * (u * y).sum() + 1) / (u.sum() + y.sum() + 1)


def map_loss(raw, h, w):
    y = torch.zeros(2 * h, 2 * w, dtype=raw.dtype)
    y[1:3, 2:min(5, 2 * w)] = 1
    if 2 * h > 3 and 2 * w > 2:
        y[3, 2] = 0.25
    s = ((raw - LO) / (HI - LO + 1e-12)).clamp(0, 1)
    a, n = F.interpolate(s[None], (2 * h, 2 * w), mode='bilinear', align_corners=False)[0]
    return (y * focal(a) + (1 - y) * focal(n)).mean(), dice(a, y) + dice(n, 1 - y)


def run(model, sample):
    """Sums of cross-entropy, hits, focal, dice, and the raw map of one sample."""
    dtype = next(model.parameters()).dtype
    base, lm = model.base, model.base.model.language_model
    tokens, grids = [], []
    for a, b, k, _ in sample['pictures']:
        rows, _, grid = gm.patches(gm.image(28 * a, 28 * b, k))
        tokens.append(base.model.visual(torch.tensor(rows, dtype=dtype), torch.tensor([grid])))
        grids.append((a, b))
    at = iter(range(1000))
    ids, position, rows, p = [], [], [], 0
    first_word = query_col = None

    def text(token):
        nonlocal p
        ids.append(token)
        position.append((p, p, p))
        rows.append(lm.embed_tokens.weight[token])
        p += 1

    for _ in range(3):
        text(word(sample['id'], next(at)))
    for i, (a, b, _, ref) in enumerate(sample['pictures']):
        text(START)
        keep = torch.arange(a * b) if ref < 0 else kept_tokens(tokens[i], tokens[ref])
        if i == sample['query']:
            query_col = len(ids)
        for j in keep.tolist():
            ids.append(IMAGE)
            position.append((p, p + j // b, p + j % b))
            rows.append(tokens[i][j])
        p += max(a, b)
        text(END)
        text(word(sample['id'], next(at)))
    first_word = len(ids)
    for _ in range(sample['words'] + sample['answer']):
        text(word(sample['id'], next(at)))
    n, answer = len(ids), sample['answer']
    mask = torch.full((n, n), torch.finfo(dtype).min, dtype=dtype).triu(1)[None, None]
    out = lm(inputs_embeds=torch.stack(rows)[None], position_ids=torch.tensor(position).T[:, None, :], attention_mask={'full_attention': mask},
             output_attentions=True, use_cache=False)
    logits = base.lm_head(out.last_hidden_state[0, n - answer - 1:n - 1]).float()
    target = torch.tensor(ids[n - answer:])
    result = dict(ce=F.cross_entropy(logits, target, reduction='sum'), hits=int((logits.argmax(-1) == target).sum()), focal=0.0, dice=0.0)
    if sample['query'] >= 0:
        h, w = grids[sample['query']]
        cells = slice(query_col, query_col + h * w)
        mean = torch.stack([out.attentions[i][0].float().mean(0) for i in MAPS]).mean(0)[:, cells]
        raw = torch.stack([(mean[first_word] + mean[first_word + 2]) / 2, mean[first_word + 1]]).reshape(2, h, w)
        result['raw'] = raw
        result['focal'], result['dice'] = map_loss(raw, h, w)
    return result


def total(model, samples):
    results = [run(model, s) for s in samples]
    return sum(CE_SCALE * r['ce'] + MAP_SCALE * (r['focal'] + r['dice']) for r in results), results


def gradients(folder, dtype):
    model = Trained(folder, dtype)
    loss, results = total(model, SAMPLES)
    loss.backward()
    return model, results


def curve(folder, steps, rate, choose):
    model = Trained(folder, torch.float32)
    optimizer = torch.optim.AdamW(model.parameters(), lr=rate, betas=(0.9, 0.999), eps=1e-8, weight_decay=0)
    for t in range(steps):
        optimizer.zero_grad()
        loss, _ = total(model, choose(t))
        loss.backward()
        optimizer.step()
        yield float(loss)


def golden(folder, path):
    model, results = gradients(folder, torch.float32)
    with open(path, 'w') as f:
        f.write('# Made by tests/parity/train_reference.py. Do not edit.\n')
        for s, r in zip(SAMPLES, results):
            f.write('sample %d %.9g %d %.9g %.9g\n' % (s['id'], r['ce'], r['hits'], r['focal'], r['dice']))
        for s, r in zip(SAMPLES, results):
            if 'raw' in r:
                f.write('map %d %s\n' % (s['id'], ' '.join('%.9g' % v for c in r['raw'] for v in (c.min(), c.max()))))
        for name, p in model.named().items():
            g = p.grad.double().numpy().reshape(-1)
            f.write('grad %s %.9g %.9g\n' % (name, np.linalg.norm(g), float(g @ gm.T('direction.' + name.replace('norm', 'n'), g.size))))
        for t, loss in enumerate(curve(folder, 10, 1e-3, lambda _: SAMPLES)):
            f.write('step %d %.9g\n' % (t, loss))
        for t, loss in enumerate(curve(folder, 200, 3e-4, lambda t: [SAMPLES[t % 4], SAMPLES[(t + 1) % 4]])):
            f.write('curve %d %.6g\n' % (t, loss))


def against(folder, program, device):
    model, _ = gradients(folder, torch.float32)
    names = model.named()
    failed = False
    with tempfile.TemporaryDirectory() as scratch:
        dumps = [os.path.join(scratch, d) for d in ('f32', 'bf16')]
        subprocess.run([program] + dumps + [device], check=True)
        for dump, limit in zip(dumps, (0.9999, 0.999)):
            ours, worst, dot, aa, bb = {}, (2.0, ''), 0.0, 0.0, 0.0
            with open(dump, 'rb') as f:
                while True:
                    head = f.readline().split()
                    if not head:
                        break
                    ours[head[0].decode()] = np.frombuffer(f.read(4 * int(head[1])), dtype=np.float32).astype(np.float64)
            assert set(ours) == set(names), set(ours) ^ set(names)
            for name, p in names.items():
                a, b = p.grad.double().numpy().reshape(-1), ours[name]
                worst = min(worst, (float(a @ b / np.linalg.norm(a) / np.linalg.norm(b)), name))
                dot, aa, bb = dot + a @ b, aa + a @ a, bb + b @ b
            whole = dot / np.sqrt(aa * bb)
            ok = whole >= limit and worst[0] >= (limit if limit > 0.9995 else 0.99)
            failed |= not ok
            print('%s %s: %d tensors, whole gradient: cosine %.7f, norm ratio %.6f; worst tensor %.6f (%s)' %
                  ('ok  ' if ok else 'FAIL', os.path.basename(dump), len(ours), whole, np.sqrt(bb / aa), worst[0], worst[1]))
    sys.exit(failed)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument('model')
    parser.add_argument('--golden')
    parser.add_argument('--against')
    parser.add_argument('--device', default='cpu', help='of the C test: cpu, cuda')
    args = parser.parse_args()
    torch.set_num_threads(1)
    if args.golden:
        golden(args.model, args.golden)
    if args.against:
        against(args.model, os.path.abspath(args.against), args.device)


if __name__ == '__main__':
    main()
