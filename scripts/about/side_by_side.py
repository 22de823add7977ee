# ---
# jupyter:
#   kernelspec:
#     display_name: python3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # Side by side
#
# > PyTorch and TensorFlow, name by name: what a framework changes
#
# - page-layout: full
# - order: 113

# %% [markdown]
# Both tracks use the same names, so what differs below is what the framework changes. Code that is the same in both stands once. This page is made from the lessons.

# %% [markdown]
# ## Configuration {#config}
#
# The lessons: [PyTorch](../pytorch/config.ipynb) · [TensorFlow](../tensorflow/config.ipynb).
#
# Only in PyTorch: `has_bf16`.
#
# Only in TensorFlow: `split_cpu`, `select_strategy`, `current_strategy`, `POLICIES`, `gpu_capability`, `select_xla`, `artifact_paths`.

# %% [markdown]
# ### `DEVICES` {#config-DEVICES}
#
# :::: {.twins}
# ::: {}
# **PyTorch**
#
# ```python
# DEVICES = ("auto", "cpu", "cuda", "mps", "xpu")
# ```
# :::
# ::: {}
# **TensorFlow**
#
# ```python
# DEVICES = ("auto", "cpu", "gpu")
# ```
# :::
# ::::

# %% [markdown]
# ### `Config` {#config-Config}
#
# :::: {.twins}
# ::: {}
# **PyTorch**
#
# ```python
# @dataclass(frozen=True, kw_only=True)
# class Config(BaseConfig):
#     "Everything that determines a run. Raises `CourseError` for a value that makes no sense."
#     out: Path = Path("artifacts/pytorch_gan") # the run folder
#     device: str = "auto" # auto, cpu, cuda, cuda:1, mps, xpu
#     precision: Literal["auto", "fp32", "bf16"] = "auto" # auto: bf16 where there are units for it
#     deterministic: bool = False # only deterministic kernels on a GPU (a CPU has no others)
#     cuda_graphs: bool = True # on a GPU, record a step once and replay it
#
#     def check(self):
#         super().check()
#         if self.device.split(":")[0] not in DEVICES:
#             raise CourseError(wrong_choice("device", self.device, DEVICES))
# ```
# :::
# ::: {}
# **TensorFlow**
#
# ```python
# @dataclass(frozen=True, kw_only=True)
# class Config(BaseConfig):
#     "Everything that determines a run. Raises `CourseError` for a value that makes no sense."
#     out: Path = Path("artifacts/tensorflow_gan") # the run folder
#     device: str = "auto" # auto, cpu, gpu, gpu:1
#     strategy: Literal["auto", "single", "mirrored"] = "auto" # auto: mirrored on several GPUs
#     cpu_devices: int = 1 # split the processor into so many devices, to try `mirrored` without GPUs
#     sync_batch_norm: bool = False # BatchNorm over all devices' images instead of each device's own
#     precision: Literal["auto", "fp32", "bf16", "fp16"] = "auto" # auto: fp32 on a CPU
#     xla: Literal["auto", "on", "off"] = "auto" # compile the step with XLA; auto: on a GPU
#     deterministic: bool = True # only kernels whose result does not depend on timing
#
#     ranges: ClassVar = RANGES | {"cpu_devices": (1, 64)}
#
#     def check(self):
#         super().check()
#         if self.device.split(":")[0] not in DEVICES:
#             raise CourseError(wrong_choice("device", self.device, DEVICES))
#         if self.cpu_devices > 1 and self.device.split(":")[0] == "gpu":
#             raise CourseError(f"cpu_devices is {self.cpu_devices} and device {self.device}: only a "
#                               "processor can be split; use device cpu, or leave cpu_devices at 1")
#         if self.cpu_devices > 1 and self.strategy == "single":
#             raise CourseError(f"cpu_devices is {self.cpu_devices} and strategy "
#                               "single, which uses one "
#                               "device; use strategy mirrored, or leave cpu_devices at 1")
# ```
# :::
# ::::

# %% [markdown]
# ### `CONFIG` {#config-CONFIG}
#
# The same in both.
#
# ```python
# CONFIG = Config()
# ```

# %% [markdown]
# ### `device_kinds` {#config-device-kinds}
#
# :::: {.twins}
# ::: {}
# **PyTorch**
#
# ```python
# def device_kinds():
#     "The kinds of device that PyTorch can use here, best first."
#     import torch # here, so that `gan-course --help` need not wait for it
#     there = {"cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available(),
#              "xpu": hasattr(torch, "xpu") and torch.xpu.is_available()}
#     return [kind for kind, available in there.items() if available] + ["cpu"]
# ```
# :::
# ::: {}
# **TensorFlow**
#
# ```python
# def device_kinds():
#     "The kinds of device that TensorFlow can use here, best first."
#     return (["gpu"] if tf.config.list_physical_devices("GPU") else []) + ["cpu"]
# ```
# :::
# ::::

# %% [markdown]
# ### `select_device` {#config-select-device}
#
# :::: {.twins}
# ::: {}
# **PyTorch**
#
# ```python
# def select_device(name="auto"): # auto, or what the configuration allows
#     "The `torch.device` to compute on. Raises `CourseError` if the one asked for is not there."
#     import torch
#     kinds = device_kinds()
#     if name == "auto": return torch.device(kinds[0])
#     try: device = torch.device(name)
#     except RuntimeError: raise CourseError(wrong_choice("device", name, DEVICES)) from None
#     if device.type not in kinds:
#         raise CourseError(
#             f"device {name} was asked for, and PyTorch finds only {', '.join(kinds)} here; "
#             "use --device auto, or install a PyTorch built for it (https://pytorch.org)")
#     last = getattr(torch, device.type).device_count() - 1
#     if (device.index or 0) > last:
#         raise CourseError(f"device {name} was asked for, and the last one here is "
#                           f"{device.type}:{last}; use that, or --device auto")
#     return device
# ```
# :::
# ::: {}
# **TensorFlow**
#
# ```python
# def select_device(name="auto"): # auto, or what the configuration allows
#     """The name of the device to compute on, such as CPU:0. `CourseError` if the one asked for is
#     not there."""
#     kinds = device_kinds()
#     kind, colon, index = (kinds[0] if name == "auto" else name).partition(":")
#     if kind not in DEVICES[1:] or (colon and not (index.isascii() and index.isdigit())):
#         raise CourseError(wrong_choice("device", name, DEVICES))
#     if kind not in kinds:
#         raise CourseError(f"device {name} was asked for, and TensorFlow finds only "
#                           f"{', '.join(kinds)} here; "
#                           "use --device auto, or install tensorflow[and-cuda]")
#     last = len(tf.config.list_physical_devices(kind.upper())) - 1
#     if int(index or 0) > last:
#         raise CourseError(f"device {name} was asked for, and the last one here is {kind}:{last}; "
#                           "use that, or --device auto")
#     return f"{kind.upper()}:{int(index or 0)}"
# ```
# :::
# ::::

# %% [markdown]
# ### `select_precision` {#config-select-precision}
#
# :::: {.twins}
# ::: {}
# **PyTorch**
#
# ```python
# def select_precision(name, # auto, fp32 or bf16
#                      device, # a `torch.device`
#     ): # torch.float32 or torch.bfloat16, for autocast
#     "The number format of convolutions and matrix products. Asked for by name, it is not replaced."
#     import torch
#     formats = {"fp32": torch.float32, "bf16": torch.bfloat16}
#     if name == "auto": name = "bf16" if has_bf16(device) else "fp32"
#     if name not in formats: raise CourseError(wrong_choice("precision", name, ["auto", *formats]))
#     return formats[name]
# ```
# :::
# ::: {}
# **TensorFlow**
#
# ```python
# def select_precision(name="auto", # auto, fp32, bf16 or fp16
#                      device="CPU:0", # from `select_device`
#     ): # the name of a Keras dtype policy
#     "The number format of convolutions and matrix products. Asked for by name, it is not replaced."
#     if name == "auto":
#         capability = gpu_capability(device)
#         name = "fp32" if capability < 7 else "fp16" if capability < 8 else "bf16"
#     if name not in POLICIES: raise CourseError(wrong_choice("precision", name, ["auto", *POLICIES]))
#     return POLICIES[name]
# ```
# :::
# ::::

# %% [markdown]
# ## Seeds, measurements and grids {#utils}
#
# The lessons: [PyTorch](../pytorch/utils.ipynb) · [TensorFlow](../tensorflow/utils.ipynb).
#
# Only in PyTorch: `rng_state`, `set_rng_state`.
#
# Only in TensorFlow: `DRAWS`, `step_seed`, `stateless_normal`.

# %% [markdown]
# ### `seed_everything` {#utils-seed-everything}
#
# :::: {.twins}
# ::: {}
# **PyTorch**
#
# ```python
# def seed_everything(seed, # 0 to 2**63 - 1
#                     deterministic=False, # on a GPU, forbid kernels whose result depends on timing
#     ):
#     "Seed Python, NumPy and PyTorch."
#     random.seed(seed)
#     np.random.seed(seed % 2**32)
#     torch.manual_seed(seed) # the generators of all devices too
#     if deterministic:
#         os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8") # cuBLAS asks for it
#         torch.backends.cudnn.benchmark = False
#     torch.use_deterministic_algorithms(deterministic)
# ```
# :::
# ::: {}
# **TensorFlow**
#
# ```python
# def seed_everything(seed, # 0 to 2**63 - 1
#                     deterministic=False, # forbid kernels whose result depends on timing
#     ):
#     "Seed Python, NumPy and TensorFlow. `deterministic` cannot be taken back in this process."
#     keras.utils.set_random_seed(seed % 2**32)
#     if deterministic: tf.config.experimental.enable_op_determinism()
# ```
# :::
# ::::

