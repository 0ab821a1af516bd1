"""What takes gigabytes: all in one file, so that they do not do it at the same time."""

import pytest

import gangline.views as ipp


def test_result_of_two_gigabytes(new_client):
    client = new_client(1)
    ar = client.load_balanced_view().apply_async(lambda: bytes(2 * 2**30 + 5))
    assert ar.wait(240)
    if ar.successful():
        assert len(ar.get()) == 2 * 2**30 + 5
    else:
        assert isinstance(ar.exception(), ipp.RemoteError | MemoryError)
    del ar
    client.purge_everything()
    assert client[0].apply_async(lambda: "usable").get(timeout=60) == "usable"


def test_argument_of_more_than_two_gigabytes(new_client):
    np = pytest.importorskip("numpy")
    client = new_client(1)
    data = np.zeros(2**31 + 8, dtype="u1")
    assert client[0].apply_async(lambda a: a.nbytes, data).get(timeout=240) == 2**31 + 8


def test_v28_array_of_a_gigabyte_arrives_writable(new_client):
    np = pytest.importorskip("numpy")
    client = new_client(1)
    data = np.zeros(2**30 // 8)
    data[0], data[-1] = 1, 7

    def write(array):
        writable = array.flags.writeable
        array[0] = 5
        return writable, array.nbytes, float(array[-1]), float(array[0])

    assert client[0].apply_async(write, data).get(timeout=240) == (True, 2**30, 7.0, 5.0)
    assert data[0] == 1.0
    client[0].push({"data": data}, block=True)
    del data
    back = client[0].pull("data", block=True)
    assert back.flags.writeable
    assert (back.nbytes, back[0], back[-1]) == (2**30, 1.0, 7.0)
