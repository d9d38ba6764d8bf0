#!/bin/bash
# install.sh BUILD SOURCE: installs the build into a scratch folder, moves it, and uses it as a C and a
# C++ project do, by CMake and by pkg-config; makes the .deb and runs what is in it.
set -euo pipefail
build=$1 source=$2
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
export LC_ALL=C
expected='-0.268941 0.000000 0.731059'

fail()
{
    echo "install.sh: $*" >&2
    exit 1
}

same() # WHAT OUTPUT
{
    [ "$2" = "$expected" ] || fail "$1 printed '$2', not '$expected'"
}

cmake --install "$build" --prefix "$work/first" >"$work/log" || fail "$(cat "$work/log")"
mv "$work/first" "$work/prefix"
prefix=$work/prefix
lib=$(dirname "$(find "$prefix" -name libfusejit.so)")
for file in bin/fusejit include/fusejit.h share/man/man1/fusejit.1 share/zsh/site-functions/_fusejit \
    share/bash-completion/completions/fusejit share/fish/vendor_completions.d/fusejit.fish; do
    [ -s "$prefix/$file" ] || fail "$file is missing"
done
for file in libfusejit.a libfusejit.so.0 pkgconfig/fusejit.pc cmake/fusejit/fusejitConfig.cmake; do
    [ -s "$lib/$file" ] || fail "$lib/$file is missing"
done
[ "$("$prefix/bin/fusejit" eval -e '1 + 1')" = 2 ] || fail "the installed program does not run"
grep -rl "$build" "$prefix" --include='*.cmake' --include='*.pc' && fail "a file names the build folder"

# the static library has no names but ours
others=$(nm --defined-only --extern-only "$lib/libfusejit.a" | awk 'NF == 3 && $3 !~ /^fusejit_/ { print $3 }')
[ -z "$others" ] || fail "libfusejit.a defines $others"

cmake -S "$source/tests/install" -B "$work/consumer" -DCMAKE_PREFIX_PATH="$prefix" >"$work/log" 2>&1 &&
    cmake --build "$work/consumer" >>"$work/log" 2>&1 || fail "$(cat "$work/log")"
for program in from_c from_cxx from_c_static; do
    same $program "$("$work/consumer/$program")"
done

if command -v pkg-config >/dev/null; then
    export PKG_CONFIG_PATH=$lib/pkgconfig
    cc -std=c11 -Wall -Werror "$source/tests/install/program.c" $(pkg-config --cflags --libs fusejit) \
        -Wl,-rpath,"$lib" -o "$work/by_pc"
    same pkg-config "$("$work/by_pc")"
    [ "$(pkg-config --modversion fusejit)" = "$("$prefix/bin/fusejit" --version | cut -d' ' -f2)" ] ||
        fail "fusejit.pc and fusejit --version differ"
fi

if command -v dpkg-deb >/dev/null && command -v dpkg-shlibdeps >/dev/null; then
    (cd "$work" && cpack --config "$build/CPackConfig.cmake" -G DEB -B "$work/deb" >"$work/log" 2>&1) ||
        fail "$(cat "$work/log")"
    package=$(ls "$work"/deb/fusejit_*.deb)
    dpkg-deb -x "$package" "$work/root"
    [ "$("$work/root/usr/bin/fusejit" eval -e '2 + 3')" = 5 ] || fail "the program of the .deb does not run"
    [[ $(dpkg-deb -f "$package" Depends) = *libc6* ]] || fail "the .deb does not say what it depends on"
    [ -s "$work/root/usr/include/fusejit.h" ] || fail "the .deb has no header"
    grep -q Copyright "$work/root/usr/share/doc/fusejit/copyright" || fail "the .deb has no copyright file"
    [[ $(dpkg-deb -f "$package" Maintainer) = *' <'*@*'>' ]] || fail "the .deb names no maintainer with an address"
fi
echo "installed, used and packed"
