"""Run tasks in worker processes. Spawned, never forked; jobs times threads never exceed the cores.

Results come back in the order of the tasks whatever the number of jobs, and an error of any task
stops the run with that error. So does the death of a worker, which the system kills where memory is short. No worker
outlives this process.
"""

from __future__ import annotations

import multiprocessing
import os
import threading
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from multiprocessing.connection import wait
from pathlib import Path

from iris_contract.errors import TestbedError
from iris_harness.progress import Progress
from iris_harness.signals import hold_signals
from iris_harness.status import INTERRUPTED
from iris_harness.tasks import Task, TaskResult, find_result, run_task

__all__ = ["WorkerKilledError", "Workers", "choose_jobs", "count_cores", "open_workers"]

THREAD_VARIABLES = ("NUMBA_NUM_THREADS", "OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")


def count_cores() -> int:
    """Return the cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else (os.cpu_count() or 1)


class WorkerKilledError(TestbedError):
    """A worker process died; the run can go on, so scripts see an interruption."""

    exit_status = INTERRUPTED


def choose_jobs(wanted: int | None) -> tuple[int, str]:
    """Return how many jobs to run, at most one per core, and a line about it where that is fewer than wanted.

    >>> choose_jobs(1)
    (1, '')
    """
    cores = count_cores()
    if wanted is None or wanted <= cores:
        return wanted or cores, ""
    return cores, f"{wanted} jobs are more than the {cores} core{'s' * (cores > 1)} here: running {cores}"


def limit_threads(threads: int) -> None:
    """Set the thread counts of the numerical libraries for this process and its children."""
    for name in THREAD_VARIABLES:
        os.environ[name] = str(threads)


class Workers:
    """Runs stages of tasks, in this process for one job or in a pool."""

    def __init__(self, root: Path, progress: Progress, pool: ProcessPoolExecutor | None) -> None:
        self.root, self.progress, self.pool = root, progress, pool

    def run(self, name: str, tasks: Sequence[Task]) -> list[TaskResult]:
        """Run what is not finished yet; return every result in the order of `tasks`."""
        results: dict[str, TaskResult] = {}
        with self.progress.stage(name, len(tasks)) as stage:
            waiting = []
            for task in tasks:
                found = find_result(self.root, task)
                if found is None:
                    waiting.append(task)
                else:
                    results[task.name] = found
                    stage.step()
            for result in self._run_all(waiting):
                results[result.name] = result
                stage.step()
        return [results[task.name] for task in tasks]

    def _run_all(self, tasks: Sequence[Task]) -> Iterator[TaskResult]:
        if self.pool is None:
            for task in tasks:
                yield run_task(self.root, task)
            return
        futures: list[Future[TaskResult]] = []
        try:
            with hold_signals():
                futures += [self.pool.submit(run_task, self.root, task) for task in tasks]
            for future in as_completed(futures):
                yield future.result()
        except BrokenProcessPool:
            problem = "a worker process was killed (out of memory?)"
            raise WorkerKilledError(f"{problem}; give the same command again to go on, with fewer --jobs") from None
        except BaseException:
            for future in futures:
                future.cancel()
            raise


@contextmanager
def open_workers(root: Path, jobs: int, progress: Progress) -> Iterator[Workers]:
    """Yield workers; `jobs` of 1 runs everything here, with all cores as threads."""
    if jobs == 1:
        yield Workers(root, progress, None)
        return
    threads = max(1, count_cores() // jobs)
    before = {name: os.environ.get(name) for name in THREAD_VARIABLES}
    limit_threads(threads)  # spawned children read it before they import numba
    context = multiprocessing.get_context("spawn")
    pool = ProcessPoolExecutor(jobs, mp_context=context, initializer=prepare_worker)
    try:
        yield Workers(root, progress, pool)
        pool.shutdown()
    except BaseException:
        _stop(pool)
        raise
    finally:
        for name, value in before.items():
            os.environ.pop(name, None)
            if value is not None:
                os.environ[name] = value


def prepare_worker() -> None:
    """See to it that this worker can be ended at any time, and ends with the process that started it."""
    # A lock that a library makes, as crds does, is then unlinked at once, and not missed by the tracker of resources.
    multiprocessing.set_start_method("fork", force=True)
    threading.Thread(target=_outlive_no_parent, daemon=True).start()


def _outlive_no_parent() -> None:
    """Wait for the end of the parent, whatever ends it; this worker would wait for tasks for ever."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        wait([parent.sentinel])
        os._exit(1)


def _stop(pool: ProcessPoolExecutor) -> None:
    """End the workers at once: what they were writing is still under a temporary name."""
    processes = list((pool._processes or {}).values())
    pool.shutdown(wait=False, cancel_futures=True)
    for process in processes:
        process.terminate()
    for process in processes:
        process.join()
