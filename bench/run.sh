#!/usr/bin/env bash
# Builds the benchmarks and runs them all, side by side with whatever of the peers there is: Markdown
# tables on standard output, which are kept in bench/out/ with the JSON, the times of all sizes, a
# plot of them and a page of all (docs/benchmarks.md is one). Peers of Python: NumPy, numexpr, Numba, PyTorch, JAX, Dr.Jit, ONNX Runtime,
# scikit-learn. FUSEJIT_PEER_PYTHON names the Python that has them; without it --peers makes a virtual
# environment of the newest ones under build/peers, which is used from then on, else python3 is.
# run.sh [--quick] [--peers] [GROUP]...   --quick: three repeats and few, small arrays, to see that
# it works, in minutes; GROUP: elementwise, arrays, training, functions, sides, or one of the names
# that a wrong one brings up. FUSEJIT_BENCH_FUNCTIONS="exp log": of functions and sizes these alone.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
while read -r name; do
    unset "$name" # settings that halve OpenBLAS, and all that links it
done < <(compgen -e | grep '^OPENBLAS_' || true)
export OMP_NUM_THREADS=1 NUMBA_NUM_THREADS=1 MKL_NUM_THREADS=1

peers=build/peers
arguments=()
for argument in "$@"; do
    if [[ $argument == --peers ]]; then
        [[ -d $peers ]] || python3 -m venv "$peers"
        for package in numpy scipy numexpr numba torch jax drjit onnxruntime scikit-learn; do
            "$peers/bin/pip" install --quiet --upgrade "$package" || echo "no $package" >&2
        done
    else
        arguments+=("$argument")
    fi
done

build=${FUSEJIT_BUILD:-build/release}
[[ -f $build/build.ninja ]] || cmake --preset release >/dev/null
cmake --build "$build" --target bench >&2
# our own package, for the processes that use it
export PYTHONPATH=$PWD/python FUSEJIT_LIBRARY=$(realpath "$build")/src/libfusejit.so
mkdir -p bench/out
rm -f bench/out/sizes.tsv
peer=()
for python in ${FUSEJIT_PEER_PYTHON:+"$FUSEJIT_PEER_PYTHON"} "$peers/bin/python" python3 /usr/bin/python3; do
    if "$python" -c 'import numpy' 2>/dev/null; then
        peer=(--python "$python")
        break
    fi
done
"$build/bench/bench" --json bench/out/bench.json --data bench/out/sizes.tsv "${peer[@]}" \
    ${arguments[@]+"${arguments[@]}"} | tee bench/out/bench.md
[[ ! -s bench/out/sizes.tsv ]] || bench/plot.sh bench/out/sizes.tsv bench/out/benchmarks
[[ ! -v python ]] || bench/page.sh bench/out/bench.md benchmarks.svg "$python" >bench/out/benchmarks.md
