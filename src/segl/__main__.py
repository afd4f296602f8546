"""The `segl` command."""

from __future__ import annotations

import argparse
import os
import sys


def main() -> int:
    """Carry out one command; returns the exit status."""
    from segl.settings import SettingRefused
    from segl.wiring import processes

    parser = argparse.ArgumentParser(prog="segl", description="A digital signing service that an organization runs itself.")
    commands = parser.add_subparsers(required=True, metavar="command")
    processes.add_commands(commands)
    try:
        if not set(sys.argv[1:2]) & {"serve", "run", "prepare"}:
            os.environ.setdefault("SEGL_DOOR", "cli")
            os.environ.setdefault("DJANGO_SETTINGS_MODULE", "segl.wiring.django_settings")
            import django

            django.setup()
            from segl.entrypoints.cli.commands import add_commands

            add_commands(commands)
        arguments = parser.parse_args()
        status: int = arguments.run(arguments)
    except (SettingRefused, *processes.START_REFUSED) as refused:
        print(f"segl: {refused}", file=sys.stderr)
        return 2
    return status


if __name__ == "__main__":
    sys.exit(main())
