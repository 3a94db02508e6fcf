#!/bin/sh
# Starts PhiScope on Linux, and sets it up the first time. A link to this file works too.
exec sh "$(dirname -- "$(readlink -f -- "$0")")/resources/launchers/phiscope.sh" "$@"
