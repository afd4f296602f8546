"""`python -m segl_client` is the command `segl-client`."""

import sys

from .command import main

sys.exit(main())
