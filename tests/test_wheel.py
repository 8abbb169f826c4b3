"""What ``pip install`` of a built wheel gives: the library with its data, usable far away from the checkout."""

import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]


@pytest.fixture(scope="module")
def installed(tmp_path_factory) -> Path:
    """Return a folder that holds what a wheel holds, and nothing else."""
    wheels, folder = tmp_path_factory.mktemp("wheels"), tmp_path_factory.mktemp("site")
    command = [sys.executable, "-m", "hatchling", "build", "--target", "wheel", "--directory", str(wheels)]
    subprocess.run(command, cwd=ROOT, capture_output=True, check=True)
    (wheel,) = wheels.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(folder)
    return folder


def test_the_wheel_carries_the_data(installed):
    def holdings(folder: Path) -> dict[str, int]:
        return {
            path.relative_to(folder).as_posix(): path.stat().st_size for path in folder.rglob("*") if path.is_file()
        }

    assert holdings(installed / "hcr_lib" / "_data") == holdings(ROOT / "data")


def test_the_wheel_holds_the_library_and_nothing_else(installed):
    information, package = sorted(path.name for path in installed.iterdir())
    assert information.endswith(".dist-info")
    assert package == "hcr_lib"
    assert (installed / "hcr_lib" / "cli" / "labconfig" / "default_setting_overrides.json").is_file()


def test_it_works_from_there(installed):
    program = "import hcr_lib; from hcr_lib import datasets; print(hcr_lib.__file__, len(datasets.load().chars) > 0)"
    answer = subprocess.run([sys.executable, "-c", program], cwd=installed, capture_output=True, text=True, check=True)
    assert answer.stdout.split() == [str(installed / "hcr_lib" / "__init__.py"), "True"]
