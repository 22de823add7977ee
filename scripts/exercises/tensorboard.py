# ---
# jupyter:
#   kernelspec:
#     display_name: python3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # Checks: a log for TensorBoard
#
# > What accepts or rejects an answer to the exercises of A log for TensorBoard
#
# - order: 67

# %% [markdown]
# <!-- badges -->
# [Open in Colab](https://colab.research.google.com/github/gan-course/gan_course/blob/main/nbs/exercises/tensorboard.ipynb) · [Open in Kaggle](https://kaggle.com/kernels/welcome?src=https://github.com/gan-course/gan_course/blob/main/nbs/exercises/tensorboard.ipynb) · [View source](https://github.com/gan-course/gan_course/blob/main/nbs/exercises/tensorboard.ipynb) · [API](../about/api.ipynb#exercises-tensorboard)

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
# The exercises stand in [the lesson](../foundations/tensorboard.ipynb). Each check is followed by the solution it accepts and
# the usual wrong answers it rejects.

# %%
#| default_exp exercises.tensorboard

# %%
#| exports
import io
import math
import struct

from gan_course.board import need_tensorboard

# %%
#| hide
from gan_course.exercises import rejects


# %% [markdown]
# ## 1. How many records are whole?

# %%
#| exports
def frames(*records): # bytes
    "The bytes of a file of events with these records."
    need_tensorboard()
    from tensorboard.summary.writer.record_writer import RecordWriter
    file = io.BytesIO()
    for record in records: RecordWriter(file).write(record)
    return file.getvalue()

# (bytes of a file of events) -> how many whole records they begin with
def check_count_records(count_records):
    """Whether `count_records` goes from record to record, and leaves out a torn one, wherever it is
    torn."""
    def holds(wanted, data, hint):
        try: found = count_records(data)
        except (struct.error, IndexError, ValueError) as error: raise AssertionError(
            f"{hint} ({type(error).__name__}: {error})") from None
        assert found == wanted, f"{hint} (it counts {found}, not {wanted})"
    holds(0, b"", "an empty file holds no record")
    one, two, three = (frames(b"first"), frames(b"first", b"second"),
                       frames(b"first", b"second", b"third"))
    if count_records(one) == 0: # two mistakes look alike here
        holds(1, one + one[:3], "a length is little-endian: its first byte counts ones")
        raise AssertionError("the last record may end with the last byte of the file, and it was "
                             "not counted: <=, not <")
    holds(1, one, "the first record alone is one")
    holds(3, three,
          "the next record is 16 bytes further than the length says: 8 + 4 stand before "
          "a record, 4 after it")
    holds(2, frames(bytes(300), b"y"),
          "a length takes all of its 8 bytes: 300 does not fit into the first")
    holds(3, frames(b"", b"x", b""),
          "a record of 0 bytes is a record, too: its length and its checksums are there")
    holds(2, three[:len(two) + 14],
          "a torn record was counted: its length promises more than there is")
    holds(2, three[:-2], "the checksum after the last record is torn, and so is the record")
    holds(1, two[:len(one) + 5],
          "the last record is torn in its length: with fewer than 12 bytes left "
          "there is no whole record")
    ends = [len(one), len(two), len(three)]
    for cut in range(len(three)):
        holds(sum(end <= cut for end in ends), three[:cut],
              f"three records, torn after {cut} bytes")
    print("correct: whole records only, wherever the last one is torn")


# %%
def good_count(data):
    count, at = 0, 0
    while at + 12 <= len(data):
        at += 8 + 4 + int.from_bytes(data[at:at + 8], "little") + 4
        count += at <= len(data)
    return count

def counter(order="little", width=8, more=16, torn=False, whole=lambda end, size: end <= size):
    def count_records(data):
        count, at = 0, 0
        while at < len(data):
            at += int.from_bytes(data[at:at + width], order) + more
            count += torn or whole(at, len(data))
        return count
    return count_records

def unpacks(data):
    count = 0
    while data:
        end = struct.unpack("<Q", data[:8])[0] + 16
        count, data = count + (end <= len(data)), data[end:]
    return count

