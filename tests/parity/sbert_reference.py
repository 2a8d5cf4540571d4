#!/usr/bin/env python3
"""Our sentence embeddings, tokenizer and ROUGE-L against sentence-transformers, transformers and rouge_score.

    sbert_reference.py BUILD [--model DIR] [--scratch DIR]       BUILD: a CMake build folder with iad-bench and words_dump

1,000 pairs of texts are made here: phrases about parts and defects, and odd ones (empty, other scripts, accents, control characters, pieces of
the vocabulary's own names, very long words, texts beyond the model's length).

  model     with --model (a sentence-transformers folder, e.g. all-MiniLM-L6-v2): word pieces equal, cosines within 1e-5
  random    small BERT and MPNet of random weights, written here: word pieces equal, hidden states within 1e-5 of their largest value
  rouge     F-measure, precision, recall of ROUGE-L within 1e-12

Needs torch, transformers, sentence-transformers (for --model), rouge_score. Exit code 1 when something is beyond its tolerance.
"""
import argparse
import json
import os
import random
import subprocess
import sys
import tempfile

import numpy as np

os.environ['TOKENIZERS_PARALLELISM'] = 'false'
os.environ['HF_HUB_OFFLINE'] = '1'

PAIRS = 1000
PARTS = 'screw bottle capsule circuit board gear bearing cable carpet zipper housing gasket lens wafer rivet tile'.split()
DEFECTS = 'scratch dent crack chip stain hole bend missing thread burr discoloration bubble short circuit fold tear cut'.split()
PLACES = ['at the upper left', 'near the centre', 'along the rim', 'on the thread', 'at the lower right corner', 'across the label', 'close to pin 3']
VERBS = ['shows', 'has', 'exhibits', 'seems to have', 'clearly has', 'does not have']
SHAPES = ['a small', 'a long, thin', 'a 3.5 mm wide', 'an irregular', 'a barely visible', 'a deep']
ODD = ['', ' ', '\t\n', '.', '???!!', 'Größe und Länge: Übermaß', 'naïve café résumé Ångström', '表面有划痕，左上角。', 'ネジに傷があります', '나사에 흠집이 있다',
       'деталь повреждена', 'الجزء تالف', 'भाग खराब है', 'İstanbul ISPARTA ıß ǅ ẞ ﬁ K Å', '👩\u200d🔧🔩 ⚙️', 'a\u0000b'.replace('\0', ''), 'x\u200by\u00adz\ufeff', 'a\x07b\x7fc\x85d',
       '[CLS] in a text [SEP] and [MASK] [UNK] [PAD]', '<s> </s> <mask> <pad> <unk>', '##ing ## #', 'e\u0301 e\u0327\u0301 a\u0323\u0307', 'x' * 99 + ' ' + 'y' * 100 + ' ' + 'z' * 101,
       "don't can't it's 50% $3.20 <b>html</b> C:\\path\\file_name.png", 'A' * 5000, 'ab\u2028cd\u3000ef\u00a0gh', '\u1100\u1161\u11a8 \uac01', '½ ² ⁿ ™ ℃ №5', '\ue000private\U000f0000',
       'ﾊﾝｶｸ ＦＵＬＬ', '\U0001d11e\U0001d165\U0001d16e', 'ὈΔΥΣΣΕΎΣ Σ', '\u0345\u0300word']


def sentence(rng):
    return 'The %s %s %s %s %s.' % (rng.choice(PARTS), rng.choice(VERBS), rng.choice(SHAPES), rng.choice(DEFECTS), rng.choice(PLACES))


def make_pairs():
    rng = random.Random(7)
    pairs = []
    for i in range(PAIRS):
        kind = rng.random()
        if kind < 0.5:
            pair = sentence(rng), sentence(rng)
        elif kind < 0.7:
            pair = ' '.join(sentence(rng) for _ in range(rng.randint(1, 6))), sentence(rng).upper()
        elif kind < 0.8:  # beyond 256 and 512 pieces
            pair = ' '.join(sentence(rng) for _ in range(rng.randint(20, 60))), ' '.join(sentence(rng) for _ in range(rng.randint(1, 25)))
        else:
            pair = ODD[i % len(ODD)], ' '.join([rng.choice(ODD), sentence(rng), rng.choice(ODD)])
        pairs.append(pair)
    return pairs


