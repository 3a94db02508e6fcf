#!/bin/sh
# Finds a Python that is new enough and hands over to start.py, which knows the rest. For Linux and macOS.
here=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd) || exit 1

for python in python3 python3.13 python3.12 python3.11 python3.14; do
    if "$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
        exec "$python" "$here/start.py" "$@"
    fi
done
if python3 -c '' 2>/dev/null; then
    exec python3 "$here/start.py" "$@" # says that it is too old
fi

message='PhiScope needs Python 3.11 or newer, and there is none. Install it and start again.'
echo "$message" >&2
[ -t 2 ] && exit 1
for window in 'zenity --error --text' 'kdialog --error' 'xmessage -center' 'notify-send PhiScope'; do
    # The command is meant to be split.
    # shellcheck disable=SC2086
    command -v "${window%% *}" >/dev/null && $window "$message" && break
done
exit 1
