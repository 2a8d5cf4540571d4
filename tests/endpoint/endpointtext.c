#include "tests/endpoint/endpointtext.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/file.h"
#include "base/rng.h"
#include "base/sha256.h"
#include "base/text.h"

enum { GROUPS = 8, CHOICES = 6, ZH_GROUPS = 4, ENOUGH_WORDS = 18, MAX_FACTS = 1 << 20, MAX_FACTS_BYTES = 256 << 20 };

/* %n: the product, %b %c %f: what was measured. Without colours, materials, digits and guesses: nothing here can be untrue of a picture
 * of one object. */
static const char *const shape[GROUPS][CHOICES] = {
    {"A single %n is shown in full.", "One complete %n fills the picture.", "The %n stands alone before a plain ground.",
     "This %n is seen as a whole.", "A %n lies in front of the viewer.", "One %n is visible from end to end."},
    {"Its overall shape is compact and the outline is closed.", "Its outline is clear and its shape easy to follow.",
     "The shape has a firm outline without gaps.", "The contour runs evenly around the whole shape.",
     "A closed contour gives it a simple overall shape.", "Its form is plain, with a continuous outline."},
    {"It takes up %f of the frame.", "The object covers %f of the view.", "Within the frame it occupies %f.",
     "Seen from here it fills %f of the image.", "It extends over %f of the visible area.", "%f of the picture belongs to the object itself."},
    {"The main axis runs through the middle.", "Both halves are arranged around a common centre.", "The parts follow one main direction.",
     "Its body is balanced about the centre.", "The long side and the short side are easy to tell apart.",
     "The proportions stay the same along its length."},
    {"Edges meet at regular angles.", "Straight and curved edges alternate.", "Its edges are clean where they meet the background.",
     "The corners are formed evenly.", "Every edge can be followed without a break.", "Rounded transitions join the larger faces."},
    {"The structure consists of one main body with smaller parts attached.", "Smaller sections join a larger central body.",
     "The construction is built up from a few simple volumes.", "A central part carries the others.", "The sections are arranged one after another.",
     "Its structure is the same on either side."},
    {"The view is straight and undistorted.", "It is seen from a slightly raised position.", "The camera looks at it frontally.",
     "Nothing covers any part of it.", "No other object overlaps it.", "The whole silhouette stays inside the frame."},
    {"From above to below the form tapers only a little.", "The widest section is found near the middle of the body.",
     "Thick and thin sections follow each other in a steady order.", "The flat areas are joined by short curved ones.",
     "Length and width stand in a moderate ratio to each other.", "Every section keeps its own width up to the next one."}};
static const char *const material[GROUPS][CHOICES] = {
    {"The surface of the %n is even.", "Across the %n the surface looks uniform.", "This %n has a regular surface.",
     "The visible surface of the %n is continuous.", "The finish of the %n is consistent.", "A consistent finish covers the %n."},
    {"The lighting is %b.", "It is shown under %b illumination.", "Illumination of the scene is %b.", "With %b lighting the finish is easy to judge.",
     "The exposure of the surface is %b.", "%b lighting shows the texture plainly."},
    {"Tones differ with %c contrast.", "The contrast between lit and shaded areas is %c.", "Between highlights and shadows there is %c contrast.",
     "Shading is of %c strength.", "Brighter and darker zones are separated by %c steps.", "%c transitions lead from highlight to shadow."},
    {"Its texture is fine and repeats without interruption.", "Fine grain gives the texture a calm look.",
     "The texture stays alike from one side to the other.", "Small variations of texture are spread evenly.",
     "No coarse grain interrupts the texture.", "The texture keeps one direction throughout."},
    {"Reflections are soft and follow the form.", "Soft highlights lie along the raised areas.", "Highlights are narrow and sit close to the edges.",
     "The gloss is moderate and regular.", "It reflects little and looks matte.", "A faint sheen accompanies the curves."},
    {"The material is rigid, as its crisp edges show.", "Material thickness can be seen at the border.",
     "The same material continues over all visible parts.", "Adjoining parts share one material and finish.",
     "Its material shows no seams on the visible side.", "The material keeps its character up to the rim."},
    {"The coating is free of streaks.", "Nothing sticks to the outside.", "The outside is clean and dry.",
     "The touch would be smooth judging by the sheen.", "The face is smooth between the contours.", "The outer skin is smooth and closed."},
    {"Under the light the colour stays the same on every face.", "The colour of the surface is uniform from edge to edge.",
     "Its colour changes only where shadows fall.", "No second colour interrupts the main tone.", "Tone and gloss belong to one and the same finish.",
     "The colour is even and neither faded nor stained."}};
