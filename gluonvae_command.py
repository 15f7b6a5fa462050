"""The program ``gluonvae``: outside the package, whose import fails where a library of MXNet's is missing."""

from __future__ import annotations

import signal
import sys


def main() -> int:
    """Run the command, or say in a line why MXNet cannot be loaded.

    Returns
    -------
    int
        The exit status of :func:`gluonvae.cli.main.program`; 4 without MXNet.
    """
    heeds_interrupt = signal.getsignal(signal.SIGINT) is signal.default_int_handler
    if heeds_interrupt:
        signal.signal(signal.SIGINT, signal.SIG_DFL)  # NumPy's import makes an ImportError of a Ctrl-C
    try:
        from gluonvae.cli.main import program
    except ImportError as error:
        if error.name != "mxnet":
            raise
        print(f"gluonvae: {error}", file=sys.stderr)
        return 4
    if heeds_interrupt:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    return program()


if __name__ == "__main__":
    sys.exit(main())