check_count_records(good_count)
assert rejects(check_count_records, counter(order="big"), "little-endian")
assert rejects(check_count_records, counter(more=12), "16 bytes further")
assert rejects(check_count_records, counter(width=1), "all of its 8 bytes")
assert rejects(check_count_records, counter(torn=True), "a torn record was counted")
assert rejects(check_count_records, counter(whole=lambda end, size: end - 4 <= size),
               "so is the record")
assert rejects(check_count_records, counter(whole=lambda end, size: end < size), "<=, not <")
assert rejects(check_count_records, unpacks, "torn in its length")


# %% [markdown]
# ## 2. The slider at the left

# %%
#| exports
def check_smooth(smooth): # (values, weight of the past) -> as many values
    """Whether `smooth` is a moving average from 0 on, and each value of it divided by the weight
    that it has so far."""
    def ask(values, w):
        given = list(values)
        try: found = [float(value) for value in smooth(given, w)]
        except ZeroDivisionError: found = [math.nan]
        assert all(map(math.isfinite, found)), "1 - w**t is 0 for t = 0: the first value has t = 1"
        assert len(found) == len(values), f"of {len(values)} values {len(found)} came back"
        assert given == values, "the values were changed in place: make a new list"
        return found
    def close(a, b): return all(abs(x - y) < 1e-5 for x, y in zip(a, b, strict=True))
    first = ask([4.0], 0.75)
    assert not close(first, [1]), (
        "the average begins with 0 and needs a while to forget it: divide by 1 - w**t")
    assert not close(first, [12]), (
        "w is the weight of the past, 1 - w that of the new value: they are swapped")
    assert not close(first, [16]), (
        "the average begins with 0, not with the first value: that is what the division is for")
    assert close(first, [4]), f"the average of a single 4 is 4, not {first[0]:.3g}"
    same = ask([4.0] * 3, 0.75)
    assert not close(same[:2], [4, 7]), (
        "the second value was divided by 1 - w too, and not by 1 - w**2: t counts on")
    assert close(same, [4, 4, 4]), (
        f"4, 4, 4 became {', '.join(f'{v:.3g}' for v in same)}: divide what is returned, and carry "
        "the undivided average on")
    rise = ask([0.0, 4.0], 0.75)
    assert not close(rise, [0, 1]), (
        "the average begins with the first value instead of 0: so the first counts too much")
    assert not close(rise, [0, 3.2]), (
        "w is the weight of the past, 1 - w that of the new value: they are swapped")
    assert close(rise, [0, 16 / 7]), (
        f"0, 4 with w = 0.75 gives 0 and 2.286, not {rise[0]:.4g} and {rise[1]:.4g}")
    assert close(ask([3.0, -1.0, 4.0], 0.0), [3, -1, 4]), "with w = 0 nothing is smoothed"
    found = ask([3.0, -1.0, 4.0, 1.0], 0.5)
    assert close(found, [3, 1/3, 17/7, 5/3]), (
        f"of 3, -1, 4, 1 with w = 0.5 the last is 1.667, not {found[-1]:.4g}")
    print("correct: the first value counts as it is, and a constant stays what it is")


# %%
def good_smooth(values, w):
    a, result = 0.0, []
    for t, value in enumerate(values, 1):
        a = w * a + (1 - w) * value
        result.append(a / (1 - w**t))
    return result

def average(past=lambda w: w, start=1, begin=lambda values: 0.0, lacks=lambda w, t: 1 - w**t,
            carry=False):
    def smooth(values, w):
        a, result = begin(values), []
        for t, value in enumerate(values, start):
            a = past(w) * a + (1 - past(w)) * value
            result.append(a / lacks(w, t))
            if carry: a = result[-1]
        return result
    return smooth

check_smooth(good_smooth)
assert rejects(check_smooth, average(lacks=lambda w, t: 1), "divide by 1 - w**t")
assert rejects(check_smooth, average(start=0), "has t = 1")
assert rejects(check_smooth, average(past=lambda w: 1 - w), "swapped")
assert rejects(check_smooth, average(lacks=lambda w, t: 1 - w), "t counts on")
assert rejects(check_smooth, average(carry=True), "the undivided average")
assert rejects(check_smooth, average(begin=lambda values: values[0], lacks=lambda w, t: 1),
               "the first counts too much")
