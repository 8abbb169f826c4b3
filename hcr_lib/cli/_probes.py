"""What ``python -m hcr_lib doctor`` runs in child processes, since it may crash or hang."""

import ast
import importlib
import json
import subprocess
import sys
from typing import Any

ANSWER = "HCR "  # begins each line of answers, among what else a child may print
TIMEOUT_S = 180  # of one child; all of them together need some ten seconds


def run(probe: str, *arguments: str, timeout_s: float = TIMEOUT_S) -> tuple[list[Any], str | None]:
    """Run a function below in a process of its own; return its answers, and what went wrong or None."""
    program = f"import sys; from hcr_lib.cli import _probes; _probes.{probe}(*sys.argv[1:])"
    problem = None
    try:
        done = subprocess.run([sys.executable, "-c", program, *arguments], capture_output=True, timeout=timeout_s)
        printed = done.stdout
        if done.returncode:
            last = b"".join(done.stderr.strip().splitlines()[-1:]).decode(errors="replace")
            problem = f"the process ended with status {done.returncode} {last}".rstrip()
    except subprocess.TimeoutExpired as late:
        printed, problem = late.stdout or b"", f"no answer in {timeout_s:g} seconds"
    lines = printed.decode(errors="replace").splitlines()
    return [json.loads(line.removeprefix(ANSWER)) for line in lines if line.startswith(ANSWER)], problem


def _answer(value: object) -> None:
    print(ANSWER + json.dumps(value), flush=True)


def try_imports(*modules: str) -> None:
    """Import modules in turn; answer with None, or with the error, after each."""
    for module in modules:
        try:
            importlib.import_module(module)
        except Exception as error:  # whatever stops it on this machine is the answer
            _answer(f"{type(error).__name__}: {error}")
        else:
            _answer(None)


def read_digits() -> None:
    """Read one digit of each class that ships, with the weights that ship; answer with the text."""
    from hcr_lib import datasets
    from hcr_lib.recognizer import Recognizer

    shipped, reader = datasets.load(split="test"), Recognizer.load("digits")
    first = (shipped.images[list(shipped.chars).index(digit)] for digit in "0123456789")
    _answer("".join(reader.read(image, mode="char").text for image in first))


def ask_kernel(folder: str, *expressions: str) -> None:
    """Evaluate expressions in a new kernel of the name that notebooks carry; answer with each value, or its error."""
    from jupyter_client.manager import start_new_kernel

    manager, client = start_new_kernel(kernel_name="python3", cwd=folder)
    try:
        asked = {str(number): expression for number, expression in enumerate(expressions)}
        reply = client.execute("", user_expressions=asked, reply=True, timeout=60)["content"]["user_expressions"]
    finally:
        client.stop_channels()
        manager.shutdown_kernel(now=True)
    for value in reply.values():
        failed = value["status"] != "ok"
        _answer(f"{value['ename']}: {value['evalue']}" if failed else ast.literal_eval(value["data"]["text/plain"]))
