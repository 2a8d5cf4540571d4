"""What `iad-bench speed train` compares with: the same checkpoint, records and update through transformers with torch.

    train_baseline.py MODEL THREADS REPEATS BATCH ANSWER DEVICE MAP_LAYERS CASE...

A case is PICTURES:SIDE:TOWER:MAPS (numbers; TOWER 1: the vision tower is trained, too; MAPS 1: the loss on attention maps is added). For
each case and number format a line "step CASE FORMAT SECONDS CE MAPLOSS": the best of the repeats of one whole step (forward, backward,
clipping, AdamW), and the losses of the weights in the checkpoint. Formats: f32; bf16 (autocast, f32 weights and states: what ours
computes); bf16-pure (weights and states in bf16: less exact than ours, but the fastest that there is). The learning rate is 0, so that
every step sees the same weights.
"""
import sys
import time

try:
    import numpy as np
    import torch
    import torch.nn.functional as F
    import transformers
    from PIL import Image
    from transformers import Qwen2_5_VLForConditionalGeneration
    from transformers.models.qwen2_vl.image_processing_qwen2_vl import Qwen2VLImageProcessor
except ImportError as e:
    sys.exit('baseline missing: %s' % e)

TEXT, WORDS = 24, ((0, 1), (0, 2), (1, 4))  # tokens before and behind the pictures; (class, token of the answer) of the words with maps


def picture(side, k):
    y, x = np.mgrid[0:side, 0:side]
    return Image.fromarray(np.stack([(7 * y + 13 * x + 31 * c + 17 * k + 5 * ((x * y) % 11)) & 255 for c in range(3)], 2).astype(np.uint8))


def records(model, processor, n, pictures, side, answer):
    """The batch, as speed_train.c makes it."""
    config, tokens = model.config, (side // 28) ** 2
    ids, labels, images = [], [], []
    for s in range(n):
        word = lambda i: (131 * s + 17 * i + 7) % 250
        row = [word(i) for i in range(TEXT)]
        for _ in range(pictures):
            row += [config.vision_start_token_id] + [config.image_token_id] * tokens + [config.vision_end_token_id]
        row += [word(TEXT + i) for i in range(TEXT)]
        begin = len(row)
        row += [word(2 * TEXT + i) for i in range(answer + 1)]
        ids.append(row)
        labels.append([-100] * begin + row[begin:begin + answer] + [-100])
        images += [picture(side, 5 * s + k) for k in range(pictures)]
    made = processor(images=images, return_tensors='pt')
    ids = torch.tensor(ids)
    positions, _ = model.model.get_rope_index(ids, made['image_grid_thw'], attention_mask=torch.ones_like(ids))
    first = TEXT + (pictures - 1) * (tokens + 2) + 1  # column of the last picture
    return dict(input_ids=ids, labels=torch.tensor(labels), pixel_values=made['pixel_values'], image_grid_thw=made['image_grid_thw'],
                position_ids=positions, attention_mask=torch.ones_like(ids), use_cache=False), begin, first, tokens


def raw_maps(attentions, layers, begin, first, tokens):
    """[batch][2][tokens]: attention of the words' rows to the last picture, mean over heads, words of a class and layers."""
    maps = []
    for c in (0, 1):
        rows = [begin + t for k, t in WORDS if k == c]
        maps.append(torch.stack([attentions[l][:, :, rows, first:first + tokens].float().mean((1, 2)) for l in layers]).mean(0))
    return torch.stack(maps, 1)


def map_loss(raw, lo, hi, grid):
    s = ((raw - lo[None, :, None]) / (hi - lo + 1e-12)[None, :, None]).clamp(0, 1).reshape(raw.shape[0], 2, grid, grid)
    u = F.interpolate(s, scale_factor=2, mode='bilinear', align_corners=False)
    y = torch.zeros(2 * grid, 2 * grid, device=raw.device)
    y[2 * grid // 4:2 * grid // 2, 2 * grid // 3:2 * 2 * grid // 3] = 1
    p = (y * u[:, 0] + (1 - y) * u[:, 1]).clamp(1e-5, 1 - 1e-5)
    focal = (-(1 - p) ** 2 * p.log()).mean((1, 2))
    dice = 0
    for k, target in ((0, y), (1, 1 - y)):
        dice = dice + 1 - (2 * (u[:, k] * target).sum((1, 2)) + 1) / (u[:, k].sum((1, 2)) + target.sum() + 1)
    return (focal + dice).mean()


def wait(device):
    if device != 'cpu':
        torch.cuda.synchronize(device)


def run_case(model, processor, autocast, case, repeats, n, answer, layers, device):
    pictures, side, tower, maps = case
    for name, p in model.named_parameters():
        p.requires_grad_(bool(tower) or 'visual' not in name or 'merger' in name)
    model.model.language_model.config._attn_implementation = 'eager' if maps else 'sdpa'  # only eager attention shows its weights
    batch, begin, first, tokens = records(model, processor, n, pictures, side, answer)
    batch = {k: v.to(device) if torch.is_tensor(v) else v for k, v in batch.items()}
    trained = [p for p in model.parameters() if p.requires_grad]
    optimizer = torch.optim.AdamW(trained, lr=0.0, weight_decay=0.0, fused=True)
    lo = hi = None
    best, ce, extra = None, 0, 0
    for repeat in range(repeats + 1):
        wait(device)
        start = time.perf_counter()
        optimizer.zero_grad(set_to_none=True)
        with torch.autocast(device.split(':')[0], torch.bfloat16, enabled=autocast):
            out = model(output_attentions=bool(maps), **batch)
        loss = out.loss
        ce = loss.item()
        if maps:
            raw = raw_maps(out.attentions, layers, begin, first, tokens)
            if lo is None:  # the first step stands for the one before
                lo, hi = raw.detach().amin((0, 2)), raw.detach().amax((0, 2))
            extra = map_loss(raw, lo, hi, side // 28)
            loss = loss + extra
        loss.backward()
        torch.nn.utils.clip_grad_norm_(trained, 1.0)
        optimizer.step()
        wait(device)
        seconds = time.perf_counter() - start
        if repeat > 0 and (best is None or seconds < best):
            best = seconds
    return best, ce, float(extra)


def main():
    directory = sys.argv[1]
    threads, repeats, n, answer = (int(v) for v in sys.argv[2:6])
    device = sys.argv[6]
    layers = [int(v) for v in sys.argv[7].split(',')]
    torch.set_num_threads(threads)
    processor = Qwen2VLImageProcessor.from_pretrained(directory)
    for name, dtype, autocast in (('f32', torch.float32, False), ('bf16', torch.float32, True), ('bf16-pure', torch.bfloat16, False)):
        model = Qwen2_5_VLForConditionalGeneration.from_pretrained(directory, torch_dtype=dtype, attn_implementation='sdpa')
        model.to(device).train()
        for text in sys.argv[8:]:
            case = [int(v) for v in text.split(':')]
            print('step', text, name, *run_case(model, processor, autocast, case, repeats, n, answer, layers, device), flush=True)
    print('version transformers %s, torch %s, %s, %d threads' % (transformers.__version__, torch.__version__, device, torch.get_num_threads()))


if __name__ == '__main__':
    main()
