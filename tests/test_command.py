"""The command: whatever is wrong with its options is one line and status 2, before anything is trained or written."""
import ast
import dataclasses
import importlib
import re
import subprocess
import sys
import typing

import pytest
from cli import command, environment, refused, train_arguments

from gan_course.configuration import RANGES
from gan_course.pytorch.config import Config

HINTS = {field.name: typing.get_type_hints(Config)[field.name] for field in dataclasses.fields(Config)}
CHOICES = {name: typing.get_args(hint) for name, hint in HINTS.items() if typing.get_origin(hint) is typing.Literal}
WHOLE = [name for name in RANGES if int in (typing.get_args(HINTS[name]) or (HINTS[name],))]


def beyond():
    "Every field with a range, and a value on either side of it."
    for name, (low, high) in RANGES.items():
        if name in WHOLE: yield from ((name, int(low) - 1), (name, int(high) + 1))
        else: yield from ((name, low - 1e-3 * (abs(low) or 1)), (name, high * 1.001), (name, "nan"), (name, "inf"))


def refused_option(tmp_path, name, value, says):
    "A run that would be fine without this option; nothing may be written."
    option = "--" + name.replace("_", "-")
    message = refused("train", "pytorch", "--out", tmp_path/"run", f"{option}={value}", says=says)
    assert not (tmp_path/"run").exists(), "refused before anything is made"
    return message


@pytest.mark.parametrize("name, value", list(beyond()))
def test_out_of_range(tmp_path, name, value):
    message = refused_option(tmp_path, name, value, (name, "between"))
    assert "it has to lie between" in message


@pytest.mark.parametrize("name", RANGES)
def test_no_number(tmp_path, name):
    refused_option(tmp_path, name, "many", "many")


@pytest.mark.parametrize("name", WHOLE)
def test_no_whole_number(tmp_path, name):
    refused_option(tmp_path, name, "2.5", "2.5")


@pytest.mark.parametrize("name", CHOICES)
def test_unknown_choice(tmp_path, name):
    message = refused_option(tmp_path, name, "nonsense", "nonsense")
    assert any(choice in message for choice in CHOICES[name]), message


@pytest.mark.parametrize("device", ["tpu", "cuda:x", "cuda:99", "", "cpu:cpu"])
def test_unknown_device(tmp_path, device):
    refused("train", "pytorch", "--out", tmp_path/"run", f"--device={device}", says="device")


def test_every_field_is_an_option():
    done = command("train", "pytorch", "--help")
    assert done.status == 0
    for name in HINTS: assert f"--{name.replace('_', '-')}" in done.out or f"--no-{name.replace('_', '-')}" in done.out, name


@pytest.mark.parametrize("given, says", [
    (["--limit", "100", "--batch-size", "128"], ("limit is 100", "batch_size 128")),
    (["--label-smoothing", "0.1"], ("label_smoothing", "relativistic")),
    (["--weight-decay", "0.1"], ("weight_decay", "adamw")),
    (["--recipe", "dcgan", "--optimizer", "rmsprop", "--weight-decay", "0.1"], ("weight_decay", "adamw")),
])
def test_options_that_contradict_each_other(tmp_path, given, says):
    refused("train", "pytorch", "--out", tmp_path/"run", *given, says=says)
    assert not (tmp_path/"run").exists()


