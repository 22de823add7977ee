"""Which devices a run gets and why, on machines that are made up; what shares a batch among them; and number formats. What several
devices compute is in test_backends.py."""
from types import SimpleNamespace

import pytest

from gan_course.basics import CourseError
from gan_course.tpu import strategy as module
from gan_course.tpu.strategy import KINDS, POLICIES, explain, find_accelerator, gpu_capability, name_of, remedy, select_precision, split_cpu

pytestmark = pytest.mark.usefixtures("backend")
BOARD = SimpleNamespace(device_kind="TPU v5 lite", name="/device:TPU:0", compute_capability="8.0")


def says(function, *args, **kwargs):
    "The message of a refusal."
    with pytest.raises(CourseError) as error: function(*args, **kwargs)
    assert "\n" not in str(error.value)
    return str(error.value)


@pytest.fixture
def machine(monkeypatch, backend):
    "A machine with so many devices of each kind; and whether its files or its environment show a TPU."
    def make(tpu=0, gpu=0, cpu=1, shows=None):
        there = dict(tpu=[BOARD] * tpu, gpu=[BOARD] * gpu, cpu=[BOARD] * cpu)
        monkeypatch.setattr(module, "sees_tpu", lambda: tpu > 0 if shows is None else shows)
        monkeypatch.setattr(module, "share_among", lambda kind, devices: (kind, len(devices)))
        if backend == "jax": monkeypatch.setattr(module, "jax_devices", lambda kind: there[kind])
        else:
            monkeypatch.setattr(module, "tensorflow_tpu", lambda device: there["tpu"] if device in ("auto", "tpu") else [])
            monkeypatch.setattr(module.tf.config, "list_logical_devices", lambda kind: there[kind.lower()])
            monkeypatch.setattr(module.tf.config, "list_physical_devices", lambda kind: there[kind.lower()])
            monkeypatch.setattr(module.tf.config.experimental, "get_device_details", lambda device: dict(device_name="TPU v5 lite"))
    return make


# --- this machine ---

def test_the_processor(backend):
    found = find_accelerator("cpu")
    assert (found.kind, found.count, found.name, found.why) == ("cpu", 1, "cpu", "asked for") and str(found) == f"{backend} on cpu (asked for)"
    with found.scope():
        if backend == "tensorflow": assert module.tf.distribute.get_strategy() is found.share
    if backend == "jax": assert found.share.axis_names == ("batch",) and found.share.size == 1
    else: assert found.share.num_replicas_in_sync == 1


def test_too_late_for_more(backend):
    "This process has computed with one device; one is what it can still be asked for."
    find_accelerator("cpu")
    split_cpu(1)
    for number in (2, 64):
        assert all(word in says(split_cpu, number) for word in (f"cpu_devices is {number}", backend, "already started", "fresh process"))
        assert "already started" in says(find_accelerator, "cpu", number)


@pytest.mark.parametrize("name", ["cuda", "TPU", "", "cpu:0", None, 0])
def test_a_device_that_cannot_be(name):
    message = says(find_accelerator, name)
    assert message.startswith(f"device is {name!r}") and "auto, tpu, gpu, cpu" in message


# --- others ---

@pytest.mark.parametrize("there, kind, why", [
    (dict(tpu=8, gpu=2), "tpu", "a TPU was found"), (dict(tpu=8), "tpu", "a TPU was found"), (dict(gpu=1), "gpu", "a GPU was found, and no TPU"),
    (dict(), "cpu", "neither TPU nor GPU was found"), (dict(gpu=1, shows=True), "gpu", "a TPU is here, but"),
    (dict(shows=True), "cpu", "a TPU is here, but")], ids=str)
def test_the_fastest_there_is(machine, backend, there, kind, why):
    machine(**there)
    found, count = find_accelerator(), there.get(kind, 1)
    assert found.kind == kind and found.count == count and found.share == (kind, count) and why in found.why
    assert str(found).startswith(f"{backend} on {f'{count} × ' if count > 1 else ''}{found.name} (")
    if there.get("shows"): assert f"{backend} cannot use it; " in found.why and found.why.endswith("was found" if kind == "cpu" else "no TPU")
    asked = find_accelerator(kind)
    assert asked.kind == kind and asked.why == "asked for"


@pytest.mark.parametrize("there", [dict(), dict(gpu=1), dict(tpu=1)], ids=str)
def test_asked_for_it_is_never_replaced(machine, backend, there):
    machine(**there)
    here = [kind for kind in KINDS if there.get(kind) or kind == "cpu"]
    for kind in set(KINDS) - set(here):
        message = says(find_accelerator, kind)
        assert f"device {kind} was asked for, and {backend} finds only " in message and "use device auto" in message
        assert "cpu" in message.split("finds only ")[1].split(" here")[0] and remedy(kind) in message


def test_remedies(backend):
    assert ("KERAS_BACKEND=jax" in remedy("tpu") and "2.20" in remedy("tpu")) == (backend == "tensorflow")
    assert f"what {backend} needs for a gpu" in remedy("gpu")


def test_one_of_many_processors(machine, backend):
    "TensorFlow uses as many as were asked for. JAX uses what there is: its flags have asked for them."
    machine(cpu=4)
    assert find_accelerator("cpu").count == (1 if backend == "tensorflow" else 4)