# %% [markdown]
# ### `make_latents` {#utils-make-latents}
#
# :::: {.twins}
# ::: {}
# **PyTorch**
#
# ```python
# def make_latents(num, # how many
#                  latent_dim, # length of each
#                  seed, # of a generator used for nothing else
#                  device=None, # where they are needed
#     ): # float32, [num, latent_dim], standard normal
#     "Latents for pictures and measurements. Drawn on the CPU, so the same for every device."
#     generator = torch.Generator().manual_seed(seed)
#     return torch.randn(num, latent_dim, generator=generator).to(device or "cpu")
# ```
# :::
# ::: {}
# **TensorFlow**
#
# ```python
# def make_latents(num, # how many
#                  latent_dim, # length of each
#                  seed, # of these latents
#     ): # float32, [num, latent_dim], standard normal
#     "Latents for pictures and measurements, the same on every device."
#     return stateless_normal((num, latent_dim), step_seed(seed, -1, 0))
# ```
# :::
# ::::

# %% [markdown]
# ### `to_images` {#utils-to-images}
#
# :::: {.twins}
# ::: {}
# **PyTorch**
#
# ```python
# def to_images(x, # float tensor, [N, C, H, W] in [-1, 1], on any device
#     ): # uint8 array, [N, H, W, C]
#     "What the networks make, as pixels."
#     x = ((x.detach().float() + 1) * 127.5).round().clamp(0, 255).to(torch.uint8)
#     return x.permute(0, 2, 3, 1).contiguous().cpu().numpy()
# ```
# :::
# ::: {}
# **TensorFlow**
#
# ```python
# def to_images(x, # float tensor, [N, H, W, C] in [-1, 1], on any device
#     ): # uint8 array, [N, H, W, C]
#     "What the networks make, as pixels."
#     x = tf.round((tf.cast(x, tf.float32) + 1) * 127.5)
#     return tf.cast(tf.clip_by_value(x, 0, 255), tf.uint8).numpy()
# ```
# :::
# ::::

# %% [markdown]
# ### `Meter` {#utils-Meter}
#
# :::: {.twins}
# ::: {}
# **PyTorch**
#
# ```python
# class Meter:
#     "Sums of named quantities, kept on the device; reading them is the only wait."
#     def __init__(self, names, device):
#         self.names, self.device = tuple(names), device
#         kind = torch.float32 if device.type == "mps" else torch.float64
#         self.sums = torch.zeros(len(self.names), dtype=kind, device=device)
#         self.counts = torch.zeros_like(self.sums)
#
#     def add(self, **values): # name -> tensor of one number, on the device
#         "Add one measurement of each of some quantities. Never waits."
#         at = [self.names.index(name) for name in values]
#         new = torch.stack([value.detach().to(self.sums.dtype) for value in values.values()])
#         if len(at) == len(self.names) and at == list(range(len(at))):
#             self.sums += new; self.counts += 1
#         else:
#             for i, value in zip(at, new): self.sums[i] += value; self.counts[i] += 1
#
#     def means(self):
#         "Mean of each quantity since the last reset, as floats; nan where nothing was measured."
#         return dict(zip(self.names, (self.sums / self.counts).tolist()))
#
#     def reset(self):
#         "Start again from nothing."
#         self.sums.zero_(); self.counts.zero_()
#
#     def state_dict(self):
#         "For a checkpoint in the middle of an epoch."
#         return {"sums": self.sums, "counts": self.counts}
#
#     def load_state_dict(self, state):
#         "The opposite of `state_dict`."
#         self.sums.copy_(state["sums"]); self.counts.copy_(state["counts"])
# ```
# :::
# ::: {}
# **TensorFlow**
#
# ```python
# class Meter:
#     "Sums of named quantities, kept on the device; reading them is the only wait."
#     def __init__(self, names):
#         self.names = tuple(names)
#         self.sums = tf.Variable(tf.zeros(len(self.names), tf.float64), trainable=False, name="sums")
#         self.counts = tf.Variable(tf.zeros(len(self.names), tf.float64), trainable=False,
#                                   name="counts")
#
#     def add(self, **values): # name -> tensor of one number
#         "Add one measurement of each of some quantities. Never waits; works inside a `tf.function`."
#         for name in values.keys() - set(self.names): raise KeyError(name)
#         none = tf.zeros((), tf.float64)
#         new = [tf.cast(values[name], tf.float64) if name in values else none for name in self.names]
#         self.sums.assign_add(tf.stack(new))
#         self.counts.assign_add(tf.constant([float(name in values) for name in self.names],
#                                            tf.float64))
#
#     def means(self):
#         "Mean of each quantity since the last reset, as floats; nan where nothing was measured."
#         with np.errstate(invalid="ignore"):
#             return dict(zip(self.names, (self.sums.numpy() / self.counts.numpy()).tolist()))
#
#     def reset(self):
#         "Start again from nothing."
#         for v in self.variables: v.assign(tf.zeros_like(v))
#
#     @property
#     def variables(self): return [self.sums, self.counts]
# ```
# :::
# ::::

# %% [markdown]
# ### `save_samples` {#utils-save-samples}
#
# :::: {.twins}
# ::: {}
# **PyTorch**
#
# ```python
# def save_samples(x, # float tensor, [N, C, H, W] in [-1, 1]
#                  path, # PNG to write
#                  caption, # what the pictures are: data set, epoch, seed
#                  title=None, # above the grid
#     ): # `path`
#     "Write generated images as a grid."
#     return figures.save_grid(to_images(x), path, title=title, caption=caption)
# ```
# :::
# ::: {}
# **TensorFlow**
#
# ```python
# def save_samples(x, # float tensor, [N, H, W, C] in [-1, 1]
#                  path, # PNG to write
#                  caption, # what the pictures are: data set, epoch, seed
#                  title=None, # above the grid
#     ): # `path`
#     "Write generated images as a grid."
#     return figures.save_grid(to_images(x), path, title=title, caption=caption)
# ```
# :::
# ::::

# %% [markdown]
# ## Data {#data}
#
# The lessons: [PyTorch](../pytorch/data.ipynb) · [TensorFlow](../tensorflow/data.ipynb).
#
# Only in TensorFlow: `make_dataset`.

# %% [markdown]
# ### `epoch_order` {#data-epoch-order}
#
# :::: {.twins}
# ::: {}
# **PyTorch**
#
# ```python
# def epoch_order(num, # of images
#                 seed, # of the run
#                 epoch, # 0, 1, 2, ...
#     ): # int64, [num]: a permutation of 0 ... num - 1
#     "The order in which an epoch visits the images. The same on every machine."
#     generator = torch.Generator().manual_seed((seed * 1_000_003 + epoch) % 2**63)
#     return torch.randperm(num, generator=generator)
# ```
# :::
# ::: {}
# **TensorFlow**
#
# ```python
# def epoch_order(num, # of images
#                 seed, # of the run
#                 epoch, # 0, 1, 2, ...
#     ): # int32 array, [num]: a permutation of 0 ... num - 1
#     "The order in which an epoch visits the images. The same on every machine."
#     return np.random.default_rng([seed, epoch]).permutation(num).astype(np.int32)
# ```
# :::
# ::::

# %% [markdown]
# ### `DeviceBatches` {#data-DeviceBatches}
#
# :::: {.twins}
# ::: {}
# **PyTorch**
#
# ```python
# class DeviceBatches:
#     "A data set on the device, and its batches in a new order each epoch."
#     def __init__(self,
#                  dataset, # a `gan_course.datasets.Dataset`
#                  batch_size, # real images per step, over all processes
#                  *,
#                  device, # a `torch.device`
#                  seed=0, # of the order
#                  flip=0.0, # probability of mirroring an image left to right
#                  rank=0, world=1, # this process, and how many there are
#                 ):
#         if len(dataset) < batch_size:
#             raise CourseError(
#                 f"{dataset.name} has {len(dataset)} images and batch_size is {batch_size}: "
#                 "not one full batch; lower batch_size or raise limit")
#         if batch_size % world:
#             raise CourseError(f"batch_size {batch_size} cannot be shared equally by {world} "
#                               f"processes; use a multiple of {world}")
#         if not 0 <= rank < world: raise ValueError(f"rank {rank} of {world} processes")
#         self.images = torch.from_numpy(dataset.images).to(device)
#         self.batch_size, self.seed, self.flip = batch_size, seed, flip
#         self.mine = slice(rank * batch_size // world, (rank + 1) * batch_size // world)
#         self.epoch, self.order = None, None
#
#     def __len__(self):
#         "Full batches in an epoch."
#         return len(self.images) // self.batch_size
#
#     def batch(self, epoch, step): # both from 0
#         "Real images, float32 [B, C, H, W] in [-1, 1], channels_last. Every batch is full."
#         if not 0 <= step < len(self): raise IndexError(f"step {step} of an epoch of {len(self)}")
#         if epoch != self.epoch:
#             self.order = epoch_order(len(self.images), self.seed, epoch).to(self.images.device)
#             self.epoch = epoch
#         index = self.order[step * self.batch_size:(step + 1) * self.batch_size]
#         x = self.images[index[self.mine]].permute(0, 3, 1, 2).float().div_(127.5).sub_(1)
#         if self.flip: # one draw per image of the whole batch, so that all processes agree
#             chance = torch.rand(self.batch_size, device=index.device)[self.mine]
#             x = torch.where((chance < self.flip)[:, None, None, None], x.flip(3), x)
#         return x
#
#     def epoch_batches(self, epoch, start=0): # first step wanted
#         "The batches of an epoch, from `start` on."
#         for step in range(start, len(self)): yield self.batch(epoch, step)
# ```
# :::
# ::: {}
# **TensorFlow**
#
# ```python
# class DeviceBatches:
#     """A data set on the device, and its batches in a new order each epoch. Make it inside the
#     strategy's scope."""
#     def __init__(self,
#                  dataset, # a `gan_course.datasets.Dataset`
#                  batch_size, # real images per step, over all replicas
#                  *,
#                  seed=0, # of the order, and of the mirroring
#                  flip=0.0, # probability of mirroring an image left to right
#                 ):
#         world = tf.distribute.get_strategy().num_replicas_in_sync
#         if len(dataset) < batch_size:
#             raise CourseError(
#                 f"{dataset.name} has {len(dataset)} images and batch_size is {batch_size}: "
#                 "not one full batch; lower batch_size or raise limit")
#         if batch_size % world:
#             raise CourseError(f"batch_size {batch_size} cannot be shared equally by {world} "
#                               f"devices; use a multiple of {world}")
#         # uint8 [N, H, W, C]
#         self.images = tf.Variable(dataset.images, trainable=False, name="images")
#         self.num, self.batch_size, self.seed, self.flip = len(dataset), batch_size, seed, flip
#         self.epoch, self.order = None, None
#
#     def __len__(self):
#         "Full batches in an epoch."
#         return self.num // self.batch_size
#
#     def index(self, epoch, step): # both from 0
#         "The numbers of a batch's images, int32 [batch_size]. Every batch is full."
#         if not 0 <= step < len(self): raise IndexError(f"step {step} of an epoch of {len(self)}")
#         if epoch != self.epoch:
#             self.order, self.epoch = epoch_order(self.num, self.seed, epoch), epoch
#         return self.order[step * self.batch_size:(step + 1) * self.batch_size]
#
#     def pick(self,
#              index, # int32 [B]
#              seed, # a `step_seed`, for the mirroring
#              share=lambda whole: whole, # which part of a batch is this replica's
#             ):
#         "Real images, float32 [B, H, W, C] in [-1, 1]. For use inside a `tf.function`."
#         x = tf.cast(tf.gather(self.images, share(index)), tf.float32) / 127.5 - 1
#         if self.flip: # one draw per image of the whole batch, so that all replicas agree
#             chance = tf.random.stateless_uniform((self.batch_size, 1, 1, 1), seed, alg="philox")
#             x = tf.where(share(chance) < self.flip, tf.reverse(x, axis=[2]), x)
#         return x
#
#     def batch(self, epoch, step):
#         "The images of `index(epoch, step)`."
#         return self.pick(self.index(epoch, step), step_seed(self.seed, epoch * len(self) + step, 0))
#
#     def epoch_batches(self, epoch, start=0): # first step wanted
#         "The batches of an epoch, from `start` on."
#         for step in range(start, len(self)): yield self.batch(epoch, step)
# ```
# :::
# ::::

