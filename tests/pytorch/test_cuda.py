"What only a GPU can show: a recorded step does what a plain one does, and a run on it resumes."
import pytest
import torch

from gan_course.datasets import load_dataset
from gan_course.pytorch.config import CONFIG
from gan_course.pytorch.data import DeviceBatches
from gan_course.pytorch.engine import GraphedStep
from gan_course.pytorch.train import Training
from gan_course.pytorch.utils import seed_everything

needs_cuda = pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
SMALL = CONFIG.replace(dataset="garments", limit=640, width=8, penalty_every=4)


def steps(config, count):
    device = torch.device("cuda")
    batches = DeviceBatches(load_dataset("garments", limit=640), config.batch_size, device=device, seed=0)
    seed_everything(0)
    training = Training(config, device, torch.float32)
    for _ in range(count):
        if training.step_in_epoch == len(batches): training.epoch, training.step_in_epoch = training.epoch + 1, 0
        training.one_step(batches)
    return training


@needs_cuda
@pytest.mark.parametrize("recipe", ["modern", "dcgan"])
def test_recorded_steps_do_what_plain_steps_do(recipe):
    config = SMALL.replace(recipe=recipe, width=8, lr_g=1e-4, lr_d=1e-4)
    plain, recorded = steps(config.replace(cuda_graphs=False), 25), steps(config, 25)
    assert isinstance(recorded.run_step, GraphedStep) and False in recorded.run_step.graphs
    for a, b in ((plain.G, recorded.G), (plain.D, recorded.D)):
        for p, q in zip(a.parameters(), b.parameters()): torch.testing.assert_close(p, q, rtol=1e-2, atol=2e-4)
    assert plain.step.meter.means()["loss_d"] == pytest.approx(recorded.step.meter.means()["loss_d"], rel=1e-2)


@needs_cuda
def test_a_run_on_a_gpu_is_the_same_twice():
    config = SMALL.replace(deterministic=True, cuda_graphs=False)
    a, b = steps(config, 12), steps(config, 12)
    assert all(torch.equal(p, q) for p, q in zip(a.G.state_dict().values(), b.G.state_dict().values()))
