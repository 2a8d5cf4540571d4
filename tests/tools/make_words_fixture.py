#!/usr/bin/env python3
"""Writes the golden hidden states of tests/unit/words/test_textencoder.c: transformers' BERT and MPNet on weights made by a formula that the test
knows, too.

    make_words_fixture.py OUT_DIR       writes bert.txt and mpnet.txt: a line per token, the numbers of its hidden state
"""
import os
import sys

import numpy as np
import torch
from transformers import BertConfig, BertModel, MPNetConfig, MPNetModel

SIZES = dict(vocab_size=40, hidden_size=24, num_hidden_layers=2, num_attention_heads=3, intermediate_size=40, layer_norm_eps=1e-6)
LENGTHS = (1, 5, 22)


def fnv1a(name):
    h = 14695981039346656037
    for c in name.encode():
        h = (h ^ c) * 1099511628211 % 2**64
    return h


def formula(name, shape):
    """0.6 times a number of -0.5 .. 0.5, by SplitMix64 of the name's hash plus the element's index; 1 more for the weight of a normalisation."""
    n = int(np.prod(shape))
    with np.errstate(over='ignore'):
        z = (np.arange(n, dtype=np.uint64) + np.uint64(fnv1a(name))) * np.uint64(0x9E3779B97F4A7C15)
        z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        z ^= z >> np.uint64(31)
    x = ((z >> np.uint64(40)).astype(np.float64) / 2**24 - 0.5) * 0.6
    if name.endswith('LayerNorm.weight'):
        x += 1
    return torch.from_numpy(x.astype(np.float32).reshape(shape))


def ids(length, mpnet):
    """Every fourth token of MPNet's longest text is its padding piece, 1, which has a place of its own."""
    return [1 if mpnet and length == LENGTHS[-1] and i % 4 == 3 else (7 * i + length) % 38 + 2 for i in range(length)]


def main():
    for kind, model in (('bert', BertModel(BertConfig(max_position_embeddings=30, **SIZES), add_pooling_layer=False)),
                        ('mpnet', MPNetModel(MPNetConfig(max_position_embeddings=32, **SIZES), add_pooling_layer=False))):
        state = model.state_dict()
        model.load_state_dict({k: formula(k, v.shape) if v.dtype == torch.float32 else v for k, v in state.items()})
        model.eval()
        with open(os.path.join(sys.argv[1], kind + '.txt'), 'w') as f, torch.no_grad():
            for length in LENGTHS:
                x = torch.tensor([ids(length, kind == 'mpnet')])
                for row in model(x, attention_mask=torch.ones_like(x)).last_hidden_state[0]:
                    f.write(' '.join('%.7g' % v for v in row.tolist()) + '\n')


if __name__ == '__main__':
    main()
