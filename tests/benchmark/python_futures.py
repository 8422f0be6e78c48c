"""Calls of no length, submitted one by one to warm workers and gathered: prints the milliseconds of each repetition.

    python_futures.py pool|executor WORKERS CALLS REPETITIONS

pool: multiprocessing.Pool.apply_async; executor: concurrent.futures.ProcessPoolExecutor.submit.
"""

import multiprocessing
import sys
import time
from concurrent.futures import ProcessPoolExecutor


def work(call):
    return call + 1


def gather_by_pool(pool, calls):
    results = [pool.apply_async(work, (call,)) for call in range(calls)]
    return [result.get() for result in results]


def gather_by_executor(executor, calls):
    futures = [executor.submit(work, call) for call in range(calls)]
    return [future.result() for future in futures]


def main():
    kind = sys.argv[1]
    workers, calls, repetitions = (int(argument) for argument in sys.argv[2:])
    context = multiprocessing.get_context("fork")
    if kind == "pool":
        make, gather = lambda: context.Pool(workers), gather_by_pool
    else:
        make, gather = lambda: ProcessPoolExecutor(workers, context), gather_by_executor
    expected = [work(call) for call in range(calls)]
    with make() as pool:
        gather(pool, workers)
        for _ in range(repetitions):
            start = time.perf_counter()
            results = gather(pool, calls)
            took = time.perf_counter() - start
            if results != expected:
                sys.exit("python_futures.py: a result is wrong")
            print(f"{took * 1e3:.3f}")


if __name__ == "__main__":
    main()
