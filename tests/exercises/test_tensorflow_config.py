"""The checks need a processor that is split in two, before TensorFlow starts: a process of its own takes them all."""
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest


def share(whole):
    import tensorflow as tf
    context = tf.distribute.get_replica_context()
    part = whole.shape[0] // context.num_replicas_in_sync
    return tf.reshape(whole, (-1, part, *whole.shape[1:]))[context.replica_id_in_sync_group]


def every_other(whole):
    import tensorflow as tf
    context = tf.distribute.get_replica_context()
    parts = [whole[i::context.num_replicas_in_sync] for i in range(context.num_replicas_in_sync)]
    return tf.stack(parts)[context.replica_id_in_sync_group]


def overlapping(whole):
    import tensorflow as tf
    context = tf.distribute.get_replica_context()
    if context.num_replicas_in_sync == 1: return whole
    return tf.stack([whole[:4], whole[2:6]])[context.replica_id_in_sync_group]


def columns(whole):
    import tensorflow as tf
    context = tf.distribute.get_replica_context()
    if context.num_replicas_in_sync == 1: return whole
    return share(whole)[:, :1]


def first_half(whole):
    import tensorflow as tf
    return whole[:len(whole) // tf.distribute.get_strategy().num_replicas_in_sync]


def by_devices(whole):
    import tensorflow as tf
    part = len(whole) // len(tf.config.list_logical_devices("CPU"))
    me = tf.distribute.get_replica_context().replica_id_in_sync_group
    return whole[me * part:(me + 1) * part]


def losses(how):
    "A function of TensorFlow, the losses, the size of the batch and the number of replicas."
    def replica_loss(values, size):
        import tensorflow as tf
        return how(tf, values, size, tf.distribute.get_strategy().num_replicas_in_sync)
    return replica_loss


def build(where="inside", built="inside", begin=True):
    def answer(strategy):
        import keras
        def network():
            return keras.Sequential([keras.Input((3,))] * begin + [keras.layers.Dense(1)])
        if where != "inside": G, opt = network(), keras.optimizers.Adam()
        with strategy.scope():
            if where != "optimizer outside": opt = keras.optimizers.Adam()
            if where != "network outside" and where != "outside": G = network()
            if built == "inside": opt.build(G.trainable_variables)
        return G, opt
    return answer


def outside(strategy):
    import keras
    G, opt = keras.Sequential([keras.Input((3,)), keras.layers.Dense(1)]), keras.optimizers.Adam()
    opt.build(G.trainable_variables)
    return G, opt


def survives(weight, update, policy, part="variable_dtype"):
    import keras
    import tensorflow as tf
    dtype = getattr(keras.DTypePolicy(policy), part)
    before = tf.constant(weight, dtype)
    return bool(before + tf.constant(update, dtype) != before)


def not_zero(weight, update, policy):
    import keras
    import tensorflow as tf
    return bool(tf.constant(update, keras.DTypePolicy(policy).variable_dtype) != 0)


def only_up(weight, update, policy):
    import keras
    import tensorflow as tf
    dtype = keras.DTypePolicy(policy).variable_dtype
    before = tf.constant(weight, dtype)
    return bool(before + tf.constant(update, dtype) > before)


def one_spacing(weight, update, policy):
    import keras
    import ml_dtypes
    return abs(update) > float(ml_dtypes.finfo(keras.DTypePolicy(policy).variable_dtype).eps) / 2


CASES = [ # check, answer, what the check says
    ("share", share, "correct"),
    ("share", every_other, "correct"),
    ("share", lambda whole: whole, "done twice"),
    ("share", first_half, "which replica am I"),
    ("share", by_devices, "not the devices"),
    ("share", overlapping, "used twice"),
    ("share", columns, "only the first axis"),
    ("loss", losses(lambda tf, values, size, n: tf.reduce_sum(values) / size), "correct"),
    ("loss", losses(lambda tf, values, size, n: tf.reduce_mean(values) / n), "correct"),
    ("loss", losses(lambda tf, values, size, n: tf.nn.compute_average_loss(values, global_batch_size=size)), "correct"),
    ("loss", losses(lambda tf, values, size, n: tf.reduce_mean(values)), "twice as long"),
    ("loss", losses(lambda tf, values, size, n: tf.reduce_sum(values)), "grows with the batch"),
    ("loss", losses(lambda tf, values, size, n: values / size), "one number is wanted"),
    ("loss", losses(lambda tf, values, size, n: tf.reduce_mean(values) / 2), "on a single device"),
    ("loss", losses(lambda tf, values, size, n: tf.reduce_mean(values) * n), "on two replicas the step is 16.00"),
    ("loss", losses(lambda tf, values, size, n: tf.stop_gradient(tf.reduce_sum(values)) / size), "no gradient"),
    ("build", build(), "correct"),
    ("build", build("network outside"), "one copy of it"),
    ("build", outside, "was made outside"),
    ("build", build("optimizer outside"), "Adam has variables too"),
    ("build", build(built="never"), "moments are missing"),
    ("build", build(built="never", begin=False), "keras.Input"),
    ("build", lambda strategy: build()(strategy)[::-1], "in this order"),
    ("survives", survives, "correct"),
    ("survives", lambda *given: survives(*given, part="compute_dtype"), "variable_dtype"),
    ("survives", not_zero, "compare the sum"),
    ("survives", only_up, "negative"),
    ("survives", one_spacing, "closer together"),
    ("survives", lambda weight, update, policy: weight + update != weight, "compare the sum"),
    ("survives", lambda weight, update, policy: survives(weight, update, "float32"), "compare the sum"),
]


def main():
    "What each check says to each answer, as JSON in the last line."
    import contextlib
    import io
    from gan_course.exercises import tensorflow_config as checks
    said = []
    for name, answer, _ in CASES:
        out = io.StringIO()
        try:
            with contextlib.redirect_stdout(out): getattr(checks, f"check_{name}")(answer)
        except AssertionError as error: said.append(str(error))
        except Exception as error: said.append(f"{type(error).__name__}: {error}")
        else: said.append(out.getvalue())
    print(json.dumps(said))


@pytest.fixture(scope="module")
def said():
    done = subprocess.run([sys.executable, __file__], capture_output=True, text=True, timeout=300,
                          cwd=Path(__file__).parents[2], env=os.environ | {"PYTHONPATH": "."})
    assert done.returncode == 0, done.stderr[-3000:]
    return json.loads(done.stdout.splitlines()[-1])


@pytest.mark.parametrize("number", range(len(CASES)), ids=lambda i: f"{CASES[i][0]}-{CASES[i][2].replace(' ', '-')}")
def test_what_the_check_says(number, said):
    _, _, hint = CASES[number]
    assert hint in said[number]
    assert said[number].startswith("correct") == (hint == "correct")


def test_too_late_to_split():
    "A session in which TensorFlow runs on one device gets a sentence, and not a traceback from inside."
    code = ("import tensorflow as tf; tf.zeros(1)\nfrom gan_course.basics import CourseError\n"
            "from gan_course.exercises.tensorflow_config import check_share\n"
            "try: check_share(lambda whole: whole)\n"
            "except CourseError as error: print(error)")
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=300,
                          cwd=Path(__file__).parents[2])
    assert "in a fresh process" in done.stdout, done.stderr[-2000:]


if __name__ == "__main__": main()
