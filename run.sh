#!/usr/bin/env bash
# Installs what is missing, builds, and runs the main jobs: gelu of normalised images and a trained
# network of them, checked against the interpreter and timed against plain C and against separate
# steps; then trains a network, saves it and loads it again. The images are MNIST's where
# $FUSEJIT_DATA (default ../shared/data) has them, else arrays made for the purpose and two spirals.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"
bash tools/setup.sh
cmake --preset release >/dev/null
cmake --build --preset release

mnist=$(realpath -m "${FUSEJIT_DATA:-../shared/data}/mnist")
images=$mnist/t10k-images-idx3-ubyte.gz labels=$mnist/t10k-labels-idx1-ubyte.gz
out=build/run
mkdir -p "$out"
[[ -f $images ]] || images= labels=
build/release/examples/example_image_gelu "$images" "$out/gelu.npy"
build/release/examples/example_mnist_mlp examples/mnist.safetensors "$images" "$labels"

learn=("$mnist"/{train-images-idx3,train-labels-idx1,t10k-images-idx3,t10k-labels-idx1}-ubyte.gz)
[[ -f ${learn[0]} ]] || learn=()
train=$PWD/build/release/examples/example_train
(cd "$out" && "$train" "${learn[@]}")
