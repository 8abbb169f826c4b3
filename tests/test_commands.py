"""``python -m hcr_lib`` as a person meets it: help, lab and doctor. Reading has tests of its own."""

import hashlib
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

import pytest

from hcr_lib import _paths
from hcr_lib.cli import _probes, doctor, lab

ROOT = Path(__file__).resolve().parents[1]
NOTIFICATION = "@jupyterlab/apputils-extension:notification"


def hcr(*arguments: str, cwd: Path = ROOT, **options) -> subprocess.CompletedProcess:
    command = [sys.executable, "-m", "hcr_lib", *arguments]
    return subprocess.run(command, cwd=cwd, capture_output=True, text=True, check=False, timeout=300, **options)


@pytest.fixture(scope="module")
def copy(tmp_path_factory) -> Path:
    """The library in a folder without notebooks, as a person has it who moved things about."""
    folder = tmp_path_factory.mktemp("course")
    shutil.copytree(ROOT / "hcr_lib", folder / "hcr_lib", ignore=shutil.ignore_patterns("__pycache__", "research"))
    (folder / "data").symlink_to(ROOT / "data")
    # What the doctor imports there: all packages are tried once, here, and that takes long enough.
    needs = '["anywidget", "keras", "numpy", "tensorflow"]'
    (folder / "pyproject.toml").write_text(f'[project]\nrequires-python = ">=3.11"\ndependencies = {needs}\n')
    return folder


@pytest.mark.parametrize(
    "arguments", [["--help"], ["read", "--help"], ["lab", "--help"], ["pad", "--help"], ["doctor", "--help"]]
)
def test_help_is_there(arguments):
    shown = hcr(*arguments)
    assert shown.returncode == 0
    assert shown.stdout.startswith("usage: python -m hcr_lib")


@pytest.mark.parametrize("arguments", [[], ["sing"], ["doctor", "--loud"]])
def test_a_wrong_command_line_says_so_in_a_line(arguments):
    shown = hcr(*arguments)
    assert shown.returncode == 2
    assert "error:" in shown.stderr
    assert "Traceback" not in shown.stderr


def test_without_packages_it_says_where_to_turn(tmp_path):
    """What a person gets who runs the system's Python and not that of .venv: here a numpy that is not to be found."""
    (tmp_path / "numpy.py").write_text("raise ModuleNotFoundError(\"No module named 'numpy'\", name='numpy')")
    shown = hcr("read", "photo.png", env=os.environ | {"PYTHONPATH": f"{tmp_path}{os.pathsep}{ROOT}"})
    assert shown.returncode == 1
    assert shown.stderr.startswith("hcr_lib: No module named 'numpy'")
    assert "python -m hcr_lib doctor" in shown.stderr
    assert len(shown.stderr.splitlines()) == 1


def test_a_reader_that_leaves_early_is_no_error():
    pipe = f"{sys.executable} -m hcr_lib doctor | head -n 1"
    shown = subprocess.run(["sh", "-c", pipe], cwd=ROOT, capture_output=True, text=True, check=True, timeout=120)
    assert len(shown.stdout.splitlines()) == 1
    assert "Traceback" not in shown.stderr
    assert "BrokenPipe" not in shown.stderr


