#!/usr/bin/env bash
# Usage: ./dev build [PRESET] [TARGET...]
#
# Compiles with a CMake preset (dev, release, gcc, asan, tsan, fuzz; default release), installing the
# compiler and libraries when they are missing. Results are in build/PRESET; ccache keeps repeats quick.
set -euo pipefail
# shellcheck source=scripts/common.sh
source "$(dirname "$0")/common.sh"
case "${1:-}" in -h | --help) show_help "$0" ;; esac

preset=${1:-release}
[ $# -gt 0 ] && shift
install_packages "${build_packages[@]}" "${test_packages[@]}"
compile "$preset" "$@"
say "built in build/$preset"
