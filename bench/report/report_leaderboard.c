/* The own mean row among the published ones of the same data set and number of exemplars. */
#include "base/html.h"
#include "bench/report/reportview.h"
#include "bench/standings.h"

static iad_status add_row(iad_buf *html, size_t rank, const iad_standing *s, iad_err *err) {
    IAD_TRY(iad_buf_addf(html, err, "<tr%s><td>%zu &nbsp; ", s->own ? " class=own" : "", rank));
    IAD_TRY(iad_html_text(html, s->method, err));
    IAD_TRY(iad_buf_add_str(html, "</td><td>", err));
    IAD_TRY(iad_html_text(html, s->setting, err));
    for (int k = 0; k < IAD_STANDINGS_CELLS; k++) {
        IAD_TRY(iad_buf_add_str(html, "</td><td>", err));
        IAD_TRY(iad_html_text(html, s->cell[k], err));
    }
    IAD_TRY(iad_buf_add_str(html, "</td><td>", err));
    IAD_TRY(iad_html_text(html, s->source, err));
    return iad_buf_add_str(html, "</td></tr>\n", err);
}

static iad_status add_standings(iad_report *r, const iad_leaderboard *board, const char *published, const json_t *row, iad_err *err) {
    iad_buf *html = &r->html;
    iad_standings standings;
    int shots = (int)iad_report_int(row, "shots");
    IAD_TRY(iad_standings_make(board, published, shots, NULL, r->results, row, &standings, err));
    iad_status status = IAD_OK;
    if (standings.n > 1) {
        status = iad_buf_addf(html, err, "<details><summary>among published results, %d-shot on %s</summary>", shots, published);
        if (status == IAD_OK && *standings.warning) status = iad_buf_addf(html, err, "<p class=\"note warn\">%s</p>", standings.warning);
        if (status == IAD_OK)
            status = iad_buf_add_str(html, "<div class=scroll><table><thead><tr><th>method</th><th>setting</th><th>I-AUROC</th><th>P-AUROC</th><th>"
                                           "AUPRO</th><th>source</th></tr></thead><tbody>\n", err);
        for (size_t i = 0; i < standings.n && status == IAD_OK; i++) status = add_row(html, i + 1, &standings.rows[i], err);
        if (status == IAD_OK)
            status = iad_buf_add_str(html,
                                     "</tbody></table></div><p class=note>1-1: one model per category; 1-all: one for all; tf: training-free; aux: "
                                     "trained on another set. In brackets: recalled only. AUPRO figures mix implementations: do not rank by "
                                     "them.</p></details>\n", err);
    }
    iad_standings_deinit(&standings);
    return status;
}

iad_status iad_report_leaderboard(iad_report *r, const iad_report_group *group, iad_err *err) {
    const char *published = iad_standings_dataset(group->dataset);
    if (!published) return iad_buf_add_str(&r->html, "<p class=note>No published few-shot results are known for this data set.</p>\n", err);
    iad_leaderboard board;
    IAD_TRY(iad_leaderboard_builtin(&board, err));
    iad_status status = IAD_OK;
    for (size_t k = 0; k < group->n_rows && status == IAD_OK; k++) status = add_standings(r, &board, published, group->rows[k], err);
    iad_leaderboard_deinit(&board);
    return status;
}
