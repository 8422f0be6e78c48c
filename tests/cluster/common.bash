# Sourced by the cluster tests: what they share, and that they leave nothing behind.
set -euo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
work=$(mktemp -d)
export SLURM_CLUSTER=$work/slurm MPI_HOSTS=$work/hosts

# What the caller's shell says about launchers is not for the tests.
for variable in "${!SLURM_@}" "${!SBATCH_@}" "${!SRUN_@}" "${!OMPI_@}" "${!PMI@}" "${!PROCESSION_@}"; do
  [ "$variable" = SLURM_CLUSTER ] || unset "$variable"
done

# Takes down whatever is up. CTest ends what takes too long by SIGKILL, which nothing can answer; so a process that is no
# child of the test, and out of CTest's reach, waits for the end of this one.
clean_up() {
  "$root/scripts/slurm-cluster" down
  "$root/scripts/mpi-hosts" down
  rm -rf "$work"
}
export root work
export -f clean_up
(setsid bash -c 'tail --pid="$1" --follow /dev/null; clean_up' - $$ </dev/null &>/dev/null &)

job=
finish() {
  if [ -n "$job" ] && kill "$job" 2>/dev/null; then
    wait "$job" || true  # a launcher says goodbye to what it started, while that is there
  fi
  clean_up
}
trap finish EXIT
trap 'exit 1' INT TERM HUP

fail() {
  echo "FAILED: $*" >&2
  exit 1
}

# For programs whose stderr went to $work/errors.
fail_with_errors() {
  cat "$work/errors"
  fail "$@"
}

# limited <seconds> <command>...: in the background, as bash answers signals only then.
limited() {
  local status=0
  timeout --kill-after=5 "$@" &
  job=$!
  wait "$job" || status=$?
  job=
  return $status
}

# alone <program>...: what it prints when it is started as on a laptop.
alone() {
  limited 60 "$@" >"$work/expected" 2>"$work/errors" || fail_with_errors "alone, $1 ended with $?"
}

# What is compared of an output: all of it, or what comes before the first line that matches COMPARE_UNTIL.
compared() {
  if [ -n "${COMPARE_UNTIL:-}" ]; then
    sed "/$COMPARE_UNTIL/,\$d" "$1"
  else
    cat "$1"
  fi
}

# compare <what>: $work/output with what the program printed alone, and $work/errors with EXPECT_ON_STDERR, if given.
compare() {
  if ! diff -u <(compared "$work/expected") <(compared "$work/output") >"$work/diff"; then
    cat "$work/diff"
    fail_with_errors "$1: other output than without MPI"
  fi
  if [ -n "${EXPECT_ON_STDERR:-}" ] && ! grep -qE -- "$EXPECT_ON_STDERR" "$work/errors"; then
    fail_with_errors "$1: nothing on stderr matches '$EXPECT_ON_STDERR'"
  fi
  echo "ok: $1"
}
