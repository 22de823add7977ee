import pytest
import torch

from gan_course.exercises.pytorch_data import check_position, check_shifted


def position(seen, num, size): return divmod(seen // size, num // size)


def shifted(x, dy, dx, fill=-1.0):
    padded = torch.nn.functional.pad(x, [8] * 4, value=fill)
    rows = (torch.arange(x.shape[2]) + 8 - dy[:, None])[:, :, None]
    columns = (torch.arange(x.shape[3]) + 8 - dx[:, None])[:, None, :]
    return padded[torch.arange(len(x))[:, None, None], :, rows, columns].permute(0, 3, 1, 2)


@pytest.mark.parametrize("check,answer", [(check_position, position), (check_shifted, shifted)])
def test_accepted(check, answer, capsys):
    check(answer)
    assert capsys.readouterr().out.startswith("correct")


@pytest.mark.parametrize("answer,hint", [
    (lambda seen, num, size: (seen // num, seen % num // size), "four full"),
    (lambda seen, num, size: position(max(seen - size, 0), num, size), "what comes next"),
    (lambda seen, num, size: (seen // (num // size * size), seen % (num // size * size)), "counts batches"),
    (lambda seen, num, size: position(seen, num, size)[::-1], "the epoch comes first"),
    (lambda seen, num, size: (position(seen, num, size)[0] + 1, position(seen, num, size)[1]), "count from 0")])
def test_position_rejected(answer, hint):
    with pytest.raises(AssertionError, match=hint): check_position(answer)


def rolled(x, dy, dx): return torch.stack([i.roll((int(a), int(b)), (1, 2)) for i, a, b in zip(x, dy, dx)])
def in_place(x, dy, dx): return x.copy_(shifted(x, dy, dx))


@pytest.mark.parametrize("answer,hint", [
    (rolled, "round the edge"),
    (lambda x, dy, dx: shifted(x, dy, dx, 0.0), "black is -1"),
    (lambda x, dy, dx: shifted(x, -dy, -dx), "the sign"),
    (lambda x, dy, dx: shifted(x, dx, dy), "exchanged"),
    (lambda x, dy, dx: shifted(x, dy[:1].expand_as(dy), dx[:1].expand_as(dx)), "the shift of the first"),
    (lambda x, dy, dx: shifted(x, dy, dx).permute(0, 2, 3, 1), "the shape"),
    (in_place, "are changed")])
def test_shifted_rejected(answer, hint):
    with pytest.raises(AssertionError, match=hint): check_shifted(answer)
