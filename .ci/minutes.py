"""How long the lessons take, by one rule, so that their headings, headers and the README tell the truth.

``python .ci/minutes.py`` prints the minutes of every section; ``--write`` puts them into the notebooks' headings and
headers and into the README. A test compares.

Words count at 180 a minute. The other figures are rounded from a least-squares fit to what a learner took for 34
sections of lessons 01 to 04 as they were in November 2026, 386 minutes in all; but for that of a function to write,
which those lessons did not have: it is an estimate.
"""

import argparse
import json
import math
import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
WORDS_A_MINUTE = 180
#: Minutes for each of these; a function is one that the learner writes.
CODE_LINE, FIGURE, PREDICTION, DEMO, SHORT_ANSWER, FUNCTION = 0.2, 0.75, 0.75, 1.5, 2.0, 4.0

README_ROW = r"(\(notebooks/{name}\) \|.*\| )\d+[ +\d]*( \|)"
HEADING = re.compile(r"^## (?P<title>.*?)(?: \((?P<minutes>\d+) min\))?$", re.MULTILINE)
TIME = re.compile(r"\*\*Time:\*\* \d+ min")


def lessons(folder: Path = ROOT / "notebooks") -> list[Path]:
    """Return the core lessons, in order."""
    return sorted(folder.glob("[0-9][0-9]_*.ipynb"))


def sections(path: Path) -> dict[str, float]:
    """Return the minutes of each section of a lesson, by its heading; what comes before the first is "start"."""
    minutes, title = {"start": 0.0}, "start"
    for cell in json.loads(path.read_text(encoding="utf-8"))["cells"]:
        text = "".join(cell["source"])
        if cell["cell_type"] == "markdown":
            parts = re.split(HEADING.pattern, text, flags=re.MULTILINE)
            minutes[title] += _prose(parts[0])
            for title, _, prose in zip(*[iter(parts[1:])] * 3, strict=True):
                minutes[title] = minutes.get(title, 0) + _prose(prose)
        else:
            minutes[title] += _code(text, cell)
    return minutes


def _prose(text: str) -> float:
    text = re.sub(r"\]\([^)]*\)|<[^>]+>|[*_`#|$-]+", " ", text)  # addresses, tags and marks are not read
    return len(text.split()) / WORDS_A_MINUTE + PREDICTION * len(re.findall(r"\bPredict\b", text))


def _code(text: str, cell: dict) -> float:
    lines = [line for line in text.splitlines() if line.strip() and not line.lstrip().startswith(("import ", "from "))]
    asked = re.search(r"\bcheck\(\s*[\"']", text)
    gap = asked and re.search(r"^def ", text, re.MULTILINE)
    figures = sum("image/png" in output.get("data", {}) for output in cell["outputs"])
    demos = sum(any("widget" in kind for kind in output.get("data", {})) for output in cell["outputs"])
    exercise = FUNCTION if gap else SHORT_ANSWER if asked else CODE_LINE * len(lines)
    return exercise + FIGURE * figures + DEMO * demos


def rounded(minutes: dict[str, float]) -> dict[str, int]:
    """Return whole minutes; at least one a section."""
    return {title: max(1, math.floor(each + 0.5)) for title, each in minutes.items()}


def with_minutes(path: Path) -> str:
    """Return a lesson's file with the minutes in its headings and its header."""
    minutes = rounded(sections(path))
    notebook = json.loads(path.read_text(encoding="utf-8"))
    for cell in notebook["cells"]:
        if cell["cell_type"] == "markdown":
            text = HEADING.sub(
                lambda match: f"## {match['title']} ({minutes[match['title']]} min)", "".join(cell["source"])
            )
            text = TIME.sub(f"**Time:** {sum(minutes.values())} min", text)
            cell["source"] = text.splitlines(keepends=True)
    return json.dumps(notebook, indent=1, ensure_ascii=False) + "\n"


def readme_with(lesson_minutes: dict[str, int], text: str) -> str:
    """Return the README with the minutes of lessons, by file name, in its table."""
    for name, minutes in lesson_minutes.items():
        text = re.sub(README_ROW.format(name=re.escape(name)), rf"\g<1>{minutes}\g<2>", text)
    return text


def main() -> None:
    """Print the minutes, or write them."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("notebooks", nargs="*", type=Path, default=lessons())
    parser.add_argument("--write", action="store_true", help="put the minutes into the notebooks")
    options = parser.parse_args()
    totals = {}
    for path in options.notebooks:
        minutes = rounded(sections(path))
        print(f"{path.stem}: {sum(minutes.values())} min")
        for title, each in minutes.items():
            print(f"  {each:3d}  {title}")
        totals[path.name] = sum(minutes.values())
        if options.write:
            path.write_text(with_minutes(path), encoding="utf-8")
    if options.write:
        readme = ROOT / "README.md"
        readme.write_text(readme_with(totals, readme.read_text(encoding="utf-8")), encoding="utf-8")


if __name__ == "__main__":
    main()
