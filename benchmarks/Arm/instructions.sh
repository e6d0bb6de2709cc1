#!/usr/bin/env bash
# instructions.sh CLASSIFY CHECKPOINT PICTURE: how many instructions samples/Classify, compiled for Arm, executes for a MAC, in an emulator. A count, which is
# no time: how many of them a processor does at once is not in it. Of one classification of decoded pixels: runs with and without the 201 of --time.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
"$(command -v clang || command -v cc)" -std=c99 -O2 -fPIC -shared "$(dirname "${BASH_SOURCE[0]}")/count.c" -o "$work/count.so"

run() {
    qemu-aarch64 -L /usr/aarch64-linux-gnu -plugin "$work/count.so,out=$work/count" "$@" >"$work/said"
    cat "$work/count"
}

macs=$(${XSEPCONV:-dotnet run -c Release --project src/XSepConv.Cli --} profile --checkpoint "$2" --json |
    sed -n 's/^{[^{]*"macs":\([0-9]*\).*/\1/p')
once=$(run "$1" "$2" "$3")
more=$(run "$1" --time "$2" "$3")
awk -v once="$once" -v more="$more" -v macs="$macs" 'BEGIN {
    split(once, a); split(more, b)
    all = (b[1] - a[1]) / 201; fma = (b[2] - a[2]) / 201
    printf "%.0f instructions for %d MACs: %.3f for a MAC, of which %.3f multiply-adds of 4 lanes; 0.25 at the least\n", all, macs, all / macs, fma / macs
}'