# %% [markdown]
# ## The two networks {#model}
#
# The lessons: [PyTorch](../pytorch/model.ipynb) · [TensorFlow](../tensorflow/model.ipynb).
#
# Only in TensorFlow: `STD`, `batch_norm`.

# %% [markdown]
# ### `upsampling` {#model-upsampling}
#
# :::: {.twins}
# ::: {}
# **PyTorch**
#
# ```python
# def upsampling(inputs, # channels
#                outputs, # channels
#                how, # "transpose" or "resize"
#     ): # a module: [B, inputs, H, W] -> [B, outputs, 2H, 2W]
#     "Twice the height and width. No bias: BatchNorm follows."
#     if how == "transpose":
#         return nn.ConvTranspose2d(inputs, outputs, 4, stride=2, padding=1, bias=False)
#     return nn.Sequential(nn.Upsample(scale_factor=2, mode="nearest"),
#                          nn.Conv2d(inputs, outputs, 3, padding=1, bias=False))
# ```
# :::
# ::: {}
# **TensorFlow**
#
# ```python
# def upsampling(x, # [B, H, W, C]
#                outputs, # channels
#                how, # "transpose" or "resize"
#                name, # of the layer
#                dtype=None, # policy
#     ): # [B, 2H, 2W, outputs]
#     "Twice the height and width. No bias: BatchNorm follows."
#     options = dict(padding="same", use_bias=False, kernel_initializer=init_weights(), dtype=dtype)
#     if how == "transpose":
#         return layers.Conv2DTranspose(outputs, 4, strides=2, name=name, **options)(x)
#     x = layers.UpSampling2D(2, interpolation="nearest", name=f"{name}_0", dtype=dtype)(x)
#     return layers.Conv2D(outputs, 3, name=f"{name}_1", **options)(x)
# ```
# :::
# ::::

# %% [markdown]
# ### `Generator` {#model-Generator}
#
# :::: {.twins}
# ::: {}
# **PyTorch**
#
# ```python
# class Generator(nn.Module):
#     "Latent [B, latent_dim] -> image [B, channels, 28, 28] in [-1, 1] (Radford et al. 2015)."
#     def __init__(self,
#                  latent_dim=64, # length of z
#                  width=32, # channels of the last hidden layer; the first has 4 times as many
#                  upsample="transpose", # or "resize"
#                  channels=1, # of the image
#                 ):
#         super().__init__()
#         w = self.width = width
#         self.latent_dim = latent_dim
#         self.project = nn.Linear(latent_dim, 7 * 7 * 4 * w, bias=False)
#         self.hidden = nn.Sequential(
#             nn.BatchNorm2d(4 * w), nn.ReLU(),                                     # [4w, 7, 7]
#             upsampling(4 * w, 2 * w, upsample), nn.BatchNorm2d(2 * w), nn.ReLU(), # [2w, 14, 14]
#             upsampling(2 * w, w, upsample), nn.BatchNorm2d(w), nn.ReLU())         # [w, 28, 28]
#         self.to_image = nn.Conv2d(w, channels, 3, padding=1)
#
#     def forward(self, z):
#         x = self.project(z).unflatten(1, (7, 7, 4 * self.width)).permute(0, 3, 1, 2) # channels_last
#         return self.to_image(self.hidden(x)).float().tanh()
# ```
# :::
# ::: {}
# **TensorFlow**
#
# ```python
# def Generator(latent_dim=64, # length of z
#               width=32, # channels of the last hidden layer; the first has 4 times as many
#               upsample="transpose", # or "resize"
#               channels=1, # of the image
#               *,
#               precision="float32", # dtype policy of the hidden layers
#               sync_batch_norm=False, # BatchNorm over all replicas
#     ): # a `keras.Model`
#     "Latent [B, latent_dim] -> image [B, 28, 28, channels] in [-1, 1] (Radford et al. 2015)."
#     w, dtype = width, precision
#     def norm_relu(x, i):
#         return layers.ReLU(name=f"hidden_{i + 1}", dtype=dtype)(
#             batch_norm(x, f"hidden_{i}", sync_batch_norm, dtype))
#     z = keras.Input((latent_dim,), name="z")
#     x = layers.Dense(7 * 7 * 4 * w, use_bias=False, kernel_initializer=init_weights(),
#                      name="project", dtype=dtype)(z)
#     x = norm_relu(layers.Reshape((7, 7, 4 * w), name="unflatten", dtype=dtype)(x), 0) # [7, 7, 4w]
#     x = norm_relu(upsampling(x, 2 * w, upsample, "hidden_2", dtype), 3)               # [14, 14, 2w]
#     x = norm_relu(upsampling(x, w, upsample, "hidden_5", dtype), 6)                   # [28, 28, w]
#     x = layers.Conv2D(channels, 3, padding="same", kernel_initializer=init_weights(),
#                       name="to_image", dtype=dtype)(x)
#     return keras.Model(z, layers.Activation("tanh", name="tanh", dtype="float32")(x),
#                        name="generator")
# ```
# :::
# ::::

# %% [markdown]
# ### `Discriminator` {#model-Discriminator}
#
# :::: {.twins}
# ::: {}
# **PyTorch**
#
# ```python
# class Discriminator(nn.Module):
#     "Image [B, channels, 28, 28] -> logit [B] (Radford et al. 2015)."
#     def __init__(self,
#                  width=32, # channels of the first layer; the last has 4 times as many
#                  norm="none", # or "batch": BatchNorm in all layers but the first
#                  dropout=0.0, # after every layer
#                  channels=1, # of the image
#                 ):
#         super().__init__()
#         w = width
#         def layer(inputs, outputs, kernel, norm):
#             yield nn.Conv2d(inputs, outputs, kernel, stride=2, padding=1, bias=norm == "none")
#             if norm == "batch": yield nn.BatchNorm2d(outputs)
#             yield nn.LeakyReLU(0.2)
#             if dropout: yield nn.Dropout(dropout)
#         self.hidden = nn.Sequential(
#             *layer(channels, w, 4, "none"), # [w, 14, 14]
#             *layer(w, 2 * w, 4, norm),      # [2w, 7, 7]
#             *layer(2 * w, 4 * w, 3, norm))  # [4w, 4, 4]
#         self.to_logit = nn.Linear(4 * 4 * 4 * w, 1)
#
#     def forward(self, x):
#         x = self.hidden(x).permute(0, 2, 3, 1).flatten(1) # in the order rows, columns, channels
#         return self.to_logit(x).squeeze(1).float()
# ```
# :::
# ::: {}
# **TensorFlow**
#
# ```python
# def Discriminator(width=32, # channels of the first layer; the last has 4 times as many
#                   norm="none", # or "batch": BatchNorm in all layers but the first
#                   dropout=0.0, # after every layer
#                   channels=1, # of the image
#                   *,
#                   precision="float32", # dtype policy of the hidden layers
#                   sync_batch_norm=False, # BatchNorm over all replicas
#                   seed=0, # of the dropout
#     ): # a `keras.Model`
#     "Image [B, 28, 28, channels] -> logit [B] (Radford et al. 2015)."
#     dtype, i = precision, 0
#     def named(): # names count as PyTorch's Sequential does
#         nonlocal i
#         i += 1
#         return f"hidden_{i - 1}"
#     x = image = keras.Input((28, 28, channels), name="image")
#     for outputs, kernel, kind in ((width, 4, "none"), (2 * width, 4, norm), (4 * width, 3, norm)):
#         x = layers.Conv2D(outputs, kernel, strides=2, padding="same", use_bias=kind == "none",
#                           kernel_initializer=init_weights(), name=named(), dtype=dtype)(x)
#         if kind == "batch": x = batch_norm(x, named(), sync_batch_norm, dtype)
#         x = layers.LeakyReLU(0.2, name=named(), dtype=dtype)(x)
#         if dropout:
#             x = layers.Dropout(dropout, seed=(seed + i) % 2**31, name=named(), dtype=dtype)(x)
#     x = layers.Flatten(name="flatten", dtype=dtype)(x) # in the order rows, columns, channels
#     x = layers.Dense(1, kernel_initializer=init_weights(), name="to_logit", dtype=dtype)(x)
#     return keras.Model(image, layers.Reshape((), name="logit", dtype="float32")(x),
#                        name="discriminator")
# ```
# :::
# ::::

