#include "train/run/curvepage.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/alloc.h"
#include "base/html.h"
#include "base/text.h"
#include "train/run/curveplot.h"

/* The figures of the page, in its order. */
static const struct panel {
    iad_curve_metric metric;
    int eval;
    const char *title;
    double factor;
    int also_log, exact; /* exact: no mean of it */
} panels[] = {
    {IAD_CURVE_LOSS, -1, "Loss", 1, 1, 0},
    {IAD_CURVE_CE, IAD_CURVE_EVAL_CE, "Words: cross-entropy per token (dots: held out)", 1, 1, 0},
    {IAD_CURVE_ACCURACY, IAD_CURVE_EVAL_ACCURACY, "Words: share of tokens that are right (dots: held out)", 1, 0, 0},
    {IAD_CURVE_FOCAL, IAD_CURVE_EVAL_FOCAL, "Maps: focal loss (dots: held out)", 1, 1, 0},
    {IAD_CURVE_DICE, IAD_CURVE_EVAL_DICE, "Maps: dice loss (dots: held out)", 1, 1, 0},
    {IAD_CURVE_GRAD_NORM, -1, "Norm of the gradient", 1, 1, 0},
    {IAD_CURVE_RATE, -1, "Learning rate", 1, 0, 1},
    {IAD_CURVE_TOKENS, -1, "Rows of the language model per second", 1, 0, 0},
    {IAD_CURVE_FLOPS, -1, "GFLOP/s", 1e-9, 0, 0},
    {IAD_CURVE_SECONDS, -1, "Seconds per step", 1, 0, 0},
};
enum { N_PANEL = sizeof panels / sizeof *panels };

/* The look is that of the benchmark's report. */
static const char svg_style[] =
    "text{font:11px system-ui,-apple-system,'Segoe UI',Roboto,'Noto Sans',sans-serif;fill:#5d6b7a}.t{font-weight:600;fill:#17202a;font-size:13px}"
    "path{fill:none}.grid{stroke:#e2e7ec}.raw{stroke-width:1;stroke-opacity:.28;stroke-linejoin:round}.mean{stroke-width:2;stroke-linejoin:round}"
    ".eval path{stroke-width:1.2;stroke-dasharray:4 3}.eval circle{fill:#fff;stroke-width:1.6}";
static const char page_style[] =
    ":root{--ink:#17202a;--soft:#5d6b7a;--line:#e2e7ec;--paper:#fff;--ground:#f5f7f9;--accent:#0b7285}*{box-sizing:border-box}\n"
    "body{margin:0;background:var(--ground);color:var(--ink);font:15px/1.5 system-ui,-apple-system,'Segoe UI',Roboto,'Noto Sans',sans-serif}\n"
    "main{max-width:1340px;margin:0 auto;padding:32px 20px 80px}\n"
    ".kicker{margin:0;color:var(--accent);text-transform:uppercase;letter-spacing:.12em;font-size:12px;font-weight:600}\n"
    "h1{font-size:30px;line-height:1.2;margin:.15em 0 .5em;overflow-wrap:anywhere}h2{font-size:21px;margin:0 0 14px}\n"
    "section{background:var(--paper);border:1px solid var(--line);border-radius:12px;padding:22px 24px;margin-bottom:22px}\n"
    ".plots{display:grid;grid-template-columns:repeat(auto-fit,minmax(min(100%,440px),1fr));gap:18px 22px}svg{display:block;width:100%;height:auto}\n"
    ".scroll{overflow-x:auto}table{border-collapse:collapse;width:100%;font-variant-numeric:tabular-nums;font-size:14px}\n"
    "th,td{padding:5px 9px;text-align:right;border-bottom:1px solid var(--line);white-space:nowrap}th{font-weight:600;color:var(--soft);"
    "font-size:12.5px}\n"
    "th:first-child,td:first-child{text-align:left}tr:last-child td{border-bottom:0}.dot{display:inline-block;width:10px;height:10px;"
    "border-radius:50%;margin-right:8px}\n"
    "input{position:absolute;opacity:0;pointer-events:none}nav{display:flex;flex-wrap:wrap;gap:8px;margin:0 0 18px;position:sticky;top:0;"
    "padding:8px 0;"
    "background:var(--ground);z-index:1}\n"
    "nav label{background:var(--paper);border:1px solid var(--line);border-radius:999px;padding:3px 13px;font-size:13px;cursor:pointer;"
    "color:var(--soft);"
    "user-select:none}nav i{border-left:1px solid var(--line);margin:2px 4px}\n"
    ".note{color:var(--soft);font-size:13px;margin:14px 0 0}@media print{body{background:#fff}nav{display:none}section{break-inside:avoid-page;"
    "border:0;padding:0}}\n";

