"""Rows of tests/benchmark/run-mpi with mpi4py's MPIPoolExecutor; prints the milliseconds of each repetition.

    mpirun -n 3 python3 -m mpi4py.futures executor.py ROW CHUNKSIZE REPETITIONS [tiny]
"""

import sys
import time

from mpi4py.futures import MPIPoolExecutor


def square(x):
    return x * x


def do_task(task):
    return 3 * task + 1


def small_map(executor, chunksize, tiny):
    maps = 20 if tiny else 1000
    items = [0.25 * i for i in range(16)]
    expected = [square(x) for x in items]

    def work():
        return [list(executor.map(square, items, chunksize=chunksize)) for _ in range(maps)]

    return work, lambda results: all(result == expected for result in results)


def farm(executor, chunksize, tiny):
    tasks = range(500 if tiny else 20_000)
    return lambda: list(executor.map(do_task, tasks, chunksize=chunksize)), lambda results: results == [
        do_task(task) for task in tasks]


def main():
    row, chunksize, repetitions = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
    with MPIPoolExecutor() as executor:
        executor.bootup(wait=True)
        list(executor.map(square, range(16)))
        work, matches = {"small_map": small_map, "farm": farm}[row](executor, chunksize, "tiny" in sys.argv[4:])
        for _ in range(repetitions):
            start = time.perf_counter()
            results = work()
            took = time.perf_counter() - start
            if not matches(results):
                sys.exit("executor.py: a result is wrong")
            print(f"{took * 1e3:.4f}", flush=True)


if __name__ == "__main__":
    main()
