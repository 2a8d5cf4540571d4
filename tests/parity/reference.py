"""Runs a checkpoint directory through transformers and stores what every stage gives, for `iadgpt compare`.

    python3 tests/parity/reference.py MODEL OUT.safetensors [--picture FILE | --synthetic HxW:K]... [--tokens 64] [--dtypes f32,bf16]

Without pictures: two synthetic ones. The oracle is Qwen2_5_VLForConditionalGeneration with eager attention, and the slow (PIL) image
processor; transformers 4.49 to 4.53.3 (later ones are checked against the rule of positions before anything is written).

The file holds, for picture j: picture.j U8 [h][w][3] as decoded, pixels.j F32 [P][1176], grid.j I32 [3]; ids I32 [S], positions I32
[3][S], next I32 [1] (position of the first generated token); and for D in f32, bf16: D.vision.patch.j, D.vision.block.i.j (window order),
D.vision.tokens.j (raster order), D.text.layer.i [S][hidden], D.logits [N][vocab] (row 0 of the last prompt token, row n after
feeding greedy token n - 1), D.greedy I32 [N]. With a tokenizer in MODEL: text.n U8 and text_ids.n I32, from AutoProcessor.
"""
import argparse
import gc
import os
import re
import sys

import numpy as np
import PIL
import torch
import transformers
from PIL import Image
from safetensors.torch import save_file
from transformers import Qwen2_5_VLForConditionalGeneration
from transformers.models.qwen2_vl.image_processing_qwen2_vl import Qwen2VLImageProcessor

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import golden_model  # noqa: E402

DTYPES = {'f32': torch.float32, 'bf16': torch.bfloat16}
TEXTS = ['Are there any defects in the query image? Please answer Yes or No.', 'Picture 1: a bolt, 12 mm; naïve — 漢字 🙂\n\n  done',
         'Describe the third image']


def synthetic(spec):
    h, w, k = (int(v) for v in re.fullmatch(r'(\d+)x(\d+):(\d+)', spec).groups())
    return np.ascontiguousarray(golden_model.image(h, w, k).transpose(1, 2, 0).astype(np.uint8))


def make_prompt(config, counts):
    """The prompt of the golden numbers for the tiny model; otherwise text ids from a fixed generator around the pictures."""
    text = config.text_config if hasattr(config, 'text_config') else config
    image, start, end = config.image_token_id, config.vision_start_token_id, config.vision_end_token_id
    if text.vocab_size == 320 and counts == [35, 28]:
        return [5, 6, 7, start] + [image] * 35 + [end, 8, 9, start] + [image] * 28 + [end, 10, 11, 12, 13, 14]
    top = min([v for v in (image, start, end) if v >= 0] + [text.vocab_size])
    rng = np.random.default_rng(11)
    words = lambda n: [int(v) for v in rng.integers(0, max(1, min(top, text.vocab_size)), n)]  # noqa: E731
    ids = words(11)
    for t in counts:
        ids += words(3) + [start] + [image] * t + [end]
    return ids + words(24)


class Watch:
    """Collects the outputs of modules by forward hooks."""

    def __init__(self):
        self.seen, self.handles = {}, []

    def add(self, name, module):
        def hook(_module, _inputs, output):
            value = output[0] if isinstance(output, tuple) else output
            self.seen.setdefault(name, value.detach().clone())  # the first pass only: the prompt
        self.handles.append(module.register_forward_hook(hook))

    def close(self):
        for handle in self.handles:
            handle.remove()


