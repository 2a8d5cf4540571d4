/* The three forms in which boxes of the Steel Tube Dataset come: VOC XML, YOLO lines, the authors' JSON.
 *
 * Coordinates are taken as edges in pixels, as they are written: the forms convert into each other without a shift that
 * way, and VOC's "first pixel is 1" would move a box by one pixel at most. */
#include <libxml/parser.h>
#include <libxml/tree.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/json.h"
#include "manifests/ingest/adapter_scans.h"

#define MAX_XML_BYTES (1024 * 1024)
#define MAX_SIDE 65500.0
#define MAX_NAME 64

static const char *const classes[] = {"air-hole",    "bite-edge", "broken-arc",     "crack",
                                      "hollow-bead", "overlap",   "slag-inclusion", "unfused"}; /* ids 0 to 7 */
enum { N_CLASSES = 8 };

void iad_std_boxes_deinit(iad_std_boxes *boxes) {
    free(boxes->items);
    iad_strings_deinit(&boxes->names);
    *boxes = (iad_std_boxes){NULL, 0, 0, {NULL, 0, 0}, 0};
}

int iad_std_parse_name(const char *stem, iad_std_name *name) {
    *name = (iad_std_name){NULL, -1, -1, NULL, 0};
    for (int i = 0; i < N_CLASSES; i++)
        if (iad_text_starts(stem, classes[i])) name->defect = classes[i];
    if (!name->defect) return 0;
    const char *p = stem + strlen(name->defect);
    const char *close = *p == '(' ? strchr(p, ')') : NULL;
    if (close) {
        name->variant = p + 1;
        name->variant_n = (size_t)(close - p) - 1;
        p = close + 1;
    }
    long first = iad_scan_number(&p);
    if (*p == '-') {
        p++;
        name->video = first;
        name->frame = iad_scan_number(&p);
    } else {
        name->frame = first;
    }
    return 1;
}

/* A number of a file: what is wrong with it is wrong with the file. */
static iad_status file_number(const char *text, double lo, double hi, const char *where, double *value, iad_err *err) {
    if (iad_parse_f64(text, lo, hi, where, value, NULL) == IAD_OK) return IAD_OK;
    return IAD_FAIL(err, IAD_ERR_FORMAT, "%s: \"%.40s\" is no number from %g to %g", where, text, lo, hi);
}

/* The class's own spelling, or a copy kept in the list. */
static iad_status keep_name(iad_std_boxes *boxes, const char *text, const char **name, iad_err *err) {
    for (int i = 0; i < N_CLASSES; i++)
        if (iad_text_equal_nocase(classes[i], text)) {
            *name = classes[i];
            return IAD_OK;
        }
    for (size_t i = 0; i < boxes->names.n; i++)
        if (strcmp(boxes->names.items[i], text) == 0) {
            *name = boxes->names.items[i];
            return IAD_OK;
        }
    IAD_TRY(iad_strings_add(&boxes->names, text, err));
    *name = boxes->names.items[boxes->names.n - 1];
    return IAD_OK;
}

/* Clips to width x height (0: unknown); a box without area is dropped and counted. */
static iad_status add_box(iad_std_boxes *boxes, iad_ingest_box box, double width, double height, iad_err *err) {
    if (box.x0 < 0) box.x0 = 0;
    if (box.y0 < 0) box.y0 = 0;
    if (width > 0 && box.x1 > width) box.x1 = width;
    if (height > 0 && box.y1 > height) box.y1 = height;
    if (!(box.x0 < box.x1) || !(box.y0 < box.y1)) {
        boxes->dropped++;
        return IAD_OK;
    }
    void *items = boxes->items;
    IAD_TRY(iad_grow(&items, &boxes->cap, boxes->n + 1, sizeof *boxes->items, IAD_STD_MAX_BOXES, "the boxes of a picture", err));
    boxes->items = items;
    boxes->items[boxes->n++] = box;
    return IAD_OK;
}

/* ---- VOC XML ---- */

static const xmlNode *child(const xmlNode *node, const char *name) {
    for (const xmlNode *c = node ? node->children : NULL; c; c = c->next)
        if (c->type == XML_ELEMENT_NODE && strcmp((const char *)c->name, name) == 0) return c;
    return NULL;
}

