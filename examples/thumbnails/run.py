"""Makes thumbnails of a folder of images while workers are killed, and shows that each is done once.

python run.py IMAGES RESULTS
"""

import contextlib
import os
import random
import signal
import sqlite3
import subprocess
import sys
import time
from pathlib import Path

from album import Thumbnail

from gangline.queue import Queue

SIZES = (64, 96, 128, 192, 256, 384, 512)
ENDINGS = {".png", ".jpg", ".jpeg", ".gif", ".webp"}
LEASE_S = 2
"""After this long without a sign of life a worker is dead. By default it is 10 s."""


def start_worker(url, name):
    command = ["worker", "--queue", url, "--slots", "2", "--lease", str(LEASE_S), "--name", name, "--until-empty"]
    return subprocess.Popen([sys.executable, "-m", "gangline", *command, "--output", "quiet"])


def engines_of(worker):
    """The processes that run the jobs of a worker; none when it has ended."""
    found = []
    with contextlib.suppress(OSError):
        for children in Path(f"/proc/{worker.pid}/task").glob("*/children"):
            found += map(int, children.read_text().split())
    return found


def wait_for(queue, done, worker):
    """Wait until a worker has done so many jobs, or all are done."""
    mine = {"state": "complete", "locked.worker": worker}
    while queue.count(mine, journal=True) < done and queue.counts().unfinished:
        time.sleep(0.01)


def work_off(queue, jobs):
    """Two workers; one is killed in the middle of its work, and later a process in which the other one runs jobs."""
    first, second = start_worker(queue.url, "first"), start_worker(queue.url, "second")
    wait_for(queue, jobs // 8, "first")
    first.kill()
    first.wait()
    print(
        f"killed with signal 9: the worker 'first', when {queue.counts()['complete']} of {jobs} jobs were done",
        flush=True,
    )
    wait_for(queue, jobs // 2, "second")
    if engines := engines_of(second):
        with contextlib.suppress(ProcessLookupError):  # it has ended by itself at this moment
            os.kill(random.choice(engines), signal.SIGKILL)
            print(
                f"killed with signal 9: a process of 'second', when {queue.counts()['complete']} of {jobs} were done",
                flush=True,
            )
    second.wait()


def check(queue, url, expected):
    """Each is done once, says the album; and what had to be run again, say the records."""
    with sqlite3.connect(url.removeprefix("sqlite:///")) as connection:
        album = [row[0] for row in connection.execute("SELECT thumbnail FROM album")]
    records = queue.find(journal=None)
    again = [record for record in records if record.lost or record.errors]
    for record in again:
        why = "its worker died" if record.lost else record.errors[0]["error"].splitlines()[0]
        print(f"  run again: job {record.id}, {Path(record.args['image']).name} ({why})")
    states = queue.counts()
    print(f"{states['complete']} of {len(expected)} jobs are complete; ", end="")
    print(f"the album has {len(album)} lines, {len(set(album))} different ones", flush=True)
    assert states["complete"] == len(expected) == len(records), states
    assert sorted(album) == sorted(expected)
    assert all(Path(path).stat().st_size for path in expected)


def draw(paths, path):
    """All of one size on one sheet."""
    from PIL import Image

    columns, side, gap = 6, SIZES[2], 8
    rows = -(-len(paths) // columns)
    sheet = Image.new("RGB", (columns * (side + gap) + gap, rows * (side + gap) + gap), "white")
    for number, small in enumerate(paths):
        row, column = divmod(number, columns)
        with Image.open(small) as picture:
            left, top = gap + column * (side + gap), gap + row * (side + gap)
            sheet.paste(picture, (left + (side - picture.width) // 2, top + (side - picture.height) // 2))
    sheet.save(path)


def main(images, results):
    found = sorted(path for path in images.iterdir() if path.suffix.lower() in ENDINGS)
    if not found:
        sys.exit(f"there are no images in {images}")
    for size in SIZES:
        (results / str(size)).mkdir(parents=True, exist_ok=True)
    jobs = [
        {"image": str(path), "thumbnail": str(results / str(size) / f"{path.name}.jpg"), "size": size}
        for path in found
        for size in SIZES
    ]
    database = results / "queue.db"
    for leftover in results.glob("queue.db*"):
        leftover.unlink()
    url = f"sqlite:///{database}"
    with Queue(url) as queue:
        queue.enqueue_many(Thumbnail, jobs)
        print(f"{len(found)} images in {len(SIZES)} sizes: {len(jobs)} jobs", flush=True)
        work_off(queue, len(jobs))
        check(queue, url, [job["thumbnail"] for job in jobs])
    draw([job["thumbnail"] for job in jobs if job["size"] == SIZES[2]], results / "album.jpg")
    print(f"Picture: {results / 'album.jpg'}")


if __name__ == "__main__":
    main(Path(sys.argv[1]).absolute(), Path(sys.argv[2]).absolute())
