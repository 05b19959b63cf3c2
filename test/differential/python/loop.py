"""The event loop of the programs: it can be made slow, and notices when the machine did not let it run."""
from time import monotonic

import gevent.core

BEAT = 0.002
LONGEST = 0.010  # half of the least time between two events whose order is compared


class Loop(gevent.core.loop):
    slowness = 1

    def timer(self, after, *args, **options):
        return super().timer(self.slowness * after, *args, **options)

    def watch(self):
        """Begins to beat: `stalled()` tells whether there was a pause that may have changed the order of timers."""
        self._last = monotonic()
        self._pause = 0
        self._pulse = super().timer(BEAT, BEAT, ref=False)
        self._pulse.start(self._beat)

    def _beat(self):
        now = monotonic()
        self._pause = max(self._pause, now - self._last)
        self._last = now

    def stalled(self):
        self._beat()
        self._pulse.close()
        return self._pause > self.slowness * LONGEST