def test_the_processor_of_a_machine_with_a_gpu(monkeypatch, backend):
    "TensorFlow must be told to see no GPU before it starts, and it starts with the first question for its logical devices."
    if backend == "jax": return
    config, started, hidden = module.tf.config, [], []
    def logical(kind):
        started.append(kind)
        return [] if (kind, hidden) == ("GPU", ["GPU"]) or kind == "TPU" else [BOARD]
    def hide(devices, kind):
        if started: raise RuntimeError("Visible devices cannot be modified after being initialized")
        assert devices == []
        hidden.append(kind)
    monkeypatch.setattr(module, "sees_tpu", lambda: False)
    monkeypatch.setattr(config, "list_logical_devices", logical)
    monkeypatch.setattr(config, "list_physical_devices", lambda kind: [BOARD])
    monkeypatch.setattr(config, "set_visible_devices", hide)
    monkeypatch.setattr(config.experimental, "get_device_details", lambda device: {})
    found = find_accelerator("cpu")
    assert found.kind == "cpu" and hidden == ["GPU"]
    started.clear(), hidden.clear()
    assert find_accelerator().kind == "gpu" and hidden == []
    assert "already started" in says(find_accelerator, "cpu")


def test_names(monkeypatch, backend):
    assert name_of("cpu", []) == "cpu"
    if backend == "jax": assert name_of("tpu", [BOARD]) == "tpu: TPU v5 lite" and name_of("gpu", [BOARD]) == "gpu: TPU v5 lite"
    else:
        assert name_of("tpu", [BOARD]) == "tpu"
        monkeypatch.setattr(module.tf.config, "list_physical_devices", lambda kind: [BOARD])
        for details, name in ((dict(device_name="Tesla T4"), "gpu: Tesla T4"), ({}, "gpu: unknown")):
            monkeypatch.setattr(module.tf.config.experimental, "get_device_details", lambda device, details=details: details)
            assert name_of("gpu", [BOARD]) == name


def test_explanations(monkeypatch):
    for sees in (True, False):
        monkeypatch.setattr(module, "sees_tpu", lambda sees=sees: sees)
        assert explain(dict(tpu=[1], gpu=[1], cpu=[1])) == "a TPU was found"
        assert ("cannot use it" in explain(dict(tpu=[], gpu=[1], cpu=[1]))) == ("cannot use it" in explain(dict(tpu=[], gpu=[], cpu=[1]))) == sees


def test_looking_for_what_is_not_there(monkeypatch, backend):
    "JAX raises; TensorFlow would try to connect, and is only asked where a TPU shows; a TensorFlow without support fails in many ways."
    if backend == "jax":
        assert module.jax_devices("tpu") == [] and len(module.jax_devices("cpu")) == 1
        return
    asked, distribute = [], module.tf.distribute
    def resolver(tpu): asked.append(tpu); raise RuntimeError("no support\nat all")
    monkeypatch.setattr(distribute.cluster_resolver, "TPUClusterResolver", resolver)
    monkeypatch.setattr(module, "sees_tpu", lambda: False)
    assert [module.tensorflow_tpu(device) for device in ("auto", "tpu", "cpu", "gpu")] == [[]] * 4 and asked == []
    monkeypatch.setattr(module, "sees_tpu", lambda: True)
    assert [module.tensorflow_tpu(device) for device in ("auto", "tpu", "cpu", "gpu")] == [[]] * 4 and asked == ["local", "local"]


def test_a_tpu_of_tensorflow(monkeypatch, backend):
    "Connected to, initialised, and then asked for its cores; in this order."
    if backend == "jax": return
    tf, steps = module.tf, []
    monkeypatch.setattr(module, "sees_tpu", lambda: True)
    monkeypatch.setattr(tf.distribute.cluster_resolver, "TPUClusterResolver", lambda tpu: steps.append("resolve"))
    monkeypatch.setattr(tf.config, "experimental_connect_to_cluster", lambda resolver: steps.append("connect"))
    monkeypatch.setattr(tf.tpu.experimental, "initialize_tpu_system", lambda resolver: steps.append("initialise"))
    monkeypatch.setattr(tf.config, "list_logical_devices", lambda kind: [BOARD] * 8 if kind == "TPU" else [BOARD])
    monkeypatch.setattr(tf.distribute, "TPUStrategy", lambda: "strategy")
    found = find_accelerator()
    assert (found.kind, found.count, found.share, found.why) == ("tpu", 8, "strategy", "a TPU was found")
    assert steps == ["resolve", "connect", "initialise"]


# --- number formats ---

@pytest.mark.parametrize("kind, capability, wanted", [("tpu", 0, "bf16"), ("cpu", 9, "fp32"), ("gpu", 0, "fp32"), ("gpu", 6, "fp32"),
                                                      ("gpu", 7, "fp16"), ("gpu", 8, "bf16"), ("gpu", 9, "bf16"), ("gpu", 12, "bf16")])
def test_precision(monkeypatch, kind, capability, wanted):
    "By device, if nothing is said; what is said is done."
    monkeypatch.setattr(module, "gpu_capability", lambda: capability)
    here = SimpleNamespace(kind=kind)
    assert select_precision("auto", here) == POLICIES[wanted]
    for name, policy in POLICIES.items(): assert select_precision(name, here) == policy
    for wrong in ("fp8", "", "FP32", None): assert says(select_precision, wrong, here).startswith("precision is ")


@pytest.mark.parametrize("of_jax, of_tensorflow, major", [("7.5", (7, 5), 7), ("8.0", (8, 0), 8), ("10.3", (10, 3), 10), (None, None, 0)])
def test_the_capability_of_a_gpu(monkeypatch, backend, of_jax, of_tensorflow, major):
    if backend == "jax":
        board = SimpleNamespace(compute_capability=of_jax) if of_jax else SimpleNamespace()
        monkeypatch.setattr(module.jax, "devices", lambda kind: [board])
    else:
        monkeypatch.setattr(module.tf.config, "list_physical_devices", lambda kind: [BOARD])
        monkeypatch.setattr(module.tf.config.experimental, "get_device_details",
                            lambda device: dict(compute_capability=of_tensorflow) if of_tensorflow else {})
    assert gpu_capability() == major
