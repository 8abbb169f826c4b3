"""``python -m hcr_lib read``: the contract that scripts and people rely on."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from hcr_lib import __main__ as program
from hcr_lib import handwriting, labels, pen

ROOT = Path(__file__).resolve().parents[1]


@pytest.fixture(scope="module")
def pictures(tmp_path_factory) -> dict[str, str]:
    """Paths of a few pictures, good and bad."""
    folder, rng = tmp_path_factory.mktemp("pictures"), np.random.default_rng(0)
    paths = {}
    for text in ("A", "7", "HANDS"):
        strokes = handwriting.write(text, handwriting.Style(), rng)
        x0, y0, x1, y1 = pen.bounds(strokes)
        ink = pen.render_page([s - [x0 - 30, y0 - 30] for s in strokes], (int(y1 - y0) + 60, int(x1 - x0) + 60), 5)
        Image.fromarray(np.uint8(255 * (1 - ink))).save(folder / f"{text}.png")
    Image.new("L", (50, 40), 255).save(folder / "blank.png")
    (folder / "text.png").write_text("dear diary", encoding="utf-8")
    (folder / "empty.png").write_bytes(b"")
    (folder / "cut.png").write_bytes((folder / "A.png").read_bytes()[:200])
    for path in folder.iterdir():
        paths[path.stem] = str(path)
    return {**paths, "folder": str(folder), "missing": str(folder / "missing.png")}


def read(capsys, *arguments: str) -> tuple[int, list[str], list[str]]:
    """Run the command in this process; return status, lines of stdout and lines of stderr."""
    status = program.main(["read", *arguments])
    shown = capsys.readouterr()
    return status, shown.out.splitlines(), shown.err.splitlines()


def hcr_read(*arguments, **options) -> subprocess.CompletedProcess:
    command = [sys.executable, "-m", "hcr_lib", "read", *arguments]
    return subprocess.run(command, capture_output=True, check=False, timeout=300, **options)


def check_contract(answer: dict, file: str, classes: str = labels.ALNUM) -> None:
    """Hold one object against the contract, key by key."""
    assert list(answer) == ["file", "text", "confidence", "reader", "characters", "marks", "crossed_out"]
    assert answer["reader"] in ("cut", "line", "both")
    assert answer["file"] == file
    assert "".join(each["char"] for each in answer["characters"]) == "".join(answer["text"].split())
    assert 0 <= answer["confidence"] <= 1
    with Image.open(file) as picture:
        width, height = picture.size
    for each in answer["characters"]:
        assert list(each) == ["char", "confidence", "box", "alternatives"]
        assert each["char"] in classes
        assert 0 <= each["confidence"] <= 1
        x0, y0, x1, y1 = each["box"]
        assert 0 <= x0 < x1 <= width
        assert 0 <= y0 < y1 <= height
        shares = [share for _, share in each["alternatives"]]
        assert len(shares) == 3
        assert shares == sorted(shares, reverse=True)
        assert all(0 <= share <= 1 for share in shares)
        assert all(char in classes and char != each["char"] for char, _ in each["alternatives"])


class TestJson:
    def test_one_object_a_line_in_the_order_of_the_files(self, capsys, pictures):
        files = [pictures[name] for name in ("7", "HANDS", "A", "7")]
        status, lines, errors = read(capsys, "--json", *files)
        assert (status, errors) == (0, [])
        answers = [json.loads(line) for line in lines]
        for answer, file in zip(answers, files, strict=True):
            check_contract(answer, file)
        assert [len(answer["text"]) for answer in answers] == [1, 5, 1, 1]
        assert answers[0]["text"] == "7"
        assert answers[0] == answers[3]

    @pytest.mark.parametrize("alphabet", ["digits", "letters", "alnum", "byclass", "text"])
    @pytest.mark.parametrize("mode", ["auto", "char", "word", "page"])
    def test_every_alphabet_in_every_mode(self, capsys, pictures, alphabet, mode):
        status, lines, _ = read(capsys, "--json", "--alphabet", alphabet, "--mode", mode, pictures["HANDS"])
        assert status == 0
        answer = json.loads(lines[0])
        check_contract(answer, pictures["HANDS"], labels.classes(alphabet))
        if alphabet == "digits" and mode != "char":
            assert answer["characters"], "as many as letters look like digits"
        else:
            assert len(answer["characters"]) == (1 if mode == "char" else 5)

    @pytest.mark.parametrize("how", ["auto", "cut", "line"])
    def test_it_says_which_reader_read_it(self, capsys, pictures, how):
        status, [line], _ = read(capsys, "--json", "--reader", how, pictures["HANDS"])
        answer = json.loads(line)
        check_contract(answer, pictures["HANDS"])
        assert (status, len(answer["characters"])) == (0, 5)
        assert answer["reader"] in (("cut", "line") if how == "auto" else (how,))

    def test_a_bad_file_spoils_no_other(self, capsys, pictures):
        bad = ["text", "blank", "missing", "empty", "cut", "folder"]
        files = [pictures[name] for name in ["A", *bad, "7"]]
        status, lines, errors = read(capsys, "--json", *files)
        assert status == 1
        answers = [json.loads(line) for line in lines]
        assert [answer["file"] for answer in answers] == files
        check_contract(answers[0], files[0])
        check_contract(answers[-1], files[-1])
        assert len(errors) == len(bad), "one line a bad file"
        for answer, line, file in zip(answers[1:-1], errors, files[1:-1], strict=True):
            assert list(answer) == ["file", "error"]
            assert line == f"hcr_lib read: {answer['error']}"
            assert file in line
            assert "expected" in line

    def test_a_short_file_name_is_not_mistaken_for_part_of_the_message(self, capsys, tmp_path, monkeypatch):
        monkeypatch.chdir(tmp_path)
        Image.new("L", (50, 40), 255).save("ink", "PNG")  # as in "no ink found"
        _, _, errors = read(capsys, "ink")
        assert errors[0].startswith("hcr_lib read: ink: no ink found")


class TestPlain:
    def test_one_file_gives_its_text_alone(self, capsys, pictures):
        assert read(capsys, pictures["7"]) == (0, ["7"], [])

    def test_several_files_are_named(self, capsys, pictures):
        status, lines, errors = read(capsys, pictures["7"], pictures["blank"], pictures["A"])
        assert status == 1
        assert [line.split(": ")[0] for line in lines] == [pictures["7"], pictures["A"]]
        assert len(errors) == 1

    @pytest.mark.parametrize("option", [["--alphabet", "greek"], ["--mode", "line"], ["--loud"], []])
    def test_a_wrong_command_line(self, pictures, option):
        with pytest.raises(SystemExit) as raised:
            program.main(["read", *option, *([pictures["7"]] if option else [])])
        assert raised.value.code == 2


class TestLexicon:
    @pytest.mark.parametrize("start", ["", "\ufeff"], ids=["", "as Windows saves it"])
    def test_its_spelling_is_taken(self, capsys, pictures, tmp_path, start):
        (tmp_path / "words").write_text(f"{start}Hands\n\nfeet\r\n", encoding="utf-8")
        assert read(capsys, "--lexicon", str(tmp_path / "words"), pictures["HANDS"]) == (0, ["Hands"], [])

    @pytest.mark.parametrize(
        ("content", "message"),
        [
            (None, "cannot be read"),
            (b"\x89PNG\r\n\xff", "cannot be read"),
            (b" \n\n", "holds no words"),
            (b"cat\n" + 10_000_000 * b"x", "at most 100 characters"),
            (60_000_000 * b"x", "no regular file of at most 50 MB"),
        ],
        ids=["missing", "binary", "empty", "one long word", "large"],
    )
    def test_one_that_is_none_is_said_before_anything_is_read(self, capsys, pictures, tmp_path, content, message):
        path = tmp_path / "words"
        if content is not None:
            path.write_bytes(content)
        status, lines, errors = read(capsys, "--lexicon", str(path), pictures["7"])
        assert (status, lines, len(errors)) == (2, [], 1)
        assert message in errors[0]
        assert "expected" in errors[0]

    def test_the_english_words_have_a_name(self, capsys, pictures):
        assert read(capsys, "--lexicon", "english", pictures["HANDS"]) == (0, ["hands"], [])

    def test_masks_and_formats(self, capsys, pictures):
        assert read(capsys, "--mask", "D", pictures["A"])[1][0].isdigit()
        assert read(capsys, "--mask", "postcode", "--mask", "LLLLL", pictures["HANDS"]) == (0, ["HANDS"], [])
        status, lines, [error] = read(capsys, "--mask", "date", pictures["7"])
        assert (status, lines) == (2, [])
        assert "asks for '.', which is not among" in error

    @pytest.mark.parametrize("path", ["", "/dev/zero"])
    def test_one_that_is_no_file_is_refused(self, capsys, pictures, path):
        status, lines, [error] = read(capsys, "--lexicon", path, pictures["7"])
        assert (status, lines) == (2, [])
        assert "cannot be read" in error

    def test_an_entry_may_have_blanks(self, capsys, pictures, tmp_path):
        (tmp_path / "words").write_text("Ha nds\nfeet\n", encoding="utf-8")
        status, [line], _ = read(
            capsys, "--json", "--reader", "cut", "--lexicon", str(tmp_path / "words"), pictures["HANDS"]
        )
        answer = json.loads(line)
        assert (status, answer["text"]) == (0, "Ha nds")
        assert "".join(each["char"] for each in answer["characters"]) == "HANDS"


def test_an_unknown_reader_names_the_known(capsys, pictures):
    with pytest.raises(SystemExit) as stopped:
        read(capsys, "--reader", "whole", pictures["7"])
    assert stopped.value.code == 2
    error = capsys.readouterr().err
    assert "--reader" in error
    assert all(known in error for known in ("auto", "cut", "line"))


def test_names_cannot_steer_the_terminal(capsys, pictures, tmp_path):
    names = ["line\nbreak.png", "clear\x1b[2J.png"]
    for name in names:
        (tmp_path / name).write_bytes(Path(pictures["7"]).read_bytes())
    status, lines, errors = read(capsys, *(str(tmp_path / name) for name in [*names, "missing\x1b[2J.png"]))
    assert status == 1
    assert lines == [f"{tmp_path}/line\\nbreak.png: 7", f"{tmp_path}/clear\\x1b[2J.png: 7"]
    assert errors[0].startswith(f"hcr_lib read: {tmp_path}/missing\\x1b[2J.png was not found")


class TestFromTheShell:
    @pytest.mark.skipif(sys.platform != "linux", reason="redirects of a Unix shell")
    @pytest.mark.parametrize(
        ("redirect", "status", "message"),
        [
            (">&-", 2, "hcr_lib read: the standard output is closed"),
            ("> /dev/full", 1, "hcr_lib read: the answers cannot be written (No space left on device)"),
            ("2>&-", 1, ""),
            (">&- 2>&-", 2, ""),
        ],
    )
    def test_closed_and_full_streams(self, pictures, redirect, status, message):
        files = f"'{pictures['7']}' '{pictures['text']}'"
        command = f"'{sys.executable}' -m hcr_lib read --json {files} {redirect}"
        shown = subprocess.run(
            ["sh", "-c", command], capture_output=True, text=True, check=False, cwd=ROOT, timeout=100
        )
        assert shown.returncode == status
        assert shown.stderr.startswith(message)
        assert "Traceback" not in shown.stderr
        assert "Exception ignored" not in shown.stderr
        answers = [json.loads(line) for line in shown.stdout.splitlines()]
        assert ["error" in answer for answer in answers] == ([False, True] if redirect == "2>&-" else [])

    @pytest.mark.skipif(sys.platform == "win32", reason="signals of Unix")
    def test_ctrl_c_at_any_time_leaves_no_traceback(self, pictures):
        # Before that line Python itself is starting, and nobody's code can answer for it. A process of pytest-xdist
        # ignores the signal, and so would its child, which is therefore told to heed it.
        start = (
            "import signal, sys; from hcr_lib.__main__ import main; "
            "signal.signal(signal.SIGINT, signal.default_int_handler); print(1, flush=True); "
            "sys.exit(main(sys.argv[1:]))"
        )
        command = [sys.executable, "-c", start, "read", *[pictures["7"]] * 1000]
        pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
        for seconds in (0.02, 0.05, 0.08, 0.1, 0.15, 0.2, 0.4):
            started = subprocess.Popen(command, text=True, cwd=ROOT, **pipes)
            started.stdout.readline()
            time.sleep(seconds)
            started.send_signal(signal.SIGINT)
            _, errors = started.communicate(timeout=100)
            assert started.returncode == 130, (seconds, errors)
            assert "Traceback" not in errors, seconds

    def test_odd_file_names_on_a_console_that_cannot_show_them(self, pictures, tmp_path):
        names = ["-dash.png", "with space.png", "příliš 文字.png"]
        if sys.platform == "linux":
            names.append(os.fsdecode(b"\xff\xfe.png"))  # not UTF-8: old archives hold such names
        for name in names:
            (tmp_path / name).write_bytes(Path(pictures["7"]).read_bytes())
        environment = {**os.environ, "PYTHONIOENCODING": "ascii", "PYTHONPATH": str(ROOT)}
        shown = hcr_read("--json", "--", *names, "příliš.png", cwd=tmp_path, env=environment)
        answers = [json.loads(line) for line in shown.stdout.splitlines()]
        assert [answer["file"] for answer in answers] == [*names, "příliš.png"]
        assert [answer.get("text") for answer in answers] == ["7"] * len(names) + [None]
        assert shown.returncode == 1
        assert len(shown.stderr.splitlines()) == 1, shown.stderr

    def test_it_imports_neither_tensorflow_nor_what_only_other_commands_need(self, pictures):
        code = (
            "import sys\n"
            "from hcr_lib.__main__ import main\n"
            "status = main(['read', sys.argv[1]])\n"
            "slow = {'tensorflow', 'keras', 'pandas', 'sklearn', 'skimage', 'matplotlib', 'pooch', 'requests'}\n"
            "print(sorted(slow & sys.modules.keys()), status)\n"
        )
        shown = subprocess.run(
            [sys.executable, "-c", code, pictures["7"]],
            capture_output=True,
            check=True,
            cwd=ROOT,
            text=True,
            timeout=300,
        )
        assert shown.stdout.splitlines() == ["7", "[] 0"]

    def test_hundreds_of_files_in_one_call(self, pictures):
        """Ten times the files: ten times the output, but no more memory, and no more time for each."""
        code = (
            "import resource, sys, time\n"
            "from hcr_lib.__main__ import main\n"
            "for number in (5, 20, 200):\n"
            "    start = time.process_time()\n"
            "    main(['read', '--json'] + [sys.argv[1]] * number)\n"
            "    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss\n"
            "    print(number, peak, time.process_time() - start, file=sys.stderr)\n"
        )
        command = [sys.executable, "-c", code, pictures["7"]]
        shown = subprocess.run(command, capture_output=True, check=True, cwd=ROOT, timeout=300)
        assert len(shown.stdout.splitlines()) == 225
        _, few, many = (list(map(float, line.split())) for line in shown.stderr.splitlines())
        assert many[1] < 1.1 * few[1]
        assert many[2] < 20 * few[2]