@pytest.mark.parametrize("arguments, says", [
    (["trian"], "did you mean 'train'"), (["fly"], "unknown command 'fly'"), (["--epochs", "3"], "unknown command"),
    (["train"], "say which track"), (["train", "--epochs", "1"], "say which track"), (["sample"], "say which track"),
    (["train", "pytroch"], "did you mean 'pytorch'"), (["train", "jax"], ("unknown track 'jax'", "pytorch")),
    (["sample", "jax", "--run", "x"], "unknown track 'jax'"),
    (["train", "pytorch", "--epoch", "3"], "epoch"), (["train", "pytorch", "--colour", "red"], "colour"),
    (["train", "pytorch", "stray"], "stray"), (["train", "pytorch", "--epochs"], "epochs"), (["train", "pytorch", "--recipe"], "recipe"),
    (["train", "pytorch", "--out"], "out"), (["train", "pytorch", "--epochs", "--resume"], "epochs"),
    (["train", "pytorch", "--recipe", "wgan"], ("recipe is 'wgan'", "modern, dcgan")),
    (["train", "pytorch", "--recipe=wgan"], ("recipe is 'wgan'", "modern, dcgan")),
    (["train", "pytorch", "--resume", "maybe"], "maybe"), (["train", "pytorch", "--dataset", "mnist"], "mnist"),
    (["sample", "pytorch"], "run"), (["sample", "pytorch", "--run"], "run"), (["sample", "pytorch", "--run", "x", "--num", "many"], "many"),
    (["sample", "pytorch", "--run", "x", "--seed", "-1"], ("seed is -1", "0 or more")),
    (["sample", "pytorch", "--run", "x", "--num", "0"], "0 images"),
    (["sample", "pytorch", "--run", "x", "--num", "-3"], "-3 images"),
    (["sample", "pytorch", "--run", "x", "--num", "100001"], "100001 images"),
    (["sample", "pytorch", "--run", "no/such/run"], "no/such/run"), (["sample", "pytorch", "--run", "x", "--colour", "red"], "colour"),
    (["evaluate"], "run"), (["evaluate", "--run", "no/such/run"], "no run folder no/such/run"),
    (["evaluate", "--run", "x", "--num", "10"], "num is 10"), (["datasets", "--verbose"], "verbose"), (["datasets", "stray"], "stray"),
    (["completion"], "say which shell"), (["completion", "tcsh"], "bash|zsh|fish"),
    (["report"], "which runs"),
], ids=" ".join)
def test_what_is_typed_wrongly(tmp_path, monkeypatch, arguments, says):
    monkeypatch.chdir(tmp_path)
    refused(*arguments, says=says)
    assert not list(tmp_path.iterdir()), "nothing was written"


def test_sampling_a_folder_that_is_no_run(tmp_path):
    refused("sample", "pytorch", "--run", tmp_path, says=("there is no", "generator.pt"))
    refused("sample", "pytorch", "--run", tmp_path, "--best", says="best")
    refused("evaluate", "--run", tmp_path, says="config.json")


def test_recipes_fill_in_what_is_not_given(monkeypatch):
    "Options win over the recipe, and both over the defaults."
    from gan_course import pytorch
    seen = {}
    monkeypatch.setattr(pytorch, "train", lambda config, resume: seen.update(config=config, resume=resume))
    assert command("train", "pytorch", "--recipe", "dcgan", "--width", "7", "--resume", "--no-progress").status == 0
    dcgan = pytorch.CONFIG.replace(recipe="dcgan", width=7, progress=False)
    assert seen == dict(config=dcgan, resume=True)
    assert command("train", "pytorch").status == 0
    assert seen == dict(config=pytorch.CONFIG, resume=False)
    assert dcgan.beta1 != pytorch.CONFIG.beta1


@pytest.mark.parametrize("arguments, says", [
    (["completion", "--help"], "usage"), (["completion", "bash"], "complete -o default"),
    ([], "usage: gan-course"), (["--help"], "tracks: pytorch"), (["train", "--help"], "usage"), (["--version"], "gan-course 0."),
    (["sample", "pytorch", "--help"], "--truncation"), (["evaluate", "--help"], "--num"), (["datasets", "--help"], "--data-dir")])
def test_help(arguments, says):
    done = command(*arguments)
    assert done.status == 0 and says in done.out and not done.err


