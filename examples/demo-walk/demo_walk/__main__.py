"""`python -m demo_walk` walks, and tells where the sealed PDF, its pages and the pictures of each step are."""

from __future__ import annotations

import os
import shutil
import sys

from playwright.sync_api import Error as BrowserError

from segl.settings import SettingRefused

from .pictures import draw_pages, look_into
from .running import NotRunning, results_folder, somewhere_to_walk
from .steps import Stumbled, walk_through


def main() -> int:
    """Return 0 after a whole walk, 1 when it could not be walked to its end."""
    try:
        folder = results_folder(os.environ)
        shutil.rmtree(folder, ignore_errors=True)  # what an earlier walk left would be taken for this one's
        folder.mkdir(parents=True)
        with somewhere_to_walk(os.environ) as place:
            sealed = walk_through(place, folder, tell=lambda words: print(words, flush=True))
        seen = look_into(sealed)
        if not seen.has_seal:
            raise Stumbled("The PDF that came back is not sealed.")
        pages = draw_pages(sealed, folder)
    except (NotRunning, Stumbled, SettingRefused) as stopped:
        print(f"\nscript/demo: {stopped}", file=sys.stderr)
        return 1
    except BrowserError as stopped:
        print(f"\nscript/demo: The browser did not find what it looked for.\n{stopped}", file=sys.stderr)
        return 1
    print(f"\nSigned and sealed: {seen.pages} pages, attached: {', '.join(seen.attachments)}.\n")
    print(f"  The sealed PDF        {sealed}")
    print(f"  Its pages             {pages[0]} … {pages[-1].name}")
    print(f"  Pictures of each step {folder}{os.sep}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
