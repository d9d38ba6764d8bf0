#!/usr/bin/env bash
# header.sh INCLUDE_FOLDER: each public header compiles alone, without a warning, in every dialect.
set -euo pipefail
folder=$1
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
warnings=(-Wall -Wextra -Wpedantic -Wshadow -Wconversion -Werror -fsyntax-only "-I$folder")
for compiler in gcc clang-19; do
    command -v "$compiler" >/dev/null || { echo "$compiler is missing"; exit 1; }
    for header in fusejit fusejit_ufunc; do
        echo "#include <$header.h>" >"$scratch/only.c"
        cp "$scratch/only.c" "$scratch/only.cpp"
        for dialect in c99 c11 c17 c2x; do
            "$compiler" -std=$dialect "${warnings[@]}" "$scratch/only.c"
        done
        for dialect in c++11 c++17 c++20; do
            "$compiler" -x c++ -std=$dialect "${warnings[@]}" "$scratch/only.cpp"
        done
    done
done
