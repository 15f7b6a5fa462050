"""``python -m gluonvae`` is the command ``gluonvae``."""

import sys

from .cli import main

sys.exit(main())
