"""What bench/workflow.ts is, for redun: the same tasks under the same names."""

from redun import script, task

redun_namespace = "bench"


@task()
def square(n: int) -> int:
    return n * n


@task()
def total(numbers: list) -> int:
    return sum(int(number) for number in numbers)


@task()
def inline(count: int):
    return total([square(n) for n in range(count)])


@task()
def next_one(left: int):
    return 0 if left == 0 else next_one(left - 1)


@task()
def hops(count: int):
    return next_one(count)


@task()
def echo(n: int):
    return script(f"echo {n}")


@task()
def main(count: int):
    return total([echo(n) for n in range(count)])


@task()
def python(n: int):
    return script(f"#!/usr/bin/env python3\nprint({n})\n")


@task()
def pythons(count: int):
    return total([python(n) for n in range(count)])
