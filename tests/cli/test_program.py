"""Exit statuses, streams, files that are there already, help, and what is not imported."""

import argparse
import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from tfedge import __version__
from tfedge.cli import options, program
from tfedge.cli.command import Answer
from tfedge.cli.commands import convert, inspect, prune_channels
from tfedge.cli.console import Console
from tfedge.cli.parser import COMMANDS, command_line
from tfedge.compress.pruning.channels.importance.score import ChannelImportance
from tfedge.convert.modes import INPUT_OUTPUT_TYPES, MODES
from tfedge.core.errors import ArgumentError
from tfedge.core.observers import OBSERVERS
from tfedge.runtime.interpreter import RUNTIMES

_SLOW = ("tensorflow", "keras", "tf_keras", "numpy", "matplotlib", "PIL")


@pytest.mark.parametrize("words", [["--help"], ["--version"], *([name, "-h"] for name in COMMANDS)])
def test_help_goes_to_stdout(tfedge, words):
    ran = tfedge(*words)
    assert ran.status == 0 and not ran.err
    assert max(map(len, ran.out.splitlines())) <= 100
    if words == ["--version"]:
        assert ran.out == f"tfedge {__version__}\n"


@pytest.mark.parametrize("name", COMMANDS)
def test_examples_in_the_help_are_right(name):
    joined = COMMANDS[name].example.replace("\\\n", " ")
    for line in joined.splitlines():
        for part in line.split("|"):
            words = part.replace("'", "").replace('"', "").split()
            if words[0] == "tfedge":
                words = [word for word in words if word not in ("Pi", "Pico")]
                assert command_line().parse_args(words[1:]).command in COMMANDS


def test_help_imports_nothing_slow():
    code = (
        "import sys; from tfedge.cli import main; main(sys.argv[1:]);"
        "print(sorted(sys.modules), file=sys.stderr)"
    )
    for words in (["--help"], ["convert", "--help"], ["nonsense"]):
        ran = subprocess.run(
            [sys.executable, "-c", code, *words], capture_output=True, text=True, check=True
        )
        modules = ran.stderr[ran.stderr.rindex("[") :]
        assert not [name for name in _SLOW if f"'{name}'" in modules]


def test_words_are_those_of_the_functions():
    assert (*RUNTIMES,) == options.RUNTIMES[1:]
    assert list(convert.MODES) == list(MODES)
    assert set(convert.OBSERVERS) == {*OBSERVERS, "auto", "tflite"}
    assert set(convert.BORDERS) == set(INPUT_OUTPUT_TYPES)
    kinds = [ChannelImportance(kind) for kind in prune_channels.IMPORTANCES]
    assert {one.kind for one in kinds if one.needs_loss} == set(prune_channels.FROM_LOSS)


@pytest.mark.parametrize("how", [["-m", "tfedge"], [str(Path(sys.executable).with_name("tfedge"))]])
def test_as_a_program(cli_files, how):
    command = [sys.executable, *how] if how[0] == "-m" else how
    words = ["inspect", str(cli_files / "cnn_int8.tflite"), "--json", "--max-size", "1k"]
    ran = subprocess.run([*command, *words], capture_output=True, text=True, check=False)
    assert ran.returncode == 3, ran.stderr
    found = json.loads(ran.stdout)
    assert found["command"] == "inspect"
    assert found["failed"] == [ran.stderr.strip().removeprefix("check failed: ")]


@pytest.mark.parametrize(
    ("words", "status", "said"),
    [
        ([], 2, "COMMAND"),
        (["convert"], 2, "MODEL"),
        (["convert", "a.keras", "--quantize", "int7"], 2, "int8"),
        (["convert", "a.keras"], 1, "No model file at 'a.keras'"),
        (["convert", "a.keras", "-o", "a.bin"], 2, "must end in .tflite"),
        (["convert", "a.keras", "-o", "no/a.tflite"], 2, "no folder 'no'"),
        (["convert", "a:b"], 2, "-o FILE"),
        (["prune-channels", "a.keras", "-o", "b.keras"], 2, "--ratio"),
        (["prune-channels", "a.keras", "-o", "b.keras", "--ratio", "2"], 2, "[0, 1]"),
        (["evaluate", "-", "-"], 2, "stdin"),
        (["benchmark", "-", "-"], 2, "stdin"),
        (["inspect", "a.tflite", "--max-size", "9 acres"], 2, "no size"),
        (["inspect", "a.txt"], 1, "No model file"),
        (["inspect", "a.tflite", "--import", "not_there"], 1, "not_there"),
    ],
)
def test_refusals_come_before_anything_slow(tfedge, words, status, said):
    ran = tfedge(*words)
    assert ran.status == status and said in ran.err
    assert "Traceback" not in ran.err and not ran.out


def test_data_are_looked_at_before_the_model(tfedge, cli_files):
    broken = Path("broken.tflite")
    broken.write_bytes(b"no model")
    assert "no 'z'" in tfedge("evaluate", broken, cli_files / "digits.npz", "--x", "z").err
    assert "not a .tflite file" in tfedge("evaluate", broken, cli_files / "digits.npz").err
    np.savez("bare.npz", x=np.zeros((1, 8, 8, 1)))
    ran = tfedge("evaluate", broken, "bare.npz")
    assert ran.status == 2 and "--y KEY" in ran.err


