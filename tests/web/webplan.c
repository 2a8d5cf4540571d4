#include "tests/web/webplan.h"

#include <stdio.h>
#include <string.h>

#include "base/rng.h"
#include "base/text.h"

static const char *const suffixes[] = {"jpg", "png", "webp", "bmp", "gif"};
static const char *const types[] = {"image/jpeg", "image/png", "image/webp", "image/bmp", "image/gif"};
const char *iad_web_format_suffix(iad_web_format format) { return suffixes[format]; }
const char *iad_web_format_type(iad_web_format format) { return types[format]; }

static const char *const engines[] = {"bing", "baidu", "openverse"};
const char *iad_web_engine_name(iad_web_engine engine) { return engines[engine]; }

uint64_t iad_web_number(const iad_web_plan *plan, const char *name, uint64_t ordinal) { return iad_rng_subseed(plan->seed, name, ordinal); }

void iad_web_host(const iad_web_plan *plan, int host, char *out, size_t size) {
    char name[200] = "127.0.0.1";
    const char *mark = strchr(plan->pattern, '#');
    if (mark) snprintf(name, sizeof name, "%.*s%d%s", (int)(mark - plan->pattern), plan->pattern, host, mark + 1);
    else if (*plan->pattern) iad_text_copy(name, sizeof name, plan->pattern);
    if (plan->ports[host]) snprintf(out, size, "%s:%d", name, plan->ports[host]);
    else snprintf(out, size, "%s", name);
}

/* ---- pictures ---- */

static iad_web_kind kind_of(const iad_web_plan *plan, int roll) {
    for (int kind = 1; kind < IAD_WEB_KINDS; kind++) {
        if (roll < plan->shares[kind]) {
            const int missing = (kind == IAD_WEB_TLS && !plan->tls_port) || (kind == IAD_WEB_REFUSED && !plan->dead_port);
            return missing ? IAD_WEB_FINE : (iad_web_kind)kind;
        }
        roll -= plan->shares[kind];
    }
    return IAD_WEB_FINE;
}

static void address(const iad_web_plan *plan, iad_web_item *item) {
    char host[256];
    const char *scheme = "http", *words = "";
    iad_web_host(plan, item->host, host, sizeof host);
    if (item->kind == IAD_WEB_DNS) snprintf(host, sizeof host, "gone%d.invalid", item->number);
    if (item->kind == IAD_WEB_REFUSED) snprintf(host, sizeof host, "127.0.0.1:%d", plan->dead_port);
    if (item->kind == IAD_WEB_TLS) {
        char *colon = strrchr(host, ':');
        if (colon) *colon = '\0';
        scheme = "https";
        snprintf(host + strlen(host), sizeof host - strlen(host), ":%d", plan->tls_port);
    }
    if (item->kind == IAD_WEB_ODD_URL) words = " 产品 图";
    snprintf(item->url, sizeof item->url, "%s://%s/p/%s/%d/%d%s.%s", scheme, host, iad_web_kind_name(item->kind), item->category, item->number, words,
             item->kind == IAD_WEB_SUFFIX ? "jpg" : iad_web_format_suffix(item->format));
    iad_web_host(plan, item->host, host, sizeof host);
    snprintf(item->page, sizeof item->page, "http://%s/page/%s/%d/%d.html", host, iad_web_kind_name(item->kind), item->category, item->number);
}