# %% [markdown]
# ### `count_parameters` {#model-count-parameters}
#
# :::: {.twins}
# ::: {}
# **PyTorch**
#
# ```python
# def count_parameters(network):
#     "How many numbers training can change."
#     return sum(p.numel() for p in network.parameters() if p.requires_grad)
# ```
# :::
# ::: {}
# **TensorFlow**
#
# ```python
# def count_parameters(network):
#     "How many numbers training can change."
#     return sum(int(np.prod(v.shape)) for v in network.trainable_variables)
# ```
# :::
# ::::

# %% [markdown]
# ### `init_weights` {#model-init-weights}
#
# :::: {.twins}
# ::: {}
# **PyTorch**
#
# ```python
# def init_weights(network, # changed in place
#                  std=0.02, # of all weights
#     ): # the network
#     "DCGAN initialisation: weights from N(0, std²), BatchNorm's scale from N(1, std²), biases 0."
#     for m in network.modules():
#         if isinstance(m, (nn.Conv2d, nn.ConvTranspose2d, nn.Linear)):
#             nn.init.normal_(m.weight, 0.0, std)
#         elif isinstance(m, nn.BatchNorm2d): nn.init.normal_(m.weight, 1.0, std)
#         if getattr(m, "bias", None) is not None: nn.init.zeros_(m.bias)
#     return network
# ```
# :::
# ::: {}
# **TensorFlow**
#
# ```python
# def init_weights(centre=0.0): # 1.0 for the scale of BatchNorm
#     "DCGAN initialisation, a Keras initializer: N(centre, 0.02²)."
#     return keras.initializers.RandomNormal(centre, STD)
# ```
# :::
# ::::

# %% [markdown]
# ### `check_initialised` {#model-check-initialised}
#
# :::: {.twins}
# ::: {}
# **PyTorch**
#
# ```python
# def check_initialised(network, std=0.02):
#     "Assert that every layer looks as if `init_weights` had just been here."
#     for name, m in network.named_modules():
#         if isinstance(m, (nn.Conv2d, nn.ConvTranspose2d, nn.Linear, nn.BatchNorm2d)):
#             centre = 1.0 if isinstance(m, nn.BatchNorm2d) else 0.0
#             w, n = m.weight.detach().float() - centre, m.weight.numel()
#             slack = 6 / n**0.5 # six standard errors of the mean, and more of the deviation
#             assert m.bias is None or not m.bias.any(), f"{name}: the bias is not 0"
#             assert abs(w.mean()) < slack * std, (
#                 f"{name}: the mean of the weights is {w.mean() + centre:.4f}, not {centre:.0f}")
#             if n == 1: continue # one number has no deviation
#             spread = w.std().item()
#             assert spread > 0, f"{name}: all weights are equal" # BatchNorm as PyTorch makes it
#             assert abs(spread / std - 1) < slack, (
#                 f"{name}: the weights have standard deviation {spread:.4f}, not {std}")
# ```
# :::
# ::: {}
# **TensorFlow**
#
# ```python
# def check_initialised(network, std=STD):
#     "Assert that every layer looks as if `init_weights` had just been here."
#     for layer in network.layers:
#         norm = isinstance(layer, layers.BatchNormalization)
#         for v in layer.trainable_variables:
#             w, n = v.numpy().astype(np.float32), int(np.prod(v.shape))
#             if v.name in ("bias", "beta"):
#                 assert not w.any(), f"{layer.name}: the bias is not 0"
#                 continue
#             centre = 1.0 if norm else 0.0
#             slack = 6 / n**0.5 # six standard errors of the mean, and more of the deviation
#             assert abs(w.mean() - centre) < slack * std, (
#                 f"{layer.name}: the mean of the weights is {w.mean():.4f}, not {centre:.0f}")
#             if n == 1: continue # one number has no deviation
#             spread = w.std(ddof=1)
#             assert spread > 0, f"{layer.name}: all weights are equal" # BatchNorm as Keras makes it
#             assert abs(spread / std - 1) < slack, (
#                 f"{layer.name}: the weights have standard deviation {spread:.4f}, not {std}")
# ```
# :::
# ::::

# %% [markdown]
# ### `build_networks` {#model-build-networks}
#
# :::: {.twins}
# ::: {}
# **PyTorch**
#
# ```python
# def build_networks(config, # a `Config`
#                    device="cpu", # where they will live
#                    channels=1, # of the images
#     ): # generator, discriminator
#     "The initialised networks of a configuration. Draws from PyTorch's global generator."
#     G = Generator(config.latent_dim, config.width, config.upsample, channels)
#     D = Discriminator(config.width * config.d_widening, config.d_norm, config.dropout, channels)
#     for network in (G, D):
#         init_weights(network)
#         check_initialised(network)
#         network.to(device, memory_format=torch.channels_last)
#     return G, D
# ```
# :::
# ::: {}
# **TensorFlow**
#
# ```python
# def build_networks(config, # a `Config`
#                    precision="float32", # dtype policy, see `select_precision`
#                    channels=1, # of the images
#     ): # generator, discriminator
#     "The initialised networks of a configuration. Draws from Keras's global generator."
#     how = dict(precision=precision, sync_batch_norm=config.sync_batch_norm)
#     G = Generator(config.latent_dim, config.width, config.upsample, channels, **how)
#     D = Discriminator(config.width * config.d_widening, config.d_norm, config.dropout, channels,
#                       seed=config.seed, **how)
#     for network in (G, D): check_initialised(network)
#     return G, D
# ```
# :::
# ::::

# %% [markdown]
# ## The engine {#engine}
#
# The lessons: [PyTorch](../pytorch/engine.ipynb) · [TensorFlow](../tensorflow/engine.ipynb).
#
# Only in PyTorch: `DiscriminatorObjective`, `gradient_norm`, `GraphedStep`.
#
# Only in TensorFlow: `cross_entropy`, `discriminator_objective`, `CALL`, `Steps`.

# %% [markdown]
# ### `discriminator_loss` {#engine-discriminator-loss}
#
# :::: {.twins}
# ::: {}
# **PyTorch**
#
# ```python
# def discriminator_loss(a_real, # logits of real images, [B]
#                        a_fake, # logits of as many generated ones, [B]
#                        loss="relativistic", # or "non_saturating", "minimax"
#                        label_smoothing=0.0, # real images are labelled 1 - this
#     ): # a number
#     "What D minimises (Goodfellow et al. 2014, eq. 1; Jolicoeur-Martineau 2018, eq. 5)."
#     if loss == "relativistic": return F.softplus(-(a_real - a_fake)).mean()
#     real = F.binary_cross_entropy_with_logits(a_real, torch.full_like(a_real, 1 - label_smoothing))
#     return real + F.binary_cross_entropy_with_logits(a_fake, torch.zeros_like(a_fake))
# ```
# :::
# ::: {}
# **TensorFlow**
#
# ```python
# def discriminator_loss(a_real, # logits of real images, [B]
#                        a_fake, # logits of as many generated ones, [B]
#                        loss="relativistic", # or "non_saturating", "minimax"
#                        label_smoothing=0.0, # real images are labelled 1 - this
#     ): # a number
#     "What D minimises (Goodfellow et al. 2014, eq. 1; Jolicoeur-Martineau 2018, eq. 5)."
#     if loss == "relativistic": return tf.reduce_mean(tf.math.softplus(-(a_real - a_fake)))
#     return cross_entropy(1.0 - label_smoothing, a_real) + cross_entropy(0.0, a_fake)
# ```
# :::
# ::::

# %% [markdown]
# ### `generator_loss` {#engine-generator-loss}
#
# :::: {.twins}
# ::: {}
# **PyTorch**
#
# ```python
# def generator_loss(a_fake, # logits of generated images, [B]
#                    a_real=None, # logits of real ones, [B]: only the relativistic loss needs them
#                    loss="relativistic", # or "non_saturating", "minimax"
#     ): # a number
#     "What G minimises (Goodfellow et al. 2014, section 3; Jolicoeur-Martineau 2018, eq. 6)."
#     if loss == "relativistic": return F.softplus(-(a_fake - a_real)).mean()
#     if loss == "non_saturating": return F.softplus(-a_fake).mean()
#     return -F.softplus(a_fake).mean() # minimax: log(1 - σ(a))
# ```
# :::
# ::: {}
# **TensorFlow**
#
# ```python
# def generator_loss(a_fake, # logits of generated images, [B]
#                    a_real=None, # logits of real ones, [B]: only the relativistic loss needs them
#                    loss="relativistic", # or "non_saturating", "minimax"
#     ): # a number
#     "What G minimises (Goodfellow et al. 2014, section 3; Jolicoeur-Martineau 2018, eq. 6)."
#     if loss == "relativistic": return tf.reduce_mean(tf.math.softplus(-(a_fake - a_real)))
#     if loss == "non_saturating": return tf.reduce_mean(tf.math.softplus(-a_fake))
#     return -tf.reduce_mean(tf.math.softplus(a_fake)) # minimax: log(1 - σ(a))
# ```
# :::
# ::::

# %% [markdown]
# ### `squared_gradient_norm` {#engine-squared-gradient-norm}
#
# :::: {.twins}
# ::: {}
# **PyTorch**
#
# ```python
# def squared_gradient_norm(D, # images -> logits
#                           x, # images, [B, C, H, W]
#     ): # [B]: |grad of D at x|^2, one number per image, differentiable
#     "What R1 and R2 penalise (Mescheder et al. 2018, eq. 9)."
#     x = x.detach().requires_grad_()
#     gradient, = torch.autograd.grad(D(x).sum(), x, create_graph=True)
#     return gradient.float().square().sum((1, 2, 3))
# ```
# :::
# ::: {}
# **TensorFlow**
#
# ```python
# def squared_gradient_norm(D, # images -> logits
#                           x, # images, [B, H, W, C]
#     ): # [B]: |grad of D at x|^2, one number per image; an outer tape can differentiate it
#     "What R1 and R2 penalise (Mescheder et al. 2018, eq. 9)."
#     with tf.GradientTape(watch_accessed_variables=False) as tape:
#         tape.watch(x)
#         total = tf.reduce_sum(D(x))
#     gradient = tf.cast(tape.gradient(total, x), tf.float32)
#     return tf.reduce_sum(tf.square(gradient), axis=[1, 2, 3])
# ```
# :::
# ::::