def zeros(texts):
    return b''.join(t.encode() + b'\0' for t in texts)


class Checks:
    def __init__(self):
        self.failed = 0

    def __call__(self, what, value, limit):
        good = value <= limit
        self.failed += not good
        print('%-58s %.3g (at most %.3g) %s' % (what, value, limit, 'ok' if good else 'FAILED'), flush=True)


def ours(build, model, what, texts):
    return subprocess.run([os.path.join(build, 'tests', 'words_dump'), model, what], input=zeros(texts), stdout=subprocess.PIPE, check=True).stdout


def ids_of(build, model, texts):
    return [[int(x) for x in line.split()] for line in ours(build, model, 'ids', texts).decode().splitlines()]


def check_words(check, build, model, pairs, scratch):
    from sentence_transformers import SentenceTransformer
    st = SentenceTransformer(model, device='cpu')
    texts = [t for p in pairs for t in p]
    theirs = [st.tokenizer(t.strip(), truncation=True, max_length=st.max_seq_length)['input_ids'] for t in texts]
    check('%s: texts with other word pieces' % os.path.basename(model), sum(a != b for a, b in zip(theirs, ids_of(build, model, texts))), 0)
    vectors = st.encode(texts, batch_size=32).astype(np.float64)
    a, b = vectors[::2], vectors[1::2]
    cosines = (a * b).sum(1) / np.sqrt((a * a).sum(1) * (b * b).sum(1))
    path = os.path.join(scratch, 'pairs.jsonl')
    with open(path, 'w') as f:
        f.writelines(json.dumps({'a': x, 'b': y}) + '\n' for x, y in pairs)
    run = subprocess.run([os.path.join(build, 'bin', 'iad-bench'), 'words', '--quiet', '--model', model, '--pairs', path], stdout=subprocess.PIPE,
                         stderr=subprocess.PIPE, check=True)
    mine = np.array([json.loads(line)['cosine'] for line in run.stdout.decode().splitlines()])
    check('%s: cosine' % os.path.basename(model), np.abs(mine - cosines).max(), 1e-5)
    cut = sum(len(st.tokenizer(t.strip())['input_ids']) > st.max_seq_length for t in texts)
    told = int(run.stderr.decode().split('truncated=')[1].split()[0])
    check('%s: truncated texts, of which there are %d, counted wrongly' % (os.path.basename(model), cut), abs(told - cut), 0)


def check_rouge(check, build, pairs, scratch):
    from rouge_score import rouge_scorer
    scorer = rouge_scorer.RougeScorer(['rougeL'], use_stemmer=False)
    path = os.path.join(scratch, 'rouge.jsonl')
    with open(path, 'w') as f:
        f.writelines(json.dumps({'a': x, 'b': y}) + '\n' for x, y in pairs)
    run = subprocess.run([os.path.join(build, 'bin', 'iad-bench'), 'words', '--quiet', '--pairs', path], stdout=subprocess.PIPE, stderr=subprocess.PIPE, check=True)
    worst = 0.0
    for (x, y), line in zip(pairs, run.stdout.decode().splitlines()):
        theirs, mine = scorer.score(x, y)['rougeL'], json.loads(line)
        worst = max(worst, abs(theirs.fmeasure - mine['rouge_l']), abs(theirs.precision - mine['precision']), abs(theirs.recall - mine['recall']))
    check('rouge_score: %d pairs' % len(pairs), worst, 1e-12)


def vocabulary(texts, first, cased):
    """A small vocabulary: the given special pieces, every character seen, some beginnings and ends of words."""
    words = {}
    for t in texts:
        for w in t.split():
            w = w if cased else w.lower()
            words[w] = words.get(w, 0) + 1
    pieces = dict.fromkeys(first)
    for t in texts:
        for c in t if cased else t.lower():
            if not c.isspace():
                pieces[c] = pieces['##' + c] = None
    for w, n in words.items():
        if n > 2 and len(w) < 30:
            pieces[w] = None
            pieces[w[:3]] = pieces['##' + w[3:]] = None
    pieces.pop('', None)
    return list(pieces)