static const char *const details[GROUPS][CHOICES] = {
    {"Among the details of the %n are its borders.", "Looking closer, the %n shows orderly details.", "The %n has several small features.",
     "Details of the %n are sharp.", "Fine features of the %n can be counted.", "The features of the %n are placed with care."},
    {"The rim is formed evenly all the way.", "Small recesses sit at regular distances.", "Narrow grooves divide the larger faces.",
     "The openings have clean borders.", "Short ridges run along one side.", "Holes and slots, where present, have crisp rims."},
    {"Joints between the parts are tight.", "Where parts meet, the joint is a thin line.", "The seams are straight and closed.",
     "Connections are flush with the neighbouring faces.", "Each joint lies where the outline changes direction.",
     "Transitions from part to part are gradual."},
    {"Spacing is regular from the first element to the last.", "Repeated elements have equal size.", "The elements are aligned with the long side.",
     "Rows of elements keep one distance.", "Every repeated element points the same way.", "The pattern of elements is symmetrical."},
    {"At the centre there is a calm area.", "The middle part is plain.", "Toward the ends the features become smaller.",
     "The ends are finished in the same manner.", "One end differs from the other in width.", "Both ends are finished with care."},
    {"A thin shadow follows the lower border.", "The shadow underneath is short.", "The background remains empty.",
     "The ground below carries a faint shadow.", "Around it the ground is bare.", "Its shadow repeats the outline."},
    {"The structure is complete.", "No element of the structure is missing.", "All structural elements are in place.",
     "Every component sits where the layout demands it.", "The layout of the components is clear.",
     "Component positions agree with the symmetry of the layout."},
    {"A narrow border frames the front face on all sides.", "The front face is flat between two raised borders.",
     "Lines on the front run parallel to the long side.", "The smallest feature is still well resolved in the picture.",
     "Front and side are divided by a clear bend.", "All visible lines end at the outer border."}};
static const char *const zh[IAD_EP_ASPECTS][ZH_GROUPS][CHOICES] = {
    {{"画面中是一个完整的%n，", "图中只有一个%n，", "这个%n完整可见，", "一个%n位于画面中央，", "单个%n摆放在平整的背景前，",
      "画面展示了一个%n的整体，"},
     {"外形轮廓清晰连续，", "整体形状紧凑规整，", "轮廓线条闭合而平顺，", "形状左右对称，", "外形简洁，比例匀称，", "整体结构均衡，"},
     {"边缘整齐，转角过渡自然，", "直边与弧边相互衔接，", "各部分沿同一方向排列，", "主体与附属部分层次分明，", "长边与短边容易区分，",
      "边缘没有中断，"},
     {"物体占据画面的较大区域，没有被其他物品遮挡。", "整个轮廓都在画面之内，背景干净空旷。", "视角端正，没有明显的变形。",
      "拍摄角度略高，能看清主要的面。", "画面内没有其他物体与它重叠。", "主体居中，四周留有空白。"}},
    {{"%n的表面均匀一致，", "可以看到%n的表面平整，", "%n外层的质感统一，", "%n的表面处理细致，", "%n的材质看上去致密，", "%n表面干净，"},
     {"纹理细腻，没有粗糙的颗粒，", "纹理沿同一方向延伸，", "质地光滑，", "光泽柔和，", "反光很弱，呈现哑光效果，", "高光集中在凸起的部位，"},
     {"明暗过渡自然，", "亮部与暗部层次清楚，", "阴影沿着轮廓分布，", "受光面与背光面容易分辨，", "光照均匀，", "曝光适中，"},
     {"材料在所有可见部分保持一致，看不到接缝。", "相邻的部分使用相同的材料和工艺。", "表面没有附着物，也没有条痕。",
      "涂层完整，厚度在边缘处可以看出。", "外层闭合，触感应当平滑。", "整个表面的质感从一端到另一端没有变化。"}},
    {{"细看%n，细节清楚，", "%n的细部结构规整，", "%n上有若干细小的结构，", "%n的局部特征清晰，", "%n的各个部件排列有序，", "%n的结构细节完整，"},
     {"边沿成形均匀，", "凹槽分布规则，", "开口的边缘干净，", "细窄的沟槽把面分开，", "短小的凸棱沿一侧排列，", "孔位间距相等，"},
     {"部件之间的连接紧密，", "接合处是一条细线，", "接缝平直闭合，", "各连接面平齐，", "重复的单元大小相同，", "单元按长边方向对齐，"},
     {"两端的收口方式一致，中部较为平坦。", "所有结构部件都在应有的位置。", "底部有一道短短的阴影，背景空白。", "越靠近端部，结构越细小。",
      "没有缺少任何部件，布局清楚。", "部件的位置符合整体的对称关系。"}}};

