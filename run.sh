#!/usr/bin/env bash
# Installs what is missing, builds, and runs the main jobs: gelu of normalised images and a small
# network of them, checked against the interpreter and timed against plain C and against separate
# steps. The images are MNIST's test set where $FUSEJIT_DATA (default ../shared/data) has it, else
# arrays made for the purpose.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"
bash tools/setup.sh
cmake --preset release >/dev/null
cmake --build --preset release

data=${FUSEJIT_DATA:-../shared/data}/mnist/t10k-images-idx3-ubyte.gz
out=build/run
mkdir -p "$out"
[[ -f $data ]] || data=
build/release/examples/example_image_gelu "$data" "$out/gelu.npy"
build/release/examples/example_mnist_mlp "$data"
