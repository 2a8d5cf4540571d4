/* Map readers: files of NumPy, OpenCV and Pillow, every TIFF layout through libtiff, and broken files. */
#include "tests/unit/iad_test.h"

#include <math.h>
#include <tiffio.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/file.h"
#include "base/image/encode.h"
#include "bench/metrics/halffloat.h"
#include "bench/metrics/mapreader.h"

static iad_err err;

static const float values[6] = {0, 0.5f, -2.25f, 65504, 0.001f, 3};

static void expect_file(const char *name, const float *want, double tolerance) {
    char path[512];
    snprintf(path, sizeof path, "%s/%s", IAD_TEST_DATA, name);
    iad_plane p;
    assert_ok(iad_mapreader_load(path, &p, &err));
    assert_int_equal(3, p.width);
    assert_int_equal(2, p.height);
    for (int i = 0; i < 6; i++) assert_close((double)p.px[i], (double)want[i], tolerance * fabs((double)want[i]));
    iad_plane_deinit(&p);
}

static void files_of_other_tools(void **state) {
    (void)state;
    static const float whole[6] = {0, 0, 2, 65504, 0, 3};
    expect_file("reader_f2_be.npy", values, 1e-3);
    expect_file("reader_f8_1hw.npy", values, 0);
    expect_file("reader_u2_hw1.npy", whole, 0);
    expect_file("reader_f4.tiff", values, 0);
    expect_file("reader_pil.tiff", values, 0);
}

/* A .npy by hand: header text and raw bytes. */
static size_t npy(uint8_t *out, int version, const char *header, const void *data, size_t n) {
    size_t length = strlen(header), at = 0;
    memcpy(out, "\x93NUMPY", 6);
    out[6] = (uint8_t)version;
    out[7] = 0;
    out[8] = (uint8_t)length;
    out[9] = (uint8_t)(length >> 8);
    at = 10;
    if (version > 1) out[at++] = 0, out[at++] = 0;
    memcpy(out + at, header, length);
    memcpy(out + at + length, data, n);
    return at + length + n;
}

static iad_status read_npy(int version, const char *header, const void *data, size_t n, iad_plane *p) {
    uint8_t bytes[1024];
    size_t total = npy(bytes, version, header, data, n);
    uint8_t *exact = iad_alloc(total, 1); /* so that a read beyond the end is noticed */
    memcpy(exact, bytes, total);
    iad_status status = iad_mapreader_npy(exact, total, "x.npy", p, &err);
    free(exact);
    return status;
}