static const char *const bright[4] = {"subdued", "moderate", "generous", "strong"}, *const contrast[4] = {"gentle", "moderate", "marked", "strong"},
                         *const fill[4] = {"a small part", "about a third", "roughly half", "the greater part"};

int iad_ep_words(const char *text) {
    int n = 0;
    for (; *text; text++) n += *text != ' ' && (text[1] == ' ' || !text[1]);
    return n;
}

void iad_ep_name_plain(char *out, size_t size, const char *name) {
    iad_text_copy(out, size, name);
    for (; *out; out++) *out = *out == '_' ? ' ' : (char)tolower((unsigned char)*out);
}

/* ---- pixels ---- */

iad_status iad_ep_look_at(const iad_image *image, iad_ep_look *look, iad_err *err) {
    uint8_t digest[IAD_SHA256_BYTES];
    const size_t n = (size_t)image->width * (size_t)image->height, c = (size_t)image->channels;
    double sum = 0, square = 0, border = 0;
    size_t inside = 0;
    IAD_TRY(iad_sha256_bytes(image->px, n * c, digest, err));
    memcpy(&look->hash, digest, sizeof look->hash);
    look->width = image->width;
    look->height = image->height;
    for (size_t i = 0; i < n; i++) sum += image->px[i * c], square += (double)image->px[i * c] * image->px[i * c];
    for (int x = 0; x < image->width; x++) border += *iad_image_at(image, x, 0) + *iad_image_at(image, x, image->height - 1);
    border /= 2.0 * image->width;
    for (size_t i = 0; i < n; i++) inside += image->px[i * c] > border + 20 || image->px[i * c] < border - 20;
    const double mean = sum / (double)n, variance = square / (double)n - mean * mean;
    look->brightness = (int)(mean / 64);
    look->contrast = variance < 200 ? 0 : variance < 900 ? 1 : variance < 2500 ? 2 : 3;
    look->fill = 10 * inside < 2 * n ? 0 : 10 * inside < 4 * n ? 1 : 10 * inside < 6 * n ? 2 : 3;
    return IAD_OK;
}

/* ---- facts ---- */

static iad_status put_fact(iad_ep_facts *facts, char *line, size_t number, const char *path, iad_err *err) {
    static const char *const names[IAD_EP_ASPECTS] = {"overall", "material", "structure"};
    char *aspect = strchr(line, '\t'), *text = aspect ? strchr(aspect + 1, '\t') : NULL, plain[128];
    int a = 0;
    if (!text) return IAD_FAIL(err, IAD_ERR_FORMAT, "%s:%zu: three cells are wanted", path, number);
    *aspect++ = *text++ = '\0';
    while (a < IAD_EP_ASPECTS && strcmp(aspect, names[a])) a++;
    if (a == IAD_EP_ASPECTS) return IAD_FAIL(err, IAD_ERR_FORMAT, "%s:%zu: aspect \"%.40s\"", path, number, aspect);
    void *block = facts->items;
    IAD_TRY(iad_grow(&block, &facts->cap, facts->n + 1, sizeof *facts->items, MAX_FACTS, "facts", err));
    facts->items = block;
    iad_ep_name_plain(plain, sizeof plain, line);
    facts->items[facts->n++] = (iad_ep_fact){iad_strdup(plain), a, iad_strdup(text)};
    return facts->items[facts->n - 1].category && facts->items[facts->n - 1].text ? IAD_OK : IAD_NOMEM(err, "facts");
}