def test_datasets(tmp_path):
    done = command("datasets", "--data-dir", tmp_path)
    assert done.status == 0 and "fashion_mnist train: missing" in done.out and "garments test: built in, 10000 images" in done.out
    assert not list(tmp_path.iterdir())


def test_ctrl_c_before_training(monkeypatch):
    from gan_course import __main__
    def stop(arguments): raise KeyboardInterrupt
    monkeypatch.setattr(__main__, "dispatch", stop)
    done = command("train", "pytorch")
    assert done.status == 130 and done.err.startswith("gan-course: interrupted") and done.err.count("\n") == 1


def test_messages_of_several_lines_become_one(monkeypatch):
    from gan_course import __main__
    def fail(arguments): raise __main__.CourseError("a path with\na line break\tand a tab")
    monkeypatch.setattr(__main__, "dispatch", fail)
    assert command("x").err == "gan-course: a path with a line break and a tab\n"


def test_a_programming_error_is_no_course_error(monkeypatch):
    "Only errors that have a remedy become a line; a bug keeps its traceback."
    from gan_course import __main__
    def fail(arguments): raise ZeroDivisionError
    monkeypatch.setattr(__main__, "dispatch", fail)
    with pytest.raises(ZeroDivisionError): command("x")


def test_a_missing_package_names_the_extra(monkeypatch):
    from gan_course import __main__
    def missing(name): raise ModuleNotFoundError("No module named 'torch'", name="torch")
    monkeypatch.setattr(__main__.importlib, "import_module", missing)
    refused("train", "pytorch", says=("needs torch", "gan_course[pytorch]"))


def test_the_real_command(tmp_path):
    "Through the shell's eyes: status, streams, no traceback; and no framework is loaded for a typing error."
    code = "import sys; from gan_course.__main__ import main; s = main(sys.argv[1:]); print('torch' in sys.modules); sys.exit(s)"
    done = subprocess.run([sys.executable, "-c", code, "train", "pytroch"], capture_output=True, text=True, env=environment())
    assert done.returncode == 2 and done.stdout == "False\n" and done.stderr.startswith("gan-course: unknown track 'pytroch'")
    done = subprocess.run(["gan-course", *train_arguments(tmp_path/"run", epochs=0)], capture_output=True, text=True,
                          env=environment())
    assert done.returncode == 2 and done.stdout == ""
    assert done.stderr == "gan-course: epochs is 0; it has to lie between 1 and 1000000\n"


# --- What help costs ---

HEAVY = "numpy matplotlib PIL tyro pooch tqdm torch tensorflow keras jax".split()


def loaded_after(*arguments):
    "The heavy packages that a call of the command has imported, in a process of its own."
    code = ("import sys, contextlib as c, io\nfrom gan_course.__main__ import main\n"
            "with c.redirect_stdout(io.StringIO()), c.redirect_stderr(io.StringIO()):\n"
            "    try: main(sys.argv[1:])\n    except SystemExit: pass\n"
            f"print([name for name in {HEAVY} if name in sys.modules])")
    done = subprocess.run([sys.executable, "-c", code, *arguments], capture_output=True, text=True,
                          env=environment(), check=True)
    return set(ast.literal_eval(done.stdout.splitlines()[-1]))


@pytest.mark.parametrize("arguments", [
    [], ["--help"], ["--version"], ["trian"], ["train"], ["train", "pytroch"], ["train", "--help"],
    ["completion", "zsh"], ["completion", "words", "train", "tensorflow", "--"],
], ids=" ".join)
def test_help_and_typing_errors_load_nothing(arguments):
    assert loaded_after(*arguments) == set()


@pytest.mark.parametrize("command", [
    "evaluate", "report", "datasets", "sample pytorch", "train pytorch"])
def test_the_help_of_a_command_loads_its_options_only(command):
    assert loaded_after(*command.split(), "--help") == {"tyro"}


