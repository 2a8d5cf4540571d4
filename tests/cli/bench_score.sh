# iad-bench score and compare on a table made here: known numbers, gates, clear refusals.
set -euo pipefail
bench=$IAD_BIN/iad-bench

# Golden vector: AUROC 0.59375, AP 0.6011904762, F1-max 0.7272727273.
{
    printf 'path\tlabel\tscore\n'
    i=0
    for pair in 0:.1 0:.4 1:.35 1:.8 0:.35 1:.8 0:.8 1:.2; do
        i=$((i + 1))
        printf 'p%d.png\t%s\t%s\n' $i "${pair%:*}" "${pair#*:}"
    done
} > scores.tsv
"$bench" score --scores scores.tsv --out one --format tsv --quiet > one.tsv
grep -q $'^all\t4\t4\t0.59375\t0.6011904762\t0.7272727273\t' one.tsv
test -s one/results.json
test -s one/report.html
grep -q '<svg' one/report.html

# The gate fails below and passes above.
"$bench" score --scores scores.tsv --out one --quiet --min image_auroc=0.59 > /dev/null
! "$bench" score --scores scores.tsv --out one --quiet --min image_auroc=0.60 > /dev/null 2> gate.txt
grep -q 'image_auroc is 0.5938, below 0.6000' gate.txt

# Compare: equal to itself, and a swapped pair of scores is noticed.
"$bench" compare one one > same.tsv
grep -q $'image_auroc\t0.593750\t0.593750\t+0.000000' same.tsv
sed 's/p4.png\t1\t.8/p4.png\t1\t.05/' scores.tsv > worse.tsv
"$bench" score --scores worse.tsv --out two --quiet > /dev/null
"$bench" compare one two > diff.tsv
grep -q $'p4.png' diff.tsv
! "$bench" compare one two --tolerance image_auroc=0.01 > /dev/null 2>&1
"$bench" compare scores.tsv scores.tsv > /dev/null

# Refusals name the item; exit codes tell the kind.
printf 'path\tlabel\tscore\nx.png\tperhaps\t1\n' > bad.tsv
code=0; "$bench" score --scores bad.tsv --out bad 2> bad.txt || code=$?
test $code = 1
grep -q 'bad.tsv: row 1 (x.png): label "perhaps"' bad.txt
code=0; "$bench" score --scores none.tsv --out bad 2> none.txt || code=$?
test $code = 1
grep -q 'none.tsv' none.txt
code=0; "$bench" score --scorez x 2> usage.txt || code=$?
test $code = 2
grep -q 'did you mean --scores' usage.txt
code=0; "$bench" score --scores scores.tsv --out bad --preset nonsense 2> preset.txt || code=$?
test $code = 2
"$bench" --help > /dev/null
"$bench" score --help > help.txt
grep -q 'default iadgpt-224' help.txt
"$bench" presets iadgpt-224 > preset.txt
grep -q 'iadgpt-224' preset.txt
