# cmake -DINPUT=x.tsv -DNAME=x -DOUTPUT=x.c -P embed.cmake: a text file as a C array, ended by a NUL that the size does not count.
file(READ "${INPUT}" hex HEX)
string(LENGTH "${hex}" digits)
math(EXPR size "${digits} / 2")
string(REGEX REPLACE "([0-9a-f][0-9a-f])" "0x\\1," bytes "${hex}")
string(REGEX REPLACE "((0x..,){24})" "\\1\n" bytes "${bytes}")
file(WRITE "${OUTPUT}"
  "#include \"manifests/tables.h\"\nconst size_t iad_text_${NAME}_size = ${size};\nconst char iad_text_${NAME}[] = {\n${bytes}0};\n")