def test_after_help_the_track_is_whole():
    "Help looks at the configuration alone; in a notebook, training may follow in the same process."
    code = ("import gan_course.__main__ as m\n"
            "try: m.main(['train', 'pytorch', '--help'])\nexcept SystemExit: pass\n"
            "from gan_course.pytorch import CONFIG, train, generate_samples\n"
            "from gan_course.pytorch.config import Config\n"
            "assert callable(train) and isinstance(CONFIG, Config)\n"
            "with m.only_config('pytorch') as track: assert track.train is train")
    subprocess.run([sys.executable, "-c", code], check=True, env=environment(),
                   stdout=subprocess.DEVNULL)


# --- Completion ---

SHELL = """
eval "$(gan-course completion bash)"
complete -p gan-course
tab() { COMP_WORDS=("$@"); COMP_CWORD=$(( $# - 1 )); _gan_course; echo "${COMPREPLY[*]}"; }
tab gan-course tr
tab gan-course train pytorch --opt
tab gan-course train pytorch --recipe = d
tab gan-course train pytorch --out ''
"""


def test_bash_completes():
    "Through the script that the command prints; bash has divided the line at blanks and at =."
    done = subprocess.run(["bash", "--norc", "-c", SHELL], capture_output=True, text=True,
                          env=environment(), check=True)
    assert done.stdout.splitlines() == ["complete -o default -F _gan_course gan-course",
                                        "train", "--optimizer", "dcgan", ""]
    assert not done.stderr


@pytest.mark.parametrize("line, expected", [
    ("", {"train", "sample", "evaluate", "report", "datasets", "completion", "--help",
          "--version"}),
    ("tr", {"train"}), ("train ", {"pytorch", "tensorflow", "tpu", "flowers", "--help"}),
    ("train t", {"tensorflow", "tpu"}), ("sample fl", {"flowers", "flow"}), ("train fl", {"flowers"}),
    ("train pytorch --recipe ", {"modern", "dcgan"}),
    ("train pytorch --recipe = ", {"modern", "dcgan"}), # as bash divides it
    ("train pytorch --recipe =", {"modern", "dcgan"}),
    ("train pytorch --recipe=d", {"--recipe=dcgan"}), # zsh and fish do not divide
    ("train flowers --input-size ", {"32", "64", "128"}),
    ("train tpu --resume --prog", {"--progress"}),
    ("train pytorch --epochs ", set()), ("train pytorch --out ", set()),
    ("sample pytorch --trun", {"--truncation"}), ("evaluate --features in", {"inception"}),
    ("report ", set()), ("report --o", {"--out"}), ("datasets --d", {"--data-dir"}),
    ("completion ", {"bash", "zsh", "fish"}), ("completion bash ", set()),
    ("nonsense ", set()), ("train nonsense ", set()),
])
def test_what_is_offered(line, expected):
    done = command("completion", "words", *line.split(" "))
    assert done.status == 0 and set(done.out.split()) == expected


def test_completion_of_nothing():
    from gan_course.__main__ import complete
    assert complete([]) == complete([""])


@pytest.mark.parametrize("track", ["pytorch", "tensorflow", "tpu", "flowers"])
def test_completion_reads_the_configuration_that_the_track_has(track):
    from gan_course.__main__ import config_hints
    config = importlib.import_module(f"gan_course.{track}").Config
    hints = typing.get_type_hints(config)
    assert config_hints(track) == {f.name: hints[f.name] for f in dataclasses.fields(config)}


@pytest.mark.parametrize("command_line", [
    "train pytorch", "sample pytorch", "evaluate", "report", "datasets"])
def test_every_option_is_offered_and_every_offer_is_an_option(command_line):
    from gan_course.__main__ import complete
    name, *track = command_line.split()
    shown = set(re.findall(r"--[a-z0-9][a-z0-9-]*", command(*command_line.split(), "--help").out))
    shown = {option for option in shown if not option.startswith("--tyro")}
    assert set(complete([name, *track, "--"])) == shown
