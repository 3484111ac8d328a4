# Sourced by the verbs of ./dev: paths, messages, packages.
# shellcheck shell=bash disable=SC2034

root=${root:-$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)}
home=${DEPLOYCLAW_HOME:-$root/var}
port=${DEPLOYCLAW_PORT:-8080}
started_at=$(date +%s)
# One cache for every build folder and clone: paths are taken relative to the tree.
export CCACHE_BASEDIR=$root CCACHE_NOHASHDIR=1
export CCACHE_DIR=${CCACHE_DIR:-${XDG_CACHE_HOME:-$HOME/.cache}/ccache}

say() { printf '[%4d s] %s\n' "$(($(date +%s) - started_at))" "$*"; }
die() {
  printf 'dev: %s\n' "$*" >&2
  exit 1
}

# show_help FILE: prints the comment block at the top of a verb's script.
show_help() {
  sed -n '2,/^[^#]/{/^#/s/^# \{0,1\}//p}' "$1"
  exit 0
}

need_root() {
  [ "$(id -u)" = 0 ] || die "this verb needs root (it installs packages or gives each role its own user); run it with sudo"
}

build_packages=(
  clang-19 clang-format-19 libclang-rt-19-dev mold ccache ninja-build cmake pkg-config g++
  libboost1.81-dev libboost-json1.81-dev libboost-url1.81-dev libboost-system1.81-dev
  libpq-dev libssl-dev libcrypt-dev libfmt-dev libspdlog-dev libtomlplusplus-dev libcli11-dev
  zlib1g-dev libdeflate-dev libbrotli-dev libzstd-dev libc-ares-dev libnftables-dev libmnl-dev libseccomp-dev libqrcodegencpp-dev
  libpsl-dev libidn2-dev libyaml-dev
)
run_packages=(
  postgresql-15 docker.io nftables e2fsprogs ca-certificates mmdebstrap binutils zstd xz-utils
  curl jq oathtool procps python3
)
test_packages=(libgtest-dev libgmock-dev librapidcheck-dev shellcheck iproute2 util-linux python3-yaml)
# What the tests of the web pages need: a browser, and fonts for its pictures.
web_test_packages=(chromium fonts-dejavu-core fonts-liberation)

# install_packages NAME...: installs the Debian packages that are missing, all in one go.
install_packages() {
  local missing=() name
  for name in "$@"; do
    dpkg-query -W -f '${db:Status-Status}' "$name" 2>/dev/null | grep -qx installed || missing+=("$name")
  done
  [ ${#missing[@]} -eq 0 ] && return 0
  need_root
  say "installing ${#missing[@]} Debian packages: ${missing[*]}"
  local log=/tmp/deployclaw-apt.$$.log
  # Debian's postgresql would create and start a cluster of its own on install; ours is private.
  if [ ! -e /etc/postgresql-common/createcluster.conf ]; then
    mkdir -p /etc/postgresql-common
    echo 'create_main_cluster = false' >/etc/postgresql-common/createcluster.conf
  fi
  if ! { apt-get update -q && DEBIAN_FRONTEND=noninteractive apt-get install -y -q --no-install-recommends "${missing[@]}"; } >"$log" 2>&1; then
    tail -n 20 "$log" >&2
    die "apt-get failed; the whole output is in $log"
  fi
  rm -f "$log"
}

# Node.js and npm, for the agent image's packages and the web build: whatever is installed, else Debian's.
install_node() {
  command -v node >/dev/null && command -v npm >/dev/null && return 0
  install_packages nodejs npm
}

# compile PRESET [TARGET...]: configures when needed and builds.
compile() {
  local preset=$1
  shift
  local dir=$root/build/$preset
  if [ ! -f "$dir/build.ninja" ]; then
    say "configuring ($preset)"
    (cd "$root" && cmake --preset "$preset" >"/tmp/deployclaw-cmake.$$.log" 2>&1) ||
      { cat "/tmp/deployclaw-cmake.$$.log" >&2; die "cmake failed"; }
    rm -f "/tmp/deployclaw-cmake.$$.log"
  fi
  say "compiling ($preset)"
  # A terminal shows ninja's own counter; a log gets a line every tenth of the way and whatever fails.
  if [ -t 1 ]; then
    NINJA_STATUS='[%f/%t %es] ' ninja -C "$dir" "$@"
  else
    NINJA_STATUS='@%f/%t ' ninja -C "$dir" "$@" | awk '
      /^ninja: (Entering directory|no work to do)/ { next }
      /^@[0-9]+\/[0-9]+ / {
        split(substr($1, 2), at, "/"); tenth = int(10 * at[1] / at[2])
        if (at[2] > 20 && tenth > last) { last = tenth; print "  compiled " at[1] " of " at[2]; fflush() }
        next
      }
      { print; fflush() }'
  fi
}

# build_web: web/dist from web/, with exactly the packages of its lock file; nothing when it is current.
build_web() {
  local stamp=$root/web/node_modules/.deployclaw-lock log=/tmp/deployclaw-web.$$.log
  if ! cmp -s "$root/web/package-lock.json" "$stamp"; then
    say "packages of the web"
    (cd "$root/web" && npm ci --ignore-scripts --no-audit --no-fund) >"$log" 2>&1 || { tail -n 20 "$log" >&2; die "npm ci failed; the whole output is in $log"; }
    rm -f "$log"
    cp "$root/web/package-lock.json" "$stamp"
  fi
  local built=$root/web/dist/app.html
  if [ -f "$built" ] && [ -z "$(find "$root/web" "$root/docs/api/openapi.yaml" "$root/catalog" -path "$root/web/node_modules" -prune -o -path "$root/web/dist" -prune \
    -o -name schema.d.ts -prune -o -type f -newer "$built" -print -quit)" ]; then
    return 0
  fi
  say "web"
  node "$root/web/scripts/build.mjs"
}

binary() { echo "$root/build/${DEPLOYCLAW_PRESET:-release}/deployclaw"; }