typedef struct page {
    iad_curve_run *runs;
    int n_run;
    double smooth;
    const iad_curve_options *options;
    iad_buf *html;
} page;

/* ---- reading ---- */

static void close_runs(page *p) {
    for (int r = 0; r < p->n_run; r++) iad_curve_run_deinit(&p->runs[r]);
    free(p->runs);
}

static iad_status open_runs(page *p, const char *const *files, int n_file, iad_err *err) {
    if (n_file < 1 || n_file > IAD_CURVE_MAX_RUNS) return IAD_FAIL(err, IAD_ERR_ARG, "%d runs: expected 1 to %d", n_file, (int)IAD_CURVE_MAX_RUNS);
    if (isnan(p->options->smooth) || p->options->smooth > 1e9) return IAD_FAIL(err, IAD_ERR_ARG, "smoothing over %g steps", p->options->smooth);
    if (!(p->runs = iad_calloc((size_t)n_file, sizeof *p->runs))) return IAD_NOMEM(err, "the runs");
    for (; p->n_run < n_file; p->n_run++)
        IAD_TRY(iad_curve_run_load(files[p->n_run], p->options->names ? p->options->names[p->n_run] : NULL, &p->runs[p->n_run], err));
    p->smooth = p->options->smooth > 0 ? p->options->smooth : p->options->smooth < 0 ? 0 : -1;
    return IAD_OK;
}

/* ---- parts of the page ---- */

static iad_status add_title(const page *p, iad_err *err) {
    if (p->options->title) return iad_html_text(p->html, p->options->title, err);
    IAD_TRY(iad_buf_add_str(p->html, "Training", err));
    for (int r = 0; r < p->n_run && r < 4; r++) {
        IAD_TRY(iad_buf_add_str(p->html, r ? ", " : ": ", err));
        IAD_TRY(iad_html_text(p->html, p->runs[r].name, err));
    }
    return p->n_run > 4 ? iad_buf_addf(p->html, err, " and %d more", p->n_run - 4) : IAD_OK;
}

/* What each switch does: it stands before the sections, so that a style can follow from it. */
static iad_status add_switch_styles(const page *p, iad_err *err) {
    IAD_TRY(iad_buf_add_str(p->html,
                            "#linear:checked~section .log,#log:checked~section .lin,#raw:not(:checked)~section .raw{display:none}\n"
                            "#linear:checked~nav [for=linear],#log:checked~nav [for=log],#raw:checked~nav [for=raw]{background:var(--ink);"
                            "color:#fff;border-color:var(--ink)}\n"
                            "#linear:focus-visible~nav [for=linear],#log:focus-visible~nav [for=log],#raw:focus-visible~nav [for=raw]{outline:2px "
                            "solid var(--accent)}\n",
                            err));
    for (int r = 0; r < p->n_run; r++)
        IAD_TRY(iad_buf_addf(p->html, err,
                             "#run%d:not(:checked)~section .r%d{display:none}#run%d:checked~nav [for=run%d]{background:%s;color:#fff;"
                             "border-color:%s}\n", r, r,
                             r, r, iad_curve_color(r), iad_curve_color(r)));
    return IAD_OK;
}

