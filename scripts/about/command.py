# ---
# jupyter:
#   kernelspec:
#     display_name: python3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # The command
#
# > `gan-course` train, sample, evaluate, report, datasets and completion: the lessons' functions, and errors in one line
#
# - order: 111

# %% [markdown]
# <!-- badges -->
# [Open in Colab](https://colab.research.google.com/github/gan-course/gan_course/blob/main/nbs/about/command.ipynb) · [Open in Kaggle](https://kaggle.com/kernels/welcome?src=https://github.com/gan-course/gan_course/blob/main/nbs/about/command.ipynb) · [View source](https://github.com/gan-course/gan_course/blob/main/nbs/about/command.ipynb) · [API](../about/api.ipynb#about-command)

# %%
#| include: false
# install: this release, where Colab or Kaggle lack the package; elsewhere nothing
import os, subprocess, sys
from importlib.util import find_spec
if find_spec("gan_course") is None and os.environ.keys() & {
        "COLAB_RELEASE_TAG", "KAGGLE_KERNEL_RUN_TYPE"}:
    assert subprocess.call([
        sys.executable, "-m", "pip", "install", "-q", "--disable-pip-version-check",
        "gan_course==0.1.0"]) == 0, (
        "pip could not install gan_course 0.1.0: on Kaggle, switch on Internet in the settings "
        "at the right, then run again; if PyPI lacks this release, run !pip install "
        "git+https://github.com/gan-course/gan_course")

# %% [markdown]
# **You will be able to** use the course from a terminal, and see how little code a command needs when every option is
# already a field of a dataclass.
#
# **You need** one of the tracks. **It takes** ten minutes.
#
# ```
# gan-course train TRACK [--dataset NAME] [--out DIR] [--epochs N] [--resume] [every field of Config]
# gan-course sample TRACK --run DIR [--num 36] [--seed 0] [--out FILE.png]
# gan-course evaluate --run DIR [--num 10000] [--features judge|pixels|inception]
# gan-course report DIR ... [--out FILE.md]
# gan-course datasets [--data-dir DIR]
# gan-course completion bash|zsh|fish
# ```

# %%
#| default_exp __main__

# %%
#| exports
import ast
import contextlib
import difflib
import importlib
import importlib.util
import inspect
import io
import os
import re
import sys
import time
import typing
from pathlib import Path
from typing import Annotated, ClassVar, Literal

from gan_course.basics import CourseError

# %% [markdown]
# What is imported here is imported by every call, `gan-course --help` and a typing error included. So numpy, matplotlib, the
# lessons and the frameworks are imported inside the functions that use them. Before that, help took two seconds on a busy
# processor; now it takes a few hundredths more than Python itself.

# %% [markdown]
# ## Options from a dataclass
#
# The usual way is `argparse` with one `add_argument` per option: every name, type, default and explanation is written a
# second time, and soon they differ. [tyro](https://brentyi.github.io/tyro/) reads the dataclass and the comments
# behind its fields. What it prints about a mistake fills a box of several lines; we keep the first sentence.
# **Predict:** for which of `--epochs many`, `--epoch 5` and `--epochs` can it guess what was meant?

# %%
#| exports
TRACKS = { # name -> package with Config, CONFIG, train, generate_samples
    name: f"gan_course.{name}" for name in ("pytorch", "tensorflow", "tpu", "flowers")}
SOURCES = TRACKS | { # of samples: the flow, too, which is trained in its lesson
    "flow": "gan_course.refinement.flow_matching"}

def check_track(name, tracks=TRACKS): # or `SOURCES`
    "Raise `CourseError` for an unknown track."
    if name not in tracks:
        if name in SOURCES:
            raise CourseError("a flow is trained in its lesson, refinement/flow_matching; "
                              "sample and evaluate take its run")
        raise CourseError(
            f"unknown track {name!r}{guess(name, tracks)}; tracks: {', '.join(tracks)}")

