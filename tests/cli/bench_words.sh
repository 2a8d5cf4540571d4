# iad-bench words on texts made here: known ROUGE-L, cosines of a tiny model, interruption, clear refusals.
set -euo pipefail
bench=$IAD_BIN/iad-bench
expect() { # expect CODE command...: checks the exit code, keeps the streams in out.txt and err.txt
    local want=$1 got=0
    shift
    "$@" >out.txt 2>err.txt || got=$?
    [ "$got" = "$want" ] || { cat out.txt err.txt >&2; echo "exit $got instead of $want: $*" >&2; exit 1; }
}
says() { grep -q -- "$1" err.txt || { cat err.txt >&2; echo "the message does not say \"$1\"" >&2; exit 1; }; }

# ROUGE-L alone, from two files: 5 common tokens of 6 and 7; nothing common; equal but for case.
printf 'The cat sat on the mat.\nscratch\nA Dent\r\n' > a.txt
printf 'the cat, it lay on the mat\nscratches\na dent\n' > b.txt
expect 0 "$bench" words --a a.txt --b b.txt --format tsv
printf 'pair\tcosine\trouge_l\tprecision\trecall\n0\t-\t0.769230769\t0.714285714\t0.833333333\n1\t-\t0.000000000\t0.000000000\t0.000000000\n2\t-\t1.000000000\t1.000000000\t1.000000000\n' > want.txt
diff want.txt out.txt
says '^pairs=3 rouge_l=0.589744$'

# A model: equal texts have cosine 1, the cut one is counted, threads and the form of the input change nothing.
for kind in bert mpnet; do
    "$IAD_TESTBIN/words_model" $kind $kind
    printf '{"id": "same", "a": "the hole", "b": "The HOLE"}\n\n{"a": "scratches on metal", "b": "a b c a b c a b c a b c a b c", "more": 1}\n' > pairs.jsonl
    expect 0 "$bench" words --model $kind/ --pairs pairs.jsonl --threads 1
    grep -q '^{"pair": 0, "id": "same", "cosine": 1, "rouge_l": 1, "precision": 1, "recall": 1}$' out.txt
    says "truncated=1 max_pieces=12 .*pooling=mean model=$kind\$"
    mv out.txt one.txt
    expect 0 "$bench" words --model $kind --pairs pairs.jsonl --threads 3
    diff one.txt out.txt
    printf 'the hole\nscratches on metal\n' > left.txt
    printf 'The HOLE\na b c a b c a b c a b c a b c\n' > right.txt
    expect 0 "$bench" words --model $kind --a left.txt --b right.txt
    diff <(sed 's/ "id": "same",//' one.txt) out.txt
done
cmp -s <(cut -d, -f2 one.txt) <("$bench" words --quiet --model bert --pairs pairs.jsonl 2> /dev/null | cut -d, -f2) && { echo "two models, the same cosines" >&2; exit 1; }

# Stopped by a signal, the lines so far are whole, and --skip gives the rest.
awk 'BEGIN { for (i = 0; i < 300000; i++) printf "{\"a\": \"part %d has a scratch at the rim\", \"b\": \"a scratch at the rim of part %d\"}\n", i, i * 7 % 1000 }' > many.jsonl
"$bench" words --quiet --pairs many.jsonl > all.jsonl 2> /dev/null
[ "$(wc -l < all.jsonl)" = 300000 ]
"$bench" words --quiet --pairs many.jsonl > part.jsonl 2> stopped.txt & pid=$!
while [ ! -s part.jsonl ] && kill -0 $pid 2> /dev/null; do sleep 0.01; done
kill -TERM $pid 2> /dev/null || true
code=0
wait $pid || code=$?
[ $code = 130 ] || [ $code = 0 ]
grep -q '^pairs=' stopped.txt
"$bench" words --quiet --pairs many.jsonl --skip "$(wc -l < part.jsonl)" >> part.jsonl 2> /dev/null
cmp all.jsonl part.jsonl

# Refusals name the item; exit codes tell the kind.
expect 2 "$bench" words
says 'either --pairs FILE, or --a FILE and --b FILE'
expect 2 "$bench" words --pairs pairs.jsonl --a a.txt
expect 2 "$bench" words --a a.txt
expect 2 "$bench" words --pairs pairs.jsonl --skip 3
says '\-\-skip 3: there are 2 pairs'
expect 1 "$bench" words --a a.txt --b none.txt
says 'none.txt'
expect 1 "$bench" words --a a.txt --b left.txt
says 'left.txt has 2 lines, a.txt has more'
printf 'caf\351\n' > latin.txt
expect 1 "$bench" words --a latin.txt --b latin.txt
says 'latin.txt: line 1 is no UTF-8 text'
printf '{"a": "x", "b": "y"}\n{"a": "x"}\n' > bad.jsonl
expect 1 "$bench" words --pairs bad.jsonl
says 'bad.jsonl: line 2: .*"b"'
[ ! -s out.txt ]
: > empty.jsonl
expect 1 "$bench" words --pairs empty.jsonl
says 'empty.jsonl: no pair'
expect 1 "$bench" words --model nowhere --pairs pairs.jsonl
says 'nowhere: no such folder'
mkdir other
sed 's/"bert"/"roberta"/' bert/config.json > other/config.json
expect 1 "$bench" words --model other --pairs pairs.jsonl
says 'other/config.json: model_type "roberta": bert and mpnet are supported'