def test_files_are_replaced_only_when_told(tfedge, cli_files):
    model = cli_files / "model.keras"
    Path("model.tflite").write_bytes(b"mine")
    ran = tfedge("convert", model)
    assert ran.status == 2 and "--force" in ran.err
    assert Path("model.tflite").read_bytes() == b"mine"
    assert tfedge("convert", model, "--force").status == 0
    assert Path("model.tflite").read_bytes()[4:8] == b"TFL3"


def test_nothing_is_left_when_a_model_cannot_be_written(tfedge, cli_files, monkeypatch):
    import keras

    def full(self, path, *_, **__):
        Path(path).write_bytes(b"half")
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(keras.Model, "save", full)
    words = ("prune-channels", cli_files / "model.keras", "--ratio", "0.5", "-o", "slim.keras")
    ran = tfedge(*words)
    assert ran.status == 1 and "No space left" in ran.err
    assert not list(Path().iterdir())


def test_quiet_says_nothing_and_json_is_alone_on_stdout(tfedge, cli_files):
    words = ("evaluate", cli_files / "cnn_int8.tflite", cli_files / "digits.npz", "-q", "--json")
    ran = tfedge(*words)
    assert ran.err == ""
    assert json.loads(ran.out)["output"] is None


def test_not_a_number_is_null_in_json():
    found = json.loads(Answer({"sqnr_db": float("inf")}).as_json("compare"))
    assert found["result"]["sqnr_db"] is None


def answering(monkeypatch, run):
    """Let the command inspect run a function instead."""
    command = COMMANDS["inspect"]
    changed = {**vars(command), "run": run}
    monkeypatch.setitem(program.COMMANDS, "inspect", type(command)(**changed))


def test_interrupted(tfedge, monkeypatch):
    def stop(asked, console):
        raise KeyboardInterrupt

    answering(monkeypatch, stop)
    ran = tfedge("inspect", "a.tflite")
    assert ran.status == 130 and ran.err == "error: interrupted\n"


def test_debug_shows_where(tfedge, monkeypatch):
    def refuse(asked, console):
        raise ArgumentError("no")

    answering(monkeypatch, refuse)
    assert tfedge("inspect", "a.tflite").err == "error: no\n"
    ran = tfedge("inspect", "a.tflite", "--debug")
    assert ran.status == 2 and "in refuse" in ran.err


def test_warnings_for_users_are_one_line_and_others_are_none(tfedge, monkeypatch):
    import warnings

    def warn(asked, console):
        warnings.warn("look out", UserWarning, stacklevel=1)
        warnings.warn("old", DeprecationWarning, stacklevel=1)
        return Answer({}, "done")

    answering(monkeypatch, warn)
    ran = tfedge("inspect", "a.tflite")
    assert (ran.out, ran.err) == ("done\n", "warning: look out\n")


def test_a_reader_that_goes_away(cli_files):
    code = f"{sys.executable} -m tfedge inspect {cli_files / 'cnn_int8.tflite'} --json | head -c 1"
    ran = subprocess.run(["bash", "-c", code], capture_output=True, text=True, check=True)
    assert ran.stdout == "{" and ran.stderr == ""


def test_a_model_and_data_of_functions(tfedge, cli_files):
    Path("mine_for_cli.py").write_text(
        "import tfedge, numpy as np\n"
        f"def model():\n    return tfedge.load({str(cli_files / 'cnn_int8.tflite')!r})\n"
        f"def data():\n    f = np.load({str(cli_files / 'digits.npz')!r})\n"
        "    with f:\n        return f['x'], f['y']\n"
    )
    ran = tfedge("evaluate", "mine_for_cli:model", "mine_for_cli:data", "--json")
    expected = tfedge("evaluate", cli_files / "cnn_int8.tflite", cli_files / "digits.npz", "--json")
    assert ran.result["metrics"] == expected.result["metrics"]


def test_csv_through_a_pipe(tfedge, cli_files, stdin):
    with np.load(cli_files / "digits.npz") as file:
        rows = np.column_stack([file["x"].reshape(200, -1), file["y"]])
    stdin("\n".join(",".join(map(repr, map(float, row))) for row in rows).encode())
    ran = tfedge("evaluate", cli_files / "cnn_float.tflite", "-", "--label", "-1", "--json")
    expected = tfedge(
        "evaluate", cli_files / "cnn_float.tflite", cli_files / "digits.npz", "--json"
    )
    assert ran.result["metrics"] == expected.result["metrics"]


def test_accelerators_of_inspect():
    with pytest.raises(ArgumentError, match="Choose one of: 'edgetpu', 'gpu', 'micro'"):
        import tfedge

        tfedge.check(b"", "none")
    assert inspect.ACCELERATORS == ("edgetpu", "gpu", "micro")


def test_console_draws_bars_on_terminals_only(monkeypatch):
    assert Console(2).bars == 1
    assert Console(1).bars == 0
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True, raising=False)
    assert (Console(0).bars, Console(1).bars) == (0, 1)


def test_every_command_has_what_all_have():
    for name in COMMANDS:
        parser = command_line()._subparsers._group_actions[0].choices[name]
        found = {word for action in parser._actions for word in action.option_strings}
        assert {"--json", "--quiet", "--verbose", "--debug", "--seed", "--import"} <= found
        assert all(action.help for action in parser._actions if action.help != argparse.SUPPRESS)