def run(directory, dtype, ids, pixels, grids, n_tokens, out, name):
    model = Qwen2_5_VLForConditionalGeneration.from_pretrained(directory, torch_dtype=dtype, attn_implementation='eager', low_cpu_mem_usage=True)
    model.eval()
    visual, language = model.model.visual, model.model.language_model
    watch = Watch()
    watch.add('vision.patch', visual.patch_embed)
    for i, block in enumerate(visual.blocks):
        watch.add('vision.block.%d' % i, block)
    watch.add('vision.tokens', visual)
    for i, layer in enumerate(language.layers):
        watch.add('text.layer.%d' % i, layer)
    input_ids = torch.tensor([ids])
    with torch.no_grad():
        positions, delta = model.model.get_rope_index(input_ids, grids, None)
        following = int(delta[0]) + len(ids)
        rows, greedy = [], []
        result = model(input_ids=input_ids, pixel_values=pixels.to(dtype), image_grid_thw=grids, position_ids=positions, use_cache=True)
        for n in range(n_tokens):
            logits = result.logits[0, -1].float()
            rows.append(logits.clone())
            greedy.append(int(logits.argmax()))
            if n + 1 == n_tokens:
                break
            result = model(input_ids=torch.tensor([[greedy[-1]]]), position_ids=torch.full((3, 1, 1), following + n), past_key_values=result.past_key_values,
                           cache_position=torch.tensor([len(ids) + n]), use_cache=True)
    watch.close()
    patches = [int(g[1] * g[2]) for g in grids]
    window, _ = visual.get_window_index(grids)
    order = (torch.as_tensor(window)[:, None] * visual.spatial_merge_unit + torch.arange(visual.spatial_merge_unit)).reshape(-1)
    for stage, value in watch.seen.items():
        if stage.startswith('text'):
            out['%s.%s' % (name, stage)] = value[0].contiguous()
            continue
        if stage == 'vision.patch':
            value = value.reshape(-1, value.shape[-1])[order]
        sizes = [p // visual.spatial_merge_unit for p in patches] if stage == 'vision.tokens' else patches
        for j, part in enumerate(torch.split(value, sizes)):
            out['%s.%s.%d' % (name, stage, j)] = part.contiguous()
    out[name + '.logits'] = torch.stack(rows)
    out[name + '.greedy'] = torch.tensor(greedy, dtype=torch.int32)
    del model, result
    gc.collect()
    return positions[:, 0].to(torch.int32), following


def tokenizer_part(directory, out):
    if not os.path.exists(os.path.join(directory, 'tokenizer.json')) and not os.path.exists(os.path.join(directory, 'vocab.json')):
        print('no tokenizer in %s: token ids are not compared' % directory, file=sys.stderr)
        return
    from transformers import AutoProcessor
    try:
        processor = AutoProcessor.from_pretrained(directory, use_fast=False)
        tokenizer = processor.tokenizer
    except (ImportError, OSError, ValueError, KeyError) as e:  # some releases want torchvision for videos
        from transformers import AutoTokenizer
        print('no AutoProcessor here (%s): AutoTokenizer instead' % str(e).strip().splitlines()[0], file=sys.stderr)
        tokenizer = AutoTokenizer.from_pretrained(directory)
    for n, text in enumerate(TEXTS):
        out['text.%d' % n] = torch.tensor(list(text.encode()), dtype=torch.uint8)
        out['text_ids.%d' % n] = torch.tensor(tokenizer(text)['input_ids'], dtype=torch.int32)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split('\n')[0])
    parser.add_argument('model')
    parser.add_argument('out')
    parser.add_argument('--picture', action='append', default=[], help='a picture file; may be given several times')
    parser.add_argument('--synthetic', action='append', default=[], help='HxW:K, the synthetic picture K')
    parser.add_argument('--tokens', type=int, default=64)
    parser.add_argument('--dtypes', default='f32,bf16')
    parser.add_argument('--threads', type=int, default=0)
    args = parser.parse_args()
    if args.threads:
        torch.set_num_threads(args.threads)
    torch.manual_seed(0)

    pictures = [np.asarray(Image.open(p).convert('RGB')) for p in args.picture]
    specs = args.synthetic or ([] if pictures else ['140x196:0', '196x112:1'])
    pictures += [synthetic(s) for s in specs]
    out = {}
    processor = Qwen2VLImageProcessor.from_pretrained(args.model)
    batches = [processor(images=Image.fromarray(p), return_tensors='pt') for p in pictures]
    grids = torch.cat([b['image_grid_thw'] for b in batches])
    pixels = torch.cat([b['pixel_values'] for b in batches])
    for j, (picture, batch) in enumerate(zip(pictures, batches)):
        out['picture.%d' % j] = torch.from_numpy(np.ascontiguousarray(picture).copy())
        out['pixels.%d' % j] = batch['pixel_values'].float().contiguous()
        out['grid.%d' % j] = batch['image_grid_thw'][0].to(torch.int32)
    from transformers import AutoConfig
    merge = processor.merge_size ** 2
    counts = [int(g.prod()) // merge for g in grids]
    ids = make_prompt(AutoConfig.from_pretrained(args.model), counts)
    out['ids'] = torch.tensor(ids, dtype=torch.int32)
    for name in args.dtypes.split(','):
        positions, following = run(args.model, DTYPES[name], ids, pixels, grids, args.tokens, out, name)
        out['positions'], out['next'] = positions.contiguous(), torch.tensor([following], dtype=torch.int32)
    # Some releases multiply the temporal position of pictures: those are no oracle.
    image = torch.tensor(ids) == AutoConfig.from_pretrained(args.model).image_token_id
    first = out['positions'][:, image][:, 0]
    if int(first[0]) != int(first[1]) or int(first[0]) != ids.index(AutoConfig.from_pretrained(args.model).image_token_id):
        sys.exit('this transformers release gives other picture positions than the published model: use 4.49 to 4.53.3')
    tokenizer_part(args.model, out)
    import transformers
    save_file(out, args.out, metadata={'transformers': transformers.__version__, 'torch': torch.__version__, 'pillow': PIL.__version__, 'model': os.path.basename(os.path.normpath(args.model))})
    print('%s: %d tensors, %d prompt tokens, %d pictures' % (args.out, len(out), len(ids), len(pictures)), file=sys.stderr)


if __name__ == '__main__':
    main()