def load_track(name, module="", # part of the track, such as `.config`
               tracks=TRACKS): # or `SOURCES`
    "The package of a track, imported only now. `CourseError` for an unknown or uninstalled one."
    check_track(name, tracks)
    try: return importlib.import_module(tracks[name] + module)
    except ModuleNotFoundError as error:
        if (error.name or "").startswith("gan_course"): raise
        extra = name if name in TRACKS else "pytorch"
        raise CourseError(f"the track {name} needs {error.name}, which is not installed; "
                          f"pip install 'gan_course[{extra}]'") from None

@contextlib.contextmanager
def only_config(name):
    "For help: the configuration of a track, without the rest of its package."
    check_track(name)
    package = TRACKS[name]
    if package in sys.modules:
        yield sys.modules[package]
        return
    sys.modules[package] = importlib.util.module_from_spec(importlib.util.find_spec(package))
    try: yield load_track(name, ".config")
    finally: # whoever imports the track later must get all of it
        for module in [m for m in sys.modules if f"{m}.".startswith(f"{package}.")]:
            del sys.modules[module]

def guess(word, known):
    "A friendly question, if something similar is known."
    close = difflib.get_close_matches(word, known, n=1)
    return f" (did you mean {close[0]!r}?)" if close else ""

def one_line(text):
    "What a box drawn by tyro says, without the box; where UTF-8 is missing it is drawn in dashes."
    lines = [line.strip(" │┃|\t") for line in text.splitlines()]
    def is_rule(line): return not line.strip("-─━╰╯└┘ ")
    lines = [line for line in lines if line and not line.startswith(("╭", "┌"))] # no titles
    if "│" not in text and len(lines) > 1 and is_rule(lines[1]): lines = lines[2:]
    kept = []
    for line in lines:
        if is_rule(line): break
        kept.append(line)
    meant = re.search(r"Perhaps you meant:\s*(--[\w-]+)", " ".join(lines))
    hint = f" (did you mean {meant[1]}?)" if meant else ""
    return " ".join(kept).rstrip(".") + hint if kept else "the options could not be read"

def parse(function, # or dataclass
          arguments, # list of strings
          prog, # how the command is called
          **defaults):
    "Call `function` with options from the command line. A mistake is a one-line `CourseError`."
    import tyro # takes a moment to load
    errors = io.StringIO()
    try:
        with contextlib.redirect_stderr(errors):
            return tyro.cli(function, prog=prog, args=arguments, **defaults)
    except SystemExit as stop:
        if stop.code in (0, None): raise
        raise CourseError(f"{one_line(errors.getvalue())}; see {prog} --help") from None


# %%
def demo(epochs: int = 3, width: int = 32): return epochs * width

parse(demo, ["--epochs", "5"], "demo")

# %%
for wrong in (["--epochs", "many"], ["--epoch", "5"], ["--epochs"]):
    try: parse(demo, wrong, "demo")
    except CourseError as error:
        print(error)
        assert "\n" not in str(error) and "---" not in str(error)
    else: raise AssertionError(f"{wrong} was accepted")

# %%
drawn = ("╭─ Value error ─╮\n│ it is wrong │\n│ ─────── │\n│ Perhaps you meant: │\n│   --epochs "
         "INT │\n╰───╯")
plain = (" Value error \n ----------- \n  it is wrong \n ------- \n Perhaps you meant: \n  "
         "--epochs INT\n")
assert one_line(drawn) == one_line(plain) == "it is wrong (did you mean --epochs?)"


# %% [markdown]
# ## train
#
# The [recipe](glossary.ipynb#gl-recipe) decides the defaults of the other options, so it is looked for first: with `--recipe dcgan --lr-g 1e-3`
# everything but the [learning rate](glossary.ipynb#gl-learning-rate) is the recipe's, and `--help` shows the values that would be used. An option given twice
# counts as it was given last, as everywhere.

# %%
#| exports
def option_value(arguments, name):
    "The value given last for an option, before anything else is parsed; None if it is not there."
    value = None
    for text, following in zip(arguments, [*arguments[1:], None]):
        if text == name and following is not None: value = following
        if text.startswith(name + "="): value = text.split("=", 1)[1]
    return value

