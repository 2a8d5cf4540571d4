# From pictures to a lower loss: captions by the annotator, records of stage 1, and a small model whose loss on captions of other products falls.
set -euo pipefail
build=$(dirname "$IAD_BIN")
BUILD=$build DESIGNS=1 PICTURES=2 SIZE=84 STEPS=6 bash "$IAD_SOURCE/bench/caption_loss.sh" out > out.txt
cat out.txt
grep -q '^caption_loss_before=.* caption_loss_after=' out.txt
# Only the annotator's captions were there to learn from.
test -z "$("$IAD_TESTBIN/manifest_query" out/texts.db "SELECT id FROM caption WHERE model IS NOT 'scripted-vl'")"
test "$("$IAD_TESTBIN/manifest_query" out/texts.db "SELECT count(*) FROM task WHERE stage = 1 AND part = 'train'")" -ge 12