static iad_status add_switches(const page *p, iad_err *err) {
    const char *checked[2] = {p->options->log_scale ? "" : " checked", p->options->log_scale ? " checked" : ""};
    IAD_TRY(iad_buf_addf(p->html, err, "<input type=radio name=scale id=linear%s><input type=radio name=scale id=log%s>", checked[0], checked[1]));
    IAD_TRY(iad_buf_add_str(p->html, "<input type=checkbox id=raw checked>", err));
    for (int r = 0; r < p->n_run; r++) IAD_TRY(iad_buf_addf(p->html, err, "<input type=checkbox id=run%d checked>", r));
    IAD_TRY(iad_buf_add_str(p->html, "\n<nav><label for=linear>linear</label><label for=log>logarithmic</label>", err));
    IAD_TRY(iad_buf_add_str(p->html, "<label for=raw>every step</label><i></i>", err));
    for (int r = 0; r < p->n_run; r++) {
        IAD_TRY(iad_buf_addf(p->html, err, "<label for=run%d>", r));
        IAD_TRY(iad_html_text(p->html, p->runs[r].name, err));
        IAD_TRY(iad_buf_add_str(p->html, "</label>", err));
    }
    return iad_buf_add_str(p->html, "</nav>\n", err);
}

static iad_status add_panel(const page *p, const struct panel *panel, int wide, int *drawn, iad_err *err) {
    iad_curve_plot plot = {.runs = p->runs, .n_run = p->n_run, .metric = panel->metric, .eval = panel->eval, .title = panel->title,
                           .factor = panel->factor,
                           .smooth = panel->exact ? 0 : p->smooth, .width = wide ? 1280 : 620, .height = wide ? 400 : 240};
    plot.classes = panel->also_log ? "lin" : "plot";
    IAD_TRY(iad_curve_plot_add(&plot, p->html, drawn, err));
    if (!*drawn || !panel->also_log) return IAD_OK;
    int log_drawn;
    plot.log_scale = 1;
    plot.classes = "log";
    return iad_curve_plot_add(&plot, p->html, &log_drawn, err);
}

/* The loss over the whole width, the others below. */
static iad_status add_figures(const page *p, iad_err *err) {
    int drawn, any = 0;
    IAD_TRY(iad_buf_add_str(p->html, "<section>\n", err));
    IAD_TRY(add_panel(p, &panels[0], 1, &any, err));
    if (!any) IAD_TRY(iad_buf_add_str(p->html, "<p class=note>No run has a loss.</p>\n", err));
    IAD_TRY(iad_buf_addf(p->html, err, "%s</section>\n<section><div class=plots>\n",
                         p->smooth != 0 ? "<p class=note>Thick lines are means over neighbouring steps; thin ones show every step.</p>\n" : ""));
    for (int i = 1; i < N_PANEL; i++)
        IAD_TRY(add_panel(p, &panels[i], 0, &drawn, err));
    return iad_buf_add_str(p->html, "</div></section>\n", err);
}

/* Mean over the last tenth of the run, at least one step; NaN when there is none. */
static double late_mean(const iad_curve_run *run, iad_curve_metric metric) {
    double sum = 0, n = 0;
    for (size_t i = run->n - (run->n + 9) / 10; i < run->n && run->value[metric]; i++)
        if (isfinite(run->value[metric][i])) sum += run->value[metric][i], n++;
    return n > 0 ? sum / n : NAN;
}

static double least(const iad_curve_run *run, iad_curve_metric metric) {
    double best = NAN;
    for (size_t i = 0; i < run->n && run->value[metric]; i++)
        if (isfinite(run->value[metric][i]) && !(run->value[metric][i] >= best)) best = run->value[metric][i];
    return best;
}

static double total(const iad_curve_run *run, iad_curve_metric metric) {
    double sum = 0;
    for (size_t i = 0; i < run->n && run->value[metric]; i++)
        if (isfinite(run->value[metric][i])) sum += run->value[metric][i];
    return sum;
}