class TestLab:
    def test_the_persons_arguments_come_last_so_that_they_win(self):
        assert lab.command(ROOT, ["--port=9000", "--log-level=INFO"], browser=True)[-2:] == [
            "--port=9000",
            "--log-level=INFO",
        ]

    @pytest.mark.parametrize("root", [True, False])
    def test_root_is_allowed_only_when_it_is_root(self, monkeypatch, root):
        monkeypatch.setattr(lab, "is_root", lambda: root)
        assert ("--allow-root" in lab.command(ROOT, browser=False)) == root

    @pytest.mark.parametrize(
        ("environ", "platform", "expected"),
        [
            ({"DISPLAY": ":0"}, "linux", True),
            ({"WAYLAND_DISPLAY": "wayland-0"}, "linux", True),
            ({}, "linux", False),
            ({"DISPLAY": ":10", "SSH_CONNECTION": "a b"}, "linux", False),
            ({}, "win32", True),
            ({}, "darwin", True),
        ],
    )
    def test_a_browser_opens_only_where_somebody_sees_it(self, monkeypatch, environ, platform, expected):
        monkeypatch.setattr(lab, "is_root", lambda: False)
        monkeypatch.setattr(lab, "in_container", lambda: False)
        assert lab.can_show_a_browser(environ, platform) == expected

    def test_without_the_notebooks_it_says_where_to_go(self, copy):
        shown = hcr("lab", cwd=copy)
        assert shown.returncode == 1
        assert "Change to the folder of the course" in shown.stderr

    def test_the_course_is_found_from_anywhere(self, monkeypatch, tmp_path):
        monkeypatch.chdir(tmp_path)
        assert lab.course_folder() == ROOT

    def test_lessons_are_found_by_their_names(self, monkeypatch, copy, tmp_path):
        """In whatever number, whatever they are called; the library then is that of an installed wheel."""
        (tmp_path / "notebooks").mkdir()
        for name in ("10_speech.ipynb", "02_renamed.ipynb", "notes.ipynb", "07_new.ipynb"):
            (tmp_path / "notebooks" / name).touch()
        assert [path.name for path in lab.lessons(tmp_path)] == ["02_renamed.ipynb", "07_new.ipynb", "10_speech.ipynb"]
        monkeypatch.setattr(lab, "CHECKOUT", copy)
        monkeypatch.chdir(tmp_path)
        assert lab.course_folder() == tmp_path
        assert "--LabApp.default_url=/lab/tree/my_course/02_renamed.ipynb" in lab.command(tmp_path, browser=True)

    def test_it_serves_the_course_and_prints_the_address(self, copy, tmp_path):
        """Without a browser to open: the address that is printed, with its token, is all a person needs."""
        shutil.copytree(ROOT / "notebooks", tmp_path / "notebooks")
        environment = {key: value for key, value in os.environ.items() if "DISPLAY" not in key}
        environment |= {f"JUPYTER_{name}_DIR": str(tmp_path / name) for name in ("CONFIG", "DATA", "RUNTIME")}
        output = tmp_path / "output"
        with output.open("wb") as file:
            server = subprocess.Popen(
                [sys.executable, "-m", "hcr_lib", "lab", "--no-browser", "--fresh", "03"],
                cwd=tmp_path,
                env=environment | {"PYTHONPATH": str(copy)},
                stdout=file,
                stderr=file,
            )
        try:
            address = self.address(output, server)
            assert "/lab/tree/my_course/01_data.ipynb?token=" in address
            assert "A new copy: my_course/03_cnn_2.ipynb" in output.read_text()
            with urllib.request.urlopen(address, timeout=30) as page:
                assert page.status == 200
            settings = address.replace("/lab/tree/my_course/01_data.ipynb", f"/lab/api/settings/{NOTIFICATION}")
            with urllib.request.urlopen(settings, timeout=30) as answer:
                asked = json.load(answer)["schema"]["properties"]
            assert (asked["fetchNews"]["default"], asked["checkForUpdates"]["default"]) == ("false", False)
            contents = address.replace("/lab/tree/", "/api/contents/") + "&content=0"
            with urllib.request.urlopen(contents, timeout=30) as answer:
                assert b'"01_data.ipynb"' in answer.read()
        finally:
            server.send_signal(signal.SIGTERM)
            server.wait(timeout=30)

    @staticmethod
    def address(output: Path, server: subprocess.Popen) -> str:
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline and server.poll() is None:
            if found := re.search(r"http://(?:localhost|127\.0\.0\.1)\S+", output.read_text(errors="replace")):
                return found[0]
            time.sleep(0.2)
        pytest.fail(f"no address was printed:\n{output.read_text(errors='replace')}")


@pytest.fixture(scope="module")
def reports(copy, tmp_path_factory) -> dict[str, tuple[int, str]]:
    """Exit status and output of the doctor here, and in the copy with broken packages; both run at the same time."""
    shims = tmp_path_factory.mktemp("shims")
    (shims / "tensorflow.py").write_text("raise ImportError('a\\nbroken library')")
    (shims / "anywidget.py").write_text("import os; os.abort()")
    here = os.environ | {"HCR_DATA_DIR": str(shims / "empty")}
    broken = os.environ | {"PYTHONPATH": f"{shims}{os.pathsep}{ROOT}"}  # the copy's kernel finds hcr_lib in ROOT
    command = [sys.executable, "-m", "hcr_lib", "doctor"]
    started = {
        name: subprocess.Popen(command, cwd=cwd, env=env, stdout=subprocess.PIPE, text=True)
        for name, cwd, env in (("here", ROOT, here), ("broken", copy, broken))
    }
    printed = {name: process.communicate(timeout=300)[0] for name, process in started.items()}
    return {name: (process.returncode, printed[name]) for name, process in started.items()}


