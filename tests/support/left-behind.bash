# Sourced by what starts ranks. What is started with PROCESSION_TEST_MARK=$mark in its environment is found again by it.
mark=procession-ranks-$$
started=$(mktemp)
trap 'rm -f "$started"' EXIT

left_processes() { grep -lsz "^PROCESSION_TEST_MARK=$mark\$" /proc/[0-9]*/environ 2>/dev/null | grep -v "/$$/" || true; }

# Segments that nobody has any more: what another job on this machine uses is its own.
left_memory() {
  local name
  for name in $(find /dev/shm -maxdepth 1 -newer "$started" -printf '%f\n' 2>/dev/null |
    grep -E 'vader|procession|psm|sm_segment'); do
    grep -qsF "/dev/shm/$name" /proc/[0-9]*/maps || echo "$name"
  done
}

# True, within a few seconds, when no process and no shared memory is left.
nothing_is_left() {
  local tries
  for ((tries = 50; tries > 0; tries--)); do
    [ -z "$(left_processes)$(left_memory)" ] && return
    read -rt 0.1 <> <(:) || true
  done
  echo "left in shared memory: $(left_memory)" >&2
  echo "still running:" >&2
  for environment in $(left_processes); do
    tr '\0' ' ' <"${environment%environ}cmdline" >&2
  done
  return 1
}