static iad_status add_cell(iad_buf *html, double value, double factor, const char *unit, iad_err *err) {
    return isnan(value) ? iad_buf_add_str(html, "<td>–</td>", err) : iad_buf_addf(html, err, "<td>%.4g%s</td>", value * factor, unit);
}

static iad_status add_time(iad_buf *html, double seconds, iad_err *err) {
    int64_t s = seconds < 1e15 ? (int64_t)seconds : 0;
    if (s >= 3600) return iad_buf_addf(html, err, "<td>%lld h %02d min</td>", (long long)(s / 3600), (int)(s / 60 % 60));
    return s >= 60 ? iad_buf_addf(html, err, "<td>%d min %02d s</td>", (int)(s / 60), (int)(s % 60)) : iad_buf_addf(html, err, "<td>%.1f s</td>",
                                                                                                                    seconds);
}

static iad_status add_table(const page *p, iad_err *err) {
    iad_buf *html = p->html;
    IAD_TRY(iad_buf_add_str(html,
                            "<section><h2>Runs</h2><div class=scroll><table><thead><tr><th>run<th>stage<th>steps<th>samples<th>skipped<th>time<th>"
                            "loss<th>words"
                            "<th>right<th>held out, best<th>rows/s<th>GFLOP/s</tr></thead><tbody>\n",
                            err));
    for (int r = 0; r < p->n_run; r++) {
        const iad_curve_run *run = &p->runs[r];
        IAD_TRY(iad_buf_addf(html, err, "<tr><td><span class=dot style=\"background:%s\"></span>", iad_curve_color(r)));
        IAD_TRY(iad_html_text(html, run->name, err));
        IAD_TRY(iad_buf_addf(html, err, "</td><td>%lld</td><td>%lld</td><td>%.0f</td><td>%.0f</td>", (long long)run->stage,
                             (long long)run->step[run->n - 1] + 1, run->samples,
                             run->skipped));
        IAD_TRY(add_time(html, total(run, IAD_CURVE_SECONDS), err));
        IAD_TRY(add_cell(html, late_mean(run, IAD_CURVE_LOSS), 1, "", err));
        IAD_TRY(add_cell(html, late_mean(run, IAD_CURVE_CE), 1, "", err));
        IAD_TRY(add_cell(html, late_mean(run, IAD_CURVE_ACCURACY), 100, " %", err));
        IAD_TRY(add_cell(html, least(run, IAD_CURVE_EVAL_CE), 1, "", err));
        IAD_TRY(add_cell(html, late_mean(run, IAD_CURVE_TOKENS), 1, "", err));
        IAD_TRY(add_cell(html, late_mean(run, IAD_CURVE_FLOPS), 1e-9, "", err));
        IAD_TRY(iad_buf_add_str(html, "</tr>\n", err));
    }
    return iad_buf_add_str(html,
                           "</tbody></table></div><p class=note>Loss, words, right and speed: mean over the last tenth of the steps. Words and "
                           "held out: "
                                 "cross-entropy per supervised token.</p></section>\n",
                           err);
}

static iad_status build(const page *p, iad_err *err) {
    IAD_TRY(iad_buf_add_str(p->html,
                            "<!doctype html>\n<html lang=en><head><meta charset=utf-8><meta name=viewport "
                            "content=\"width=device-width,initial-scale=1\">\n<title>", err));
    IAD_TRY(add_title(p, err));
    IAD_TRY(iad_buf_addf(p->html, err, "</title>\n<style>\n%s%s\n", page_style, svg_style));
    IAD_TRY(add_switch_styles(p, err));
    IAD_TRY(iad_buf_add_str(p->html, "</style></head><body><main>\n<header><p class=kicker>training</p><h1>", err));
    IAD_TRY(add_title(p, err));
    IAD_TRY(iad_buf_add_str(p->html, "</h1></header>\n", err));
    IAD_TRY(add_switches(p, err));
    IAD_TRY(add_figures(p, err));
    IAD_TRY(add_table(p, err));
    return iad_buf_add_str(p->html, "</main></body></html>\n", err);
}

