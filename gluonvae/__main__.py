"""``python -m gluonvae`` is the command ``gluonvae``."""

import sys

from .cli.main import program

sys.exit(program())
