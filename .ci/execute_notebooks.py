"""Execute notebooks in place, from top to bottom, in the form in which they are committed.

``python .ci/execute_notebooks.py`` executes all notebooks, or those named on the command line. Widget state and
timings are not stored: they change with every run and would hide the differences that matter to a reviewer.
"""

import argparse
import sys
import time
from pathlib import Path

import nbformat
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError

ROOT = Path(__file__).resolve().parents[1]
CELL_TIMEOUT_S = 1800


def notebooks() -> list[Path]:
    """Return the paths of all notebooks of the course, lessons first."""
    found = [path for path in (ROOT / "notebooks").rglob("*.ipynb") if ".ipynb_checkpoints" not in path.parts]
    return sorted(found, key=lambda path: (len(path.parts), path))


def execute(path: Path) -> None:
    """Execute a notebook in its own folder and write it back; after an error the file is left as it was.

    Raises
    ------
    CellExecutionError
        If a cell without the tag ``raises-exception`` fails.
    """
    notebook = nbformat.read(path, as_version=4)
    notebook.metadata.pop("widgets", None)
    notebook.metadata["kernelspec"] = {"display_name": "Python 3 (ipykernel)", "language": "python", "name": "python3"}
    for cell in notebook.cells:
        cell.metadata.pop("execution", None)
    client = NotebookClient(
        notebook,
        timeout=CELL_TIMEOUT_S,
        kernel_name="python3",
        resources={"metadata": {"path": str(path.parent)}},
        store_widget_state=False,
        record_timing=False,
    )
    client.execute()
    for cell in notebook.cells:
        if cell.cell_type == "code":
            cell.outputs = [output for output in cell.outputs if not _is_progress_bar(output)]
    notebook.metadata["language_info"] = {"name": "python"}  # no version, which would differ between maintainers
    nbformat.write(notebook, path)


def _is_progress_bar(output: nbformat.NotebookNode) -> bool:
    """Return whether an output is a progress bar of tqdm: its widget is not stored, so "0%|" or an error would show."""
    return "%|" in output.get("data", {}).get("text/plain", "")


def main() -> int:
    """Execute the notebooks named on the command line, or all; return 1 if one failed, else 0."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("notebooks", nargs="*", type=Path, metavar="NOTEBOOK", help="default: all of them")
    status = 0
    for path in parser.parse_args().notebooks or notebooks():
        start = time.perf_counter()
        try:
            execute(path.resolve())
        except (CellExecutionError, OSError, nbformat.reader.NotJSONError) as error:
            print(f"{path}: {error}", file=sys.stderr)
            status = 1
        else:
            print(f"{path}: {time.perf_counter() - start:.0f} s", flush=True)
    return status


if __name__ == "__main__":
    sys.exit(main())
