from gangline.queue.execution.parcel import pack, unpack
from gangline.store.jobs.port import Claim, Lane


def test_a_claim_comes_out_as_it_was_packed():
    lane = Lane("m.C", ("w1", "w2"), "/usr/bin/python3", "/data", True, 2, None)
    claim = Claim(7, 3, lane, '{"x": "ü\\n"}', "{}", -5, 2, 1, 1.5, None)
    found = unpack(pack(claim))
    assert found == claim
    assert (type(found), type(found.lane)) == (Claim, Lane)


def test_a_parcel_names_no_classes():
    assert b"gangline" not in pack(Claim(7, 3, Lane("m.C"), "{}", "{}", 0, 1, 1, 1.5, 12))
