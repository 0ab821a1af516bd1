"""Classes of jobs for tests. A test imports this file as a module of its folder: `shop`."""

from gangline.queue import CoreLoadJob, DurableJob


class Add(DurableJob):
    max_parallel = 2

    def execute(self, a, b=1):
        self.progress(0.5, "half of %d", a)
        self.set_source(f"{a}.csv")
        self.logger.info("adding %d", a)
        return a + b


class Report(DurableJob):
    schedule = "*/5 * * * *"
    missed = "all"

    def execute(self, kind="daily"):
        return kind


class DivideAndConquer(CoreLoadJob):
    author = "mra"
    defer_time = 5
    max_parallel = 5

    def execute(self, chunksize=None, **kwargs):  # noqa: RET503  as it is written in the seed
        if chunksize:
            if self.trial == 1:
                self.launch(chunksize)
                self.defer("waiting")
            return self.monitor()
        self.work(**kwargs)

    def launch(self, chunksize):
        for number in range(chunksize):
            self.queue.enqueue(type(self), mid=str(self._id), number=number)

    def work(**kwargs):
        pass

    def monitor(self):
        n = self.config.sys.queue.count_documents({"args.mid": str(self._id)})
        if n > 0:
            self.defer("[%d] job still running", n)