static void npy_headers(void **state) {
    (void)state;
    const float f[4] = {1, 2, 3, 4};
    const uint8_t u1[4] = {0, 1, 200, 255}, u2be[8] = {0, 1, 1, 0, 255, 255, 0, 0}, f4be[4] = {0x3f, 0xc0, 0, 0};
    const double d[1] = {0.1};
    iad_plane p;
    assert_ok(read_npy(1, "{'descr': '<f4', 'fortran_order': False, 'shape': (2, 2), }\n", f, 16, &p));
    assert_close((double)p.px[3], 4, 0);
    iad_plane_deinit(&p);
    assert_ok(read_npy(2, "{\"shape\":(1,2,2,1),\"descr\":\"=f4\",\"fortran_order\":False}", f, 16, &p));
    assert_int_equal(2, p.width);
    iad_plane_deinit(&p);
    assert_ok(read_npy(3, "{'descr': '|u1', 'fortran_order': False, 'shape': (1, 4)}", u1, 4, &p));
    assert_close((double)p.px[2], 200, 0);
    iad_plane_deinit(&p);
    assert_ok(read_npy(1, "{'descr': '>u2', 'fortran_order': False, 'shape': (4, 1)}", u2be, 8, &p));
    assert_close((double)p.px[1], 256, 0);
    assert_close((double)p.px[2], 65535, 0);
    assert_int_equal(4, p.height);
    iad_plane_deinit(&p);
    assert_ok(read_npy(1, "{'descr': '>f4', 'fortran_order': False, 'shape': (1, 1)}", f4be, 4, &p));
    assert_close((double)p.px[0], 1.5, 0);
    iad_plane_deinit(&p);
    assert_ok(read_npy(1, "{'descr': '<f8', 'fortran_order': False, 'shape': (1, 1)}", d, 8, &p));
    assert_true(p.px[0] == 0.1f);
    iad_plane_deinit(&p);

    static const struct {
        iad_status code;
        const char *header;
    } bad[] = {
        {IAD_ERR_UNSUPPORTED, "{'descr': '<f4', 'fortran_order': True, 'shape': (2, 2)}"},
        {IAD_ERR_UNSUPPORTED, "{'descr': '<i4', 'fortran_order': False, 'shape': (2, 2)}"},
        {IAD_ERR_UNSUPPORTED, "{'descr': '|O', 'fortran_order': False, 'shape': (2, 2)}"},
        {IAD_ERR_UNSUPPORTED, "{'descr': [('a', '<f4')], 'fortran_order': False, 'shape': (2, 2)}"},
        {IAD_ERR_UNSUPPORTED, "{'descr': '<f4', 'fortran_order': False, 'shape': (4,)}"},
        {IAD_ERR_UNSUPPORTED, "{'descr': '<f4', 'fortran_order': False, 'shape': ()}"},
        {IAD_ERR_UNSUPPORTED, "{'descr': '<f4', 'fortran_order': False, 'shape': (2, 2, 2)}"},
        {IAD_ERR_UNSUPPORTED, "{'descr': '<f4', 'fortran_order': False, 'shape': (1, 1, 1, 2, 2)}"},
        {IAD_ERR_LIMIT, "{'descr': '<f4', 'fortran_order': False, 'shape': (0, 2)}"},
        {IAD_ERR_LIMIT, "{'descr': '<f4', 'fortran_order': False, 'shape': (65000, 65000)}"},
        {IAD_ERR_LIMIT, "{'descr': '<f4', 'fortran_order': False, 'shape': (4294967296, 4294967296)}"},
        {IAD_ERR_LIMIT, "{'descr': '<f4', 'fortran_order': False, 'shape': (99999999999999, 2)}"},
        {IAD_ERR_FORMAT, "{'descr': '<f4', 'fortran_order': False, 'shape': (2, 3)}"},
        {IAD_ERR_FORMAT, "{'descr': '<f4', 'fortran_order': False, 'shape': (2, -2)}"},
        {IAD_ERR_FORMAT, "{'descr': '<f4', 'fortran_order': False}"},
        {IAD_ERR_FORMAT, "{'descr': '<f4', 'descr': '<f4', 'fortran_order': False, 'shape': (2, 2)}"},
        {IAD_ERR_FORMAT, "{'descr': '<f4', 'fortran_order': False, 'shape': (2, 2)"},
        {IAD_ERR_FORMAT, "{'descr': '<f4', 'fortran_order': False, 'shape': (2, 2)} x"},
        {IAD_ERR_FORMAT, "{'descr': '<f4', 'fortran_order': Fals"},
        {IAD_ERR_FORMAT, "{'descr"},
        {IAD_ERR_FORMAT, ""},
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        iad_status got = read_npy(1, bad[i].header, f, 16, &p);
        if (got != bad[i].code) fail_msg("%s: %s, %s", bad[i].header, iad_status_name(got), err.msg);
        assert_null(p.px);
    }
    assert_fails(IAD_ERR_UNSUPPORTED, read_npy(4, "{}", f, 16, &p));
    assert_fails(IAD_ERR_FORMAT, iad_mapreader_npy("\x93NUMPY\x01", 7, "x", &p, &err));
}

static void npy_round_trip(void **state) {
    (void)state;
    float px[6];
    memcpy(px, values, sizeof px);
    iad_plane in = {3, 2, px}, out;
    iad_buf buf;
    iad_buf_init(&buf, 1 << 20);
    assert_ok(iad_mapreader_encode_npy(&in, &buf, &err));
    assert_int_equal(0, (buf.len - 24) % 64);
    assert_ok(iad_mapreader_decode(buf.data, buf.len, "x", &out, &err));
    assert_memory_equal(px, out.px, sizeof px);
    iad_plane_deinit(&out);
    px[4] = INFINITY;
    iad_buf_reset(&buf);
    assert_ok(iad_mapreader_encode_npy(&in, &buf, &err));
    assert_fails(IAD_ERR_FORMAT, iad_mapreader_decode(buf.data, buf.len, "a.npy", &out, &err));
    assert_non_null(strstr(err.msg, "a.npy"));
    assert_non_null(strstr(err.msg, "x=1 y=1"));
    iad_buf_deinit(&buf);
}

