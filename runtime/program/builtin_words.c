#include "runtime/program/builtin_words.h"


/* Chosen for what inspectors write; one line per theme. */
static const char *const themes[] = {
    "a an the this that these those it its he she they we you i one two three four five six seven eight nine ten first second third last next other "
    "another same each every all any some no none both few many more most less least only also very too quite rather almost about around",
    "is are was were be been being has have had do does did can could may might must shall should will would not and or but if because so than then "
    "when where while which who what why how there here now of in on at to from by with without for as into over under between within along across "
    "through during before after above below near behind against toward inside outside up down left right top bottom upper lower middle center "
    "corner edge side front back end start",
    "image picture photo photograph view camera light shadow reflection background pixel region area position location box mask map part component "
    "product object item piece sample example reference normal good clean intact complete correct consistent expected regular uniform smooth flat "
    "even straight round sharp shiny bright dark",
    "defect defects defective anomaly anomalies anomalous abnormal damage damaged fault faulty flaw error broken bent scratch scratched crack "
    "cracked dent dented hole holes cut cuts chip chipped stain stained spot spots contamination contaminated dirt dust oil water rust corrosion "
    "discoloration color colour print printed misprint missing extra wrong loose swapped flipped rotated shifted squeezed stretched torn thread "
    "threads fray frayed fold folded wrinkle bubble burr scrap split splinter burn burnt melt melted peel peeling leak leaking tear worn wear rough "
    "uneven deformed deformation misaligned misplaced mixed foreign body fiber fibre fabric poke glue residue groove pit pitting void short open "
    "solder bridge", "bottle cable capsule carpet grid hazelnut leather metal nut pill screw tile toothbrush transistor wood zipper gear plate board "
                     "circuit chip "
    "capacitor resistor connector pin wire coil switch button cap lid seal ring tube pipe valve spring bolt washer bearing shaft housing panel sheet "
    "foil film label tray package bag candle cashew gum macaroni fryer pasta noodle bracket hinge handle blade rod disk wheel lens glass ceramic "
    "plastic rubber paper textile steel brass copper aluminium iron surface texture pattern grain weave coating paint finish joint weld hook",
    "red orange yellow green blue violet purple brown black white grey gray silver gold beige pink transparent opaque pale deep faint clear visible "
    "hidden small tiny large big huge long short wide narrow thin thick high low deep shallow single double several multiple circular square "
    "rectangular oval linear curved irregular jagged diagonal vertical horizontal parallel",
    "show shows shown showing appear appears see seen find found look looks looking compare compared match matches differ differs different "
    "difference similar contain contains cover covers touch touches run runs extend extends start starts cause caused likely probably possibly "
    "perhaps certain sure seems describe explain answer question yes no reason because evidence result conclusion verdict score confidence severity "
    "minor major critical accept accepted reject rejected pass passed fail failed inspect inspection inspector check checked test tested quality "
    "control", "during handling transport assembly production manufacturing process machine tool mold mould cutting drilling milling pressing "
               "casting welding "
    "soldering printing coating cleaning cooling heating pressure temperature impact friction stress tension vibration material batch line station "
    "operator supplier customer standard tolerance size shape length width height depth diameter radius angle distance number count type kind class "
    "category name description step steps list table value level range limit threshold",
    "therefore however although since thus hence moreover otherwise instead overall general specific particular detail details carefully closely "
    "slightly clearly partly fully completely exactly roughly evenly badly well better best worse worst new old fresh original whole half quarter "
    "entire partial local global inner outer central main given following previous current please thank hello help system user assistant",
    "bbox label point points polygon json true false null text type string integer object array items required properties index id key data file "
    "path model token tokens word words sentence language english attention layer feature visual anomalies few shot zero train training detect "
    "detection localize localization segment classify classification"};

enum { N_THEMES = sizeof themes / sizeof *themes };

static char upper(char c) { return (char)(c >= 'a' && c <= 'z' ? c - 'a' + 'A' : c); }

/* A word in its three spellings, each with and without a space before it: what a tokenizer meets in sentences, lists and JSON. */
static iad_status add_word(const char *word, size_t n, int rank, iad_buf *text, iad_err *err) {
    /* Frequent words come first in the themes, so their share is larger: merges then follow usefulness. */
    int times = rank < 2 ? 6 : 3;
    for (int i = 0; i < times; i++) IAD_TRY(iad_buf_addf(text, err, " %.*s", (int)n, word));
    IAD_TRY(iad_buf_addf(text, err, ".\n%c%.*s", upper(word[0]), (int)n - 1, word + 1));
    IAD_TRY(iad_buf_addf(text, err, ": \"%.*s\",\n", (int)n, word));
    for (size_t i = 0; i < n; i++) {
        char c = upper(word[i]);
        IAD_TRY(iad_buf_add(text, &c, 1, err));
    }
    return iad_buf_add_str(text, "\n\n", err);
}

iad_status iad_builtin_text(iad_buf *text, iad_err *err) {
    for (int t = 0; t < N_THEMES; t++) {
        for (const char *word = themes[t]; *word;) {
            const char *end = word;
            while (*end && *end != ' ') end++;
            IAD_TRY(add_word(word, (size_t)(end - word), t, text, err));
            word = *end ? end + 1 : end;
        }
    }
    /* Shapes of answers. */
    for (int i = 0; i < 20; i++)
        IAD_TRY(iad_buf_addf(text, err,
                             "{\"bbox_2d\": [%d, %d, %d, %d], \"label\": \"defect\"}\nYes, the last image is normal, consistent with the images "
                             "before it.\n"
                             "No, there is an abnormal region in the last image.\nLook for any defect or abnormal region in the last image.\n",
                             i * 7 % 100, i * 13 % 100, i * 7 % 100 + 12, i * 13 % 100 + 31));
    return IAD_OK;
}
