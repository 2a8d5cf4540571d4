# What export writes as a list, ingest reads back: the second export is equal to the first, masks and all, in every form.
set -euo pipefail
manifest=$IAD_BIN/iad-manifest helper=$IAD_TESTBIN/test_ingest_layouts
"$helper" --write fixtures
for set in mvtec-ad own boxes mvtec-loco mvtec-ad2 ds-mvtec btad folder list; do
    for form in tsv csv jsonl; do
        rm -rf work
        mkdir work
        "$manifest" ingest --db work/a.db --name set --quiet fixtures/$set/data > /dev/null 2>&1 || test $? = 3
        "$manifest" export --db work/a.db --out work/A --files copy --format $form --quiet > /dev/null 2>&1
        "$manifest" ingest --db work/b.db --name set --quiet work/A > /dev/null 2> work/log.txt
        grep -q ' refused=0 rejected=0 ' work/log.txt
        "$manifest" export --db work/b.db --out work/B --files copy --format $form --quiet > /dev/null 2>&1
        diff -r work/A work/B
        test "$(wc -l < work/A/list.$form)" -ge 3
    done
done
