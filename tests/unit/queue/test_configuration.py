"""Configuration files of the queue."""

import pytest

from gangline.errors import UsageError
from gangline.queue.configuration import load


def test_no_file_says_nothing(tmp_path):
    configuration = load(str(tmp_path))
    assert (configuration.url, configuration.files) == ("", ())
    assert configuration.of("m.C") == {}


def test_both_files(tmp_path):
    (tmp_path / "gangline.toml").write_text(
        '[queue]\nurl = "sqlite:///a.db"\n[queue.defaults]\nattempts = 2\ntag = "x"\n'
        '[queue.jobs."shop.Invoices"]\npriority = 1\nauthor = "me"\n[pipeline]\nother = 1\n'
    )
    (tmp_path / ".gangline").mkdir()
    (tmp_path / ".gangline" / "queue.toml").write_text(
        'url = "sqlite:///b.db"\n[defaults]\nattempts = 3\n[jobs.shop.Invoices]\npriority = 2\nworker = ["b", "a"]\n'
    )
    configuration = load(str(tmp_path))
    assert configuration.url == "sqlite:///b.db"
    assert configuration.defaults == {"attempts": 3, "tag": "x"}
    assert configuration.of("shop.Invoices") == {"priority": 2, "author": "me", "worker": ("a", "b")}
    assert len(configuration.files) == 2


def test_a_file_that_is_named(tmp_path, monkeypatch):
    (tmp_path / "gangline.toml").write_text("[queue.defaults]\nattempts = 2\n")
    (tmp_path / "mine.toml").write_text('url = "sqlite:///c.db"\n')
    monkeypatch.setenv("GANGLINE_QUEUE_CONFIG", str(tmp_path / "mine.toml"))
    configuration = load(str(tmp_path))
    assert (configuration.url, configuration.defaults) == ("sqlite:///c.db", {})
    monkeypatch.setenv("GANGLINE_QUEUE_CONFIG", str(tmp_path / "none.toml"))
    with pytest.raises(UsageError, match=r"none.toml: GANGLINE_QUEUE_CONFIG names it, but it cannot be read: No such"):
        load(str(tmp_path))


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("[queue]\nulr = 'x'", "no setting 'ulr'; did you mean 'url'"),
        ("[queue]\nurl = 5", "url is 5"),
        ("[queue\n", "is no TOML"),
        ("queue = 5", r"must be a table, \[queue\]"),
        ("[queue]\ndefaults = 5", r"must be a table, \[defaults\]"),
        ("[queue.defaults]\nattempts = 0", r"\[defaults\]: attempts is 0, but must be"),
        ("[queue.defaults]\natempts = 1", "no property 'atempts'; did you mean 'attempts'"),
        ("[queue.jobs.'m.C']\npriority = 'x'", r"\[jobs.'m.C'\]: priority is 'x'"),
        ("[queue.jobs.Alone]\npriority = 1", "priority belongs below a class"),
        ("[queue.jobs]\npriority = 1", r"or \[defaults\]"),
    ],
)
def test_what_makes_no_sense(tmp_path, text, words):
    (tmp_path / "gangline.toml").write_text(text)
    with pytest.raises(UsageError, match=words) as caught:
        load(str(tmp_path))
    assert "gangline.toml" in str(caught.value)
