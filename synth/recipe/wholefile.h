/* Picture files that an earlier call wrote without waiting for the disk (iad_file_write_soon): a power failure may have cut them short. */
#ifndef IAD_SYNTH_WHOLEFILE_H
#define IAD_SYNTH_WHOLEFILE_H

/* 1 when the JPEG or PNG file is there and ends as a complete one does; its size in pixels to *width and *height (may be NULL). */
int iad_picture_file_whole(const char *path, int *width, int *height);

#endif
