"""Divide and conquer: a job that enters jobs for parts of its work, and brings their results together."""

import time
from math import isqrt

from gangline.queue import DurableJob


class PrimeJob(DurableJob):
    """The prime numbers from `start` up to, but without, `end`; with `size`, as children of so many numbers each."""

    author = "mra"
    defer_time = 0.5

    def execute(self, start, end, size=None, **_):
        if size:
            if self.trial == 1:
                self.launch(start, end, size)
                self.defer("waiting")
            return self.monitor()
        return self.work(start, end)

    def launch(self, start, end, size):
        """Enter the children, all or none: should this process die here, none is entered twice."""
        if not self.queue.children(self.id):
            starts = range(start, end, size)
            parts = [{"start": first, "end": min(first + size, end), "mid": self.id} for first in starts]
            self.queue.enqueue_many(type(self), parts, attempts=2, error_time=1)

    def monitor(self):
        """Wait until the last child is done, or the first one has failed for good."""
        children = self.queue.children(self.id)
        if children.unsuccessful:
            failed = {"parent": self.id, "state": {"$in": ["error", "inactive", "killed"]}}
            child = self.queue.find(failed, journal=None, limit=1)[0]
            raise RuntimeError(f"child {child.id} with {child.args} ended in {child.state}\n{child.last_error}")
        self.progress(children["complete"] / children.total(), "%d of %d parts", children["complete"], children.total())
        if children.unfinished:
            self.defer("[%d] job still running", children.unfinished)
        primes = [prime for child in self.queue.journal({"parent": self.id}) for prime in child.result]
        return {"primes": len(primes), "different": len(set(primes)), "largest": max(primes, default=None)}

    def work(self, start, end):
        return [number for number in range(start, end) if is_prime(number)]


class WaitingJob(PrimeJob):
    """The same, but each part takes its time without using the processor, as one that waits for a disk or a network."""

    def work(self, start, end):
        time.sleep(0.1)
        return []


def is_prime(number):
    """Whether a number can be divided by nothing but itself and 1; by trying."""
    if number < 4:
        return number > 1
    return number % 2 == 1 and all(number % divisor for divisor in range(3, isqrt(number) + 1, 2))
