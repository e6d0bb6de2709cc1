#!/usr/bin/env bash
# run.sh OUT: from torchvision's weights to pictures that are classified without Torch, by the commands alone. OUT is as digits.py leaves it.
set -euo pipefail
cd "$1"
xsepconv=${XSEPCONV:-xsepconv}

$xsepconv import mobilenet_v3_small.safetensors --from torchvision --model mobilenet_v3_small --out net.safetensors
$xsepconv convert --checkpoint net.safetensors --kernel 5 --fit folder --data-root pictures --image-size 32 --out xsep.safetensors
# torchvision's batch norms move their averages by a hundredth a step: some hundred steps pass until evaluation sees what was learned.
$xsepconv train --data folder --data-root pictures --image-size 32 --init xsep.safetensors --freeze 1 --epochs 12 --batch-size 20 --out run
$xsepconv evaluate --checkpoint run/best.safetensors --data folder --data-root pictures --split test
$xsepconv export --checkpoint run/best.safetensors --out digits.onnx
$xsepconv predict --checkpoint run/best.safetensors pictures/7/00.png pictures/3/99.png
