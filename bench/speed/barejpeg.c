#include "bench/speed/barejpeg.h"

#include <setjmp.h>
#include <stdio.h>

#include <jpeglib.h>

typedef struct jpeg_jump {
    struct jpeg_error_mgr mgr;
    jmp_buf back;
} jpeg_jump;

static void jpeg_fail(j_common_ptr info) {
    jpeg_jump *jump = (jpeg_jump *)info->err;
    longjmp(jump->back, 1);
}

static void jpeg_quiet(j_common_ptr info, int level) { (void)info, (void)level; }

uint64_t iad_bare_jpeg(const uint8_t *bytes, size_t n, uint8_t *row) {
    struct jpeg_decompress_struct info;
    jpeg_jump jump;
    uint64_t pixels = 0;
    info.err = jpeg_std_error(&jump.mgr);
    jump.mgr.error_exit = jpeg_fail;
    jump.mgr.emit_message = jpeg_quiet;
    if (setjmp(jump.back)) {
        jpeg_destroy_decompress(&info);
        return 0;
    }
    jpeg_create_decompress(&info);
    jpeg_mem_src(&info, bytes, (unsigned long)n);
    jpeg_read_header(&info, TRUE);
    info.dct_method = JDCT_ISLOW;
    jpeg_start_decompress(&info);
    while (info.output_scanline < info.output_height) jpeg_read_scanlines(&info, &row, 1);
    pixels = (uint64_t)info.output_width * info.output_height;
    jpeg_finish_decompress(&info);
    jpeg_destroy_decompress(&info);
    return pixels;
}