iad_status iad_ep_facts_load(iad_ep_facts *facts, const char *path, iad_err *err) {
    uint8_t *bytes;
    size_t n, number = 0;
    IAD_TRY(iad_file_read(path, MAX_FACTS_BYTES, &bytes, &n, err));
    iad_status status = IAD_OK;
    for (char *line = (char *)bytes, *end; status == IAD_OK && (end = memchr(line, '\n', n - (size_t)(line - (char *)bytes))); line = end + 1) {
        *end = '\0';
        status = put_fact(facts, line, ++number, path, err);
    }
    free(bytes);
    return status;
}

void iad_ep_facts_deinit(iad_ep_facts *facts) {
    for (size_t i = 0; i < facts->n; i++) free(facts->items[i].category), free(facts->items[i].text);
    free(facts->items);
}

/* The text of a fact for this picture, NULL when its category has none. */
static const char *fact_of(const iad_ep_facts *facts, const char *category, int aspect, iad_rng *rng) {
    uint32_t n = 0;
    for (size_t i = 0; i < facts->n; i++) n += facts->items[i].aspect == aspect && !strcmp(facts->items[i].category, category);
    uint32_t at = n ? iad_rng_below(rng, n) : 0;
    for (size_t i = 0; n && i < facts->n; i++)
        if (facts->items[i].aspect == aspect && !strcmp(facts->items[i].category, category) && !at--) return facts->items[i].text;
    return NULL;
}

/* ---- texts ---- */

static iad_status put_sentence(iad_buf *out, const char *form, const iad_ep_look *look, const char *category, iad_err *err) {
    const size_t start = out->len;
    for (; *form; form++) {
        if (*form != '%') {
            IAD_TRY(iad_buf_add(out, form, 1, err));
            continue;
        }
        switch (*++form) {
            case 'n': IAD_TRY(iad_buf_add_str(out, category, err)); break;
            case 'b': IAD_TRY(iad_buf_add_str(out, bright[look->brightness], err)); break;
            case 'c': IAD_TRY(iad_buf_add_str(out, contrast[look->contrast], err)); break;
            default: IAD_TRY(iad_buf_add_str(out, fill[look->fill], err)); break;
        }
    }
    if (out->len > start) out->data[start] = (char)toupper((unsigned char)out->data[start]);
    return IAD_OK;
}

iad_status iad_ep_text_add(iad_buf *out, const iad_ep_facts *facts, const iad_ep_look *look, const char *category, int aspect, int in_zh,
                           uint64_t draw, iad_err *err) {
    static const char *const(*const forms[IAD_EP_ASPECTS])[CHOICES] = {shape, material, details};
    const size_t start = out->len;
    iad_rng rng;
    iad_rng_init(&rng, look->hash ^ draw, (uint64_t)aspect);
    if (in_zh) {
        for (int g = 0; g < ZH_GROUPS; g++) IAD_TRY(put_sentence(out, zh[aspect][g][iad_rng_below(&rng, CHOICES)], look, category, err));
        return IAD_OK;
    }
    const char *fact = fact_of(facts, category, aspect, &rng);
    if (fact) IAD_TRY(iad_buf_add_str(out, fact, err));
    /* Behind a fact first the sentence that speaks of the aspect in so many words. */
    static const int first[IAD_EP_ASPECTS] = {1, 3, 2};
    for (int g = fact ? first[aspect] : 0, n = 0; g < GROUPS && !(fact && n && iad_ep_words(iad_buf_str(out) + start) >= ENOUGH_WORDS); g++, n++) {
        if (out->len > start) IAD_TRY(iad_buf_add_str(out, " ", err));
        IAD_TRY(put_sentence(out, forms[aspect][g][iad_rng_below(&rng, CHOICES)], look, category, err));
    }
    return IAD_OK;
}
