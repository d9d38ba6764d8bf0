#!/bin/sh
# Builds sweep.cpp around src/ir/prelude/math_*.fj and runs it: sweep.sh [--no-fma] [sweep's arguments]
set -eu
here=$(cd "$(dirname "$0")" && pwd)
work=${SWEEP_DIR:-${TMPDIR:-/tmp}/fusejit-sweep}
mkdir -p "$work"
flags=
if [ "${1:-}" = --no-fma ]; then
    flags=-DSWEEP_NO_FMA
    shift
fi
python3 "$here/two_over_pi.py" >"$work/two_over_pi.inc"
# each file uses what is defined before
(cd "$here/../../src/ir/prelude" && python3 "$here/sweep_to_cpp.py" math_exp.fj math_log.fj \
    math_circular.fj math_power.fj math_special.fj) >"$work/math.inc"
python3 "$here/sweep_entries.py" "$work/math.inc" >"$work/have.inc"
"${CXX:-g++}" -std=gnu++17 -O2 -ffp-contract=off -mavx2 -mfma $flags -I "$work" -I "$here" \
    "$here/sweep.cpp" -o "$work/sweep$flags" -lquadmath -lm
exec "$work/sweep$flags" "$@"
