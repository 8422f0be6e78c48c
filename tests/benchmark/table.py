"""What the scripts of this folder share: samples, aims, and the table that they become, in Markdown."""

import os
import pathlib
import platform
import shutil
import statistics
import subprocess
import sys
import time
from dataclasses import dataclass

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parent.parent
MEMORY_MODES = {"default": {}, "huge pages": {"GLIBC_TUNABLES": "glibc.malloc.hugetlb=1"}}
RECORD = "for the record"


@dataclass
class Aim:
    """A bound on ours/theirs, on how many times as fast we are, or, in milliseconds, on ours - theirs."""

    bound: float
    kind: str = "ratio"  # or "speedup", "excess"

    def describe(self):
        return {"ratio": f"at most {self.bound:g} x", "speedup": f"at least {self.bound:g} x faster",
                "excess": f"at most {self.bound:g} ms more"}[self.kind]

    def describe_outcome(self, ours, theirs):
        return {"ratio": f"{ours / theirs:.3f}", "speedup": f"{theirs / ours:.2f} x faster",
                "excess": f"{format_time(ours - theirs)} ms more"}[self.kind]

    def is_met(self, ours, theirs):
        return {"ratio": ours <= self.bound * theirs, "speedup": theirs >= self.bound * ours,
                "excess": ours - theirs <= self.bound}[self.kind]


class WrongResult(Exception):
    pass


@dataclass
class Sample:
    """The times of one contender, in milliseconds."""

    times: list

    @property
    def median(self):
        return statistics.median(self.times)

    def describe(self):
        if len(self.times) < 3:
            return format_time(self.median)
        lower, _, upper = statistics.quantiles(self.times, n=4, method="inclusive")
        spread = (upper - lower) / 2 / self.median if self.median else 0
        return f"{format_time(self.median)} ± {spread:.0%}"


def format_time(milliseconds):
    return f"{milliseconds:,.{0 if abs(milliseconds) >= 1000 else 1 if abs(milliseconds) >= 10 else 2}f}"


class Table:
    """Lines of measurements, and what has to be known beside them."""

    HEAD = ("| work | memory | ours | beside it | its time | ratio | aim | | load |",
            "|---|---|---|---|---|---|---|---|---|")

    def __init__(self, title):
        self.title = title
        self.lines = []
        self.load = os.getloadavg()

    def add(self, work, mode, ours, label, theirs, aim, load):
        outcome = (aim or Aim(0)).describe_outcome(ours.median, theirs.median)
        met = "" if not aim else "met" if aim.is_met(ours.median, theirs.median) else "**missed**"
        self.lines.append(f"| {work} | {mode} | {ours.describe()} | {label} | {theirs.describe()} | {outcome} "
                          f"| {aim.describe() if aim else RECORD} | {met} | {load:.1f} |")

    def text(self, facts):
        after = os.getloadavg()
        return "\n".join([
            f"# {self.title}", "", *facts,
            f"- load average before {self.load[0]:.2f} {self.load[1]:.2f} {self.load[2]:.2f}, "
            f"after {after[0]:.2f} {after[1]:.2f} {after[2]:.2f} (of the benchmarks themselves, too)", "",
            "Times in milliseconds: median ± half the distance between the quartiles. Ratio: ours / theirs.", "",
            *self.HEAD, *self.lines, ""])


def describe_machine():
    """The date, the commit and the machine, as lines of a list."""
    processor = next((line.split(":")[1].strip() for line in open("/proc/cpuinfo") if line.startswith("model name")),
                     platform.machine())
    commit = subprocess.run(["git", "-C", ROOT, "describe", "--always", "--dirty"], capture_output=True, text=True)
    return [f"- {time.strftime('%Y-%m-%d %H:%M')}, commit {commit.stdout.strip() or 'unknown'}",
            f"- {len(os.sched_getaffinity(0))} cores ({processor}), Linux {platform.release()}"]


def python():
    return "/usr/bin/python3" if os.access("/usr/bin/python3", os.X_OK) else sys.executable


def python_version():
    return subprocess.run([python(), "--version"], capture_output=True, text=True, check=True).stdout.strip()


def build_programs(build, *targets):
    environment = dict(os.environ)
    if shutil.which("ccache"):
        environment.setdefault("CMAKE_CXX_COMPILER_LAUNCHER", "ccache")
    subprocess.run(["cmake", "--preset", "release", "-B", build, "-DPROCESSION_TESTS=ON", "-DPROCESSION_BENCHMARKS=ON"],
                   cwd=ROOT, env=environment, stdout=sys.stderr, check=True)
    subprocess.run(["cmake", "--build", build, "--target", *targets], cwd=ROOT, stdout=sys.stderr, check=True)


def add_common_options(parser, rows, repetitions):
    length = parser.add_mutually_exclusive_group()
    length.add_argument("--quick", action="store_true", help=f"3 repetitions instead of {repetitions}")
    length.add_argument("--tiny", action="store_true", help="tiny sizes, once: a check of the results, not of the speed")
    parser.add_argument("--repetitions", type=int, metavar="N")
    parser.add_argument("--workers", type=int, default=2, metavar="N")
    parser.add_argument("--only", action="append", choices=rows, help="may be repeated")
    parser.add_argument("--build", type=pathlib.Path, default=ROOT / "build/benchmark", metavar="DIR")
    parser.add_argument("--no-build", action="store_true", help="measure what is there")
    parser.add_argument("--output", type=pathlib.Path, metavar="FILE", help="write the table there, too")


def parse_options(parser, repetitions):
    options = parser.parse_args()
    options.repetitions = options.repetitions or (1 if options.tiny else 3 if options.quick else repetitions)
    options.build = options.build.resolve()
    return options


def write(text, options):
    print(text)
    if options.output:
        options.output.write_text(text)
