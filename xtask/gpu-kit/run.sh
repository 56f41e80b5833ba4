#!/bin/sh
# Measures Cameo on this machine with a part of the GPU kit: part-1/run.sh first, then part-2/run.sh.
#
#   sh part-1/run.sh [--results DIR] [--quick] [--allow-software]
#
# The kit is unpacked to $CAMEO_KIT, or to cameo-kit in the folder for temporary files. The results go to DIR, $OUT or
# the current folder: gpu-kit-1.json has all figures, gpu-kit-1.log the output of every command.
set -eu
part=$(cd "$(dirname "$0")" && pwd)
kit=${CAMEO_KIT:-${TMPDIR:-/tmp}/cameo-kit}
if [ -f "$part/gpu-kit" ]; then
  mkdir -p "$kit"
  # A running program cannot be overwritten, but removed.
  rm -f "$kit/gpu-kit"
  cp "$part/gpu-kit" "$kit/gpu-kit"
  chmod +x "$kit/gpu-kit"
fi
if [ ! -x "$kit/gpu-kit" ]; then
  echo "error: there is no kit in $kit: run part-1/run.sh on this machine first" >&2
  exit 1
fi
exec "$kit/gpu-kit" run-gpu-kit "$part" --kit "$kit" "$@"
