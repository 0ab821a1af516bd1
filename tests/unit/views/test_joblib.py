import pytest

joblib = pytest.importorskip("joblib", reason="joblib is not installed; install it with: pip install joblib")

from gangline.views import Client, error, register_joblib_backend  # noqa: E402


def square(x):
    return x * x


def fail(x):
    raise KeyError(x)


@pytest.fixture
def backend(view):
    view.register_joblib_backend()
    with joblib.parallel_config(backend="gangline"):
        yield


@pytest.mark.usefixtures("backend")
class TestWithAView:
    @pytest.mark.parametrize("n_jobs", [1, 2, -1, 16])
    def test_the_same_results_as_without(self, n_jobs):
        calls = (joblib.delayed(square)(x) for x in range(200))
        assert joblib.Parallel(n_jobs=n_jobs)(calls) == [x * x for x in range(200)]

    def test_results_as_they_come(self):
        results = joblib.Parallel(n_jobs=2, return_as="generator")(joblib.delayed(square)(x) for x in range(5))
        assert list(results) == [0, 1, 4, 9, 16]

    def test_an_error_is_raised_as_its_own_type(self):
        with pytest.raises(KeyError) as caught:
            joblib.Parallel(n_jobs=2)(joblib.delayed(fail)(x) for x in range(5))
        assert isinstance(caught.value, error.RemoteError)


def test_engines_of_its_own_by_either_name():
    register_joblib_backend()
    for name in ("gangline", "ipyparallel"):
        with joblib.parallel_config(backend=name, n_jobs=2):
            assert joblib.Parallel()(joblib.delayed(square)(x) for x in range(5)) == [0, 1, 4, 9, 16]


def test_it_is_found_by_name_once_there_is_a_client(monkeypatch):
    from joblib import parallel

    monkeypatch.setattr(parallel, "BACKENDS", {name: parallel.BACKENDS[name] for name in ("loky", "sequential")})
    monkeypatch.setattr(parallel, "EXTERNAL_BACKENDS", {})
    with pytest.raises(ValueError, match="gangline"), joblib.parallel_config(backend="gangline"):
        pass
    with Client(n=1), joblib.parallel_config(backend="gangline"):
        assert joblib.Parallel(n_jobs=2)(joblib.delayed(abs)(-n) for n in range(5)) == list(range(5))
