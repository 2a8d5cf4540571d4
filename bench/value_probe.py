#!/usr/bin/env python3
"""Are synthetic defects good enough to choose by? Chooses exemplars on them, then looks at real defects.

    bench/value_probe.py --bin build/release/bin --out DIR SET [SET ...]

SET is a folder in MVTec layout with real defects. In each category half of the good training pictures are candidates for exemplars; from the other half come the good and
(through `iad-synth`) the defective pictures of a synthetic validation set. For every seed, patchnn is scored with the exemplars that the seed draws, once on the
validation set and once on the real test pictures. The choice is the seed with the best synthetic image AUROC; it must be no worse on real defects than the median seed.
Prints one row per category; exit 1 when more than --allowed categories fail.
"""
import argparse
import hashlib
import json
import os
import shutil
import statistics
import subprocess
import sys

PICTURES = ('.png', '.jpg', '.jpeg', '.bmp', '.webp')


def run(*words):
    done = subprocess.run([str(w) for w in words], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    if done.returncode not in (0, 3):
        sys.exit('%s\n%s' % (' '.join(map(str, words)), done.stderr))
    return done.stdout


def pictures(folder):
    return sorted(f for f in os.listdir(folder) if f.lower().endswith(PICTURES)) if os.path.isdir(folder) else []


def link(source, folder):
    os.makedirs(folder, exist_ok=True)
    shutil.copyfile(source, os.path.join(folder, os.path.basename(source)))


def split(good):
    """Half of the pictures, chosen by their names: the same on every machine."""
    order = sorted(good, key=lambda f: hashlib.sha256(f.encode()).digest())
    return sorted(order[:(len(order) + 1) // 2]), sorted(order[(len(order) + 1) // 2:])


def measure(args, tree, name, seed):
    """Image and pixel AUROC of every category of a tree with the exemplars of a seed."""
    out = os.path.join(args.out, '%s-%d' % (name, seed))
    run(os.path.join(args.bin, 'iad-bench'), 'run', '--db', tree + '.db', '--scorer', 'patchnn', '--shots', args.shots, '--refs', 'random-nested:%d' % seed, '--out', out,
        '--bootstrap', 0, '--quiet')
    with open(os.path.join(out, 'results.json')) as f:
        units = json.load(f)['units']
    return {u['category']: u['image'].get('auroc') for u in units}


def build(args, root):
    """Two trees, real and synthetic, with the same candidates for exemplars."""
    real, good, synthetic = (os.path.join(args.out, n) for n in ('real', 'good', 'synthetic'))
    categories = []
    for category in sorted(os.listdir(root)):
        here = os.path.join(root, category)
        train = pictures(os.path.join(here, 'train', 'good'))
        if len(train) < 2 * args.shots + 2 or not os.path.isdir(os.path.join(here, 'test')):
            continue
        categories.append(category)
        candidates, held = split(train)
        for tree in (real, synthetic):
            for f in candidates:
                link(os.path.join(here, 'train', 'good', f), os.path.join(tree, category, 'train', 'good'))
        for f in held:
            link(os.path.join(here, 'train', 'good', f), os.path.join(good, category, 'train', 'good'))
        for kind in sorted(os.listdir(os.path.join(here, 'test'))):
            for f in pictures(os.path.join(here, 'test', kind)):
                link(os.path.join(here, 'test', kind, f), os.path.join(real, category, 'test', kind))
    if not categories:
        sys.exit('%s: no category in MVTec layout with %d good training pictures' % (root, 2 * args.shots + 2))
    tool, synth = (os.path.join(args.bin, n) for n in ('iad-manifest', 'iad-synth'))
    run(tool, 'ingest', '--db', good + '.db', '--adapter', 'mvtec', '--name', 'good', good, '--quiet')
    run(synth, 'anomalies', '--db', good + '.db', '--preset', args.preset, '--per-image', args.per_image, '--seed', args.seed, '--allow-eval', '--quiet')
    files = os.path.join(args.out, 'files')
    run(synth, 'files', '--db', good + '.db', '--out', files, '--quiet')
    for category in categories:
        test = os.path.join(files, category, 'test')
        for kind in sorted(os.listdir(test)):
            for f in pictures(os.path.join(test, kind)):
                link(os.path.join(test, kind, f), os.path.join(synthetic, category, 'test', kind))
        for f in pictures(os.path.join(files, category, 'train', 'good')):
            link(os.path.join(files, category, 'train', 'good', f), os.path.join(synthetic, category, 'test', 'good'))
    for name, tree in (('real', real), ('synthetic', synthetic)):
        run(tool, 'ingest', '--db', tree + '.db', '--adapter', 'mvtec', '--name', name, tree, '--quiet')
    return real, synthetic, categories


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('sets', nargs='+')
    parser.add_argument('--bin', default='build/release/bin')
    parser.add_argument('--out', required=True)
    parser.add_argument('--shots', type=int, default=2)
    parser.add_argument('--seeds', type=int, default=9)
    parser.add_argument('--seed', type=int, default=1)
    parser.add_argument('--preset', default='full')
    parser.add_argument('--per-image', type=int, default=4)
    parser.add_argument('--allowed', type=int, default=0)
    args = parser.parse_args()
    base, failed, total = args.out, 0, 0
    print('%-16s %5s %10s %10s %10s %10s %10s' % ('category', 'seed', 'synthetic', 'real', 'median', 'best', 'worst'))
    for root in args.sets:
        args.out = os.path.join(base, os.path.basename(os.path.normpath(root)))
        if os.path.exists(args.out):
            sys.exit('%s exists' % args.out)
        os.makedirs(args.out)
        real, synthetic, categories = build(args, root)
        on_synthetic = [measure(args, synthetic, 'on-synthetic', s) for s in range(args.seeds)]
        on_real = [measure(args, real, 'on-real', s) for s in range(args.seeds)]
        for category in categories:
            ours, theirs = ([m.get(category) for m in ms] for ms in (on_synthetic, on_real))
            if None in ours or None in theirs:
                print('%-16s one class only: no AUROC' % category)
                continue
            choice = max(range(args.seeds), key=lambda s: (ours[s], -s))
            median = statistics.median(theirs)
            worse = theirs[choice] < median
            failed += worse
            total += 1
            print('%-16s %5d %10.4f %10.4f %10.4f %10.4f %10.4f%s' % (category, choice, ours[choice], theirs[choice], median, max(theirs), min(theirs), '  <-- worse' if worse else ''))
    print('categories=%d worse_than_median=%d' % (total, failed))
    sys.exit(failed > args.allowed)


main()
