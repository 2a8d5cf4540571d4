/* dw += dy^T x over the panel kernels of runtime/cpu/matmul_kernels.h. What is a weight there is x here: panels of 64 of its columns, a
 * group per row (f32) or pair of rows (bf16). What are input rows there are the columns of dy, turned into rows. A tile starts from the
 * values in dw, so that row after row is added to them: cutting the rows into blocks, or a batch into calls, changes no bit. */
#include <omp.h>
#include <string.h>

#include "runtime/cpu/cpu_device.h"
#include "runtime/cpu/matmul_kernels.h"
#include "train/cpu/grad_check.h"
#include "train/cpu/grad_kernels.h"
#include "train/cpu/grad_ops_cpu.h"

enum {
    SLOT_PANELS = IAD_CPU_SCRATCH_OPS,
    SLOT_TURNED,
    SLOT_ACC,
    GROUPS_MIN = 256,       /* groups of a block of rows, at least */
    GROUPS_MAX = 4096,
    PIECE = 96,             /* outputs that one piece of work does with a panel: a multiple of all kernels' rows */
    TURN_COLS = 256,        /* columns of dy turned at once */
    SUM_COLS = 256,         /* columns of dy summed at once */
    ACC = PIECE * IAD_PANEL
};

/* Packed words of a block of rows: few enough to stay in a core's second cache. */
static const int64_t BLOCK_WORDS = (int64_t)1 << 18;
/* Below this many multiplications one thread is faster than waking the team. */
static const double SERIAL_WORK = 1e6;

typedef struct product {
    const iad_grad_kernels *kernels;
    iad_tile_fn tile;
    iad_weave how_x, how_dy;
    iad_mat dy, x, dw;
    int per_group, dy_per_group;  /* rows of a group; turned words of a group */
    int tile_rows, group_step;    /* outputs of a tile at most; groups that the kernel takes at a time */
    int64_t n_panel, n_group;     /* groups of this block, filled up with zeros to that */
    int64_t row;                  /* its first row */
    uint32_t *panels, *turned;
    int64_t panel_groups, turned_stride;
} product;

static const void *row_at(const iad_mat *m, int64_t row, int64_t end, int64_t col) {
    size_t size = m->dtype == IAD_F32 ? 4 : 2;
    return row < end ? (const char *)m->data + (size_t)(row * m->stride + col) * size : NULL;
}

/* Group g of the block: every panel's words. */
static void pack_group(const product *p, int64_t g) {
    int64_t row = p->row + g * p->per_group;
    int inside = row < p->x.rows;
    for (int64_t panel = 0; panel < p->n_panel; panel++) {
        int64_t col = panel * IAD_PANEL, n = p->x.cols - col < IAD_PANEL ? p->x.cols - col : IAD_PANEL;
        uint32_t *words = p->panels + (panel * p->panel_groups + g) * IAD_PANEL;
        if (!inside) n = 0;
        else
            p->kernels->weave(p->how_x, row_at(&p->x, row, p->x.rows, col), p->per_group > 1 ? row_at(&p->x, row + 1, p->x.rows, col) : NULL, n,
                              words);
        memset(words + n, 0, (size_t)(IAD_PANEL - n) * sizeof *words);
    }
}

/* Turned words [16 t, 16 t + 16) of all columns of dy. */
static void turn_words(const product *p, int64_t t) {
    int rows = p->how_dy == IAD_WEAVE_PAIRS ? 2 : 1; /* of a word */
    for (int64_t col = 0; col < p->dy.cols; col += TURN_COLS) {
        const void *even[16], *odd[16];
        for (int64_t g = 0; g < 16; g++) {
            int64_t row = p->row + (16 * t + g) * rows;
            even[g] = row_at(&p->dy, row, p->dy.rows, col);
            odd[g] = rows == 2 ? row_at(&p->dy, row + 1, p->dy.rows, col) : NULL;
        }
        p->kernels->weave_turned(p->how_dy, even, odd, p->dy.cols - col < TURN_COLS ? p->dy.cols - col : TURN_COLS,
                                 p->turned + col * p->turned_stride + 16 * t, p->turned_stride);
    }
}

/* The tiles of outputs [o, end) with one panel. */
static void piece(const product *p, int64_t panel, int64_t o, int64_t end, float *acc) {
    int64_t col = panel * IAD_PANEL, n = p->x.cols - col < IAD_PANEL ? p->x.cols - col : IAD_PANEL;
    int direct = n == IAD_PANEL;
    for (; o < end; o += p->tile_rows) {
        int rows = end - o < p->tile_rows ? (int)(end - o) : p->tile_rows;
        float *dw = (float *)p->dw.data + o * p->dw.stride + col;
        for (int r = 0; r < rows && !direct; r++) memcpy(acc + r * IAD_PANEL, dw + r * p->dw.stride, (size_t)n * sizeof *acc);
        iad_tile tile = {rows, p->turned + o * p->turned_stride, (size_t)p->turned_stride * 4,
                         (const unsigned char *)(p->panels + panel * p->panel_groups * IAD_PANEL), p->n_group, direct ? dw : acc,
                         (size_t)(direct ? p->dw.stride : IAD_PANEL) * sizeof(float), 1, (int)n, NULL};
        p->tile(&tile);
        for (int r = 0; r < rows && !direct; r++) memcpy(dw + r * p->dw.stride, acc + r * IAD_PANEL, (size_t)n * sizeof *acc);
    }
}

