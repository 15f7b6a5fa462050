"""The program ``gluonvae``: outside the package, whose import fails where a library of MXNet's is missing."""

from __future__ import annotations

import sys


def main() -> int:
    """Run the command, or say in a line why MXNet cannot be loaded.

    Returns
    -------
    int
        The exit status of :func:`gluonvae.cli.main.program`; 4 without MXNet.
    """
    try:
        from gluonvae.cli.main import program
    except ImportError as error:
        if error.name != "mxnet":
            raise
        print(f"gluonvae: {error}", file=sys.stderr)
        return 4
    except KeyboardInterrupt:
        return 130
    return program()
