/* Checks that know words: does a text speak of its aspect, and does it contradict what is known? */
#include <stdio.h>
#include <string.h>

#include "annotate/check/quality.h"
#include "annotate/check/quality_text.h"
#include "base/text.h"

static const char *const overall_en[] = {
    "shape*",   "round*",      "cylind*", "rectang*", "square*",   "circular",  "oval",       "flat",     "long",    "elongat*", "curved",
    "tapered",  "slender",     "compact", "conical",  "spherical", "hexagonal", "structure*", "body",     "frame",   "form*",    "outline",
    "symmetr*", "proportion*", "thick",   "thin",     "wide",      "narrow",    "tubular",    "disc*",    "disk*",   "ring*",    "block*",
    "box*",     "length",      "part*",   "assembl*", "straight",  "angular",   "design*",    "consist*", "overall", NULL};
static const char *const material_en[] = {
    "material*", "surface*", "metal*",   "steel",       "iron",        "alumin*", "copper",   "brass",    "bronze",    "plastic*",
    "polymer*",  "rubber*",  "wood*",    "glass*",      "ceramic*",    "fabric*", "leather*", "paper*",   "textile*",  "stone*",
    "silicone",  "foam",     "finish*",  "matte",       "matt",        "gloss*",  "shiny",    "smooth",   "rough*",    "texture*",
    "polish*",   "coat*",    "paint*",   "colour*",     "color*",      "grain*",  "brushed",  "woven",    "alloy*",    "zinc",
    "chrome*",   "galvan*",  "reflect*", "transparent", "translucent", "opaque",  "resin",    "concrete", "cardboard", "dough",
    "skin",      "shell",    "fibre*",   "fiber*",      "sheen",       "lustre",  "cast",     NULL};
static const char *const structure_en[] = {
    "edge*",  "hole*", "thread*", "groove*", "slot*",    "rib*",     "seam*",  "joint*", "corner*", "rim*",     "flange*",    "head*",    "pin*",
    "tooth",  "teeth", "hub",     "line*",   "mark*",    "pattern*", "end*",   "side*",  "face*",   "detail*",  "bevel*",     "chamfer*", "notch*",
    "ridge*", "weld*", "stitch*", "screw*",  "contact*", "lead*",    "label*", "cap*",   "neck",    "base",     "opening*",   "centre",   "center*",
    "lip",    "fold*", "cut*",    "tip*",    "top",      "bottom",   "inner",  "outer",  "border*", "surface*", "structure*", "part*",    NULL};
static const char *const overall_zh[] = {"形", "状", "结构", "圆", "方", "长", "扁", "主体", "轮廓", "整体", "比例", "部分", NULL};
static const char *const material_zh[] = {"材",   "质",   "表面", "金属", "钢", "铁", "铝", "铜", "塑料", "橡胶", "木",
                                          "玻璃", "陶瓷", "布",   "皮",   "纸", "光", "色", "纹", "涂",   NULL};
static const char *const structure_zh[] = {"边",   "孔",   "螺纹", "槽", "缝", "角", "端",   "面", "标记",
                                           "图案", "细节", "接",   "头", "齿", "口", "中心", NULL};

int iad_quality_aspect(const iad_text_view *text, const char *aspect, const char *lang, char why[IAD_WHY]) {
    int zh = !strcmp(lang, "zh");
    const char *const *list = !strcmp(aspect, "overall")                                  ? (zh ? overall_zh : overall_en)
                              : !strcmp(aspect, "structure")                              ? (zh ? structure_zh : structure_en)
                              : !strcmp(aspect, "material") || !strcmp(aspect, "surface") ? (zh ? material_zh : material_en)
                                                                                          : NULL;
    if (!list) return 1;
    for (; *list; list++)
        if (zh ? strstr(text->small, *list) != NULL : iad_text_view_count(text, *list) > 0) return 1;
    snprintf(why, IAD_WHY, "no word about %s", aspect);
    return 0;
}

