#!/usr/bin/env bash
# Usage: ./dev fuzz TARGET [SECONDS]
#
# Builds a libFuzzer target (the name of an x_fuzz.cpp without its ending) with ASan and UBSan and runs
# it on its corpus in tests/corpus for SECONDS (default 60). Without TARGET: lists the targets.
set -euo pipefail
# shellcheck source=scripts/common.sh
source "$(dirname "$0")/common.sh"
case "${1:-}" in
  -h | --help) show_help "$0" ;;
  "") cd "$root" && find src -name '*_fuzz.cpp' -printf '%f\n' | sed 's/\.cpp$//' | sort; exit 0 ;;
esac
install_packages "${build_packages[@]}"
compile fuzz "$1"
program=$(find "$root/build/fuzz" -name "$1" -type f -perm -u+x | head -n 1)
corpus=$root/build/fuzz/corpus/$1
seeds=$root/tests/corpus/$1
mkdir -p "$corpus" "$seeds"
"$program" -max_total_time="${2:-60}" "$corpus" "$seeds"
