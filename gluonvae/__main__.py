"""``python -m gluonvae`` is the command ``gluonvae``."""

import sys

from .cli.main import main

sys.exit(main())
