"""Prints tests/unit/model/golden_extra.h: numbers of the tiny model for the cases that the model page gives no number for.

    python3 tests/parity/golden_extra.py > tests/unit/model/golden_extra.h
"""
import os
import sys
import textwrap

import numpy as np

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import golden_model as gm  # noqa: E402


def array(name, values, note):
    values = np.ravel(values)
    text = 'static const double %s[%d] = {%s};' % (name, len(values), ', '.join('%.9f' % v for v in values))
    print('/* %s */\n%s\n' % (note, '\n'.join(textwrap.wrap(text, 118, subsequent_indent='    '))))


def tokens(name, e, note):
    array(name, np.r_[e[0, :4], e[-1, :4], e.sum(), np.sqrt((e * e).sum())], note + ': token 0 [0:4], last token [0:4], sum, L2')


def main():
    print('/* Made by tests/parity/golden_extra.py from the float64 model of tests/parity/golden_model.py. Do not edit. */')
    print('#ifndef IAD_TEST_GOLDEN_EXTRA_H\n#define IAD_TEST_GOLDEN_EXTRA_H\n')
    pictures = [gm.image(140, 196, 0), gm.image(196, 112, 1)]
    (e0, g0), (e1, g1) = gm.vit(pictures[0]), gm.vit(pictures[1])

    gm.CONFIG['full'] = ()
    tokens('extra_full_none', gm.vit(pictures[0])[0], 'picture 0, no block with whole-image attention')
    gm.CONFIG['full'] = (0, 2)
    tokens('extra_full_0_2', gm.vit(pictures[0])[0], 'picture 0, blocks 0 and 2 with whole-image attention')
    gm.CONFIG['full'] = (0, 1, 2, 3)
    tokens('extra_full_all', gm.vit(pictures[0])[0], 'picture 0, all blocks with whole-image attention')
    gm.CONFIG['full'] = (1, 3)
    tokens('extra_small', gm.vit(gm.image(56, 56, 0))[0], 'picture 0 at 56 x 56: one window of four tokens')
    tokens('extra_strip', gm.vit(gm.image(28, 224, 2))[0], 'picture 2 at 28 x 224: one row of tokens, two windows')
    tokens('extra_faint', gm.vit(pictures[0], scale=2e-4)[0], 'picture 0, patch rows times 2e-4: eps decides')

    ids = [5, 6, 7, 302] + [300] * 35 + [303, 8, 9, 302] + [300] * 28 + [303, 10, 11, 12, 13, 14]
    pos, _ = gm.positions(ids, [g0, g1])
    embed = gm.T('model.embed_tokens.weight', gm.CONFIG['V'], gm.CONFIG['D'])
    x = embed[ids].copy()
    x[np.array(ids) == 300] = np.concatenate([e0, e1])
    layers, attn = [], {}
    logits, _ = gm.llm(x, pos, None, attn=attn, layers=layers)
    array('extra_layers', [np.r_[h[76, :4], h.sum()] for h in layers], 'state after each layer: row 76 [0:4], sum over all rows')
    array('extra_probe', np.mean(attn[3], 0)[[70, 76], 43:71].sum(1), 'layer 3, head mean, rows 70 and 76, sum over the second picture')
    faint, _ = gm.llm(x * 3e-4, pos, None)
    array('extra_text_faint', faint[-1, :6], 'input rows times 3e-4, eps 1e-6: last logits [0:6]')
    coarse, _ = gm.llm(x * 3e-4, pos, None, eps=1e-5)
    array('extra_text_faint_eps5', coarse[-1, :6], 'the same with eps 1e-5')
    zero = x.copy()
    zero[20] = 0
    zero[76] *= 1e-5
    nearly, _ = gm.llm(zero, pos, None)
    array('extra_text_zero', np.r_[nearly[20, :3], nearly[76, :3]], 'row 20 zero, row 76 times 1e-5: logits of both [0:3]')
    tied, _ = gm.llm(x, pos, None, tie=True)
    array('extra_tied_10', tied[10, :6], 'tied head: logits of row 10 [0:6]')
    print('#endif')


if __name__ == '__main__':
    main()
