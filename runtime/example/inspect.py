#!/usr/bin/env python3
"""Scores pictures against pictures of good parts through libiadgpt, with ctypes alone.

    inspect.py MODEL GOOD[,GOOD...] QUERY...

The library is found by the dynamic linker, or named by the variable LIBIADGPT.
"""
import ctypes as c
import os
import sys


class Error(c.Structure):
    _fields_ = [("code", c.c_int32), ("message", c.c_char * 512)]


class Picture(c.Structure):
    _fields_ = [("width", c.c_int32), ("height", c.c_int32), ("channels", c.c_int32), ("pixels", c.POINTER(c.c_uint8))]


class Timings(c.Structure):
    _fields_ = [(name, c.c_double) for name in ("preprocess", "vision", "prefill", "decode")] + [
        (name, c.c_int64) for name in ("prompt_tokens", "reused_tokens", "generated_tokens")]


class Result(c.Structure):
    _fields_ = [("score", c.c_double), ("logit_yes", c.c_float), ("logit_no", c.c_float),
                ("grid_height", c.c_int32), ("grid_width", c.c_int32),
                ("anomaly", c.POINTER(c.c_float)), ("normal", c.POINTER(c.c_float)),
                ("source_height", c.c_int32), ("source_width", c.c_int32),
                ("resized_height", c.c_int32), ("resized_width", c.c_int32), ("timings", Timings)]


lib = c.CDLL(os.environ.get("LIBIADGPT", "libiadgpt.so.0"))
for free in (lib.iadgpt_exemplars_free, lib.iadgpt_session_free, lib.iadgpt_engine_close):
    free.argtypes, free.restype = [c.c_void_p], None
lib.iadgpt_picture_free.argtypes, lib.iadgpt_picture_free.restype = [c.POINTER(Picture)], None
lib.iadgpt_exemplars_key.argtypes, lib.iadgpt_exemplars_key.restype = [c.c_void_p], c.c_char_p


def call(function, *arguments):
    """Every fallible function takes the error record last and returns 0 for success."""
    error = Error()
    if function(*arguments, c.byref(error)) != 0:
        sys.exit("inspect.py: " + error.message.decode())


def load(path):
    picture = Picture()
    call(lib.iadgpt_picture_load, os.fsencode(path), c.byref(picture))
    return picture


def main(model, good, queries):
    engine, session, exemplars = c.c_void_p(), c.c_void_p(), c.c_void_p()
    call(lib.iadgpt_engine_open, os.fsencode(model), None, c.byref(engine))
    call(lib.iadgpt_session_new, engine, c.byref(session))
    pictures = (Picture * len(good))(*[load(path) for path in good])
    call(lib.iadgpt_exemplars_prepare, session, pictures, len(good), None, c.byref(exemplars))
    print("exemplars", lib.iadgpt_exemplars_key(exemplars).decode(), file=sys.stderr)
    for path in queries:
        part, result = load(path), Result()
        call(lib.iadgpt_inspect, session, exemplars, c.byref(part), 1, c.byref(result))
        cells = result.anomaly[:result.grid_height * result.grid_width]
        print(f"{path}\t{result.score:.6f}\t{max(cells):.6g}")
        lib.iadgpt_picture_free(c.byref(part))
    for picture in pictures:
        lib.iadgpt_picture_free(c.byref(picture))
    lib.iadgpt_exemplars_free(exemplars)
    lib.iadgpt_session_free(session)
    lib.iadgpt_engine_close(engine)


if __name__ == "__main__":
    if len(sys.argv) < 4:
        sys.exit("usage: inspect.py MODEL GOOD[,GOOD...] QUERY...")
    main(sys.argv[1], sys.argv[2].split(","), sys.argv[3:])
