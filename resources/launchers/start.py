"""What a double click runs: sets PhiScope up where that is still to do, and starts it.

The launchers of all platforms call this file with whatever Python they find. It runs on Python 3.6, to say that this
is too old; everything else is in first_start.py.
"""

import os
import sys

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
OLDEST = (3, 11)  # of the versions in constraints.txt


def main():
    # type: () -> int
    """Start the program with the arguments of this one; the exit status."""
    sys.path.insert(1, ROOT)
    if sys.version_info < OLDEST:
        from gui.program.plain_window import complain, is_watched, show_message  # noqa: PLC0415 - found by the path above

        text = "PhiScope needs Python {}.{} or newer; this is {}.{}. Install a newer one and start again.".format(
            *OLDEST, *sys.version_info[:2]
        )
        complain(text)
        if not is_watched():
            show_message("PhiScope", text)
        return 1
    from first_start import run  # noqa: PLC0415 - written for newer versions than this file

    return run(ROOT, sys.argv[1:])


if __name__ == "__main__":
    sys.exit(main())