static void half_floats(void **state) {
    (void)state;
    assert_true(iad_half_float(0x3c00) == 1.0f);
    assert_true(iad_half_float(0xc000) == -2.0f);
    assert_true(iad_half_float(0x7bff) == 65504.0f);
    assert_true(iad_half_float(0x0001) == 0x1p-24f);
    assert_true(iad_half_float(0x83ff) == -1023 * 0x1p-24f);
    assert_true(iad_half_float(0x0400) == 0x1p-14f);
    assert_true(isinf(iad_half_float(0x7c00)) && isnan(iad_half_float(0x7e00)));
    assert_true(signbit(iad_half_float(0x8000)));
}

enum { TW = 37, TH = 53 };

static double sample(int x, int y, int is_float) { return is_float ? (x - 18) * 0.25 + y * 2 : (x * 5 + y * 3) % 251; }

static void write_tiff(const char *path, const char *mode, int bits, int is_float, int compression, int tiled, int predictor) {
    TIFF *t = TIFFOpen(path, mode);
    assert_non_null(t);
    TIFFSetField(t, TIFFTAG_IMAGEWIDTH, TW);
    TIFFSetField(t, TIFFTAG_IMAGELENGTH, TH);
    TIFFSetField(t, TIFFTAG_BITSPERSAMPLE, bits);
    TIFFSetField(t, TIFFTAG_SAMPLESPERPIXEL, 1);
    TIFFSetField(t, TIFFTAG_SAMPLEFORMAT, is_float ? SAMPLEFORMAT_IEEEFP : SAMPLEFORMAT_UINT);
    TIFFSetField(t, TIFFTAG_PHOTOMETRIC, PHOTOMETRIC_MINISBLACK);
    TIFFSetField(t, TIFFTAG_COMPRESSION, compression);
    if (predictor) TIFFSetField(t, TIFFTAG_PREDICTOR, predictor);
    int bw = tiled ? 16 : TW, bh = tiled ? 32 : 10;
    if (tiled) {
        TIFFSetField(t, TIFFTAG_TILEWIDTH, bw);
        TIFFSetField(t, TIFFTAG_TILELENGTH, bh);
    } else {
        TIFFSetField(t, TIFFTAG_ROWSPERSTRIP, bh);
    }
    for (int y0 = 0, strip = 0; y0 < TH; y0 += bh)
        for (int x0 = 0; x0 < TW; x0 += bw, strip++) {
            uint8_t block[TW * 32 * 8] = {0};
            int rows = tiled || TH - y0 > bh ? bh : TH - y0;
            for (int y = 0; y < rows; y++)
                for (int x = 0; x < bw; x++) {
                    double v = sample(x0 + x, y0 + y, is_float);
                    uint8_t *at = block + (y * bw + x) * (bits / 8);
                    float f = (float)v;
                    uint8_t u8 = (uint8_t)v;
                    uint16_t u16 = (uint16_t)v;
                    uint32_t u32 = (uint32_t)v;
                    if (is_float && bits == 64) memcpy(at, &v, 8);
                    else if (is_float && bits == 32) memcpy(at, &f, 4);
                    else if (is_float) {
                        /* quarters up to 128 are exact halves; find the code */
                        for (uint32_t code = 0; code < 65536; code++)
                            if ((code & 0x7c00) != 0x7c00 && iad_half_float((uint16_t)code) == f) {
                                u16 = (uint16_t)code;
                                break;
                            }
                        memcpy(at, &u16, 2);
                    } else memcpy(at, bits == 8 ? (void *)&u8 : bits == 16 ? (void *)&u16 : (void *)&u32, (size_t)bits / 8);
                }
            tmsize_t n = (tmsize_t)rows * bw * (bits / 8);
            assert_true((tiled ? TIFFWriteEncodedTile(t, (uint32_t)strip, block, n) : TIFFWriteEncodedStrip(t, (uint32_t)strip, block, n)) == n);
        }
    TIFFClose(t);
}

