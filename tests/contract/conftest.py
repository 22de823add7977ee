import pytest
from contract import copy_working_tree


@pytest.fixture(scope="module")
def tree(tmp_path_factory):
    "A fresh copy of the working tree, for one test file."
    return copy_working_tree(tmp_path_factory.mktemp("tree"))
