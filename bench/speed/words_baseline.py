"""What `iad-bench speed words` compares with: sentence-transformers on the processor.

    words_baseline.py MODEL TEXTS VECTORS THREADS REPEATS

TEXTS has a text per line. Writes the embeddings to VECTORS (f32) and prints a line "result NAME WALL CPU": seconds by the clock and of all processors,
the best of the repeats each, without loading. Batches of 32, sorted by length, which is the package's own way.
"""
import os
import sys
import time

os.environ['HF_HUB_OFFLINE'] = '1'
os.environ['TOKENIZERS_PARALLELISM'] = 'true' if int(sys.argv[4]) > 1 else 'false'
os.environ['OMP_NUM_THREADS'] = sys.argv[4]
try:
    import numpy as np
    import sentence_transformers
    import torch
except ImportError as e:
    sys.exit('baseline missing: %s' % e)


def main():
    model, texts, vectors, threads, repeats = sys.argv[1], sys.argv[2], sys.argv[3], int(sys.argv[4]), int(sys.argv[5])
    torch.set_num_threads(threads)
    encoder = sentence_transformers.SentenceTransformer(model, device='cpu')
    with open(texts, encoding='utf-8') as f:
        lines = f.read().splitlines()
    encoder.encode(lines[:64], batch_size=32, show_progress_bar=False)
    wall = cpu = float('inf')
    for _ in range(repeats):
        start, start_cpu = time.monotonic(), time.process_time()
        out = encoder.encode(lines, batch_size=32, show_progress_bar=False)
        wall, cpu = min(wall, time.monotonic() - start), min(cpu, time.process_time() - start_cpu)
    np.ascontiguousarray(out, dtype=np.float32).tofile(vectors)
    print('result sentence-transformers-%s %.6f %.6f' % (sentence_transformers.__version__, wall, cpu))


if __name__ == '__main__':
    main()