void iad_web_item_get(const iad_web_plan *plan, int category, int number, iad_web_item *item) {
    iad_rng rng;
    iad_rng_init(&rng, plan->seed, (uint64_t)category << 32 | (uint32_t)number);
    memset(item, 0, sizeof *item);
    item->category = item->of_category = category;
    item->number = item->of_number = number;
    item->kind = kind_of(plan, iad_rng_int(&rng, 0, 999));
    const int format = iad_rng_int(&rng, 0, 99), copy = iad_rng_int(&rng, 0, 99), earlier = (int)iad_rng_below(&rng, (uint32_t)(number ? number : 1));
    item->format = format < 80 ? IAD_WEB_JPEG : format < 90 ? IAD_WEB_PNG : format < 95 ? IAD_WEB_WEBP : format < 98 ? IAD_WEB_BMP : IAD_WEB_GIF;
    item->host = (int)iad_rng_below(&rng, (uint32_t)plan->hosts);
    item->width = iad_rng_int(&rng, 408, 500);
    item->height = iad_rng_int(&rng, 408, 500);
    if (plan->side) item->width = plan->side, item->height = plan->side * 3 / 4;
    if (plan->plain) item->format = IAD_WEB_JPEG;
    if (item->kind == IAD_WEB_SUFFIX) item->format = IAD_WEB_WEBP;
    if (item->kind == IAD_WEB_CUT) item->format = IAD_WEB_JPEG;
    if (item->kind == IAD_WEB_BLANK) item->format = IAD_WEB_BMP;
    if (item->kind == IAD_WEB_HUGE || item->kind == IAD_WEB_ANIMATED) item->format = IAD_WEB_PNG;
    if (item->kind == IAD_WEB_SMALL) item->width = item->height = 96;
    if (item->kind == IAD_WEB_WIDE) item->width = 1200, item->height = 260;
    const iad_product *product = &plan->products.items[category];
    snprintf(item->title, sizeof item->title, "%s no. %d <\"%s\" & more>", product->name_en, number, product->name_zh);
    address(plan, item);

    if (plan->plain || copy >= 11 || !number) return;
    item->copy = copy < 4 ? IAD_WEB_SAME_BYTES : copy < 7 ? IAD_WEB_MIRRORED : copy < 10 ? IAD_WEB_SCALED : IAD_WEB_FOREIGN;
    if (item->copy == IAD_WEB_FOREIGN && !category) item->copy = IAD_WEB_SAME_BYTES;
    iad_web_item other;
    iad_web_item_get(plan, item->copy == IAD_WEB_FOREIGN ? category - 1 : category, item->copy == IAD_WEB_FOREIGN ? number - 1 : earlier, &other);
    /* Copies of copies, and of what is no plain picture, would make the catalogue hard to reason about. */
    if (other.copy != IAD_WEB_OWN || other.kind != IAD_WEB_FINE || item->kind > IAD_WEB_ODD_URL || item->kind == IAD_WEB_SUFFIX) {
        item->copy = IAD_WEB_OWN;
        return;
    }
    item->of_category = other.category;
    item->of_number = other.number;
    item->width = other.width;
    item->height = other.height;
    if (item->copy == IAD_WEB_SCALED) item->width = other.width * 9 / 10, item->height = other.height * 9 / 10;
    if (item->copy == IAD_WEB_SAME_BYTES || item->copy == IAD_WEB_FOREIGN) {
        item->format = other.format;
        address(plan, item);
    }
}

/* ---- engines ---- */

static size_t common(const char *a, const char *b) {
    size_t n = 0;
    while (a[n] && a[n] == b[n]) n++;
    return n;
}

int iad_web_category_of(const iad_web_plan *plan, const char *query) {
    size_t best = 3; /* fewer bytes in common mean nothing */
    int category = -1;
    for (size_t i = 0; i < plan->products.n; i++) {
        const iad_product *product = &plan->products.items[i];
        const char *const words[] = {product->query_en, product->query_zh, product->name_en, product->name_zh};
        for (size_t k = 0; k < sizeof words / sizeof *words; k++)
            if (common(words[k], query) > best) {
                best = common(words[k], query);
                category = (int)i;
            }
    }
    return category < plan->categories ? category : -1;
}

int iad_web_engine_count(const iad_web_plan *plan, iad_web_engine engine) {
    return engine == IAD_WEB_OPENVERSE ? (plan->per_category + 3) / 4 : (plan->per_category * 7 + 9) / 10;
}

static int gcd(int a, int b) {
    while (b) {
        const int rest = a % b;
        a = b;
        b = rest;
    }
    return a;
}

int iad_web_engine_rank(const iad_web_plan *plan, iad_web_engine engine, const char *query, int rank) {
    const int n = iad_web_engine_count(plan, engine);
    if (rank < 0 || rank >= n) return -1;
    const uint64_t dice = iad_web_number(plan, query, engine);
    int step = 1 + (int)(dice % (uint64_t)n);
    while (gcd(step, n) != 1) step++; /* then every picture comes once */
    const int place = (int)(((int64_t)step * rank + (int64_t)(dice >> 40)) % n);
    if (engine == IAD_WEB_OPENVERSE) return 4 * place;
    return engine == IAD_WEB_BAIDU ? plan->per_category - n + place : place;
}