def train_options(track, recipe=None):
    "A function whose parameters are the options of `gan-course train`."
    import tyro
    base = track.CONFIG if recipe is None else track.CONFIG.replace(recipe=recipe)
    Fields = Annotated[track.Config, tyro.conf.arg(name="")]
    def options(config: Fields = base, resume: bool = False):
        """Train a GAN.

        Args:
            resume: go on from the last checkpoint in the run folder
        """
        return config, resume
    return options

def train_command(name, arguments):
    "gan-course train TRACK ..."
    prog, recipe = f"gan-course train {name}", option_value(arguments, "--recipe")
    if not {"-h", "--help"}.isdisjoint(arguments):
        with only_config(name) as track: parse(train_options(track, recipe), ["--help"], prog)
    track = load_track(name)
    config, resume = parse(train_options(track, recipe), arguments, prog)
    begin = time.perf_counter()
    track.train(config, resume=resume)
    if int(os.environ.get("RANK", "0")): return
    print(f"{config.out/'gan_samples.png'} after {time.perf_counter() - begin:.0f} s; "
          "everything else is beside it")


# %%
assert option_value(["--epochs", "3", "--recipe", "dcgan"], "--recipe") == "dcgan"
assert option_value(["--recipe=dcgan", "--recipe", "modern"], "--recipe") == "modern"
assert option_value(["--recipe"], "--recipe") is None


# %% [markdown]
# ## sample
#
# For the four tracks, and for the run of [a flow](../refinement/flow_matching.ipynb), which is trained in its own lesson.

# %%
#| exports
def check_seed(seed):
    "Raise `CourseError` for a seed that PyTorch could not take."
    if not 0 <= seed < 2**63:
        raise CourseError(f"seed is {seed}; it has to be 0 or more, and below 2**63")

def sample_options(run: Path, num: int = 36, seed: int = 0, out: Path | None = None,
                   truncation: float | None = None, best: bool = False, device: str = "auto"):
    """Draw images from a trained generator.

    Args:
        run: folder of the run
        num: how many images
        seed: of the latents
        out: PNG to write; default gan_samples.png in the run folder
        truncation: no component of a latent exceeds this
        best: the best generator so far instead of the last
        device: where to compute
    """
    return dict(config=run, num_images=num, seed=seed, output_path=out, truncation=truncation,
                best=best, device=device)

def sample_command(name, arguments):
    "gan-course sample TRACK ..."
    check_track(name, SOURCES)
    chosen = parse(sample_options, arguments, f"gan-course sample {name}")
    check_seed(chosen["seed"])
    images = load_track(name, tracks=SOURCES).generate_samples(**chosen)
    print(f"{chosen['output_path'] or chosen['config']/'gan_samples.png'} ({len(images)} images)")


# %% [markdown]
# ## evaluate
#
# Draws as many images as asked for, lets [the judge](../foundations/features.ipynb) look at them and at the real ones, and writes all [nine
# numbers](../foundations/metrics.ipynb) into the [run folder](glossary.ipynb#gl-run-folder), as [the page on results](results.ipynb) explains.

# %%
#| exports
def evaluate_options(run: Path, num: int | None = None, seed: int = 2,
                     data_dir: Path | None = None, best: bool = False,
                     features: Literal["judge", "pixels", "inception"] = "judge"):
    """Say with numbers how far a run's images are from real ones.

    evaluation.json and evaluation.png are written beside them.

    Args:
        run: folder of the run
        num: how many images to generate, 300 or more; default 10000, or as many as test images
        seed: of the latents
        data_dir: where data sets lie
        best: the best generator so far instead of the last
        features: judge also gives the pixel distance; inception adds the FID of papers
    """
    return locals()

