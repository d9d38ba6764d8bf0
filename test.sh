#!/usr/bin/env bash
# Installs what is missing, builds, and passes every test. test.sh PRESET runs another preset.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"
preset=${1:-release}
bash tools/setup.sh
cmake --preset "$preset" >/dev/null
cmake --build --preset "$preset"
ctest --test-dir "build/$preset" --output-on-failure --no-tests=error -j 2
