"""Python in a process of its own, as MXNet is started once a process."""

import os
import subprocess
import sys

from gluonvae.backend.environment import SETTINGS

CLEAN = {name: value for name, value in os.environ.items() if name not in SETTINGS}
"""The environment without what the import of gluonvae has set in it."""


def python(code, *options, **environment):
    """Run code that must succeed; its variables of the environment are what is given."""
    command = [sys.executable, *options, "-c", code]
    done = subprocess.run(command, capture_output=True, text=True, check=False, env={**CLEAN, **environment})
    assert done.returncode == 0, done.stderr
    return done
