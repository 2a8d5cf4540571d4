#include "base/args.h"

#include <math.h>
#include <string.h>

static const iad_arg *find(const iad_arg *const *tables, const char *name, size_t len) {
    for (; *tables; tables++)
        for (const iad_arg *arg = *tables; arg->kind != IAD_ARG_END; arg++)
            if (strlen(arg->name) == len && strncmp(arg->name, name, len) == 0) return arg;
    return NULL;
}

/* Edit distance of two short names, capped by their length; for "did you mean". */
static size_t distance(const char *a, size_t na, const char *b) {
    enum { MOST = 40 };
    size_t nb = strlen(b), row[MOST + 1];
    if (na > MOST || nb > MOST) return MOST;
    for (size_t j = 0; j <= nb; j++) row[j] = j;
    for (size_t i = 1; i <= na; i++) {
        size_t diagonal = row[0];
        row[0] = i;
        for (size_t j = 1; j <= nb; j++) {
            size_t cost = diagonal + (a[i - 1] != b[j - 1]);
            diagonal = row[j];
            if (row[j] + 1 < cost) cost = row[j] + 1;
            if (row[j - 1] + 1 < cost) cost = row[j - 1] + 1;
            row[j] = cost;
        }
    }
    return row[nb];
}

static iad_status unknown(const iad_arg *const *tables, const char *name, size_t len, iad_err *err) {
    const char *best = NULL;
    size_t best_distance = 4;
    for (; *tables; tables++)
        for (const iad_arg *arg = *tables; arg->kind != IAD_ARG_END; arg++) {
            size_t d = distance(name, len, arg->name);
            if (d < best_distance) best = arg->name, best_distance = d;
        }
    if (best) return IAD_FAIL(err, IAD_ERR_ARG, "unknown option --%.*s (did you mean --%s?)", (int)len, name, best);
    return IAD_FAIL(err, IAD_ERR_ARG, "unknown option --%.*s", (int)len, name);
}

/* Is `value` one of "a|b|c"? */
static int is_choice(const char *choices, const char *value) {
    size_t n = strcspn(value, "|");
    if (value[n]) return 0;
    for (const char *p = choices; p; p = strchr(p, '|'), p = p ? p + 1 : NULL)
        if (strncmp(p, value, n) == 0 && (p[n] == '|' || p[n] == 0)) return n > 0;
    return 0;
}

static iad_status store(const iad_arg *arg, const char *value, iad_err *err) {
    char what[80];
    snprintf(what, sizeof what, "--%s", arg->name);
    switch (arg->kind) {
        case IAD_ARG_STRING: *(const char **)arg->value = value; return IAD_OK;
        case IAD_ARG_INT: {
            int free_range = arg->lo == 0 && arg->hi == 0;
            return iad_parse_i64(value, free_range ? INT64_MIN : arg->lo, free_range ? INT64_MAX : arg->hi, what, arg->value, err);
        }
        case IAD_ARG_FLOAT: {
            int free_range = arg->flo == 0 && arg->fhi == 0;
            return iad_parse_f64(value, free_range ? -HUGE_VAL : arg->flo, free_range ? HUGE_VAL : arg->fhi, what, arg->value, err);
        }
        case IAD_ARG_LIST: return iad_strings_split(arg->value, value, ',', err);
        case IAD_ARG_CHOICE:
            if (!is_choice(arg->choices, value))
                return IAD_FAIL(err, IAD_ERR_ARG, "%s: \"%.80s\" is not one of %s", what, value, arg->choices);
            *(const char **)arg->value = value;
            return IAD_OK;
        case IAD_ARG_FLAG:
        case IAD_ARG_END: break;
    }
    return IAD_FAIL(err, IAD_ERR_INTERNAL, "%s: bad option table", what);
}