/* Text of <name> below node, blanks cut off; 0 when it is missing, empty or too long. */
static int child_text(const xmlNode *node, const char *name, char *out, size_t size) {
    const xmlNode *c = child(node, name);
    size_t n = 0;
    for (const xmlNode *t = c ? c->children : NULL; t; t = t->next) {
        if ((t->type != XML_TEXT_NODE && t->type != XML_CDATA_SECTION_NODE) || !t->content) continue;
        for (const xmlChar *p = t->content; *p; p++) {
            if (n + 1 >= size) return 0;
            if (n || *p > ' ') out[n++] = (char)*p;
        }
    }
    while (n && (unsigned char)out[n - 1] <= ' ') n--;
    out[n] = 0;
    return n > 0;
}

static iad_status child_number(const xmlNode *node, const char *name, const char *where, double *value, iad_err *err) {
    char text[64];
    if (!child_text(node, name, text, sizeof text)) return IAD_FAIL(err, IAD_ERR_FORMAT, "%s: <%s> is missing", where, name);
    return file_number(text, -MAX_SIDE, MAX_SIDE, where, value, err);
}

static iad_status voc_object(const xmlNode *object, size_t index, const char *name, double width, double height, iad_std_boxes *boxes,
                             iad_err *err) {
    char where[300], text[MAX_NAME];
    iad_ingest_box box;
    iad_scan_print(where, sizeof where, "object %zu of %.200s", index, name);
    const xmlNode *bndbox = child(object, "bndbox");
    if (!bndbox) return IAD_FAIL(err, IAD_ERR_FORMAT, "%s: <bndbox> is missing", where);
    if (!child_text(object, "name", text, sizeof text)) return IAD_FAIL(err, IAD_ERR_FORMAT, "%s: <name> is missing or too long", where);
    IAD_TRY(child_number(bndbox, "xmin", where, &box.x0, err));
    IAD_TRY(child_number(bndbox, "ymin", where, &box.y0, err));
    IAD_TRY(child_number(bndbox, "xmax", where, &box.x1, err));
    IAD_TRY(child_number(bndbox, "ymax", where, &box.y1, err));
    IAD_TRY(keep_name(boxes, text, &box.name, err));
    return add_box(boxes, box, width, height, err);
}

static iad_status voc_annotation(const xmlNode *root, const char *name, iad_std_boxes *boxes, iad_err *err) {
    double width = 0, height = 0;
    size_t index = 0;
    if (!root || strcmp((const char *)root->name, "annotation") != 0) return IAD_FAIL(err, IAD_ERR_FORMAT, "%s: the root is not <annotation>", name);
    const xmlNode *size = child(root, "size");
    if (size) { /* some tools write 0 x 0 here */
        IAD_TRY(child_number(size, "width", name, &width, err));
        IAD_TRY(child_number(size, "height", name, &height, err));
    }
    for (const xmlNode *c = root->children; c; c = c->next)
        if (c->type == XML_ELEMENT_NODE && strcmp((const char *)c->name, "object") == 0)
            IAD_TRY(voc_object(c, index++, name, width, height, boxes, err));
    return IAD_OK;
}

iad_status iad_std_parse_voc(const char *text, size_t n, const char *name, iad_std_boxes *boxes, iad_err *err) {
    if (n > MAX_XML_BYTES) return IAD_FAIL(err, IAD_ERR_LIMIT, "%s: more than %d bytes of XML", name, MAX_XML_BYTES);
    /* Without a document type there are no entities to expand or files to fetch. */
    if (memmem(text, n, "<!DOCTYPE", 9) || memmem(text, n, "<!ENTITY", 8))
        return IAD_FAIL(err, IAD_ERR_FORMAT, "%s: XML with a document type is refused", name);
    xmlParserCtxt *context = xmlNewParserCtxt();
    if (!context) return IAD_NOMEM(err, name);
    xmlDoc *doc = xmlCtxtReadMemory(context, text, (int)n, NULL, NULL, XML_PARSE_NONET | XML_PARSE_NOERROR | XML_PARSE_NOWARNING | XML_PARSE_COMPACT);
    iad_status status = IAD_OK;
    if (!doc) {
        const xmlError *error = xmlCtxtGetLastError(context);
        status = IAD_FAIL(err, IAD_ERR_FORMAT, "%s: not XML (line %d)", name, error ? error->line : 0);
    } else if (doc->intSubset) {
        status = IAD_FAIL(err, IAD_ERR_FORMAT, "%s: XML with a document type is refused", name);
    } else {
        status = voc_annotation(xmlDocGetRootElement(doc), name, boxes, err);
    }
    xmlFreeDoc(doc);
    xmlFreeParserCtxt(context);
    return status;
}

/* ---- YOLO ---- */

