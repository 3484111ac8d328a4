# shellcheck shell=bash
# Shared by the image recipes in this folder; sourced, not run.
#
# A recipe writes one flat, uncompressed tar of a root file system. The same inputs give the same
# bytes: entries are sorted, owners numeric, every time stamp is SOURCE_DATE_EPOCH.

set -euo pipefail
umask 022
export LC_ALL=C
export SOURCE_DATE_EPOCH="${SOURCE_DATE_EPOCH:-1767225600}"

IMAGES_DIR="$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)"
AGENT_UID=10001
AGENT_GID=10001

step_number=0
step_name=""
step_started=0

# step NAME: ends the step before (if any) and begins the next. Needs STEPS (how many there are).
# A step shows when it starts and again, with its time, when it ends: a long one is not silence.
step() {
  finish_step
  step_number=$((step_number + 1))
  step_name="$1"
  step_started=$SECONDS
  printf '[%d/%d] %s …\n' "$step_number" "$STEPS" "$step_name"
}

finish_step() {
  [[ -z $step_name ]] && return 0
  printf '[%d/%d] %s … %d s\n' "$step_number" "$STEPS" "$step_name" $((SECONDS - step_started))
  step_name=""
}

fail() {
  printf '%s: %s\n' "$(basename "$(dirname "$0")")/$(basename "$0")" "$*" >&2
  exit 1
}

# need PROGRAM DEBIAN-PACKAGE: refuses early, naming the fix.
need() {
  command -v "$1" >/dev/null || fail "$1 is missing; run: apt-get install --no-install-recommends $2"
}

# run_logged LOG COMMAND…: runs quietly; on failure shows the end of the log.
run_logged() {
  local log="$1"
  shift
  "$@" >"$log" 2>&1 || {
    local code=$?
    printf -- '--- last lines of %s ---\n' "$log" >&2
    tail -n 40 "$log" >&2
    fail "$1 failed with exit code $code"
  }
}

# compile_static OUTPUT SOURCE…: a small static binary without exceptions and RTTI.
compile_static() {
  local output="$1"
  shift
  local compiler="${CXX:-}"
  local candidate
  if [[ -z $compiler ]]; then
    for candidate in clang++-19 g++ c++; do
      if command -v "$candidate" >/dev/null; then
        compiler="$candidate"
        break
      fi
    done
  fi
  [[ -n $compiler ]] || fail "no C++ compiler; run: apt-get install --no-install-recommends g++"
  "$compiler" -std=c++20 -Wall -Wextra -Werror -Os -static -fno-exceptions -fno-rtti \
    -ffunction-sections -fdata-sections -Wl,--gc-sections -Wl,--build-id=none -s -o "$output" "$@"
}

# install_agent_init ROOT: puts /usr/local/bin/agent-init into the image.
install_agent_init() {
  mkdir -p "$1/usr/local/bin"
  compile_static "$1/usr/local/bin/agent-init" "$IMAGES_DIR/init/agent_init.cpp"
}

# add_agent_user ROOT: the user every agent runs as; no password, no shell to log in with.
add_agent_user() {
  mkdir -p "$1/etc"
  touch "$1/etc/passwd" "$1/etc/group"
  printf 'agent:x:%d:%d:agent:/state:/usr/sbin/nologin\n' "$AGENT_UID" "$AGENT_GID" >>"$1/etc/passwd"
  printf 'agent:x:%d:\n' "$AGENT_GID" >>"$1/etc/group"
}

# drop_privileged_files ROOT: no setuid or setgid bit, no device, no file capability survives.
drop_privileged_files() {
  find "$1" -xdev -type f -perm /6000 -exec chmod ug-s {} +
  find "$1" -xdev -type d -perm /6000 -exec chmod ug-s {} +
  find "$1" -xdev \( -type b -o -type c -o -type p -o -type s \) -delete
}

# pack_tar ROOT OUTPUT: extended attributes (so file capabilities too) are left out.
pack_tar() {
  local part="$2.part"
  tar --create --file "$part" --directory "$1" --sort=name --format=gnu --numeric-owner \
    --owner=0 --group=0 --mtime="@$SOURCE_DATE_EPOCH" --no-xattrs --no-acls --no-selinux \
    --exclude=./proc/* --exclude=./sys/* --exclude=./dev/* .
  mv "$part" "$2"
}