static void tiff_layouts(void **state) {
    (void)state;
    char path[64];
    snprintf(path, sizeof path, "test_map_reader.%ld.tiff", (long)getpid());
    static const struct {
        int bits, is_float;
    } kinds[] = {{8, 0}, {16, 0}, {32, 0}, {16, 1}, {32, 1}, {64, 1}};
    static const char *const modes[] = {"wl", "wb", "wl8"};
    static const int compressions[] = {COMPRESSION_NONE, COMPRESSION_LZW, COMPRESSION_ADOBE_DEFLATE, COMPRESSION_PACKBITS};
    for (size_t k = 0; k < 6; k++)
        for (size_t m = 0; m < 3; m++)
            for (size_t c = 0; c < 4; c++)
                for (int tiled = 0; tiled < 2; tiled++) {
                    if (kinds[k].bits == 16 && kinds[k].is_float && (m || c > 1)) continue; /* slow to write */
                    /* libtiff itself writes the floating point predictor wrongly in the other byte order. */
                    int predictor = c != 1 && c != 2 ? 0 : kinds[k].is_float ? (m == 0 ? 3 : 0) : (m == 1 ? 2 : 0);
                    write_tiff(path, modes[m], kinds[k].bits, kinds[k].is_float, compressions[c], tiled, predictor);
                    iad_plane p;
                    assert_ok(iad_mapreader_load(path, &p, &err));
                    assert_int_equal(TW, p.width);
                    assert_int_equal(TH, p.height);
                    for (int y = 0; y < TH; y++)
                        for (int x = 0; x < TW; x++)
                            if ((double)p.px[y * TW + x] != sample(x, y, kinds[k].is_float))
                                fail_msg("%d-bit %s mode %s compression %d tiled %d: %g at %d %d", kinds[k].bits,
                                         kinds[k].is_float ? "float" : "uint", modes[m], compressions[c], tiled, (double)p.px[y * TW + x], x, y);
                    iad_plane_deinit(&p);
                }
    /* Cut short anywhere, it is refused or, where only padding is lost, still right; never a crash. */
    write_tiff(path, "wl", 32, 1, COMPRESSION_LZW, 0, 0);
    uint8_t *data;
    size_t n, refused = 0;
    assert_ok(iad_file_read(path, 1 << 20, &data, &n, &err));
    for (size_t cut = 0; cut < n; cut += 7) {
        iad_plane p;
        uint8_t *exact = iad_alloc(cut, 1);
        memcpy(exact, data, cut);
        if (iad_mapreader_decode(exact, cut, "cut", &p, &err) != IAD_OK) refused++;
        else iad_plane_deinit(&p);
        free(exact);
    }
    assert_true(refused > n / 7 - 3);
    free(data);
    unlink(path);
}

static void png16(void **state) {
    (void)state;
    iad_image16 image;
    iad_image grey;
    iad_buf buf;
    iad_plane p;
    iad_buf_init(&buf, 1 << 20);
    assert_ok(iad_image16_init(&image, 3, 2, &err));
    for (int i = 0; i < 6; i++) image.px[i] = (uint16_t)(i * 13107);
    assert_ok(iad_encode_png16(&image, -1, &buf, &err));
    assert_ok(iad_mapreader_decode(buf.data, buf.len, "x", &p, &err));
    for (int i = 0; i < 6; i++) assert_close((double)p.px[i], i * 13107, 0);
    iad_plane_deinit(&p);
    iad_image16_deinit(&image);
    iad_buf_reset(&buf);
    assert_ok(iad_image_init(&grey, 2, 1, 1, &err));
    grey.px[1] = 201;
    assert_ok(iad_encode_png(&grey, -1, &buf, &err));
    assert_ok(iad_mapreader_decode(buf.data, buf.len, "x", &p, &err));
    assert_close((double)p.px[1], 201, 0);
    iad_plane_deinit(&p);
    iad_image_deinit(&grey);
    iad_buf_deinit(&buf);
    assert_fails(IAD_ERR_FORMAT, iad_mapreader_decode("hello", 5, "hello.txt", &p, &err));
    assert_fails(IAD_ERR_FORMAT, iad_mapreader_decode("", 0, "empty", &p, &err));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(files_of_other_tools), cmocka_unit_test(npy_headers), cmocka_unit_test(npy_round_trip),
        cmocka_unit_test(half_floats),          cmocka_unit_test(tiff_layouts), cmocka_unit_test(png16),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
