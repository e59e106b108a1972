"""All public networks against torch's counter: `make architectures`.

Every result is a line of a file as soon as it is there, so that a run that was stopped, or in which
a process crashed, goes on where it was. It takes what tests share from their folder:
`PYTHONPATH=tests/support python docs/writing/sweep.py --help` lists what can be chosen.
"""

from __future__ import annotations

import argparse
import gc
import json
import multiprocessing
import os
import signal
import sys
import threading
import warnings
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from pathlib import Path
from typing import Any

import sweep_one
import sweep_page
import zoo
from sweep_one import Record

ROOT = Path(__file__).parents[2]
STATE = ROOT / "build" / "architectures.jsonl"
LIMIT = 60.0
"""Seconds of work for one trace with free sizes."""

STRIDE = 10
"""Networks are tried in steps of this many, because neighbours in a list are alike."""


class Results:
    """What was found, by network and step, and its file: a line a result, never rewritten."""

    def __init__(self, file: Path) -> None:
        self.file, self.lock = file, threading.Lock()
        self.found: dict[tuple[str, str], Record] = {}
        file.parent.mkdir(parents=True, exist_ok=True)
        for line in file.read_text(encoding="utf-8").splitlines() if file.exists() else []:
            try:
                record = json.loads(line)
            except ValueError:  # the line that was being written as the machine stopped
                continue
            self.found[record["network"], record["step"]] = record
        known = [r for (_, step), r in self.found.items() if step == "structure"]
        self.firsts = {r["structure"]: r["first"] for r in known if "structure" in r}

    def get(self, network: str, step: str) -> Record | None:
        return self.found.get((network, step))

    def add(self, network: str, step: str, record: Record) -> Record:
        record = {"network": network, "step": step, **record}
        with self.lock:
            self.found[network, step] = record
            with self.file.open("a", encoding="utf-8") as out:
                out.write(json.dumps(record, ensure_ascii=False) + "\n")
        return record

    def forget(self, verdicts: list[str]) -> None:
        """Leave out what ended so, to be tried anew."""
        self.found = {k: r for k, r in self.found.items() if r.get("verdict") not in verdicts}

    def first(self, structure: str, network: str) -> str:
        """The network that had this structure first; this one where it is new."""
        with self.lock:
            return self.firsts.setdefault(structure, network)


class Worker:
    """A process that does one step after another, and is replaced where one kills it."""

    def __init__(self) -> None:
        self.pool, self.stopped = self._fresh(), False

    @staticmethod
    def _fresh() -> ProcessPoolExecutor:
        spawn = multiprocessing.get_context("spawn")
        return ProcessPoolExecutor(1, mp_context=spawn, initializer=_quiet)

    def do(self, build: Callable[[str], zoo.Subject], network: str, *args: Any) -> Record:
        try:
            return self.pool.submit(sweep_one.step, build, network, *args).result()
        except BrokenProcessPool:
            if self.stopped:  # by a Ctrl-C, which says nothing of the network
                raise
            self.pool = self._fresh()
            return {"verdict": "crashed"}

    def stop(self) -> None:
        self.stopped = True
        for process in (self.pool._processes or {}).values():
            process.terminate()
        self.pool.shutdown(wait=False, cancel_futures=True)


def _quiet() -> None:
    """A process of the sweep: stopped by its parent alone, silent."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    warnings.simplefilter("ignore")
    import torch

    torch.set_num_threads(1)
    gc.freeze()  # what is imported stays, and need not be looked through again and again
    gc.set_threshold(100_000, 20, 50)


def swept(
    network: str,
    results: Results,
    worker: Worker,
    build: Callable[[str], zoo.Subject] = zoo.subject,
    *,
    free: bool = True,
) -> None:
    """The steps on one network that have no result yet; none but the first for one of a structure
    that was there before."""
    known = results.get(network, "structure")
    if known is None:
        found = worker.do(build, network)
        first = results.first(found["structure"], network) if "structure" in found else network
        known = results.add(network, "structure", {**found, "first": first})
    if known.get("first") != network or "structure" not in known:
        return
    numbers = results.get(network, "numbers")
    if numbers is None:
        numbers = results.add(network, "numbers", worker.do(build, network, None, LIMIT))
    if free and "tried" in numbers and results.get(network, "free") is None:
        results.add(network, "free", worker.do(build, network, numbers["tried"], LIMIT))


def sweep(networks: list[str], results: Results, processes: int, *, free: bool) -> None:
    """All of them, by so many processes. A Ctrl-C ends it at once and loses nothing."""
    waiting, lock, workers = iter(networks), threading.Lock(), [Worker() for _ in range(processes)]

    def taken() -> Iterator[str]:
        while True:
            with lock:
                network = next(waiting, None)
            if network is None:
                return
            yield network

    def work(worker: Worker) -> None:
        for network in taken():
            swept(network, results, worker, free=free)
            _progress(network, results)

    threads = ThreadPoolExecutor(processes)
    jobs = [threads.submit(work, worker) for worker in workers]
    try:
        for job in jobs:
            job.result()
    except KeyboardInterrupt:
        sys.stdout.write(f"\nstopped; the same command goes on from {results.file}\n")
        sys.stdout.flush()
        for worker in workers:
            worker.stop()
        os._exit(130)
    for worker in workers:
        worker.stop()


def _progress(network: str, results: Results) -> None:
    known = results.get(network, "structure") or {}
    words = [str(known["first"])] if known.get("first") != network else []
    for step in ("numbers", "free"):
        found = results.get(network, step)
        if found:
            words.append(f"{step} {found.get('verdict')} {found.get('seconds', '')}")
    words += [known["unbuilt"]] if "unbuilt" in known else []
    sys.stdout.write(f"{network}: {', '.join(words)}\n")
    sys.stdout.flush()


def all_networks() -> list[str]:
    """Every name of every library that is installed; its beginning is a sample of all."""
    names = [f"{of}:{name}" for of in zoo.installed() for name in zoo.LIBRARIES[of].names()]
    return [name for start in range(STRIDE) for name in names[start::STRIDE]]


def main() -> None:
    parser = argparse.ArgumentParser(prog="sweep.py", description=__doc__)
    parser.add_argument("networks", nargs="*", help="as in timm:resnet50; all by default")
    parser.add_argument("--processes", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--state", type=Path, default=STATE, help=f"default: {STATE}")
    parser.add_argument("--numbers", action="store_true", help="without traces of free sizes")
    parser.add_argument("--page", action="store_true", help="write the page of what is there")
    parser.add_argument("--again", nargs="+", default=[], help="verdicts to be tried anew")
    options = parser.parse_args()
    results = Results(options.state)
    results.forget(options.again)
    if not options.page:
        chosen = options.networks or all_networks()
        sweep(chosen, results, options.processes, free=not options.numbers)
    if options.page or not options.networks:
        here = zoo.installed()
        listed = {name: len(zoo.LIBRARIES[name].names()) for name in here}
        sweep_page.write(results.found, here, listed)


if __name__ == "__main__":
    main()