def evaluate_command(arguments):
    "gan-course evaluate ..."
    o = parse(evaluate_options, arguments, "gan-course evaluate")
    check_seed(o["seed"])
    if o["num"] is not None and o["num"] < 300:
        raise CourseError(f"num is {o['num']}; with fewer than 300 images a distance means nothing")
    import tempfile

    from gan_course.datasets import load_dataset
    from gan_course.results import evaluate_run, in_words
    from gan_course.runs import RunFolder
    folder = RunFolder(o["run"], create=False)
    saved = folder.load_config()
    track = load_track(str(saved.get("track")), tracks=SOURCES)
    data = saved.get("dataset")
    name = data.get("name") if isinstance(data, dict) else None
    if not isinstance(name, str):
        raise CourseError(
            f"{folder.config_path} is damaged (it does not name a data set); train anew")
    if hasattr(track, "load_images"): # what a data set is can depend on the configuration
        config = track.Config.from_dict(saved.get("config")).replace(dataset=name)
        if o["data_dir"]: config = config.replace(data_dir=o["data_dir"])
        train, test = (track.load_images(config, split, limited=False)
                       for split in ("train", "test"))
    else: train, test = (load_dataset(name, split, o["data_dir"]) for split in ("train", "test"))
    num = o["num"] or min(10_000, len(test))
    with tempfile.TemporaryDirectory() as scratch:
        images = track.generate_samples(folder.path, num, Path(scratch)/"samples.png",
                                        seed=o["seed"], best=o["best"])
    begin = time.perf_counter()
    found = evaluate_run(folder, images, train, test, o["features"], seed=o["seed"],
                         weights="best" if o["best"] else "last")
    print(f"{folder.path}: {num:,} images against {len(train):,} of {name}, "
          f"judged in {time.perf_counter() - begin:.0f} s")
    print("\n".join(in_words(found)))
    print(f"{folder.path/'evaluation.json'}; the page is evaluation.png beside it")


# %% [markdown]
# ## report

# %%
#| exports
def report_options(runs: list[Path], out: Path | None = None):
    """Put runs into tables, from their own files.

    Args:
        runs: run folders, or folders of run folders
        out: page of Markdown to write, with grids at equal images seen; default: print the tables
    """
    return runs, out

def report_command(arguments):
    "gan-course report ..."
    import tyro
    runs, out = parse(report_options, arguments, "gan-course report",
                      config=(tyro.conf.PositionalRequiredArgs,))
    if not runs: raise CourseError("say which runs: gan-course report DIR ...")
    from gan_course.figures import save_figure
    from gan_course.results import grids_figure, groups_of, report, run_folders, summary
    from gan_course.runs import atomic_path
    text = "\n".join(report(runs)) + "\n"
    if out is None:
        print(text, end="")
        return
    names = {}
    for group in groups_of([summary(path) | dict(path=path) for path in run_folders(runs)]):
        names.setdefault(group[0]["dataset"], []).append(group[0]["path"])
    for name, paths in names.items():
        if (fig := grids_figure(paths)) is None: continue
        picture = save_figure(fig, out.with_name(f"{out.stem}_{name}.png"))
        text += f"\n![{name}: samples of each run after as many images seen.]({picture.name})\n"
    with atomic_path(out) as tmp: tmp.write_text(text, encoding="utf-8")
    print(out)


# %% [markdown]
# ## datasets

# %%
#| exports
def photographs_status(data_dir=None): # see `data_root`
    "Rows of `dataset_status` for the photographs and the drawn flowers; no file is read."
    from gan_course.datasets import data_root
    folder = data_root(data_dir)/"tf_flowers"
    cache = Path(os.environ.get("TFDS_DATA_DIR", "~/tensorflow_datasets")).expanduser()/"tf_flowers"
    row = dict(dataset="tf_flowers", split="train and test", state="missing", where=str(folder),
               checksum=None, images=0,
               todo=f"downloaded at first use, or put train/<class>/<file>.jpg into {folder}")
    pictures = folder.glob("train/*/*") if folder.is_dir() else ()
    number = sum(path.suffix.lower() in (".jpg", ".jpeg", ".png") for path in pictures)
    if number: row |= dict(state="ready", images=number, todo="")
    elif any(cache.glob("*/dataset_info.json")):
        row |= dict(state="ready", where=str(cache), todo="")
    drawn = [dict(dataset="blossoms", split=split, state="built in", where="drawn from seed 0",
                  checksum=None, images=n, todo="")
             for split, n in (("train", 3300), ("test", 370))]
    return [row, *drawn]