# %% [markdown]
# ### `MEASURED` {#engine-MEASURED}
#
# The same in both.
#
# ```python
# MEASURED = ("loss_d", "loss_g", "d_real", "d_fake", "rank_accuracy", "grad_norm_d", "grad_norm_g",
#             "penalty")
# ```

# %% [markdown]
# ### `NEVER` {#engine-NEVER}
#
# The same in both.
#
# ```python
# NEVER = 2**62 # `first_bad` as long as everything is finite
# ```

# %% [markdown]
# ### `GANStep` {#engine-GANStep}
#
# :::: {.twins}
# ::: {}
# **PyTorch**
#
# ```python
# class GANStep:
#     "One iteration of the game. Holds no state of its own but measurements."
#     def __init__(self, G, D, opt_g, opt_d, config, *,
#                  precision=torch.float32, # of autocast
#                  rank=0, world=1, # this process, and how many share the batch
#                  wrap=lambda module: module, # e.g. DistributedDataParallel
#                  cache_casts=True, # off while a CUDA graph is recorded
#                 ):
#         self.G, self.D, self.opt_g, self.opt_d, self.config = G, D, opt_g, opt_d, config
#         self.device = next(G.parameters()).device
#         self.precision, self.cache_casts = precision, cache_casts
#         cut = [r * config.batch_size // world for r in (rank, rank + 1)]
#         self.share = slice(*cut) # of the latents of a batch
#         self.generate, self.objective = wrap(G), wrap(DiscriminatorObjective(D, config))
#         self.d_parameters = [p for p in D.parameters() if p.requires_grad]
#         self.meter = Meter(MEASURED, self.device)
#         self.noise = torch.zeros((), device=self.device) # standard deviation of instance noise
#         self.count = torch.zeros((), dtype=torch.int64, device=self.device)
#         self.first_bad = torch.full((), NEVER, dtype=torch.int64, device=self.device)
#
#     def autocast(self):
#         return torch.autocast(self.device.type, self.precision, cache_enabled=self.cache_casts,
#                               enabled=self.precision != torch.float32)
#
#     def latents(self):
#         "All processes draw the whole batch's latents, and each takes its share."
#         c = self.config
#         return torch.randn(c.batch_size, c.latent_dim, device=self.device)[self.share]
#
#     def fakes(self):
#         "Generated images."
#         with self.autocast(): return self.generate(self.latents())
#
#     def noisy(self, x):
#         "Instance noise (Sønderby et al. 2017), the same for both kinds of image."
#         return x + self.noise * torch.randn_like(x) if self.config.instance_noise else x
#
#     def discriminator_step(self,
#                            x, # real images
#                            fake, # generated ones; their graph is not touched
#                            penalise=False, # whether this step carries the penalties
#                           ): # loss, gradient norm, logits of real and generated images, penalty
#         with self.autocast():
#             loss, a_real, a_fake, penalty = self.objective(
#                 self.noisy(x), self.noisy(fake.detach()), penalise)
#         self.opt_d.zero_grad()
#         loss.backward()
#         norm = gradient_norm(self.D)
#         self.opt_d.step()
#         return loss.detach(), norm, a_real.detach(), a_fake.detach(), penalty.detach()
#
#     def generator_step(self,
#                        x, # real images, for the relativistic loss
#                        fake, # generated ones, with their graph
#                       ): # loss, gradient norm
#         for p in self.d_parameters: p.requires_grad_(False)
#         with self.autocast():
#             a_fake, a_real = self.D(self.noisy(fake)), None
#             if self.config.loss == "relativistic":
#                 with torch.no_grad(): a_real = self.D(self.noisy(x))
#             loss = generator_loss(a_fake, a_real, self.config.loss)
#         self.opt_g.zero_grad()
#         loss.backward()
#         norm = gradient_norm(self.G)
#         self.opt_g.step()
#         for p in self.d_parameters: p.requires_grad_(True)
#         return loss.detach(), norm
#
#     def __call__(self,
#                  xs, # `d_steps` batches of real images
#                  penalise=False, # whether the discriminator's steps carry the penalties
#                 ):
#         c = self.config
#         for i, x in enumerate(xs):
#             last = i == len(xs) - 1
#             with torch.set_grad_enabled(last): fake = self.fakes() # the last serves G too
#             loss_d, norm_d, a_real, a_fake, penalty = self.discriminator_step(x, fake, penalise)
#         for i in range(c.g_steps):
#             if i: fake = self.fakes()
#             loss_g, norm_g = self.generator_step(x, fake)
#         self.measure(loss_d, loss_g, norm_d, norm_g, a_real, a_fake, penalty if penalise else None)
#
#     def measure(self, loss_d, loss_g, norm_d, norm_g, a_real, a_fake, penalty):
#         values = dict(loss_d=loss_d, loss_g=loss_g, grad_norm_d=norm_d, grad_norm_g=norm_g,
#                       d_real=a_real.sigmoid().mean(), d_fake=a_fake.sigmoid().mean(),
#                       rank_accuracy=(a_real > a_fake).float().mean())
#         self.meter.add(**values)
#         if penalty is not None: self.meter.add(penalty=penalty)
#         finite = torch.isfinite(loss_d + loss_g + norm_d + norm_g)
#         earliest = self.first_bad.minimum(self.count)
#         self.first_bad.copy_(torch.where(finite, self.first_bad, earliest))
#         self.count += 1
# ```
# :::
# ::: {}
# **TensorFlow**
#
# ```python
# class GANStep:
#     """One iteration of the game. Make it inside the strategy's scope; it holds no state but
#     measurements."""
#     def __init__(self, G, D, opt_g, opt_d, config, batches): # a `DeviceBatches`
#         self.G, self.D, self.opt_g, self.opt_d = G, D, opt_g, opt_d
#         self.config, self.batches = config, batches
#         self.replicas = current_strategy().num_replicas_in_sync
#         self.meter = Meter(MEASURED)
#         self.first_bad = tf.Variable(NEVER, dtype=tf.int64, trainable=False, name="first_bad")
#         for opt, network in ((opt_g, G), (opt_d, D)): opt.build(network.trainable_variables)
#
#     def share(self, whole): # [B, ...]
#         "This replica's part of something that there is for the whole batch."
#         if self.replicas == 1: return whole
#         me = tf.distribute.get_replica_context().replica_id_in_sync_group
#         part = whole.shape[0] // self.replicas
#         return tf.reshape(whole, (self.replicas, part, *whole.shape[1:]))[me]
#
#     def latents(self, seed):
#         "All replicas draw the whole batch's latents, and each takes its share."
#         return self.share(stateless_normal((self.config.batch_size, self.config.latent_dim), seed))
#
#     def fakes(self, seed):
#         "Generated images, and the paused tape that knows how they were made."
#         z, tape = self.latents(seed), tf.GradientTape(watch_accessed_variables=False)
#         with tape:
#             tape.watch([v.value for v in self.G.trainable_variables])
#             return self.G(z, training=True), tape
#
#     def noisy(self, x, deviation, seed):
#         "Instance noise (Sønderby et al. 2017), the same for both kinds of image."
#         if not self.config.instance_noise: return x
#         return (x + deviation
#                 * self.share(stateless_normal((self.config.batch_size, *x.shape[1:]), seed)))
#
#     def judge(self, x): return self.D(x, training=True)
#
#     def apply(self, opt, network, tape, scaled_loss):
#         "Take a step; return the norm of the gradient, averaged over replicas and unscaled."
#         scale = opt.scale_loss(tf.ones(())) # 1 but for float16, and the step may change it
#         gradients = tape.gradient(scaled_loss, [v.value for v in network.trainable_variables])
#         if self.replicas > 1:
#             gradients = tf.distribute.get_replica_context().all_reduce("MEAN", gradients)
#         # Keras adds the replicas' gradients up, which by now are all the same.
#         opt.apply([g / self.replicas for g in gradients], network.trainable_variables)
#         return tf.linalg.global_norm(gradients) / scale
#
#     def discriminator_step(self, x, fake, penalise):
#         "Returns loss, gradient norm, logits of real and generated images, penalty."
#         with tf.GradientTape(watch_accessed_variables=False) as tape:
#             tape.watch([v.value for v in self.D.trainable_variables])
#             loss, a_real, a_fake, penalty = discriminator_objective(
#                 self.judge, x, fake, self.config, penalise)
#             scaled = self.opt_d.scale_loss(loss)
#         return loss, self.apply(self.opt_d, self.D, tape, scaled), a_real, a_fake, penalty
#
#     def generator_step(self, x, fake, tape, deviation, seeds):
#         "Returns loss and gradient norm. `tape` is the one that `fakes` paused."
#         relativistic = self.config.loss == "relativistic"
#         a_real = (tf.stop_gradient(self.judge(self.noisy(x, deviation, seeds()))) if relativistic
#                   else None)
#         with tape:
#             a_fake = self.judge(self.noisy(fake, deviation, seeds()))
#             loss = generator_loss(a_fake, a_real, self.config.loss)
#             scaled = self.opt_g.scale_loss(loss)
#         return loss, self.apply(self.opt_g, self.G, tape, scaled)
#
#     def average_statistics(self):
#         "Give all replicas the mean of their running averages in BatchNorm."
#         own = [v for network in (self.G, self.D) for layer in network.layers
#                if isinstance(layer, keras.layers.BatchNormalization)
#                for v in layer.non_trainable_variables]
#         context = tf.distribute.get_replica_context()
#         means = context.all_reduce("MEAN", [tf.identity(v.value) for v in own])
#         for v, mean in zip(own, means): v.assign(mean)
#
#     def __call__(self,
#                  index, # the numbers of the real images, int32 [d_steps, B]
#                  iteration, # int64
#                  penalise=False, # whether the discriminator's steps carry the penalties
#                  deviation=0.0, # of the instance noise
#                 ): # what was measured, float32, in the order of `MEASURED`
#         "In a replica of the strategy."
#         c, used = self.config, iter(range(DRAWS))
#         def seeds(): return step_seed(c.seed, iteration, next(used))
#         for i in range(c.d_steps):
#             x = self.batches.pick(index[i], seeds(), self.share)
#             fake, tape = self.fakes(seeds())
#             loss_d, norm_d, a_real, a_fake, penalty = self.discriminator_step(
#                 self.noisy(x, deviation, seeds()), self.noisy(fake, deviation, seeds()), penalise)
#         for i in range(c.g_steps):
#             if i: fake, tape = self.fakes(seeds())
#             loss_g, norm_g = self.generator_step(x, fake, tape, deviation, seeds)
#         if self.replicas > 1 and not c.sync_batch_norm: self.average_statistics()
#         return tf.stack([loss_d, loss_g, tf.reduce_mean(tf.sigmoid(a_real)),
#                          tf.reduce_mean(tf.sigmoid(a_fake)),
#                          tf.reduce_mean(tf.cast(a_real > a_fake, tf.float32)), norm_d, norm_g,
#                          penalty])
#
#     def measure(self, values, iteration, penalise):
#         "Add what all replicas measured on average; note the first iteration that was not finite."
#         named = dict(zip(MEASURED, tf.unstack(values)))
#         if not penalise: del named["penalty"]
#         self.meter.add(**named)
#         watched = [named["loss_d"], named["loss_g"]]
#         if not isinstance(self.opt_d, keras.optimizers.LossScaleOptimizer): # which skips such steps
#             watched += [named["grad_norm_d"], named["grad_norm_g"]]
#         finite = tf.reduce_all(tf.math.is_finite(tf.stack(watched)))
#         now = tf.where(finite, tf.constant(NEVER, tf.int64), tf.cast(iteration, tf.int64))
#         self.first_bad.assign(tf.minimum(self.first_bad, now))
# ```
# :::
# ::::