class TestDoctor:
    def test_this_installation_is_ready(self, reports):
        status, report = reports["here"]
        assert status == 0, report
        *lines, verdict, collected = report.splitlines()
        assert [re.match(r"(?:ok   |note ) (\w+): ", line)[1] for line in lines] == list(doctor.CHECKS)
        assert any(re.match(r"note  data: none in .*; not needed", line) for line in lines)
        assert verdict == "Ready."
        assert re.fullmatch(r"Code for your teacher: HCR-OK-[0-9A-F]{4}", collected)

    def test_what_is_broken_is_named(self, reports, copy):
        """Installed, but broken: TensorFlow, anywidget (which crashes), the notebooks, and what the kernel imports."""
        status, report = reports["broken"]
        assert status == 1
        failed = dict(re.findall(r"^FAIL  (\w+): (.*)$", report, re.MULTILINE))
        assert failed.keys() == {"imports", "kernel", "notebooks"}
        assert "tensorflow: ImportError: a broken library" in failed["imports"]
        assert re.search(r"anywidget: the process ended with status -?\d+", failed["imports"])
        assert re.search(r"pip install --force-reinstall --no-deps anywidget .*tensorflow$", failed["imports"])
        assert f"this terminal uses {copy / 'hcr_lib'}, notebooks {ROOT / 'hcr_lib'}" in failed["kernel"]
        assert "Change to the folder of the course" in failed["notebooks"]
        assert re.search(r"^Code for your teacher: HCR-IMPORTS-KERNEL-NOTEBOOKS-[0-9A-F]{4}$", report, re.MULTILINE)

    def test_a_probe_that_hangs_or_fails_is_no_more_than_an_answer(self, monkeypatch, tmp_path):
        (tmp_path / "hcr_sleeps.py").write_text("import time; time.sleep(60)")
        (tmp_path / "hcr_prints.py").write_text("print('hello')")
        monkeypatch.setenv("PYTHONPATH", str(tmp_path), prepend=os.pathsep)
        assert _probes.run("try_imports", "hcr_prints") == ([None], None)
        answers, problem = _probes.run("try_imports", "hcr_prints", "hcr_sleeps", timeout_s=2)
        assert (answers, problem) == ([None], "no answer in 2 seconds")
        answers, problem = _probes.run("no_such_probe")
        assert answers == []
        assert "no_such_probe" in problem

    def test_a_kernel_that_does_not_start_is_named(self, monkeypatch, tmp_path):
        kernel = tmp_path / "kernels" / "python3"
        kernel.mkdir(parents=True)
        specification = {
            "argv": [sys.executable, "-c", "raise SystemExit(3)"],
            "display_name": "",
            "language": "python",
        }
        (kernel / "kernel.json").write_text(json.dumps(specification))
        monkeypatch.setenv("JUPYTER_PATH", str(tmp_path))
        finding = doctor.check_kernel()
        assert finding.status == doctor.FAIL
        assert "Kernel died" in finding.message

    def test_lessons_and_solutions_go_together(self, monkeypatch, tmp_path):
        (tmp_path / "notebooks" / "solutions").mkdir(parents=True)
        for name in ("01_data.ipynb", "07_new.ipynb", "solutions/01_data.ipynb"):
            (tmp_path / "notebooks" / name).write_text('{"cells": []}')
        monkeypatch.setattr(lab, "CHECKOUT", tmp_path)
        assert doctor.check_notebooks() == (
            doctor.FAIL, "07_new.ipynb: lesson or solution is missing; restore it"
        )  # fmt: skip
        shutil.copy(tmp_path / "notebooks" / "07_new.ipynb", tmp_path / "notebooks" / "solutions")
        assert doctor.check_notebooks().message.startswith("2 lessons with solutions")
        (tmp_path / "notebooks" / "07_new.ipynb").write_text('{"cells": [')
        assert "07_new.ipynb is no notebook" in doctor.check_notebooks().message

    def test_a_changed_file_is_named(self, monkeypatch, tmp_path):
        good, bad = tmp_path / "good.bin", tmp_path / "bad.bin"
        good.write_bytes(b"as made")
        bad.write_bytes(b"changed")
        digest = hashlib.sha256(b"as made").hexdigest()
        monkeypatch.setattr(doctor, "shipped_files", lambda: {"good.bin": digest, "bad.bin": digest})
        monkeypatch.setattr(_paths, "shipped", lambda name: tmp_path / name)
        finding = doctor.check_shipped_files()
        assert finding.status == doctor.FAIL
        assert finding.message.startswith("bad.bin was changed")

    def test_packages_are_held_against_the_newest_pyproject(self, monkeypatch, tmp_path):
        """After an update of the course, what it needs may be more than what was installed with it."""
        needs = ["numpy>=2", "no-such-thing>=1", "numpy>=99", "nothing; python_version < '3'"]
        (tmp_path / "pyproject.toml").write_text(f'[project]\nrequires-python = ">=3.99"\ndependencies = {needs}\n')
        monkeypatch.setattr(lab, "CHECKOUT", tmp_path)
        finding = doctor.check_packages()
        assert finding.status == doctor.FAIL
        assert re.match(
            r"no-such-thing is missing \(expected >=1\), numpy \S+ \(expected >=99\); run: .*pip install",
            finding.message,
        )
        assert doctor.check_python().status == doctor.FAIL

    def test_every_shipped_file_has_its_checksum(self):
        """Texts apart, and records of results, which `test_records.py` compares with the weights."""
        data = ROOT / "data"
        present = {path.relative_to(data).as_posix() for path in data.rglob("*") if path.is_file()}
        texts = {name for name in present if Path(name).suffix in (".md", ".toml") or name.startswith("results/")}
        assert present - texts <= doctor.shipped_files().keys()
