"""A lesson that trains must notice when nothing is learned: with optimisers that do not move a parameter, it fails."""
import nbformat
import pytest
from contract import ROOT
from test_outputs import TRAINS

FREEZE = {"pytorch": """
import torch
def frozen(self, closure=None): return None
for name in ("Adam", "AdamW", "RMSprop", "SGD"): getattr(torch.optim, name).step = frozen
""", "tensorflow": """
import gan_course.tensorflow.config, keras
keras.optimizers.Optimizer.apply = lambda self, grads, trainable_variables=None: None
"""}
FREEZE["flowers"] = FREEZE["tensorflow"].replace("tensorflow.config", "flowers.config")
FREEZE["tpu"] = FREEZE["tensorflow"].replace("tensorflow.config", "tpu.config")
FREEZE["refinement"] = FREEZE["pytorch"]


@pytest.mark.parametrize("lesson", TRAINS)
def test_a_lesson_whose_parameters_do_not_move_fails(lesson):
    from nbclient import NotebookClient
    from nbclient.exceptions import CellExecutionError
    path = ROOT/"nbs"/f"{lesson}.ipynb"
    nb = nbformat.read(path, as_version=4)
    nb.cells = [nbformat.v4.new_code_cell(FREEZE[lesson.split("/")[0]])] + [c for c in nb.cells if c.cell_type == "code" and "eval: false" not in c.source]
    with pytest.raises(CellExecutionError) as failure:
        NotebookClient(nb, timeout=300, kernel_name="python3", resources={"metadata": {"path": str(path.parent)}}).execute()
    assert failure.value.ename == "AssertionError", str(failure.value)
