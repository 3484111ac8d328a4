#!/usr/bin/env bash
# Usage: ./dev fmt [--check]
#
# Formats every C++ source with clang-format (Google style, 100 columns).
set -euo pipefail
# shellcheck source=scripts/common.sh
source "$(dirname "$0")/common.sh"
case "${1:-}" in -h | --help) show_help "$0" ;; esac
install_packages clang-format-19
cd "$root"
mapfile -d '' files < <(git ls-files -z --cached --others --exclude-standard -- '*.cpp' '*.hpp')
if [ "${1:-}" = --check ]; then
  clang-format-19 --dry-run --Werror "${files[@]}"
else
  clang-format-19 -i "${files[@]}"
fi
