#!/bin/sh
# Starts PhiScope on macOS, and sets it up the first time.
exec sh "$(dirname -- "$0")/resources/launchers/phiscope.sh" "$@"
