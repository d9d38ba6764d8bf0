#!/usr/bin/env bash
# Runs tests of compiled code on an emulated machine with AVX-512 (Bochs, a Skylake-X): Linux with the test programs
# alone, from a CD. Debian 12; no root but for packages. An hour or more; the first run downloads 40 MB.
# Arguments, "PROGRAM FILTER" each, replace the tests below: tools/avx512/test.sh "test_codegen lookup/*".
# What the emulated machine prints is in build/avx512/serial.txt as it goes.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
bash tools/setup.sh packages.txt tools/avx512/packages.txt

tests=("$@")
if [[ $# == 0 ]]; then
    tests=("test_codegen lookup/same_bits_at_every_level" "test_api special_values/*" "test_api accuracy/*"
        "test_codegen *graphs/*" "test_codegen control/*" "test_codegen memory/*" "test_codegen panel/*"
        "test_codegen array*/*" "test_codegen operators/same_bits_at_every_level")
fi

source=$PWD
build=$PWD/build/release
work=$PWD/build/avx512
root=$work/root
programs=("$build/tools/fusejit" "$build/tests/test_codegen" "$build/tests/test_api")
cmake --preset release >/dev/null
cmake --build "$build" --target fusejit_program test_codegen test_api

if [[ ! -f $work/vmlinuz ]]; then
    rm -rf "$work" && mkdir -p "$work/kernel"
    package=$(apt-cache depends linux-image-cloud-amd64 | sed -n 's/.*Depends: *\(linux-image[^ ]*\).*/\1/p' | head -1)
    (cd "$work" && apt-get download "$package" && dpkg -x linux-image*.deb kernel)
    cp "$work"/kernel/boot/vmlinuz* "$work/vmlinuz"
fi

# The machine's files: programs, their libraries under /lib, what the tests read, and init.
rm -rf "$root" "$work/cd" && mkdir -p "$root"/{bin,proc,sys,dev,tmp,lib,lib64} "$work/cd/boot/grub"
cp /bin/busybox "$root/bin/"
for name in sh mount mkdir tail poweroff sleep; do
    ln -s busybox "$root/bin/$name"
done
for program in "${programs[@]}"; do
    cp "$program" "$root/bin/"
    ldd "$program" | grep -o '/[^ ]*' | while read -r library; do
        cp -Ln "$library" "$root/lib/"
    done
done
strip "$root"/bin/test_* "$root/bin/fusejit"
cp -L /lib64/ld-linux-x86-64.so.2 "$root/lib64/"
mkdir -p "$root$source/tests/api"
cp tests/api/hard_points.txt "$root$source/tests/api/"
{
    cat <<'INIT'
#!/bin/sh
mount -t proc proc /proc; mount -t sysfs sys /sys; mount -t devtmpfs dev /dev; mount -t tmpfs tmp /tmp
mkdir -p /dev/shm; mount -t tmpfs shm /dev/shm
exec >/dev/ttyS0 2>&1
export LD_LIBRARY_PATH=/lib HOME=/tmp TERM=dumb
fusejit doctor
INIT
    for test in "${tests[@]}"; do
        read -r program filter <<<"$test"
        echo "echo '$test'; $program --short-filename --jobs=1 --filter '$filter' 2>&1 | tail -n 40"
    done
    echo "echo THE END; sleep 1; poweroff -f"
} >"$root/init"
chmod +x "$root/init"
(cd "$root" && find . | cpio -o -H newc 2>/dev/null | gzip -1) >"$work/cd/boot/initrd.gz"
cp "$work/vmlinuz" "$work/cd/boot/"
# Bochs 2.7 lies about the areas of xsaves and xsavec, and of protection keys.
cat >"$work/cd/boot/grub/grub.cfg" <<'GRUB'
set timeout=0
serial --unit=0 --speed=115200
terminal_output serial
menuentry tests {
    linux /boot/vmlinuz console=ttyS0 quiet clearcpuid=xsaves,xsavec,pku mitigations=off tsc=reliable lpj=1000000
    initrd /boot/initrd.gz
}
GRUB
grub-mkrescue -o "$work/cd.iso" "$work/cd" >/dev/null 2>&1
cat >"$work/bochsrc" <<BOCHS
megs: 1536
romimage: file=/usr/share/bochs/BIOS-bochs-latest
vgaromimage: file=/usr/share/bochs/VGABIOS-lgpl-latest
cpu: model=corei7_skylake_x, count=1, ips=60000000, reset_on_triple_fault=0
ata0-master: type=cdrom, path=$work/cd.iso, status=inserted
boot: cdrom
com1: enabled=1, mode=file, dev=$work/serial.txt
display_library: rfb, options="timeout=0"
log: $work/bochs.log
panic: action=fatal
clock: sync=none
speaker: enabled=0
BOCHS

rm -f "$work/serial.txt"
echo c >"$work/debugger" # Debian's Bochs waits in its debugger
bochs -q -f "$work/bochsrc" -rc "$work/debugger" </dev/null >"$work/screen.txt" 2>&1 &
emulator=$!
trap 'pkill -P $$ || true' EXIT
until grep -qs "THE END" "$work/serial.txt" || ! kill -0 $emulator 2>/dev/null; do
    sleep 5
done
grep -avE '^\[ |FUSEJIT_SEED' "$work/serial.txt"
grep -qs "lane_masks yes" "$work/serial.txt" && grep -qs "THE END" "$work/serial.txt" &&
    [[ $(grep -c "Failing: 0 | Crashing: 0" "$work/serial.txt") == "${#tests[@]}" ]]
