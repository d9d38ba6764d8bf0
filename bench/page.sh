#!/usr/bin/env bash
# Makes a page of what bench/run.sh found: page.sh BENCH.md PICTURE.svg PYTHON >docs/benchmarks.md
# The machine, what bench/notes.md says of its results, the tables, and where somebody else is faster.
set -euo pipefail
tables=$1 picture=$2 python=$3

field() { sed -n "s/^$1[[:space:]]*: //p" /proc/cpuinfo | head -n 1; }
features() {
    local feature separator=
    for feature in avx2 fma f16c avx512f avx512_bf16 amx_tile; do
        [[ " $(field flags) " == *" $feature "* ]] && { printf '%s%s' "$separator" "$feature"; separator=", "; }
    done
}
versions() {
    "$python" - <<'PYTHON'
import importlib.metadata as metadata
names = "numpy scipy numexpr numba torch jax drjit onnxruntime scikit-learn".split()
found = []
for name in names:
    try:
        found.append("%s %s" % (name, metadata.version(name).split("+")[0]))
    except metadata.PackageNotFoundError:
        pass
print(", ".join(found))
PYTHON
}
losses() { # a table of rows under a head that names the columns
    awk -F' *[|] *' '
        /times as fast as/ && /fusejit/ && !/^. what/ { for (i = 4; i < NF; i++) head[i] = $i; next }
        $2 ~ / x[12]$/ && $2 !~ /^mean/ {
            for (i = 5; i < NF; i++)
                if (head[i] != "one thread" && $i + 0 > 0 && $i + 0 < 0.95) {
                    where[head[i]] = where[head[i]] (where[head[i]] == "" ? "" : ", ") $2 " " $i
                    n[head[i]]++
                }
        }
        END { for (h in n) printf "| %s | %d | %s |\n", h, n[h], where[h] }' "$tables" | sort
}

cat <<PAGE
# Benchmarks

The last table of \`bench/run.sh\`, $(date -u +%Y-%m-%d). $(field 'model name'), family $(field 'cpu family') model $(field model),
$(getconf _NPROCESSORS_ONLN) cores, $(features), $(awk '/MemTotal/ { printf "%.0f", $2 / 1048576 }' /proc/meminfo) GiB; load at the start $(sed -n 's/^fusejit .* load //p' "$tables" | head -n 1).
gcc $(gcc -dumpfullversion), $(versions).

All contestants of a row take turns in one run, so that each finds in the caches what the one before it left; the
least time of many counts. Ratios say how many times as fast as the peer fusejit is: under 1 the peer is faster. Peers that have no
such function are left out. Their accuracy differs; fusejit's is in [accuracy.md](accuracy.md), 1 ulp with few exceptions.

* *plain C*: a loop over libm, gcc -O3 -march=native.
* *memcpy*: of as many bytes as go in and out. On two threads it still has one.
* *NumPy*: one ufunc after the other into arrays made before; SciPy's erf.
* *numexpr*, *Numba* (@vectorize; on two threads target="parallel"; from PyPI it has no vectors of
  mathematical functions), *PyTorch* (eager, single functions into an array made before), *JAX* (jit),
  *Dr.Jit* (LLVM, a frozen function).
* Times of one thread at all sizes are the processor's, so that other programs on the machine do not
  count; all other times are the clock's. Small repeated arrays teach the branch predictor their data, which helps
  the scalar loops of C and Numba: compare 1 Ki with 64 Ki.

![ns an element]($picture)

PAGE
cat bench/notes.md
if [[ -n $(losses) ]]; then
    printf '## Where others are faster\n\nFunction, type, elements, threads, and the ratio.\n\n'
    printf '| faster | cases | which |\n|---|---|---|\n'
    losses
    echo
fi
printf '## All tables\n\n'
sed -n '/^|/,$p' "$tables"
