/* Made by tests/parity/golden_extra.py from the float64 model of tests/parity/golden_model.py. Do not edit. */
#ifndef IAD_TEST_GOLDEN_EXTRA_H
#define IAD_TEST_GOLDEN_EXTRA_H

/* picture 0, no block with whole-image attention: token 0 [0:4], last token [0:4], sum, L2 */
static const double extra_full_none[10] = {0.901976318, 0.010578834, -0.279686374, -0.949200611, -0.217398176,
    0.117376406, 0.634257268, 0.613673257, 38.415793177, 37.879513360};

/* picture 0, blocks 0 and 2 with whole-image attention: token 0 [0:4], last token [0:4], sum, L2 */
static const double extra_full_0_2[10] = {0.862987025, 0.060806524, -0.157320395, -0.871294421, -0.086727367,
    0.414639999, 0.613009162, 0.711471420, 45.442287488, 37.438650534};

/* picture 0, all blocks with whole-image attention: token 0 [0:4], last token [0:4], sum, L2 */
static const double extra_full_all[10] = {0.855117011, 0.089008742, -0.162106554, -0.889718420, -0.676372537,
    0.080980857, 1.209458144, 0.773986886, 58.226891881, 37.642005373};

/* picture 0 at 56 x 56: one window of four tokens: token 0 [0:4], last token [0:4], sum, L2 */
static const double extra_small[10] = {0.529942517, 0.177917718, -0.372246573, -0.651373815, -0.891925653,
    -0.455059718, 0.285064319, 0.294110376, -4.191856997, 12.342084121};

/* picture 2 at 28 x 224: one row of tokens, two windows: token 0 [0:4], last token [0:4], sum, L2 */
static const double extra_strip[10] = {-0.039301617, -0.109960633, 0.582821923, 0.112805907, -0.062164493,
    -0.858697624, -0.110274453, -0.204947699, -1.481868961, 18.596733320};

/* picture 0, patch rows times 2e-4: eps decides: token 0 [0:4], last token [0:4], sum, L2 */
static const double extra_faint[10] = {-0.248227569, 0.115673668, 0.582127101, 0.089520821, -0.253631004, 0.037484263,
    0.624623318, 0.197266168, 93.609991584, 32.181095898};

/* state after each layer: row 76 [0:4], sum over all rows */
static const double extra_layers[20] = {1.886849698, 0.521959549, 0.005553281, -0.998049578, -173.643583847,
    2.140992147, 0.152291692, 1.038024556, -1.560726309, -101.753094612, 2.874378924, 0.551323375, -1.137161327,
    -1.514769926, -305.317868838, 2.131963653, 0.245010022, 0.601753874, -1.347653652, -392.108625527};

/* layer 3, head mean, rows 70 and 76, sum over the second picture */
static const double extra_probe[2] = {0.339472032, 0.332934030};

/* input rows times 3e-4, eps 1e-6: last logits [0:6] */
static const double extra_text_faint[6] = {-1.867503981, -2.085483388, 2.479766191, 0.665940141, 1.532018171,
    0.376598622};

/* the same with eps 1e-5 */
static const double extra_text_faint_eps5[6] = {-1.229688978, -0.603005783, 0.833749778, 1.359466328, 1.891322704,
    -0.191926767};

/* row 20 zero, row 76 times 1e-5: logits of both [0:3] */
static const double extra_text_zero[6] = {-1.223069262, -1.978205599, 2.191705628, -1.125830651, -1.557770879,
    2.486390385};

/* tied head: logits of row 10 [0:6] */
static const double extra_tied_10[6] = {5.567279300, -0.808709936, 4.975499513, -1.599192270, 7.381160202,
    5.770020524};

#endif
