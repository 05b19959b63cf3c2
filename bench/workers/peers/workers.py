"""multiprocessing's and concurrent.futures' side of the tables of workers: workers.py <case> <operations>.

Prints "figure <time> <CPU time>", both in microseconds per operation, the latter of this process and of its children.
"""
import multiprocessing
import os
import resource
import sys
import time
from concurrent.futures import ProcessPoolExecutor

SIZE = 2


def increment(number):
    return number + 1


def drain(queue, answers):
    while True:
        count = 0
        while queue.get() is not None:
            count += 1
        answers.put(count)


def of_tasks(process, name):
    folder = f"/proc/{process}/task"
    for task in os.listdir(folder):
        with open(f"{folder}/{task}/{name}") as file:
            yield file.read()


def cpu():
    """Microseconds of CPU time; NaN where the system does not tell about running children."""
    usage = resource.getrusage(resource.RUSAGE_SELF)
    own = (usage.ru_utime + usage.ru_stime) * 1e6
    try:
        children = [child for text in of_tasks("self", "children") for child in text.split()]
        return own + sum(int(text.split()[0]) for child in children for text in of_tasks(child, "schedstat")) / 1000
    except OSError:
        return float("nan")


def report(operations, run):
    """The best pass of each, as harness/passes.mjs does it."""
    budget = int(os.environ.get("BENCH_MILLISECONDS", "160")) / 1000
    run()
    end = time.perf_counter() + budget
    best = [float("inf"), float("inf")]
    done = 0
    while done < 4 or time.perf_counter() < end:
        cpu_before, begin = cpu(), time.perf_counter()
        run()
        readings = (time.perf_counter() - begin) * 1e6, cpu() - cpu_before
        best = [min(pair) for pair in zip(best, readings)]
        done += 1
    print("figure", *(figure / operations for figure in best))


def check(results):
    assert all(result == index + 1 for index, result in enumerate(results))


def apply_async(count):
    with multiprocessing.Pool(SIZE) as pool:

        def run():
            futures = [pool.apply_async(increment, (number,)) for number in range(count)]
            check([future.get() for future in futures])

        report(count, run)


def map_items(count):
    with multiprocessing.Pool(SIZE) as pool:
        report(count, lambda: check(pool.map(increment, range(count))))


def apply(count):
    with multiprocessing.Pool(SIZE) as pool:
        report(count, lambda: check([pool.apply(increment, (number,)) for number in range(count)]))


def submit(count):
    with ProcessPoolExecutor(SIZE) as executor:

        def run():
            futures = [executor.submit(increment, number) for number in range(count)]
            check([future.result() for future in futures])

        report(count, run)


def lock(count):
    shared = multiprocessing.Lock()

    def run():
        for _ in range(count):
            shared.acquire()
            shared.release()

    report(count, run)


def queue(count):
    items, answers = multiprocessing.Queue(), multiprocessing.Queue()
    multiprocessing.Process(target=drain, args=(items, answers), daemon=True).start()

    def run():
        for index in range(count):
            items.put({"index": index, "name": "hello", "numbers": [1, 2, 3]})
        items.put(None)
        assert answers.get() == count

    report(count, run)


def manager(count):
    with multiprocessing.Manager() as shared:
        numbers = shared.dict()

        def run():
            for key in range(count):
                numbers[key] = key
            assert len(numbers) == count

        report(count, run)


CASES = {
    "apply_async": apply_async,
    "map": map_items,
    "apply": apply,
    "submit": submit,
    "lock": lock,
    "queue": queue,
    "manager": manager,
}

if __name__ == "__main__":
    CASES[sys.argv[1]](int(sys.argv[2]))