def datasets_options(data_dir: Path | None = None):
    """What there is, where it lies, and how to get what is missing.

    Args:
        data_dir: where data sets lie; default GAN_COURSE_DATA, else the user's cache
    """
    return data_dir

def datasets_command(arguments):
    "gan-course datasets ..."
    where = parse(datasets_options, arguments, "gan-course datasets")
    from gan_course.datasets import dataset_status
    for row in dataset_status(where) + photographs_status(where):
        images = f", {row['images']} images" if row["images"] else ""
        print(f"{row['dataset']} {row['split']}: {row['state']}{images}")
        for key in ("where", "checksum", "todo"):
            if row[key]: print(f"  {key}: {row[key]}")


# %% [markdown]
# ## completion
#
# A track has forty options, and nobody knows them by heart. A shell can ask the command itself: at each press of the Tab key it
# runs `gan-course completion words` with what stands on the line, and shows what that prints. So the answer always fits the
# installed version, and the shell's own part is a few lines, which `gan-course completion bash` prints. In bash, try
#
# ```
# eval "$(gan-course completion bash)"
# gan-course train pytorch --opt<Tab>
# ```
#
# and put the first line into `~/.bashrc` if you like it. (`completion zsh` goes into `~/.zshrc` in the same way; for fish,
# `gan-course completion fish > ~/.config/fish/completions/gan-course.fish`.)
#
# Tab must answer at once. Importing TensorFlow to learn which fields its track's `Config` has would take seconds. The fields
# stand in the source, though, with their types, and Python can parse a file without running it.

# %%
#| exports
def config_hints(name): # of a track
    "Field -> type of a track's `Config`, read from its source; no framework is imported."
    from gan_course import configuration
    [folder] = importlib.util.find_spec(TRACKS[name]).submodule_search_locations
    tree = ast.parse((Path(folder)/"config.py").read_text("utf-8"))
    [config] = [node for node in tree.body if getattr(node, "name", "") == "Config"]
    hints = {}
    for base in config.bases: hints |= typing.get_type_hints(getattr(configuration, base.id))
    known = dict(Literal=Literal, Path=Path, ClassVar=ClassVar)
    for node in config.body:
        if isinstance(node, ast.AnnAssign):
            hints[node.target.id] = eval(ast.unparse(node.annotation), known)
    return {field: hint for field, hint in hints.items()
            if hint is not ClassVar and typing.get_origin(hint) is not ClassVar}

def options_of(command, # train, sample, evaluate, report, datasets
               track): # a known one, for train
    "Option -> the values that can be listed, for one command; None if no value follows."
    functions = dict(sample=sample_options, evaluate=evaluate_options, report=report_options,
                     datasets=datasets_options)
    if command == "train": hints = config_hints(track) | dict(resume=bool)
    else: hints = {name: p.annotation
                   for name, p in inspect.signature(functions[command]).parameters.items()}
    found = {"--help": None}
    for name, hint in hints.items():
        option = name.replace("_", "-")
        if name == "runs": continue # stands without its name
        if hint is bool: found |= {f"--{option}": None, f"--no-{option}": None}
        else: found[f"--{option}"] = (
            [str(v) for v in typing.get_args(hint)] if typing.get_origin(hint) is Literal else [])
    return found

def complete(words): # of the line after `gan-course`; the last one is begun, or empty
    "What the last word could become. Nothing: any file."
    words = [word for word in words[:-1] if word != "="] + words[-1:] # bash divides at =
    *before, begun = words or [""]
    if begun == "=": begun = ""
    glued, equals, value = begun.partition("=")
    if equals and glued.startswith("--"): # in zsh and fish --recipe=mo is one word
        return [f"{glued}={word}" for word in complete([*before, glued, value])]
    def fitting(candidates): return [word for word in candidates if word.startswith(begun)]
    if not before: return fitting([*COMMANDS, "--help", "--version"])
    command, *rest = before
    if command == "completion": return fitting(SHELLS) if not rest else []
    if command not in COMMANDS: return []
    tracks = dict(train=TRACKS, sample=SOURCES).get(command)
    if tracks and not rest: return fitting([*tracks, "--help"])
    if tracks and rest[0] not in tracks: return []
    options = options_of(command, rest[0] if tracks else None)
    values = options.get(before[-1])
    if values is not None: return fitting(values)
    return fitting(options) if begun or command != "report" else []


