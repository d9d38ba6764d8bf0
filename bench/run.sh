#!/usr/bin/env bash
# Builds the benchmarks and runs them: Markdown tables on standard output, which are kept with
# the JSON in bench/out/. Peers take part where Python has them: NumPy, numexpr, Numba, PyTorch,
# ONNX Runtime, JAX, scikit-learn; FUSEJIT_PEER_PYTHON names another Python for them.
# run.sh [--quick] [GROUP]...   --quick: three repeats and few, small arrays, to see that it works;
# GROUP: elementwise, arrays, functions, or one of the names that a wrong one brings up.
# FUSEJIT_BENCH_FUNCTIONS="exp log" keeps the group functions to these.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
while read -r name; do
    unset "$name" # settings that halve OpenBLAS, and all that links it
done < <(compgen -e | grep '^OPENBLAS_' || true)
export OMP_NUM_THREADS=1 NUMBA_NUM_THREADS=1 MKL_NUM_THREADS=1

build=${FUSEJIT_BUILD:-build/release}
[[ -f $build/build.ninja ]] || cmake --preset release >/dev/null
cmake --build "$build" --target bench >&2
mkdir -p bench/out
peer=()
for python in ${FUSEJIT_PEER_PYTHON:+"$FUSEJIT_PEER_PYTHON"} python3 /usr/bin/python3; do
    if "$python" -c 'import numpy' 2>/dev/null; then
        peer=(--python "$python")
        break
    fi
done
"$build/bench/bench" --json bench/out/bench.json "${peer[@]}" "$@" | tee bench/out/bench.md
