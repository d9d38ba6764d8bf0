#!/usr/bin/env bash
# Installs what is missing, builds, and runs the main jobs: gelu of normalised images and a trained
# network of them, checked against the interpreter and timed against plain C and against separate
# steps; then trains networks and draws what they learn. The images are MNIST's where $FUSEJIT_DATA
# (default ../shared/data) has them, else arrays made for the purpose and two spirals.
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

# Training: two spirals and what of the plane belongs to each; then a network by the program, its
# losses as a picture, and a second process that predicts with what the first one saved.
program=$PWD/build/release/tools/fusejit
(cd "$out" && "$OLDPWD/build/release/examples/example_two_spirals")
if [[ $images ]]; then
    "$program" train examples/digits.fj --data "$mnist/train-images-idx3-ubyte.gz" \
        --data "$mnist/train-labels-idx1-ubyte.gz" --test "$images" --test "$labels" \
        --plot "$out/loss.svg" --out "$out/model.safetensors" --target-acc 0.97
    sample=$images
else
    "$program" train examples/spirals.fj --data "$out/two_spirals.npz" --epochs 50 --batch 16 --lr 0.02 \
        --schedule cosine_decay --plot "$out/loss.svg" --out "$out/model.safetensors" --target-acc 0.97
    sample=$out/two_spirals.npz:x
fi
echo "classes of the first samples, by a second process with $out/model.safetensors:"
"$program" predict "$out/model.safetensors" --in "x=$sample" --classes | head -n 10 | tr '\n' ' '
echo
echo "pictures: $out/two_spirals.ppm, $out/loss.svg"
