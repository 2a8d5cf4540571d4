/* words_model DIR bert|mpnet: writes the tiny sentence model of the unit tests, for bench_words.sh. */
#include "tests/unit/words/words_fixture.h"

int main(int argc, char **argv) {
    if (argc != 3) return 2;
    fix_folder(argv[1], !strcmp(argv[2], "mpnet"));
    return 0;
}
