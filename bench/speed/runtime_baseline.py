"""What `iad-bench speed runtime` compares with: the same checkpoint and pictures through transformers with torch on the CPU in bf16.

    runtime_baseline.py MODEL THREADS REPEATS PICTURES SIDE TEXT_TOKENS ANSWER_TOKENS

Prints seconds, minima over the repeats: load, first (all pictures and the prompt, last logits), following (the same: there is no reuse of
a prefix across calls), processor (its share of the pictures), token (one token of an answer over the cache).
"""
import sys
import time

try:
    import numpy as np
    import torch
    import transformers
    from PIL import Image
    from transformers import Qwen2_5_VLForConditionalGeneration
    from transformers.models.qwen2_vl.image_processing_qwen2_vl import Qwen2VLImageProcessor
except ImportError as e:
    sys.exit('baseline missing: %s' % e)


def picture(side, k):
    y, x = np.mgrid[0:side, 0:side]
    return Image.fromarray(np.stack([(7 * y + 13 * x + 31 * c + 17 * k + 5 * ((x * y) % 11)) & 255 for c in range(3)], 2).astype(np.uint8))


def main():
    directory = sys.argv[1]
    threads, repeats, n_pictures, side, n_text, n_answer = (int(v) for v in sys.argv[2:8])
    torch.set_num_threads(threads)
    start = time.perf_counter()
    model = Qwen2_5_VLForConditionalGeneration.from_pretrained(directory, torch_dtype=torch.bfloat16, low_cpu_mem_usage=True)
    model.eval()
    processor = Qwen2VLImageProcessor.from_pretrained(directory)
    print('load', time.perf_counter() - start)
    config = model.config
    pictures = [picture(side, k) for k in range(n_pictures)]
    tokens = (side // 28) ** 2
    words = [int(v) for v in np.random.default_rng(1).integers(0, 1000, n_text)]
    ids = words[:n_text // 2]
    for _ in pictures:
        ids += [config.vision_start_token_id] + [config.image_token_id] * tokens + [config.vision_end_token_id]
    ids = torch.tensor([ids + words[n_text // 2:]])
    best = {}

    def note(name, value):
        best[name] = min(best.get(name, value), value)

    with torch.no_grad():
        for repeat in range(repeats + 1):
            begin = time.perf_counter()
            batch = processor(images=pictures, return_tensors='pt')
            ready = time.perf_counter()
            result = model(input_ids=ids, pixel_values=batch['pixel_values'].to(torch.bfloat16), image_grid_thw=batch['image_grid_thw'],
                           attention_mask=torch.ones_like(ids), use_cache=True, logits_to_keep=1)
            score = result.logits[0, -1].float()
            done = time.perf_counter()
            if repeat == 0:
                print('cold', done - begin)  # first call: torch packs and warms up; does not count against it
                continue
            note('first', done - begin)
            note('following', done - begin)
            note('processor', ready - begin)
        cache, token = result.past_key_values, score.argmax().reshape(1, 1)
        for i in range(n_answer):
            begin = time.perf_counter()
            result = model(input_ids=token, past_key_values=cache, cache_position=torch.tensor([ids.shape[1] + i]),
                           attention_mask=torch.ones((1, ids.shape[1] + i + 1), dtype=torch.long), use_cache=True)
            cache, token = result.past_key_values, result.logits[0, -1].argmax().reshape(1, 1)
            note('token', time.perf_counter() - begin)
    for name, value in best.items():
        print(name, value)
    print('version transformers %s, torch %s, %d threads, bf16, %d prompt tokens' % (transformers.__version__, torch.__version__, torch.get_num_threads(), ids.shape[1]))


if __name__ == '__main__':
    main()
