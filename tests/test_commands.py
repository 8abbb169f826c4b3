"""``python -m hcr_lib`` as a person meets it: help, lab and doctor. Reading has tests of its own."""

import hashlib
import os
import re
import signal
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

import pytest

from hcr_lib import _paths
from hcr_lib.cli import doctor, lab

ROOT = Path(__file__).resolve().parents[1]


def hcr(*arguments: str, **options) -> subprocess.CompletedProcess:
    command = [sys.executable, "-m", "hcr_lib", *arguments]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False, timeout=120, **options)


@pytest.mark.parametrize("arguments", [["--help"], ["read", "--help"], ["lab", "--help"], ["doctor", "--help"]])
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

    def test_without_the_notebooks_it_says_where_to_go(self, monkeypatch, tmp_path, capsys):
        monkeypatch.setattr(lab, "__file__", str(tmp_path / "site-packages" / "hcr_lib" / "lab.py"))
        monkeypatch.chdir(tmp_path)
        assert lab.run() == 1
        assert "Change to the folder of the course" in capsys.readouterr().err

    def test_it_serves_the_course_and_prints_the_address(self, tmp_path):
        """Without a browser to open: the address that is printed, with its token, is all a person needs."""
        environment = {key: value for key, value in os.environ.items() if "DISPLAY" not in key}
        environment |= {f"JUPYTER_{name}_DIR": str(tmp_path / name) for name in ("CONFIG", "DATA", "RUNTIME")}
        output = tmp_path / "output"
        with output.open("wb") as file:
            server = subprocess.Popen(
                [sys.executable, "-m", "hcr_lib", "lab", "--no-browser"],
                cwd=ROOT,
                env=environment,
                stdout=file,
                stderr=file,
            )
        try:
            address = self.address(output, server)
            assert "/lab/tree/notebooks/01_data.ipynb?token=" in address
            with urllib.request.urlopen(address, timeout=30) as page:
                assert page.status == 200
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


class TestDoctor:
    def test_this_installation_is_ready(self):
        shown = hcr("doctor")
        assert shown.returncode == 0, shown.stdout
        assert shown.stdout.splitlines()[-1] == "Ready."
        assert all(re.match(r"(ok|note) ", line) for line in shown.stdout.splitlines()[:-1])

    def test_a_changed_file_is_named(self, monkeypatch, tmp_path):
        good, bad = tmp_path / "good.bin", tmp_path / "bad.bin"
        good.write_bytes(b"as made")
        bad.write_bytes(b"changed")
        digest = hashlib.sha256(b"as made").hexdigest()
        monkeypatch.setattr(doctor, "shipped_files", lambda: {"good.bin": digest, "bad.bin": digest})
        monkeypatch.setattr(_paths, "shipped", lambda name: tmp_path / name)
        (finding,) = doctor.check_shipped_files()
        assert finding.status == doctor.FAIL
        assert finding.message.startswith("bad.bin was changed")

    def test_a_missing_file_is_named(self, monkeypatch):
        monkeypatch.setattr(doctor, "shipped_files", lambda: {"nothing.bin": "0" * 64})
        (finding,) = doctor.check_shipped_files()
        assert finding.status == doctor.FAIL
        assert finding.message.startswith("nothing.bin ships with the course but was not found")

    def test_a_missing_package_is_named_with_the_remedy(self, monkeypatch):
        real = doctor.installed_version
        monkeypatch.setattr(doctor, "installed_version", lambda name: None if name == "seaborn" else real(name))
        (finding,) = doctor.check_packages()
        assert finding.status == doctor.FAIL
        assert "seaborn" in finding.message
        assert "pip install -r requirements.txt" in finding.message

    def test_no_real_data_is_no_fault(self, monkeypatch, tmp_path):
        monkeypatch.setenv("HCR_DATA_DIR", str(tmp_path / "empty"))
        (finding,) = doctor.check_real_data()
        assert finding.status == doctor.NOTE
        assert "not needed" in finding.message

    def test_every_shipped_file_has_its_checksum(self):
        """Texts apart, and records of results, which `test_records.py` compares with the weights."""
        data = ROOT / "data"
        present = {path.relative_to(data).as_posix() for path in data.rglob("*") if path.is_file()}
        texts = {name for name in present if Path(name).suffix in (".md", ".toml") or name.startswith("results/")}
        assert present - texts <= doctor.shipped_files().keys()