static iad_status yolo_line(const char *line, size_t n, size_t number, int width, int height, const char *name, iad_std_boxes *boxes, iad_err *err) {
    char text[256], where[300], *save = NULL;
    double value[6] = {0};
    int64_t id = -1;
    int k = 0;
    iad_scan_print(where, sizeof where, "line %zu of %.200s", number, name);
    if (n >= sizeof text) return IAD_FAIL(err, IAD_ERR_FORMAT, "%s: too long", where);
    memcpy(text, line, n);
    text[n] = 0;
    if (strlen(text) != n) return IAD_FAIL(err, IAD_ERR_FORMAT, "%s: holds a zero byte", where);
    for (char *word = strtok_r(text, " \t\r", &save); word; word = strtok_r(NULL, " \t\r", &save), k++) {
        if (k >= 6) return IAD_FAIL(err, IAD_ERR_FORMAT, "%s: more than \"id cx cy w h\" and a confidence", where);
        if (k > 0) IAD_TRY(file_number(word, -1, 2, where, &value[k], err));
        else if (iad_parse_i64(word, 0, 100000, where, &id, NULL) != IAD_OK)
            return IAD_FAIL(err, IAD_ERR_FORMAT, "%s: \"%.40s\" is no class number", where, word);
    }
    if (k == 0) return IAD_OK;
    if (k < 5) return IAD_FAIL(err, IAD_ERR_FORMAT, "%s: not \"id cx cy w h\"", where);
    if (id >= N_CLASSES) {
        boxes->dropped++;
        return IAD_OK;
    }
    iad_ingest_box box = {(value[1] - value[3] / 2) * width, (value[2] - value[4] / 2) * height, (value[1] + value[3] / 2) * width,
                          (value[2] + value[4] / 2) * height, classes[id]};
    return add_box(boxes, box, width, height, err);
}

iad_status iad_std_parse_yolo(const char *text, size_t n, int width, int height, const char *name, iad_std_boxes *boxes, iad_err *err) {
    size_t number = 1;
    for (const char *line = text, *end = text + n; line < end; number++) {
        const char *eol = memchr(line, '\n', (size_t)(end - line));
        if (!eol) eol = end;
        IAD_TRY(yolo_line(line, (size_t)(eol - line), number, width, height, name, boxes, err));
        line = eol + 1;
    }
    return IAD_OK;
}

/* ---- the authors' JSON ---- */

static iad_status side(const json_t *box, const char *key, const char *where, double *value, iad_err *err) {
    IAD_TRY(iad_json_number(box, key, where, value, err));
    if (!(*value >= -MAX_SIDE && *value <= MAX_SIDE)) return IAD_FAIL(err, IAD_ERR_FORMAT, "%s: \"%s\" is no pixel position", where, key);
    return IAD_OK;
}

static iad_status json_box(const json_t *object, const char *where, double width, double height, iad_std_boxes *boxes, iad_err *err) {
    json_t *bndbox;
    const char *text;
    iad_ingest_box box;
    IAD_TRY(iad_json_object(object, "bndbox", where, &bndbox, err));
    IAD_TRY(iad_json_string(object, "name", where, &text, err));
    IAD_TRY(side(bndbox, "xmin", where, &box.x0, err));
    IAD_TRY(side(bndbox, "ymin", where, &box.y0, err));
    IAD_TRY(side(bndbox, "xmax", where, &box.x1, err));
    IAD_TRY(side(bndbox, "ymax", where, &box.y1, err));
    if (strlen(text) >= MAX_NAME) return IAD_FAIL(err, IAD_ERR_FORMAT, "%s: \"name\" is too long", where);
    IAD_TRY(keep_name(boxes, text, &box.name, err));
    return add_box(boxes, box, width, height, err);
}

iad_status iad_std_parse_json(const json_t *root, const char *name, iad_std_boxes *boxes, iad_err *err) {
    json_t *outputs, *objects;
    double width = 0, height = 0;
    const json_t *size = json_object_get(root, "size");
    if (json_is_object(size)) {
        IAD_TRY(side(size, "width", name, &width, err));
        IAD_TRY(side(size, "height", name, &height, err));
    }
    IAD_TRY(iad_json_object(root, "outputs", name, &outputs, err));
    IAD_TRY(iad_json_array(outputs, "object", name, &objects, err));
    for (size_t i = 0; i < json_array_size(objects); i++) {
        char where[300];
        iad_scan_print(where, sizeof where, "object %zu of %.200s", i, name);
        IAD_TRY(json_box(json_array_get(objects, i), where, width, height, boxes, err));
    }
    return IAD_OK;
}