def random_model(kind, folder, texts, cased):
    """Writes a folder as transformers does, and returns its tokenizer and model."""
    import torch
    from transformers import BertConfig, BertModel, BertTokenizerFast, MPNetConfig, MPNetModel, MPNetTokenizerFast
    torch.manual_seed(3)
    os.makedirs(folder, exist_ok=True)
    first = ['<s>', '<pad>', '</s>', '<unk>', '[UNK]', '<mask>'] if kind == 'mpnet' else ['[PAD]', '[UNK]', '[CLS]', '[SEP]', '[MASK]']
    pieces = vocabulary(texts, first, cased)
    with open(os.path.join(folder, 'vocab.txt'), 'w') as f:
        f.write('\n'.join(pieces) + '\n')
    sizes = dict(vocab_size=len(pieces), hidden_size=72, num_hidden_layers=3, num_attention_heads=3, intermediate_size=136, initializer_range=0.2,
                 max_position_embeddings=514 if kind == 'mpnet' else 512)
    if kind == 'mpnet':
        tokenizer = MPNetTokenizerFast(os.path.join(folder, 'vocab.txt'), do_lower_case=not cased)
        model = MPNetModel(MPNetConfig(layer_norm_eps=1e-5, **sizes))
    else:
        tokenizer = BertTokenizerFast(os.path.join(folder, 'vocab.txt'), do_lower_case=not cased)
        model = BertModel(BertConfig(**sizes), add_pooling_layer=False)
    with torch.no_grad():
        for name, p in model.named_parameters():  # biases and normalisations are not what they begin with, either
            if p.dim() == 1:
                p.add_(torch.randn_like(p) * 0.2)
    model.eval()
    model.save_pretrained(folder)
    tokenizer.model_max_length = 512
    tokenizer.save_pretrained(folder)
    return tokenizer, model


def check_random(check, build, kind, cased, bare, texts, scratch):
    """bare: without tokenizer.json, so that vocab.txt is read."""
    import torch
    name = 'random %s, %s%s' % (kind, 'cased' if cased else 'uncased', ', vocab.txt' if bare else '')
    folder = os.path.join(scratch, '%s-%d' % (kind, cased))
    tokenizer, model = random_model(kind, folder, texts, cased)
    if bare:
        os.remove(os.path.join(folder, 'tokenizer.json'))
    theirs = [tokenizer(t, truncation=True, max_length=512)['input_ids'] for t in texts]
    mine = ids_of(build, folder, texts)
    check('%s: texts with other word pieces' % name, sum(a != b for a, b in zip(theirs, mine)), 0)
    flat = np.frombuffer(ours(build, folder, 'hidden', texts), np.float32).reshape(-1, model.config.hidden_size)
    at, worst = 0, 0.0
    with torch.no_grad():
        for ids in mine:
            ids = torch.tensor([ids])
            hidden = model(ids, attention_mask=torch.ones_like(ids)).last_hidden_state[0].numpy()
            worst = max(worst, np.abs(hidden - flat[at:at + len(hidden)]).max() / np.abs(hidden).max())
            at += len(hidden)
    assert at == len(flat)
    check('%s: hidden states' % name, worst, 1e-5)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split('\n')[0])
    parser.add_argument('build')
    parser.add_argument('--model')
    parser.add_argument('--scratch')
    options = parser.parse_args()
    check, pairs = Checks(), make_pairs()
    with tempfile.TemporaryDirectory() as temporary:
        scratch = options.scratch or temporary
        os.makedirs(scratch, exist_ok=True)
        check_rouge(check, options.build, pairs, scratch)
        texts = [t for p in pairs for t in p][::5] + ODD
        for kind, cased, bare in (('bert', 0, 0), ('bert', 1, 0), ('mpnet', 0, 0), ('bert', 0, 1), ('mpnet', 1, 1)):
            check_random(check, options.build, kind, cased, bare, texts, scratch)
        if options.model:
            check_words(check, options.build, os.path.abspath(options.model), pairs, scratch)
    return 1 if check.failed else 0


if __name__ == '__main__':
    sys.exit(main())
