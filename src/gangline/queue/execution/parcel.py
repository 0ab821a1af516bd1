"""A claim on its way from a worker to an engine."""

from __future__ import annotations

import pickle

from gangline.store.jobs.port import Claim, Lane

__all__ = ["pack", "unpack"]


def pack(claim: Claim) -> bytes:
    """A claim as bytes. They hold no classes, for looking these up is most of what pickling a claim costs."""
    number, fence, lane, *rest = claim
    return pickle.dumps((number, fence, tuple(lane), *rest))


def unpack(parcel: bytes) -> Claim:
    """The claim that was packed."""
    number, fence, lane, *rest = pickle.loads(parcel)
    return Claim(number, fence, Lane(*lane), *rest)