/* ---- the two forms ---- */

static const iad_curve_options no_options;

iad_status iad_curve_page(const char *const *files, int n_file, const iad_curve_options *options, iad_buf *html, iad_err *err) {
    page p = {.options = options ? options : &no_options, .html = html};
    iad_status status = open_runs(&p, files, n_file, err);
    if (status == IAD_OK) status = build(&p, err);
    close_runs(&p);
    return status;
}

/* The figure with a legend below it and the style inside: it stands alone. */
static iad_status build_svg(const page *p, int panel, int width, int height, iad_err *err) {
    const struct panel *f = &panels[panel];
    const iad_curve_plot plot = {.runs = p->runs, .n_run = p->n_run, .metric = f->metric, .eval = f->eval, .title = f->title, .factor = f->factor,
                                 .log_scale = p->options->log_scale, .smooth = f->exact ? 0 : p->smooth, .width = width, .height = height,
                                 .classes = "plot"};
    enum { COLUMNS = 4, LEGEND_LEFT = 58, ROW = 20 };
    const int column = (width - LEGEND_LEFT - 12) / COLUMNS, full = height + ROW * ((p->n_run + COLUMNS - 1) / COLUMNS) + 8;
    const size_t fits = (size_t)(column - 24) / 6; /* letters of a name */
    int drawn;
    IAD_TRY(iad_buf_addf(p->html, err, "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"%d\" height=\"%d\" viewBox=\"0 0 %d %d\">", width, full,
                         width,
                         full));
    IAD_TRY(iad_buf_addf(p->html, err, "<style>%s</style><rect width=\"100%%\" height=\"100%%\" fill=\"#fff\"/>\n", svg_style));
    IAD_TRY(iad_curve_plot_add(&plot, p->html, &drawn, err));
    if (!drawn) return IAD_FAIL(err, IAD_ERR_NOT_FOUND, "no run has a \"%s\" to show", iad_curve_key(f->metric));
    for (int r = 0; r < p->n_run; r++) {
        const int at_x = LEGEND_LEFT + r % COLUMNS * column, at_y = height + 14 + ROW * (r / COLUMNS);
        char name[80];
        iad_text_copy(name, fits < sizeof name ? fits : sizeof name, p->runs[r].name);
        IAD_TRY(iad_buf_addf(p->html, err, "<circle cx=\"%d\" cy=\"%d\" r=\"5\" fill=\"%s\"/><text x=\"%d\" y=\"%d\">", at_x + 5, at_y - 4,
                             iad_curve_color(r), at_x + 16, at_y));
        IAD_TRY(iad_html_text(p->html, name, err));
        IAD_TRY(iad_buf_add_str(p->html, "</text>", err));
    }
    return iad_buf_add_str(p->html, "</svg>\n", err);
}

iad_status iad_curve_svg(const char *const *files, int n_file, const iad_curve_options *options, iad_buf *svg, iad_err *err) {
    page p = {.options = options ? options : &no_options, .html = svg};
    int width = p.options->width ? p.options->width : 960, height = p.options->height ? p.options->height : 420, panel = 0;
    if (width < 200 || width > 8192 || height < 200 || height > 8192)
        return IAD_FAIL(err, IAD_ERR_ARG, "%d x %d pixels: expected 200 to 8192", width, height);
    while (panel < N_PANEL && panels[panel].metric != p.options->metric) panel++;
    if (panel == N_PANEL) return IAD_FAIL(err, IAD_ERR_ARG, "no figure of metric %d", (int)p.options->metric);
    iad_status status = open_runs(&p, files, n_file, err);
    if (status == IAD_OK) status = build_svg(&p, panel, width, height, err);
    close_runs(&p);
    return status;
}