# %% [markdown]
# ## Training {#train}
#
# The lessons: [PyTorch](../pytorch/train.ipynb) · [TensorFlow](../tensorflow/train.ipynb).
#
# Only in PyTorch: `set_lr`, `save_file`, `process_group`, `share_gradients`, `nn_parallel`, `Together`, `TorchRecorder`.
#
# Only in TensorFlow: `Adam`, `named_variables`, `images_of`, `save_checkpoint`, `load_checkpoint`.

# %% [markdown]
# ### `make_optimizer` {#train-make-optimizer}
#
# :::: {.twins}
# ::: {}
# **PyTorch**
#
# ```python
# def make_optimizer(parameters, # of one network
#                    lr, # learning rate
#                    config, # a `Config`
#                    capturable=False, # keep everything on the GPU, for CUDA graphs
#     ): # a `torch.optim.Optimizer`
#     """Adam (Kingma and Ba 2014), AdamW (Loshchilov and Hutter 2017) or RMSprop (Tieleman and Hinton
#     2012)."""
#     parameters = list(parameters)
#     fused = parameters[0].device.type in ("cpu", "cuda", "xpu")
#     if capturable: lr = torch.tensor(lr, device=parameters[0].device)
#     if config.optimizer == "rmsprop":
#         return torch.optim.RMSprop(parameters, lr, alpha=config.beta2, foreach=True,
#                                    capturable=capturable)
#     kind = torch.optim.AdamW if config.optimizer == "adamw" else torch.optim.Adam
#     kwargs = dict(weight_decay=config.weight_decay) if config.optimizer == "adamw" else {}
#     if capturable: kwargs["capturable"] = True
#     return kind(parameters, lr, betas=(config.beta1, config.beta2), fused=fused, **kwargs)
# ```
# :::
# ::: {}
# **TensorFlow**
#
# ```python
# def make_optimizer(lr, # learning rate
#                    config, # a `Config`
#                    precision="float32", # dtype policy of the network
#     ): # a `keras.optimizers.Optimizer`
#     """Adam (Kingma and Ba 2014), AdamW (Loshchilov and Hutter 2017) or RMSprop (Tieleman and Hinton
#     2012)."""
#     c, epsilon = config, 1e-8 # PyTorch's
#     if c.optimizer == "rmsprop": opt = keras.optimizers.RMSprop(lr, rho=c.beta2, epsilon=epsilon**2)
#     else: opt = Adam(lr, c.beta1, c.beta2, epsilon, weight_decay=c.weight_decay or None)
#     return keras.optimizers.LossScaleOptimizer(opt) if precision == "mixed_float16" else opt
# ```
# :::
# ::::

# %% [markdown]
# ### `AverageWeights` {#train-AverageWeights}
#
# :::: {.twins}
# ::: {}
# **PyTorch**
#
# ```python
# class AverageWeights:
#     """An exponential moving average of a network, its buffers included. With half-life 0 it is a
#     plain copy."""
#     def __init__(self, network, half_life): # in images
#         self.network, self.half_life = (copy.deepcopy(network).eval().requires_grad_(False),
#                                         half_life)
#
#     @torch.no_grad()
#     def update(self,
#                network, # the one in training
#                batch_size, # images since the last update
#                images_seen, # since the beginning
#               ):
#         keep = average_keep(self.half_life, batch_size, images_seen)
#         mine, other = list(self.network.parameters()), list(network.parameters())
#         if keep: torch._foreach_lerp_(mine, other, 1 - keep)
#         else: torch._foreach_copy_(mine, other)
#         for a, b in zip(self.network.buffers(), network.buffers()): a.copy_(b)
# ```
# :::
# ::: {}
# **TensorFlow**
#
# ```python
# class AverageWeights:
#     """An exponential moving average of a network, BatchNorm statistics included. Make it inside the
#     strategy's scope."""
#     def __init__(self, network, half_life): # in images; 0: a plain copy
#         self.network, self.half_life = keras.models.clone_model(network), half_life
#         self.network.trainable = False
#         for a, b in zip(self.network.variables, network.variables): a.assign(b)
#         self.learned = [v.path for v in network.trainable_variables]
#
#     def update(self,
#                network, # the one in training
#                keep, # weight of the old average, see `average_keep`
#               ):
#         "Follow the network. For use inside a `tf.function`, outside of the replicas."
#         for a, b in zip(self.network.variables, network.variables):
#             if self.half_life and b.path in self.learned:
#                 a.value.assign_add((b.value - a.value) * (1 - keep))
#             else: a.value.assign(b.value)
# ```
# :::
# ::::

# %% [markdown]
# ### `TRACK` {#train-TRACK}
#
# :::: {.twins}
# ::: {}
# **PyTorch**
#
# ```python
# TRACK = "pytorch"
# ```
# :::
# ::: {}
# **TensorFlow**
#
# ```python
# TRACK = "tensorflow"
# ```
# :::
# ::::

# %% [markdown]
# ### `draw` {#train-draw}
#
# :::: {.twins}
# ::: {}
# **PyTorch**
#
# ```python
# @torch.no_grad()
# def draw(network, # in eval mode
#          num, # images
#          config, # for the latents
#          seed, # of the latents
#          device, batch=500):
#     "Images [num, C, H, W] in [-1, 1]. Always in float32."
#     z = make_latents(num, config.latent_dim, seed, device)
#     return torch.cat([network(part) for part in z.split(batch)])
# ```
# :::
# ::: {}
# **TensorFlow**
#
# ```python
# def draw(network, # a generator
#          num, # images
#          seed, # of the latents
#     ):
#     "Images of a generator in evaluation mode, uint8 [num, H, W, C]."
#     return images_of(network, make_latents(num, network.input_shape[-1], seed))
# ```
# :::
# ::::

