#!/usr/bin/env bash
# Builds the benchmarks and runs them: a Markdown table on standard output, which is kept with
# the JSON in bench/out/. Peers take part where python3 has NumPy (numexpr, Numba).
# run.sh [--quick]: three repeats and small arrays, to see that it works.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
while read -r name; do
    unset "$name" # settings that halve OpenBLAS, and all that links it
done < <(compgen -e | grep '^OPENBLAS_' || true)
export OMP_NUM_THREADS=1 NUMBA_NUM_THREADS=1

build=${FUSEJIT_BUILD:-build/release}
[[ -f $build/build.ninja ]] || cmake --preset release >/dev/null
cmake --build "$build" --target bench >&2
mkdir -p bench/out
peer=()
for python in python3 /usr/bin/python3; do
    if "$python" -c 'import numpy' 2>/dev/null; then
        peer=(--peer "$python bench/peers/peer.py")
        break
    fi
done
"$build/bench/bench" --json bench/out/bench.json "${peer[@]}" "$@" | tee bench/out/bench.md