# %%
#| exports
SHELLS = {
"bash": """\
_gan_course() {
    local IFS=$'\\n'
    COMPREPLY=($(gan-course completion words "${COMP_WORDS[@]:1:COMP_CWORD}" 2>/dev/null))
}
complete -o default -F _gan_course gan-course
""",
"zsh": """\
#compdef gan-course
_gan_course() {
    local -a found
    found=(${(f)"$(gan-course completion words "${(@)words[2,CURRENT]}" 2>/dev/null)"})
    if (( $#found )); then compadd -a found; else _files; fi
}
compdef _gan_course gan-course
""",
"fish": """\
function __gan_course
    set -l words (commandline -opc)[2..] (commandline -ct | string collect --allow-empty)
    gan-course completion words $words 2>/dev/null
end
complete -c gan-course -a '(__gan_course)'
"""}

def completion_command(arguments):
    "gan-course completion SHELL, and gan-course completion words ..., which a shell calls."
    if arguments[:1] == ["words"]: print("\n".join(complete(arguments[1:])))
    elif len(arguments) == 1 and arguments[0] in SHELLS: print(SHELLS[arguments[0]], end="")
    else: raise CourseError(f"say which shell: gan-course completion {'|'.join(SHELLS)}")


# %% [markdown]
# ## All together
#
# One place turns every `CourseError` into a line and status 2, and Ctrl-C into status 130.

# %%
#| exports
COMMANDS = dict(train=train_command, sample=sample_command, evaluate=evaluate_command,
                report=report_command, datasets=datasets_command, completion=completion_command)

USAGE = """usage: gan-course COMMAND ...

  gan-course train TRACK [--dataset NAME] [--out DIR] [--epochs N] [--resume] ...
  gan-course sample TRACK --run DIR [--num 36] [--seed 0] [--out FILE.png]
  gan-course evaluate --run DIR [--num 10000]
  gan-course report DIR ... [--out FILE.md]
  gan-course datasets [--data-dir DIR]
  gan-course completion bash|zsh|fish

tracks: {tracks}
Every command explains its options: gan-course train pytorch --help"""

def dispatch(arguments):
    "Find the command and run it."
    usage = USAGE.format(tracks=", ".join(TRACKS))
    if not arguments or arguments[0] in ("-h", "--help"):
        print(usage)
        return
    name, *rest = arguments
    if name == "--version":
        import gan_course
        print(f"gan-course {gan_course.__version__}")
        return
    if name not in COMMANDS:
        raise CourseError(f"unknown command {name!r}{guess(name, COMMANDS)}; "
                          f"commands: {', '.join(COMMANDS)}")
    if name in ("train", "sample", "completion") and rest and rest[0] in ("-h", "--help"):
        print(usage)
        return
    if name not in ("train", "sample"): return COMMANDS[name](rest)
    if not rest or rest[0].startswith("-"):
        raise CourseError(f"say which track: gan-course {name} TRACK ...; "
                          f"tracks: {', '.join(TRACKS)}")
    COMMANDS[name](*rest[:1], rest[1:])

def main(arguments=None): # list of strings; by default those of the command line
    "The command `gan-course`. Returns its exit status."
    try: dispatch(sys.argv[1:] if arguments is None else list(arguments))
    except CourseError as error:
        print(f"gan-course: {' '.join(str(error).split())}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("gan-course: interrupted; the same command with --resume goes on from the last "
              "checkpoint", file=sys.stderr)
        return 130
    return 0

if __name__ == "__main__" and __package__: sys.exit(main()) # `python -m gan_course`, not a notebook

# %%
assert main(["--help"]) == 0

# %% [markdown]
# And what the Tab key would offer:

# %%
assert complete(["tr"]) == ["train"] and complete(["train", "py"]) == ["pytorch"]
complete(["train", "tensorflow", "--recipe", ""]), complete(["train", "tpu", "--im"])

