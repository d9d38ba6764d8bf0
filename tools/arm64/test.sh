#!/usr/bin/env bash
# Builds for 64-bit ARM (NEON) and runs the tests of compiled code under qemu's emulation: an hour
# or two. Debian 12 as root (Criterion's workers are started by the kernel, through binfmt_misc).
# The first run downloads 190 MB of packages. Arguments are given to the test programs (--filter).
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
bash tools/setup.sh packages.txt tools/arm64/packages.txt

root=$PWD/build/arm64-root
build=$PWD/build/arm64
packages=llvm-19-dev,libcriterion-dev,zlib1g-dev,libzstd-dev,libedit-dev,libstdc++-12-dev
packages+=,libc6-dev,libgcc-12-dev,libopenblas0-pthread,libopenblas-dev

if [[ ! -f $root/complete ]]; then
    mkdir -p build && rm -rf "$root"
    debootstrap --arch=arm64 --foreign --variant=minbase --include="$packages" bookworm "$root" \
        >"$PWD/build/arm64-root.log"
    for deb in "$root"/var/cache/apt/archives/*.deb; do
        dpkg -x "$deb" "$root"
    done
    # Links from / lead out of the tree.
    find "$root/usr/lib" "$root/lib" -type l -lname '/*' | while read -r link; do
        ln -sfn "$(realpath -m --relative-to="$(dirname "$link")" "$root$(readlink "$link")")" "$link"
    done
    # Debian's alternatives are not set up in a tree that nothing ran in.
    ln -sfn openblas-pthread/libopenblas.so.0 "$root/usr/lib/aarch64-linux-gnu/libopenblas.so.0"
    touch "$root/complete"
fi

binfmt=/proc/sys/fs/binfmt_misc
[[ -e $binfmt/register ]] || mount -t binfmt_misc binfmt_misc "$binfmt"
# The first 20 bytes of an ELF file for this machine, and which bits of them count.
elf='\x7fELF\x02\x01\x01\x00\x00\x00\x00\x00\x00\x00\x00\x00\x02\x00\xb7\x00'
mask='\xff\xff\xff\xff\xff\xff\xff\x00\xff\xff\xff\xff\xff\xff\xff\xff\xfe\xff\xff\xff'
[[ -e $binfmt/qemu-aarch64 ]] ||
    echo ":qemu-aarch64:M::$elf:$mask:/usr/bin/qemu-aarch64-static:F" >"$binfmt/register"
export QEMU_LD_PREFIX=$root

cmake --preset release -B "$build" -DFUSEJIT_LLVM=shared -DFUSEJIT_ARM64_ROOT="$root" \
    -DCMAKE_TOOLCHAIN_FILE="$PWD/tools/arm64/toolchain.cmake" \
    -DLLVM_DIR="$root/usr/lib/llvm-19/lib/cmake/llvm" >/dev/null
tests=(test_ir test_codegen test_runtime test_api)
cmake --build "$build" --target fusejit_program "${tests[@]}"
"$build/tools/fusejit" doctor
# One test bounds the memory of the process, in which is what qemu translated.
options=(--jobs=2 --short-filename --filter '!(engine/compiling_and_releasing*)')
for program in "${tests[@]}"; do
    "$build/tests/$program" "${options[@]}" "$@"
done
