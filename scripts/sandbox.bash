# Sourced by slurm-cluster and mpi-hosts: processes that end together.
#
# A sandbox is a folder and a pid namespace. When the namespace's first process is killed, the kernel kills all others in
# it, whatever they did to get away: daemons, new sessions, workers of killed programs. So nothing is ever searched by
# name, nothing can be left over, and the death of one known process is the end of everything.
#
# The script that sources it sets `folder` and `name`, and is run a second time as the namespace's first process.

PATH=$PATH:/usr/sbin:/sbin  # where daemons and ip are

die() {
  echo "$name: $*" >&2
  exit 1
}

# sandbox_require <command> <Debian package>...: all that is missing is named at once.
sandbox_require() {
  [ "$(id -u)" -eq 0 ] || die "needs root: it makes namespaces"
  local missing=()
  while [ $# -gt 0 ]; do
    command -v "$1" >/dev/null || missing+=("$1 (package $2)")
    shift 2
  done
  [ ${#missing[@]} -eq 0 ] || die "missing: ${missing[*]}; scripts/setup --ci installs them"
}

# Makes the folder, and clears what an earlier sandbox left in it; a folder with anything else in it is refused.
sandbox_prepare() {
  [ ${#folder} -le 60 ] || die "$folder: too long for the names of sockets in it"
  sandbox_is_down || die "$folder: already up"
  if [ -n "$(ls -A "$folder" 2>/dev/null)" ] && [ ! -e "$folder/sandbox" ]; then
    die "$folder: is in use for something else"
  fi
  rm -rf "$folder"
  mkdir -p "$folder"
  folder=$(readlink -f "$folder")
  touch "$folder/sandbox"
  trap sandbox_end EXIT
}

# What was brought up stays up when the script ends; until here, it does not.
sandbox_keep() { trap - EXIT; }

# sandbox_start <unshare's options>...: runs `<this script> supervise <folder>` as the first process of the namespaces.
# A session of its own keeps it from a terminal's Ctrl-C.
sandbox_start() {
  setsid unshare --pid --fork --mount "$@" -- bash "$0" supervise "$folder" </dev/null >"$folder/supervisor.log" 2>&1 &
  sandbox_wait 5 sandbox_is_up || sandbox_fail "could not make its namespaces"
}

# The supervisor's first act: leaves its pid, as the outside has it, with its start time, by which it is told from a
# later process of that pid. Still valid for that is the outside's /proc; from here on there is one of the inside's.
sandbox_enter() {
  local stat
  read -ra stat </proc/self/stat
  echo "${stat[0]} ${stat[21]}" >"$folder/supervisor.new"
  mv "$folder/supervisor.new" "$folder/supervisor"
  mount -t proc proc /proc
}

sandbox_pid() { cut -d ' ' -f 1 "$folder/supervisor"; }

# A zombie counts as gone: it becomes one only after the kernel has ended all others.
sandbox_is_up() {
  local pid start stat
  { read -r pid start <"$folder/supervisor" && read -ra stat <"/proc/$pid/stat"; } 2>/dev/null || return 1
  [ "${stat[2]}" != Z ] && [ "${stat[21]}" = "$start" ]
}
sandbox_is_down() { ! sandbox_is_up; }

# sandbox_wait <seconds> <command>...: until the command succeeds.
sandbox_wait() {
  local tries=$((50 * $1))
  shift
  until "$@"; do
    [ $((tries--)) -gt 0 ] || return 1
    sleep 0.02
  done
}

# Ends everything and removes the folder. Nothing is done, and nothing is wrong, when there is nothing.
sandbox_end() {
  [ -e "$folder/sandbox" ] || return 0
  if sandbox_is_up; then
    kill -KILL "$(sandbox_pid)"
    sandbox_wait 10 sandbox_is_down || die "$folder: process $(sandbox_pid) does not end"
  fi
  rm -rf "$folder"
}

# sandbox_fail <message>: for starts that go wrong; what was logged is shown.
sandbox_fail() {
  local log
  for log in "$folder"/*.log; do
    [ ! -s "$log" ] || { echo "--- $(basename "$log")"; tail -n 8 "$log"; } >&2
  done
  die "$@"
}