# %%
for wrong in (["trian"], ["train"], ["train", "pytorhc"], ["train", "pytorch", "--recipe", "dgcan"],
              ["train", "pytorch", "--dataset", "mnist"], ["train", "pytorch", "--epoch", "3"],
              ["sample", "pytorch"], ["sample", "pytorch", "--run", "nowhere"]):
    errors = io.StringIO()
    with contextlib.redirect_stderr(errors): status = main(wrong)
    assert status == 2 and errors.getvalue().count("\n") == 1, (wrong, errors.getvalue())
    print(errors.getvalue(), end="")

# %% [markdown]
# And one command from end to end: train, sample, and ask for a distance from too few images.

# %%
import tempfile

# %%
with tempfile.TemporaryDirectory() as folder:
    out, quiet = str(Path(folder)/"run"), io.StringIO()
    with contextlib.redirect_stdout(quiet):
        trained = main(["train", "pytorch", "--dataset", "garments", "--limit", "320", "--width",
                        "8",
                        "--epochs", "1", "--eval-images", "0", "--no-progress", "--out", out])
        sampled = main(["sample", "pytorch", "--run", out, "--num", "9", "--out",
                        out + "/nine.png"])
    with contextlib.redirect_stderr(quiet): refused = main(["evaluate", "--run", out, "--num", "9"])
    nine = (Path(out)/"nine.png").exists()
trained, sampled, refused, nine

# %%
assert (trained, sampled, refused, nine) == (0, 0, 2, True)

# %% [markdown]
# ## Exercises
#
# Write your own cell before you unfold a solution; each check names the likely mistake.

# %%
from gan_course.exercises.command import check_last, check_status


# %% [markdown]
# ### 1. An exit status
#
# Write `status(command)`: it calls `command()` and returns 0. If that raises a `CourseError`, it prints one line to standard
# *error*, `demo: ` and the message, and returns 2, even if the message has line breaks in it. If the user pressed Ctrl-C it
# returns 130. What should it do with a `KeyError`?

# %%
#| code-fold: true
#| code-summary: "Solution, and the check that accepts it"
def status(command):
    try: command()
    except CourseError as error:
        print("demo:", " ".join(str(error).split()), file=sys.stderr)
        return 2
    except KeyboardInterrupt: return 130
    return 0 # a KeyError is our mistake, and keeps its traceback

check_status(status)


# %% [markdown]
# ### 2. The last one counts
#
# Write `last(arguments, name)`: the value of an option in a list of arguments, `None` if it is not there. It can be given
# as `--recipe dcgan` or as `--recipe=dcgan`, it can be given twice, it can stand at the end without a value, and there may
# be another option whose name begins with the same letters.

# %%
#| code-fold: true
#| code-summary: "Solution, and the check that accepts it"
def last(arguments, name):
    value = None
    for text, following in zip(arguments, [*arguments[1:], None]):
        if text == name and following is not None: value = following
        if text.startswith(name + "="): value = text.split("=", 1)[1]
    return value

check_last(last)

# %% [markdown]
# ## What to remember
#
# - An option is a field of the configuration, with its type, its default and its explanation. Nothing is written twice.
# - A mistake of the user is one line on standard error and exit status 2. A mistake of ours keeps its traceback.
# - `gan-course --help` imports neither numpy nor a framework: a track is loaded when it is asked for.
#
# **What goes wrong in practice, and how you see it.**
#
# - *A script goes on after a failed training*: it did not look at the exit status. In a shell script, `set -e`.
# - *An option seems to be ignored*: look into the run's `config.json`, which holds every value that was used.
# - *`--resume` is refused*: the options differ from those of the run; the message names them.
# - *The command is not found*: the package is installed in another environment. `python -m gan_course` always works with
#   the Python that can import it.
#
# **References.** [tyro](https://brentyi.github.io/tyro/). POSIX [-@opengroup2017posix], *Utility conventions*, chapter 12 (how options are
# written). [`sys.exit`](https://docs.python.org/3/library/sys.html#sys.exit) (why 2).
