"""How hypothesis draws: the same examples in every run, so that a green commit stays green.

`make slow` draws anew each time, and more of them, to look for what the fixed ones miss.
"""

import os

from hypothesis import settings

settings.register_profile("fixed", derandomize=True, deadline=None)
settings.register_profile("explore", deadline=None, max_examples=300)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "fixed"))