/* Was this option among the given ones? Bit sets would need a number per option; tables are short, names are compared. */
static iad_status check_required(const iad_arg *const *tables, int argc, char **argv, iad_err *err) {
    for (; *tables; tables++)
        for (const iad_arg *arg = *tables; arg->kind != IAD_ARG_END; arg++) {
            if (!arg->required) continue;
            size_t len = strlen(arg->name);
            int given = 0;
            for (int i = 1; i < argc && strcmp(argv[i], "--") != 0; i++)
                given |= strncmp(argv[i], "--", 2) == 0 && strncmp(argv[i] + 2, arg->name, len) == 0 &&
                         (argv[i][2 + len] == 0 || argv[i][2 + len] == '=');
            if (!given) return IAD_FAIL(err, IAD_ERR_ARG, "--%s %s is missing", arg->name, arg->meta ? arg->meta : "");
        }
    return IAD_OK;
}

iad_status iad_args_parse(int argc, char **argv, const iad_arg *const *tables, iad_strings *operands, int *help, iad_err *err) {
    *help = 0;
    int only_operands = 0;
    for (int i = 1; i < argc; i++) {
        const char *word = argv[i];
        if (!only_operands && strcmp(word, "--") == 0) {
            only_operands = 1;
            continue;
        }
        if (only_operands || word[0] != '-' || word[1] == 0) {
            IAD_TRY(iad_strings_add(operands, word, err));
            continue;
        }
        if (strcmp(word, "--help") == 0 || strcmp(word, "-h") == 0) {
            *help = 1;
            return IAD_OK;
        }
        if (word[1] != '-') return IAD_FAIL(err, IAD_ERR_ARG, "%.80s: options are long and start with two dashes", word);
        const char *name = word + 2, *equals = strchr(name, '=');
        size_t len = equals ? (size_t)(equals - name) : strlen(name);
        const iad_arg *arg = find(tables, name, len);
        if (!arg) return unknown(tables, name, len, err);
        if (arg->kind == IAD_ARG_FLAG) {
            if (equals) return IAD_FAIL(err, IAD_ERR_ARG, "--%s takes no value", arg->name);
            *(int *)arg->value = 1;
            continue;
        }
        const char *value = equals ? equals + 1 : i + 1 < argc ? argv[++i] : NULL;
        if (!value) return IAD_FAIL(err, IAD_ERR_ARG, "--%s needs a value (%s)", arg->name, arg->meta ? arg->meta : arg->choices);
        IAD_TRY(store(arg, value, err));
    }
    return check_required(tables, argc, argv, err);
}

static void print_default(FILE *out, const iad_arg *arg) {
    if (arg->required) {
        fprintf(out, " (required)");
        return;
    }
    switch (arg->kind) {
        case IAD_ARG_INT: fprintf(out, " (default %lld)", (long long)*(int64_t *)arg->value); break;
        case IAD_ARG_FLOAT: fprintf(out, " (default %g)", *(double *)arg->value); break;
        case IAD_ARG_STRING:
        case IAD_ARG_CHOICE:
            if (*(const char **)arg->value) fprintf(out, " (default %s)", *(const char **)arg->value);
            break;
        case IAD_ARG_LIST: {
            const iad_strings *list = arg->value;
            for (size_t i = 0; i < list->n; i++) fprintf(out, "%s%s", i ? "," : " (default ", list->items[i]);
            if (list->n) fprintf(out, ")");
            break;
        }
        default: break;
    }
}

void iad_args_help(FILE *out, const char *usage, const char *text, const iad_arg *const *tables) {
    fprintf(out, "usage: %s\n", usage);
    if (text) fprintf(out, "\n%s\n", text);
    for (; *tables; tables++) {
        if ((*tables)->kind != IAD_ARG_END) fprintf(out, "\n");
        for (const iad_arg *arg = *tables; arg->kind != IAD_ARG_END; arg++) {
            char left[160];
            snprintf(left, sizeof left, "--%s%s%s", arg->name, arg->meta || arg->choices ? " " : "",
                     arg->meta ? arg->meta : arg->choices ? arg->choices : "");
            fprintf(out, "  %-28s%s%s", left, strlen(left) >= 28 ? "\n                              " : "", arg->help);
            print_default(out, arg);
            fprintf(out, "\n");
        }
    }
}
