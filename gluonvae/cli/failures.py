"""What the command says when it fails, and its exit status.

======  ==========================================================================================
status  what went wrong
======  ==========================================================================================
2       what was asked for, or the data or the run that were given: to be put right by the user
3       the training diverged, or a result is not a finite number
4       anything else: memory, disk, MXNet, a fault of this library
128+N   signal N, such as 130 for Ctrl-C and 141 for a reader of the output that has gone
======  ==========================================================================================
"""

from __future__ import annotations

import contextlib
import errno
import os
import signal
import sys
import traceback
from typing import Union

from ..training.signals import Interrupt

USAGE, DIVERGED, FAILED, BY_SIGNAL = 2, 3, 4, 128

OF_THE_MACHINE = (errno.ENOSPC, errno.EDQUOT, errno.EIO, errno.ENOMEM, errno.EMFILE, errno.ENFILE)
"""System errors that no other argument or file would have avoided."""

LONGEST = 500
"""Characters of a message; MXNet's have pages."""

Failure = Union[Exception, KeyboardInterrupt]


def report(error: Failure, name: str, debug: bool) -> int:
    """Print one line about an exception, and return the exit status.

    Parameters
    ----------
    error : Exception or KeyboardInterrupt
        What a command raised.
    name : str
        Of the command.
    debug : bool
        Whether to print the traceback before it.

    Returns
    -------
    int
        The exit status.
    """
    status = exit_status(error)
    if status == BY_SIGNAL + signal.SIGPIPE:
        _discard_output()
        return status
    with contextlib.suppress(OSError, ValueError):  # the terminal may have gone
        if debug:
            traceback.print_exception(type(error), error, error.__traceback__)
        print(f"{name}: {message(error)}", file=sys.stderr, flush=True)
    return status


def exit_status(error: Failure) -> int:
    """Return the exit status of an exception, by its kind."""
    if isinstance(error, KeyboardInterrupt):
        return BY_SIGNAL + (error.number if isinstance(error, Interrupt) else signal.SIGINT)
    if isinstance(error, BrokenPipeError):
        return BY_SIGNAL + signal.SIGPIPE
    if isinstance(error, FloatingPointError):
        return DIVERGED
    if isinstance(error, OSError):
        return FAILED if error.errno in OF_THE_MACHINE else USAGE
    return USAGE if isinstance(error, (ValueError, TypeError)) else FAILED


def message(error: Failure) -> str:
    """Return the cause of an exception and its cure, in one line."""
    if isinstance(error, KeyboardInterrupt):
        return str(error) or "interrupted"
    text = _in_one_line(str(error))
    if isinstance(error, OSError) and error.filename is not None:
        return f"{error.filename}: {error.strerror}"
    if exit_status(error) != FAILED or isinstance(error, OSError):
        return text or type(error).__name__
    if isinstance(error, MemoryError):
        return f"out of memory{text and ': '}{text}; ask for fewer images, samples or layers"
    return f"{type(error).__name__}: {text}; --debug shows where"


def _in_one_line(text: str) -> str:
    """MXNet puts its stack before or after the message; what names the error is the line that starts with its name."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    if "Stack trace:" in lines or "Traceback (most recent call last):" in lines:
        named = [line for line in lines if line.startswith(("MXNetError:", "Error in operator"))]
        lines = named or lines[:1]
    line = " ".join(lines)
    return line if len(line) <= LONGEST else f"{line[:LONGEST]}..."


def _discard_output() -> None:
    """The reader has gone: what is buffered would raise once more when Python exits."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, sys.stdout.fileno())
    os.close(nowhere)