/* Materials that exclude each other. The last row that a word belongs to is its class. */
static const struct {
    const char *word;
    int class;
} materials[] = {{"glass", 1},   {"steel", 2},        {"iron", 2},   {"aluminium", 2}, {"aluminum", 2},  {"copper", 2},  {"brass", 2},
                 {"bronze", 2},  {"metal", 2},        {"zinc", 2},   {"titanium", 2},  {"plastic", 3},   {"pvc", 3},     {"nylon", 3},
                 {"acrylic", 3}, {"polyethylene", 3}, {"pet", 3},    {"rubber", 4},    {"silicone", 4},  {"wood", 5},    {"wooden", 5},
                 {"pine", 5},    {"oak", 5},          {"bamboo", 5}, {"ceramic", 6},   {"porcelain", 6}, {"leather", 7}, {"cotton", 8},
                 {"wool", 8},    {"cardboard", 9},    {"paper", 9},  {"concrete", 10}, {"stone", 10},    {"marble", 10}};
#define N_MATERIALS (sizeof materials / sizeof *materials)

/* The class that a category's name states; 0: none, or several. */
static int stated(const char *category) {
    int class = 0;
    for (size_t i = 0; i < N_MATERIALS; i++) {
        if (!iad_text_word(category, materials[i].word)) continue;
        if (class && class != materials[i].class) return 0;
        class = materials[i].class;
    }
    return class;
}

/* `small`: the text in small letters. */
static int made_of(const char *small, int class, const char **word) {
    static const char *const leads[] = {"made of ",          "made from ",      "made out of ",     "crafted from ",
                                        "constructed from ", "constructed of ", "made entirely of "};
    int right = 0;
    *word = NULL;
    for (size_t l = 0; l < sizeof leads / sizeof *leads; l++)
        for (const char *p = small; (p = strstr(p, leads[l])) != NULL; p += strlen(leads[l])) {
            char phrase[80];
            iad_text_copy(phrase, sizeof phrase, p + strlen(leads[l]));
            phrase[strcspn(phrase, ".,;:")] = 0;
            for (size_t i = 0; i < N_MATERIALS; i++)
                if (iad_text_word(phrase, materials[i].word)) {
                    if (materials[i].class == class) right = 1;
                    else *word = materials[i].word;
                }
        }
    return *word && !right;
}

static const struct {
    const char *word, *colours; /* names of iad_chat_colour that it may look like */
} colour_words[] = {{"red", "red|brown|orange"},
                    {"orange", "orange|red|yellow|brown"},
                    {"yellow", "yellow|orange|brown|green"},
                    {"green", "green|yellow|blue"},
                    {"blue", "blue|purple|green"},
                    {"purple", "purple|blue|red"},
                    {"white", "white|grey"},
                    {"grey", "grey|white|black"},
                    {"gray", "grey|white|black"},
                    {"black", "black|grey|brown"},
                    {"brown", "brown|orange|red|black|yellow"},
                    {"silver", "grey|white|black"},
                    {"golden", "yellow|orange|brown"},
                    {"pink", "red|purple|white"},
                    {"beige", "white|yellow|orange|brown|grey"},
                    {"copper", "orange|red|brown"}};

int iad_quality_contradiction(const iad_text_view *text, const char *category, const char *colour, char why[IAD_WHY]) {
    const char *word = NULL;
    char name[200];
    iad_text_copy(name, sizeof name, category ? category : "");
    for (char *p = name; *p; p++)
        if (*p == '_') *p = ' ';
    int class = stated(name);
    if (class && made_of(text->small, class, &word)) return snprintf(why, IAD_WHY, "\"made of %s\", but the category is %.80s", word, name), 0;
    int said = 0, fits = 0;
    /* Backgrounds are white or grey more often than not, so those ruling colours say nothing about the object. */
    if (!colour || !*colour || !strcmp(colour, "white") || !strcmp(colour, "grey") || !strcmp(colour, "black")) return 1;
    for (size_t i = 0; i < sizeof colour_words / sizeof *colour_words; i++) {
        if (!iad_text_view_count(text, colour_words[i].word)) continue;
        said++;
        fits += strstr(colour_words[i].colours, colour) != NULL;
        word = colour_words[i].word;
    }
    if (said && !fits) return snprintf(why, IAD_WHY, "says %s, but the picture's middle is %s", word, colour), 0;
    return 1;
}
