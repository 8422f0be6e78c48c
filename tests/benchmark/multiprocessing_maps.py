"""Maps of 16 items on a warm multiprocessing.Pool: prints the milliseconds that all maps of a repetition took.

    multiprocessing_maps.py WORKERS MAPS REPETITIONS
"""

import multiprocessing
import sys
import time


def square(x):
    return x * x


def main():
    workers, maps, repetitions = (int(argument) for argument in sys.argv[1:])
    items = [i + 0.5 for i in range(16)]
    expected = [square(x) for x in items]
    with multiprocessing.get_context("fork").Pool(workers) as pool:
        pool.map(square, items)
        for _ in range(repetitions):
            start = time.perf_counter()
            results = [pool.map(square, items) for _ in range(maps)]
            took = time.perf_counter() - start
            if any(result != expected for result in results):
                sys.exit("multiprocessing_maps.py: a result is wrong")
            print(f"{took * 1e3:.3f}")


if __name__ == "__main__":
    main()