# %% [markdown]
# ### `Training` {#train-Training}
#
# :::: {.twins}
# ::: {}
# **PyTorch**
#
# ```python
# class Training(Progress):
#     "All that changes during a run."
#     def __init__(self, config, device, precision, channels=1, rank=0, world=1):
#         super().__init__()
#         self.config, self.device = config, device
#         self.G, self.D = build_networks(config, device, channels)
#         self.ema = AverageWeights(self.G, config.ema_half_life)
#         graphs = device.type == "cuda" and config.cuda_graphs and world == 1
#         self.opt_g = make_optimizer(self.G.parameters(), config.lr_g, config, capturable=graphs)
#         self.opt_d = make_optimizer(self.D.parameters(), config.lr_d, config, capturable=graphs)
#         self.step = GANStep(self.G, self.D, self.opt_g, self.opt_d, config, precision=precision,
#                             rank=rank,
#                             world=world,
#                             wrap=share_gradients if world > 1 else lambda module: module)
#         self.run_step = GraphedStep(self.step) if graphs else self.step
#
#     def state_dict(self):
#         """Everything the rest of the run depends on, as tensors, numbers, strings, lists and
#         dictionaries."""
#         return dict(
#             G=self.G.state_dict(), D=self.D.state_dict(), ema=self.ema.network.state_dict(),
#             opt_g=self.opt_g.state_dict(), opt_d=self.opt_d.state_dict(),
#             meter=self.step.meter.state_dict(),
#             rng=rng_state(self.device), count=self.step.count, noise=self.step.noise,
#             **self.counters(), strips=[torch.from_numpy(strip) for strip in self.strips])
#
#     def load_state_dict(self, state):
#         "The opposite of `state_dict`."
#         self.G.load_state_dict(state["G"]); self.D.load_state_dict(state["D"])
#         self.ema.network.load_state_dict(state["ema"])
#         self.opt_g.load_state_dict(state["opt_g"]); self.opt_d.load_state_dict(state["opt_d"])
#         self.step.meter.load_state_dict(state["meter"])
#         self.step.count.copy_(state["count"]); self.step.noise.copy_(state["noise"])
#         self.set_counters(state)
#         self.strips = [strip.numpy() for strip in state["strips"]]
#         set_rng_state(state["rng"], self.device)
#
#     def parameters(self):
#         return dict(generator=count_parameters(self.G), discriminator=count_parameters(self.D))
#     def iterations(self, batches): return len(batches) // self.config.d_steps
#
#     def one_step(self, batches):
#         "One iteration: the next real images, both networks, the average."
#         c, k = self.config, self.config.d_steps
#         total = c.epochs * self.iterations(batches)
#         factor = lr_factor(c.lr_decay, self.steps / total)
#         set_lr(self.opt_g, c.lr_g * factor); set_lr(self.opt_d, c.lr_d * factor)
#         if c.instance_noise: self.step.noise.fill_(c.instance_noise * (1 - self.steps / total))
#         xs = [batches.batch(self.epoch, self.step_in_epoch * k + i) for i in range(k)]
#         self.run_step(xs, penalise=(c.r1 > 0 or c.r2 > 0) and self.steps % c.penalty_every == 0)
#         self.steps += 1; self.step_in_epoch += 1; self.images_seen += c.batch_size * k
#         self.ema.update(self.G, c.batch_size * k, self.images_seen)
#
#     def advance(self, batches, steps, stop):
#         for _ in range(steps):
#             self.one_step(batches)
#             if stop(): break
#
#     def first_bad(self):
#         bad = self.step.first_bad.item()
#         return None if bad == NEVER else bad
#
#     def means(self): return self.step.meter.means()
#     def reset_means(self): self.step.meter.reset()
#     def draw(self, num, seed):
#         return to_images(draw(self.ema.network, num, self.config, seed, self.device))
#     def learning_rates(self):
#         return {name: float(optimizer.param_groups[0]["lr"])
#                 for name, optimizer in (("lr_g", self.opt_g), ("lr_d", self.opt_d))}
# ```
# :::
# ::: {}
# **TensorFlow**
#
# ```python
# class Training(KerasTraining):
#     "All that changes during a run. Make it inside the strategy's scope."
#     Step = GANStep # a subclass may take other steps
#
#     def __init__(self, config, dataset, precision="float32", xla=False):
#         super().__init__()
#         self.config = config
#         self.batches = DeviceBatches(dataset, config.batch_size, seed=config.seed, flip=config.flip)
#         self.G, self.D = self.networks(precision, dataset.images.shape[-1])
#         self.ema = AverageWeights(self.G, config.ema_half_life)
#         self.opt_g, self.opt_d = (make_optimizer(lr, config, precision)
#                                   for lr in (config.lr_g, config.lr_d))
#         self.step = self.Step(self.G, self.D, self.opt_g, self.opt_d, config, self.batches)
#         self.run_steps = Steps(self.step, self.ema, xla)
#
#     def networks(self, precision, channels):
#         "Generator and discriminator; a subclass may build others."
#         return build_networks(self.config, precision, channels)
#
#     def variables(self):
#         "Name -> variable: everything on the device that the rest of the run depends on."
#         found = {}
#         for part, network in (("G", self.G), ("D", self.D), ("ema", self.ema.network)):
#             found |= {f"{part}/{name}": v for name, v in named_variables(network).items()}
#         for part, variables in (("opt_g", self.opt_g.variables), ("opt_d", self.opt_d.variables),
#                                 ("meter", self.step.meter.variables)):
#             found |= {f"{part}/{i:03d}": v for i, v in enumerate(variables)}
#         return found
#
#     def iterations(self, batches): return len(batches) // self.config.d_steps
#
#     def advance(self, batches, steps, stop):
#         c, k = self.config, self.config.d_steps
#         total, lazy = c.epochs * self.iterations(batches), c.r1 > 0 or c.r2 > 0
#         while steps:
#             penalise = lazy and self.steps % c.penalty_every == 0
#             n = 1 if penalise else min(steps, CALL,
#                                        c.penalty_every - self.steps % c.penalty_every if lazy
#                                        else CALL)
#             fractions = [(self.steps + i) / total for i in range(n)]
#             factors = [lr_factor(c.lr_decay, fraction) for fraction in fractions]
#             self.run_steps(
#                 [[batches.index(self.epoch, (self.step_in_epoch + i) * k + j) for j in range(k)]
#                  for i in range(n)],
#                 self.steps, penalise,
#                 deviations=[c.instance_noise * (1 - fraction) for fraction in fractions],
#                 keeps=[average_keep(c.ema_half_life, c.batch_size * k,
#                                     self.images_seen + (i + 1) * c.batch_size * k)
#                        for i in range(n)],
#                 lr_g=[c.lr_g * factor for factor in factors],
#                 lr_d=[c.lr_d * factor for factor in factors])
#             self.steps += n; self.step_in_epoch += n; self.images_seen += n * c.batch_size * k
#             steps -= n
#             if stop(): return
#
#     def first_bad(self):
#         bad = int(self.step.first_bad.numpy())
#         return None if bad == NEVER else bad
#
#     def means(self): return self.step.meter.means()
#     def reset_means(self): self.step.meter.reset()
#     def draw(self, num, seed): return draw(self.ema.network, num, seed)
#     def learning_rates(self):
#         return {name: float(opt.learning_rate.numpy())
#                 for name, opt in (("lr_g", self.opt_g), ("lr_d", self.opt_d))}
# ```
# :::
# ::::

# %% [markdown]
# ### `load_file` {#train-load-file}
#
# :::: {.twins}
# ::: {}
# **PyTorch**
#
# ```python
# def load_file(path, # written by `torch.save`
#     ): # what it holds, on the CPU
#     "Load without running code. A missing, damaged or dangerous file is a `CourseError`."
#     path = Path(path)
#     try: found = torch.load(path, map_location="cpu", weights_only=True)
#     except pickle.UnpicklingError as error:
#         if "WeightsUnpickler" in str(error) and "Unsupported operand" not in str(error):
#             raise CourseError(f"{path} asks to run code or holds more than weights, "
#                               "and was not loaded; "
#                               "do not use it, and ask whoever gave it to "
#                               "you for plain weights") from None
#         raise CourseError(f"{path} is damaged and cannot be read; remove it") from None
#     # it can trip the reader anywhere
#     except Exception as error: raise read_error(path, error, "PyTorch file") from None
#     return check_track(found, path, TRACK)
# ```
# :::
# ::: {}
# **TensorFlow**
#
# ```python
# load_file = partial(keras_files.load_file, track=TRACK)
# ```
# :::
# ::::

# %% [markdown]
# ### `device_name` {#train-device-name}
#
# :::: {.twins}
# ::: {}
# **PyTorch**
#
# ```python
# def device_name(device):
#     "As a person would name it."
#     return f"cuda: {torch.cuda.get_device_name(device)}" if device.type == "cuda" else device.type
# ```
# :::
# ::: {}
# **TensorFlow**
#
# ```python
# def device_name(device, replicas=1):
#     "As a person would name it."
#     kind, index = device.split(":")
#     name = kind.lower()
#     if kind == "GPU":
#         details = tf.config.experimental.get_device_details(
#             tf.config.list_physical_devices("GPU")[int(index)])
#         name = f"gpu: {details.get('device_name', 'unknown')}"
#     return name if replicas == 1 else f"{replicas} × {name}"
# ```
# :::
# ::::

# %% [markdown]
# ### `restore` {#train-restore}
#
# :::: {.twins}
# ::: {}
# **PyTorch**
#
# ```python
# def restore(training, recorder):
#     """Load the latest checkpoint of the run folder, if there is one. Refuses one that does not
#     belong to this run."""
#     return restore_latest(training, recorder, load_file, ".pt", more={"device", "cuda_graphs"})
# ```
# :::
# ::: {}
# **TensorFlow**
#
# ```python
# def restore(training, recorder):
#     """Load the latest checkpoint of the run folder, if there is one. Refuses one that does not
#     belong to this run."""
#     return restore_latest(training, recorder, load_checkpoint, ".npz", more={"device"})
# ```
# :::
# ::::

# %% [markdown]
# ### `train` {#train-train}
#
# :::: {.twins}
# ::: {}
# **PyTorch**
#
# ```python
# def train(config: Config = CONFIG,
#           # go on from the last checkpoint in config.out; from the start if there is none
#           resume: bool = False,
#           verbose: bool = True, # print a line per epoch
#     ) -> dict: # what stands in metrics.json
#     """Train a GAN; everything it makes is in `config.out`. Raises `CourseError`, and
#     `KeyboardInterrupt` on Ctrl-C."""
#     with process_group(config.device) as (rank, world, device):
#         precision = select_precision(config.precision, device)
#         def prepare(folder, dataset):
#             batches = DeviceBatches(dataset, config.batch_size, device=device, seed=config.seed,
#                                     flip=config.flip,
#                                     rank=rank, world=world)
#             seed_everything(config.seed, config.deterministic)
#             training = Training(config, device, precision, dataset.images.shape[-1], rank, world)
#             recorder = TorchRecorder(folder, config, dataset, artifact_paths(config.out), TRACK,
#                                      ["torch", "numpy"],
#                                      device_name(device), str(precision).removeprefix("torch."),
#                                      rank == 0)
#             return training, batches, recorder
#         return run(config, prepare, restore, resume, verbose, writes=rank == 0,
#                    together=Together(device) if world > 1 else None)
# ```
# :::
# ::: {}
# **TensorFlow**
#
# ```python
# def train(config: Config = CONFIG,
#           # go on from the last checkpoint in config.out; from the start if there is none
#           resume: bool = False,
#           verbose: bool = True, # print a line per epoch
#     ) -> dict: # what stands in metrics.json
#     """Train a GAN; everything it makes is in `config.out`. Raises `CourseError`, and
#     `KeyboardInterrupt` on Ctrl-C."""
#     device = select_device(config.device)
#     strategy = select_strategy(config.strategy, config.device, config.cpu_devices)
#     precision, xla = select_precision(config.precision, device), select_xla(config.xla, device)
#     def prepare(folder, dataset):
#         seed_everything(config.seed, config.deterministic)
#         training = Training(config, dataset, precision, xla)
#         recorder = KerasRecorder(folder, config, dataset, artifact_paths(config.out), TRACK,
#                                  ["tensorflow", "keras", "numpy"],
#                                  device_name(device, strategy.num_replicas_in_sync), precision)
#         return training, training.batches, recorder
#     with strategy.scope(): return run(config, prepare, restore, resume, verbose)
# ```
# :::
# ::::

