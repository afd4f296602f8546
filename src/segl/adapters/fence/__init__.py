"""
A process of its own for whatever reads a sender's PDF (docs/decisions/0012).

`caller.py` is Segl's side. `helper.py` is the program behind the fence: loaded once, it forks one child for each piece of work.
"""
