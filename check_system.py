"""Check, before anything is installed, that the course can run on this computer with this Python.

It needs the standard library alone, and no syntax that is newer than Python 3.0: the wrong Python is what it looks for.
"""

import platform
import sys
import sysconfig

PYTHONS = ("3.11", "3.12", "3.13")  # as in pyproject.toml
PROCESSORS = {"linux": ("x86_64", "aarch64"), "darwin": ("arm64",), "win32": ("amd64",)}  # those with TensorFlow wheels
GLIBC = (2, 28)
MACOS = (12,)
NEEDED = "Linux on x86-64 or arm64, Windows on x64, or a Mac with Apple silicon"


def problem(python, system, processor, bits=64, build="CPython", release=""):
    """Return one sentence about what stands in the way and what to do, or None.

    The arguments are strings as `facts` finds them, and `bits`, the size of a pointer. `release` is the version of
    glibc on Linux (empty with another C library), that of macOS on a Mac.
    """
    number = tuple(int(part) for part in release.split(".") if part.isdigit())
    if system not in PROCESSORS:
        return "found {0}, expected {1}; use another computer or a server.".format(system, NEEDED)
    if bits != 64:
        return "found a Python of {0} bits, expected one of 64; install that from python.org.".format(bits)
    if system == "darwin" and processor not in PROCESSORS[system]:
        return (
            "found a Python for Intel Macs, for which TensorFlow has no release any more; with Apple silicon install "
            "python.org's Python (not under Rosetta), on an Intel Mac use a Linux container or another computer."
        )
    if system == "win32" and processor not in PROCESSORS[system]:
        return (
            "found a Python for Windows on {0}, for which TensorFlow has no release; run the course in WSL, "
            "whose Linux has one, or on another computer.".format(processor)
        )
    if processor not in PROCESSORS[system]:
        return "found Linux on {0}, expected {1}; use another computer or a server.".format(processor, NEEDED)
    if system == "linux" and not number:
        return (
            "found a Linux without glibc (such as Alpine), for which TensorFlow has no release; "
            "use Debian, Ubuntu or Fedora, in a container for example."
        )
    if (system == "linux" and number < GLIBC) or (system == "darwin" and number < MACOS):
        name, least = ("glibc", GLIBC) if system == "linux" else ("macOS", MACOS)
        least = ".".join(str(part) for part in least)
        return "found {0} {1}, expected {2} or newer; update the system.".format(name, release, least)
    if build != "CPython" or ".".join(python.split(".")[:2]) not in PYTHONS:
        return (
            "found {0} {1}, expected CPython {2} or {3}, for which TensorFlow is released; install one of them from "
            "python.org and write {4} in the command.".format(
                build,
                python,
                ", ".join(PYTHONS[:-1]),
                PYTHONS[-1],
                "py -3.13 for py" if system == "win32" else "python3.13 for python3",
            )
        )
    return None


def facts():
    """Return what `problem` has to know about this Python and this computer."""
    system = "linux" if sys.platform.startswith("linux") else sys.platform
    windows = sysconfig.get_platform().split("-")[-1]  # of the Python, which on ARM may be another than the processor's
    build = platform.python_implementation()
    if sysconfig.get_config_var("Py_GIL_DISABLED"):
        build = "free-threaded " + build
    libc, libc_version = platform.libc_ver()
    return {
        "python": platform.python_version(),
        "system": system,
        "processor": windows if system == "win32" else platform.machine(),
        "bits": 64 if sys.maxsize > 2**32 else 32,
        "build": build,
        "release": {"linux": libc_version if libc == "glibc" else "", "darwin": platform.mac_ver()[0]}.get(system, ""),
    }


if __name__ == "__main__":
    found = problem(**facts())
    if found:
        sys.exit("check_system: " + found)
