# cmake -DINPUTS=a.txt;b.txt -DTABLE=iad_builtin_x -DTYPE=iad_text_file -DHEADER=folder/x.h -DOUTPUT=x.c -P embed_texts.cmake: text files as a C table
# of {name, text, size}, in the order of their names, with TABLE_n beside it. HEADER declares both.
list(SORT INPUTS)
set(arrays "")
set(table "")
set(count 0)
foreach(input ${INPUTS})
  get_filename_component(name "${input}" NAME)
  file(READ "${input}" hex HEX)
  string(LENGTH "${hex}" digits)
  math(EXPR size "${digits} / 2")
  string(REGEX REPLACE "([0-9a-f][0-9a-f])" "0x\\1," bytes "${hex}")
  string(REGEX REPLACE "((0x..,){24})" "\\1\n" bytes "${bytes}")
  string(APPEND arrays "static const unsigned char text_${count}[] = {\n${bytes}0};\n")
  string(APPEND table "    {\"${name}\", (const char *)text_${count}, ${size}},\n")
  math(EXPR count "${count} + 1")
endforeach()
file(WRITE "${OUTPUT}" "#include \"${HEADER}\"\n${arrays}const size_t ${TABLE}_n = ${count};\n"
  "const ${TYPE} ${TABLE}[] = {\n${table}};\n")
