"""Python in a process of its own, as MXNet is started once a process."""

import os
import subprocess
import sys

from gluonvae.backend.environment import SETTINGS

CLEAN = {name: value for name, value in os.environ.items() if name not in SETTINGS}
"""The environment without what the import of gluonvae has set in it."""

MXNET_FIRST = "import numpy; numpy.bool = bool; import mxnet; "
"""Code that imports MXNet before gluonvae, with the name that numpy has no more on Python 3.12 and later."""


def python(code, *options, **environment):
    """Run code that must succeed; its variables of the environment are what is given."""
    command = [sys.executable, *options, "-c", code]
    done = subprocess.run(command, capture_output=True, text=True, check=False, env={**CLEAN, **environment})
    assert done.returncode == 0, done.stderr
    return done