# %% [markdown]
# ## Sampling {#inference}
#
# The lessons: [PyTorch](../pytorch/inference.ipynb) · [TensorFlow](../tensorflow/inference.ipynb).
#
# Only in TensorFlow: `build`.

# %% [markdown]
# ### `load_generator` {#inference-load-generator}
#
# :::: {.twins}
# ::: {}
# **PyTorch**
#
# ```python
# def load_generator(path, # a run folder, or a file of weights in one
#                    device="cpu", # where to put it
#                    best=False, # the best so far instead of the last
#     ): # generator in evaluation mode, its `Config`, and a dictionary that describes its data
#     "A trained generator. Raises `CourseError` for anything that is not one."
#     path = Path(path)
#     if path.is_dir(): path = artifact_paths(path)["best" if best else "generator"]
#     found = load_file(path)
#     if not all(isinstance(found.get(part), dict) for part in ("config", "weights", "data")):
#         raise CourseError(f"{path} is no file of weights; give a run folder, or its generator.pt")
#     config = Config.from_dict(found["config"])
#     try:
#         channels = found["weights"]["to_image.weight"].shape[0]
#         with torch.random.fork_rng(devices=[]): # initial weights are drawn, and thrown away
#             G = Generator(config.latent_dim, config.width, config.upsample, channels)
#         G.load_state_dict(found["weights"])
#     except (KeyError, IndexError, RuntimeError, TypeError, AttributeError):
#         raise CourseError(f"{path} does not hold the weights of a generator; "
#                           "give generator.pt") from None
#     G = G.to(device, memory_format=torch.channels_last).eval().requires_grad_(False)
#     return G, config, found["data"]
# ```
# :::
# ::: {}
# **TensorFlow**
#
# ```python
# def load_generator(path, # a run folder, or a file of weights or a `.keras` file in one
#                    best=False, # the best so far instead of the last
#     ): # generator, its `Config`, and a dictionary that describes its data
#     "A trained generator. Raises `CourseError` for anything that is not one."
#     return open_generator(path, TRACK, Config, artifact_paths, build, best)
# ```
# :::
# ::::

# %% [markdown]
# ### `sample_latents` {#inference-sample-latents}
#
# :::: {.twins}
# ::: {}
# **PyTorch**
#
# ```python
# def sample_latents(num, # how many
#                    latent_dim, # length of each
#                    seed=0, # of a generator used for nothing else
#                    truncation=None, # no component exceeds this; None: no limit
#     ): # float32, [num, latent_dim]
#     "Standard normal latents, truncated if wished (Brock et al. 2018, section 3.1)."
#     if truncation is None: return make_latents(num, latent_dim, seed)
#     if not (math.isfinite(truncation) and truncation > 0):
#         raise CourseError(f"truncation is {truncation}; give a number above 0, "
#                           "such as 1.0, or none")
#     generator = torch.Generator().manual_seed(seed)
#     inside = math.erf(truncation / math.sqrt(2)) # probability of [-truncation, truncation]
#     u = torch.rand(num, latent_dim, generator=generator, dtype=torch.float64) * 2 - 1
#     z = math.sqrt(2) * torch.erfinv(u * inside)
#     return z.clamp(-truncation, truncation).float()
# ```
# :::
# ::: {}
# **TensorFlow**
#
# ```python
# def sample_latents(num, # how many
#                    latent_dim, # length of each
#                    seed=0, # of these latents
#                    truncation=None, # no component exceeds this; None: no limit
#     ): # float32, [num, latent_dim]
#     "Standard normal latents, truncated if wished (Brock et al. 2018, section 3.1)."
#     if truncation is None: return make_latents(num, latent_dim, seed)
#     if not (math.isfinite(truncation) and truncation > 0):
#         raise CourseError(f"truncation is {truncation}; give a number above 0, "
#                           "such as 1.0, or none")
#     inside = math.erf(truncation / math.sqrt(2)) # probability of [-truncation, truncation]
#     u = tf.random.stateless_uniform((num, latent_dim), step_seed(seed, -1, 1), -1, 1, tf.float64,
#                                     alg="philox")
#     z = math.sqrt(2) * tf.math.erfinv(u * inside)
#     return tf.cast(tf.clip_by_value(z, -truncation, truncation), tf.float32)
# ```
# :::
# ::::

# %% [markdown]
# ### `interpolate` {#inference-interpolate}
#
# :::: {.twins}
# ::: {}
# **PyTorch**
#
# ```python
# def interpolate(z0, # latents to start from, [N, latent_dim]
#                 z1, # latents to arrive at, [N, latent_dim]
#                 steps, # points on the way, both ends included
#                 spherical=True, # on the arc; else on the straight line
#     ): # [N, steps, latent_dim]
#     "Latents on the way from each z0 to its z1 (Shoemake 1985, slerp)."
#     if steps < 2: raise CourseError(f"steps is {steps}; a walk has at least its two ends")
#     t = torch.linspace(0, 1, steps, device=z0.device)[:, None]
#     line = (1 - t) * z0[:, None] + t * z1[:, None]
#     if not spherical: return line
#     cosine = torch.cosine_similarity(z0, z1, dim=1).clamp(-1, 1)
#     angle = cosine.arccos()[:, None, None]
#     arc = ((1 - t) * angle).sin() * z0[:, None] + (t * angle).sin() * z1[:, None]
#     sine = angle.sin()
#     return torch.where(sine > 1e-4, arc / sine.clamp(min=1e-4), line) # parallel: the line will do
# ```
# :::
# ::: {}
# **TensorFlow**
#
# ```python
# def interpolate(z0, # latents to start from, [N, latent_dim]
#                 z1, # latents to arrive at, [N, latent_dim]
#                 steps, # points on the way, both ends included
#                 spherical=True, # on the arc; else on the straight line
#     ): # [N, steps, latent_dim]
#     "Latents on the way from each z0 to its z1 (Shoemake 1985, slerp)."
#     if steps < 2: raise CourseError(f"steps is {steps}; a walk has at least its two ends")
#     t = tf.linspace(0.0, 1.0, steps)[:, None]
#     line = (1 - t) * z0[:, None] + t * z1[:, None]
#     if not spherical: return line
#     cosine = tf.reduce_sum(tf.nn.l2_normalize(z0, 1) * tf.nn.l2_normalize(z1, 1), 1)
#     angle = tf.acos(tf.clip_by_value(cosine, -1, 1))[:, None, None]
#     arc = tf.sin((1 - t) * angle) * z0[:, None] + tf.sin(t * angle) * z1[:, None]
#     sine = tf.sin(angle)
#     return tf.where(sine > 1e-4, arc / tf.maximum(sine, 1e-4), line) # parallel: the line will do
# ```
# :::
# ::::

# %% [markdown]
# ### `generate_samples` {#inference-generate-samples}
#
# :::: {.twins}
# ::: {}
# **PyTorch**
#
# ```python
# def generate_samples(# a `Config`, or the path of a run folder or a file of weights
#                      config: Config | str | Path = CONFIG,
#                      num_images: int = 36, # how many
#                      # PNG of the grid; None: gan_samples.png in the run folder
#                      output_path: str | Path | None = None,
#                      seed: int = 0, # of the latents
#                      truncation: float | None = None, # see `sample_latents`
#                      best: bool = False, # the best generator so far instead of the last
#                      device: str = "auto", # where to compute
#     ) -> np.ndarray: # uint8 array, [num_images, 28, 28, channels]
#     "Draw images from a trained generator, and write them as a grid."
#     run = Path(config.out if isinstance(config, Config) else config)
#     if not 1 <= num_images <= 100_000:
#         raise CourseError(f"{num_images} images were asked for; ask for 1 to 100000")
#     G, trained, data = load_generator(run, select_device(device), best)
#     z = sample_latents(num_images, trained.latent_dim, seed, truncation)
#     with torch.no_grad():
#         images = to_images(torch.cat([G(part.to(G.to_image.weight.device))
#                                       for part in z.split(500)]))
#     output_path = output_path or (run if run.is_dir() else run.parent)/"gan_samples.png"
#     note = f"{trained.recipe} on {data['name']}, {trained.epochs} epochs, seed {seed}"
#     if truncation is not None: note += f", truncated at {truncation:g}"
#     figures.save_grid(images[:400], output_path, caption=note)
#     return images
# ```
# :::
# ::: {}
# **TensorFlow**
#
# ```python
# def generate_samples(# a `Config`, or the path of a run folder or a file of weights
#                      config: Config | str | Path = CONFIG,
#                      num_images: int = 36, # how many
#                      # PNG of the grid; None: gan_samples.png in the run folder
#                      output_path: str | Path | None = None,
#                      seed: int = 0, # of the latents
#                      truncation: float | None = None, # see `sample_latents`
#                      best: bool = False, # the best generator so far instead of the last
#                      device: str = "auto", # where to compute
#     ) -> np.ndarray: # uint8 array, [num_images, 28, 28, channels]
#     "Draw images from a trained generator, and write them as a grid."
#     run = Path(config.out if isinstance(config, Config) else config)
#     if not 1 <= num_images <= 100_000:
#         raise CourseError(f"{num_images} images were asked for; ask for 1 to 100000")
#     with tf.device(select_device(device)):
#         G, trained, data = load_generator(run, best)
#         z = sample_latents(num_images, trained.latent_dim, seed, truncation)
#         images = images_of(G, z)
#     output_path = output_path or (run if run.is_dir() else run.parent)/"gan_samples.png"
#     epochs = f"{trained.epochs} epoch" + "s" * (trained.epochs > 1)
#     note = f"{trained.recipe} on {data['name']}, {epochs}, seed {seed}"
#     if truncation is not None: note += f", truncated at {truncation:g}"
#     figures.save_grid(images[:400], output_path, caption=note)
#     return images
# ```
# :::
# ::::