/* db += rows of dy, one after the other. */
static void sum_columns(const product *p, int64_t col, float *db) {
    int64_t n = p->dy.cols - col < SUM_COLS ? p->dy.cols - col : SUM_COLS;
    for (int64_t r = 0; r < p->dy.rows; r++) p->kernels->add(p->dy.dtype, row_at(&p->dy, r, p->dy.rows, col), n, db + col);
}

static void choose(product *p, const iad_device *device) {
    iad_matmul_kernels kernels = iad_matmul_kernels_for(device);
    p->kernels = iad_grad_kernels_of(device);
    if (p->dy.dtype == IAD_F32) {
        p->tile = kernels.f32;
        p->how_x = p->how_dy = IAD_WEAVE_F32;
        p->per_group = p->dy_per_group = 1;
        p->tile_rows = IAD_TILE_ROWS;
        p->group_step = 1;
    } else {
        p->tile = kernels.bf16;
        p->how_x = IAD_WEAVE_PAIRS;
        p->how_dy = kernels.bf16_form == IAD_X_BF16 ? IAD_WEAVE_PAIRS : IAD_WEAVE_WIDE;
        p->per_group = 2;
        p->dy_per_group = p->how_dy == IAD_WEAVE_PAIRS ? 1 : 2;
        p->tile_rows = kernels.bf16_rows < PIECE ? kernels.bf16_rows : PIECE;
        p->group_step = kernels.bf16_groups;
    }
    p->n_panel = (p->x.cols + IAD_PANEL - 1) / IAD_PANEL;
}

iad_status iad_cpu_linear_dw(iad_queue *queue, iad_mat dy, iad_mat x, iad_mat dw, float *db, iad_err *err) {
    IAD_TRY(iad_grad_check_linear_dw(&dy, &x, &dw, err));
    if (x.rows == 0 || x.cols == 0 || dy.cols == 0) return IAD_OK;
    product p = {.dy = dy, .x = x, .dw = dw};
    choose(&p, queue->device);
    int threads = (double)x.rows * (double)x.cols * (double)dy.cols < SERIAL_WORK ? 1 : iad_cpu_threads(queue->device);
    int64_t all = (x.rows + p.per_group - 1) / p.per_group;
    int64_t block = BLOCK_WORDS / (p.n_panel * IAD_PANEL + dy.cols * p.dy_per_group) / 16 * 16;
    block = block < GROUPS_MIN ? GROUPS_MIN : block > GROUPS_MAX ? GROUPS_MAX : block;
    if (block > all) block = (all + 15) / 16 * 16;
    p.panel_groups = block + 1;
    p.turned_stride = block * p.dy_per_group + 16; /* not a power of two: columns must not share cache sets */
    void *panels, *turned, *acc;
    IAD_TRY(iad_cpu_scratch(queue, SLOT_PANELS, (size_t)(p.n_panel * p.panel_groups) * IAD_GROUP_BYTES, &panels, err));
    IAD_TRY(iad_cpu_scratch(queue, SLOT_TURNED, (size_t)(dy.cols * p.turned_stride) * 4, &turned, err));
    IAD_TRY(iad_cpu_scratch(queue, SLOT_ACC, (size_t)threads * ACC * sizeof(float), &acc, err));
    p.panels = panels;
    p.turned = turned;
    memset(acc, 0, (size_t)threads * ACC * sizeof(float)); /* columns past the end of dw are computed and never stored */

    int64_t chunks = (dy.cols + PIECE - 1) / PIECE;
    for (int64_t first = 0; first < all; first += block) {
        p.row = first * p.per_group;
        p.n_group = all - first < block ? (all - first + p.group_step - 1) / p.group_step * p.group_step : block;
        int64_t turns = (p.n_group * p.dy_per_group + 15) / 16;
#pragma omp parallel num_threads(threads) if (threads > 1)
        {
            float *own = (float *)acc + (size_t)omp_get_thread_num() * ACC;
#pragma omp for schedule(static) nowait
            for (int64_t g = 0; g < p.n_group; g++) pack_group(&p, g);
#pragma omp for schedule(static)
            for (int64_t t = 0; t < turns; t++) turn_words(&p, t);
#pragma omp for schedule(dynamic)
            for (int64_t u = 0; u < chunks * p.n_panel; u++) {
                int64_t o = u / p.n_panel * PIECE, end = o + PIECE;
                piece(&p, u % p.n_panel, o, end < dy.cols ? end : dy.cols, own);
            }
        }
    }
    if (db != NULL) {
        int64_t parts = (dy.cols + SUM_COLS - 1) / SUM_COLS;
#pragma omp parallel for num_threads(threads) schedule(static) if (threads > 1)
        for (int64_t c = 0; c < parts; c++) sum_columns(&p, c * SUM_COLS, db);
    }
    return IAD_OK;
}
