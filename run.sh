#!/usr/bin/env bash
# Installs what is missing, builds, and runs the main job: gelu of normalised images, checked
# against the interpreter and timed against a plain C loop. The images are MNIST's test set where
# $FUSEJIT_DATA (default ../shared/data) has it, else an array made for the purpose.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"
bash tools/setup.sh
cmake --preset release >/dev/null
cmake --build --preset release

data=${FUSEJIT_DATA:-../shared/data}/mnist/t10k-images-idx3-ubyte.gz
out=build/run
mkdir -p "$out"
if [[ -f $data ]]; then
    build/release/examples/example_image_gelu "$data" "$out/gelu.npy"
else
    build/release/examples/example_image_gelu "" "$out/gelu.npy"
fi
