# ---
# jupyter:
#   kernelspec:
#     display_name: python3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # API
#
# > Every name of the package, and where it is made
#
# - order: 114

# %% [markdown]
# This page is made from the lessons. A name leads to the section that makes it, and *API* at the top of a lesson leads back here.

# %% [markdown]
# ## Foundations
#
# ### `gan_course.basics` {#foundations-start}
#
# From the lesson [How these lessons run](../foundations/start.ipynb).
#
# | name | what it is |
# |---|-------|
# | [`is_fast`](../foundations/start.ipynb#a-full-run-and-a-fast-one) | Whether `GAN_COURSE_FAST` asks for the short version of every lesson (any value but empty, `0`, `false` or `no`). |
# | [`budget`](../foundations/start.ipynb#a-full-run-and-a-fast-one) | `fast` when `GAN_COURSE_FAST=1` is set, else `full`. |
# | [`CourseError`](../foundations/start.ipynb#errors-that-say-what-to-do) | Something the user can put right: the message is one line that says what is wrong and what to do. |
# | [`no_stderr`](../foundations/start.ipynb#errors-that-say-what-to-do) | What is written to stderr inside is lost, by C++ too; exceptions are not. |

# %% [markdown]
# ### `gan_course.configuration` {#foundations-configuration}
#
# From the lesson [A configuration](../foundations/configuration.ipynb).
#
# | name | what it is |
# |---|-------|
# | [`wrong_choice`](../foundations/configuration.ipynb#checks-from-two-tables) | The message for a value that is none of the choices. |
# | [`check_fields`](../foundations/configuration.ipynb#checks-from-two-tables) | Raise `CourseError` for the first field whose type or value is wrong. |
# | [`BY_RECIPE`](../foundations/configuration.ipynb#what-every-configuration-can-do) | default of the fields that the recipe fills in |
# | [`Settings`](../foundations/configuration.ipynb#what-every-configuration-can-do) | What a frozen dataclass of settings can do. It has `ranges`, and `recipes` if one of its fields is `recipe`. |
# | [`RECIPES`](../foundations/configuration.ipynb#recipes) | a constant |
# | [`RANGES`](../foundations/configuration.ipynb#the-fields) | a constant |
# | [`BaseConfig`](../foundations/configuration.ipynb#the-fields) | What determines a run in both tracks. Raises `CourseError` for a value that makes no sense. |
# | [`artifact_paths`](../foundations/configuration.ipynb#where-the-results-go) | What a run writes, by name. |

# %% [markdown]
# ### `gan_course.datasets` {#foundations-datasets}
#
# From the lesson [Data sets](../foundations/datasets.ipynb).
#
# | name | what it is |
# |---|-------|
# | [`parse_idx`](../foundations/datasets.ipynb#bytes-on-a-disk) | Read the IDX format: two zeros, a type, the number of axes, each axis's length, the values. |
# | [`load_idx`](../foundations/datasets.ipynb#bytes-on-a-disk) | Read one IDX file. Every way it can be damaged is a `CourseError` that names it. |
# | [`CLASSES`](../foundations/datasets.ipynb#what-a-data-set-is-to-this-course) | a constant |
# | [`Dataset`](../foundations/datasets.ipynb#what-a-data-set-is-to-this-course) | Labelled images, and a checksum that says exactly which. |
# | [`checksum_of`](../foundations/datasets.ipynb#what-a-data-set-is-to-this-course) | The sha256 of the images' bytes followed by the labels'. |
# | [`to_float`](../foundations/datasets.ipynb#bytes-and-the-range--1-1) | From bytes to what the networks see: 0 becomes -1 and 255 becomes 1. |
# | [`to_uint8`](../foundations/datasets.ipynb#bytes-and-the-range--1-1) | The way back, rounded to the nearest byte. |
# | [`FASHION_MNIST`](../foundations/datasets.ipynb#where-the-data-is) | a constant |
# | [`MIRRORS`](../foundations/datasets.ipynb#where-the-data-is) | a constant |
# | [`data_root`](../foundations/datasets.ipynb#where-the-data-is) | Where the data is: `data_dir`, else `$GAN_COURSE_DATA`, else the user's cache. |
# | [`NotAvailable`](../foundations/datasets.ipynb#fetching-it) | The data is not there and no mirror delivers it. |
# | [`NoDelivery`](../foundations/datasets.ipynb#fetching-it) | One mirror failed, and why; the next one may do better. |
# | [`reachable`](../foundations/datasets.ipynb#fetching-it) | Knock at all doors at once, so that being offline is known in seconds. |
# | [`ResumingDownloader`](../foundations/datasets.ipynb#fetching-it) | A downloader for pooch that goes on where an interrupted download stopped. |
# | [`download_fashion_mnist`](../foundations/datasets.ipynb#fetching-it) | Download what is missing of Fashion-MNIST, whole files only; what is there stays as it is. |
# | [`TEXTURES`](../foundations/datasets.ipynb#clothes-drawn-by-rule) | a constant |
# | [`FACTORS`](../foundations/datasets.ipynb#clothes-drawn-by-rule) | pixels, -1 to 1 |
# | [`garments`](../foundations/datasets.ipynb#clothes-drawn-by-rule) | Draw clothes of ten kinds from known factors, the same on every computer. |
# | [`kaggle_files`](../foundations/datasets.ipynb#a-folder-that-is-there-already) | The files of `zalando-research/fashionmnist` in a notebook on Kaggle, unpacked or not. |
# | [`GARMENTS`](../foundations/datasets.ipynb#one-function-for-all) | a constant |
# | [`load_dataset`](../foundations/datasets.ipynb#one-function-for-all) | Load a data set by name; `auto`: Fashion-MNIST if it can be had, else garments and a warning. |
# | [`dataset_status`](../foundations/datasets.ipynb#one-function-for-all) | What is there, without a download: ready, missing, incomplete, damaged or built in. |

# %% [markdown]
# ### `gan_course.runs` {#foundations-runs}
#
# From the lesson [Run folders that survive](../foundations/runs.ipynb).
#
# | name | what it is |
# |---|-------|
# | [`write_error`](../foundations/runs.ipynb#half-a-file) | Turn an `OSError` into one line that says what is wrong and what to do. |
# | [`atomic_path`](../foundations/runs.ipynb#all-or-nothing) | Write a file completely or not at all: to a temporary name, then renamed to `path`. |
# | [`to_plain`](../foundations/runs.ipynb#json-that-is-json) | What `obj` is when JSON is to hold it. Raises `TypeError` for what has no such form. |
# | [`write_json`](../foundations/runs.ipynb#json-that-is-json) | Write `obj` as strictly valid JSON, atomically. |
# | [`read_json`](../foundations/runs.ipynb#json-that-is-json) | Read a JSON file; a missing or damaged one is a `CourseError`. |
# | [`RunFolder`](../foundations/runs.ipynb#the-folder-of-a-run) | The folder of one training run: what was asked, what came of it, and how to go on. |
# | [`step_of`](../foundations/runs.ipynb#the-folder-of-a-run) | The step in a checkpoint's file name. |
# | [`check_same_config`](../foundations/runs.ipynb#the-same-configuration) | Raise a `CourseError` that names the fields that differ. |
# | [`History`](../foundations/runs.ipynb#history) | What was measured, one dictionary per epoch. |
# | [`processor_name`](../foundations/runs.ipynb#where-a-result-comes-from) | What the processor calls itself. |
# | [`cores`](../foundations/runs.ipynb#where-a-result-comes-from) | How many cores this process may use. |
# | [`cores_in_words`](../foundations/runs.ipynb#where-a-result-comes-from) | `1 core` or `2 cores`. |
# | [`git_revision`](../foundations/runs.ipynb#where-a-result-comes-from) | Revision of the checkout the package runs from, `-dirty` if its code was changed, or None. |
# | [`provenance`](../foundations/runs.ipynb#where-a-result-comes-from) | Where a result came from: data, effort, machine, versions, code. |
# | [`provenance_line`](../foundations/runs.ipynb#where-a-result-comes-from) | The provenance as the one line that a lesson prints. |

# %% [markdown]
# ### `gan_course.figures` {#foundations-figures}
#
# From the lesson [Figures that tell the truth](../foundations/figures.ipynb).
#
# | name | what it is |
# |---|-------|
# | [`dpi`](../foundations/figures.ipynb#one-look-for-all) | pixels per inch of every figure here, so that sizes can be given in pixels |
# | [`course_style`](../foundations/figures.ipynb#one-look-for-all) | a constant |
# | [`use_course_style`](../foundations/figures.ipynb#one-look-for-all) | Give your own plots the look of the figures here. |
# | [`CourseFigure`](../foundations/figures.ipynb#one-look-for-all) | A figure that shows itself in a notebook and never opens a window. |
# | [`figure_png`](../foundations/figures.ipynb#one-look-for-all) | A figure as a small PNG file: fewer colours first, then fewer pixels. |
# | [`save_figure`](../foundations/figures.ipynb#one-look-for-all) | Write a figure as PNG, atomically. |
# | [`to_pixels`](../foundations/figures.ipynb#from-values-to-greys) | The images as they are drawn. Refuses what would be drawn wrongly. |
# | [`tile_images`](../foundations/figures.ipynb#from-values-to-greys) | Lay the images out row by row. |
# | [`image_grid`](../foundations/figures.ipynb#grids) | Images in rows and columns, one pixel apart, enlarged by a whole number and never smoothed. |
# | [`save_grid`](../foundations/figures.ipynb#grids) | Write an image grid as PNG, atomically. |
# | [`plot_curves`](../foundations/figures.ipynb#curves) | Left the two losses, right how real the discriminator finds real and generated images. |
# | [`progress_strip`](../foundations/figures.ipynb#the-same-latents-epoch-after-epoch) | One row per latent, one column per epoch: what became of the same latent. |
# | [`interpolation_figure`](../foundations/figures.ipynb#from-one-latent-to-another) | Each row walks from one latent (left) to another (right). |
# | [`Flipbook`](../foundations/figures.ipynb#leaves-to-turn) | Pictures, one at a time, and a slider to choose; see `flipbook`. |
# | [`flipbook`](../foundations/figures.ipynb#leaves-to-turn) | Pictures to be turned with a slider that needs nothing but the page. |

# %% [markdown]
# ### `gan_course.toy` {#foundations-toy}
#
# From the lesson [A GAN you can watch](../foundations/toy.ipynb).
#
# | name | what it is |
# |---|-------|
# | [`Mixture`](../foundations/toy.ipynb#data-whose-modes-can-be-counted) | Normal distributions of one width, all equally frequent. |
# | [`ring`](../foundations/toy.ipynb#data-whose-modes-can-be-counted) | Modes on a circle (Metz et al. 2017). |
# | [`lattice`](../foundations/toy.ipynb#data-whose-modes-can-be-counted) | Modes on a square grid, `side` by `side` (Srivastava et al. 2017). |
# | [`coverage`](../foundations/toy.ipynb#data-whose-modes-can-be-counted) | How many modes are covered, and which share of the points is good: arrays of shape \[...\]. |
# | [`Networks`](../foundations/toy.ipynb#ten-networks-at-once) | Many networks of one shape, each with two hidden layers or however many sizes are given. |
# | [`LOSSES`](../foundations/toy.ipynb#losses-and-prices) | a constant |
# | [`PENALTIES`](../foundations/toy.ipynb#losses-and-prices) | a constant |
# | [`ToyConfig`](../foundations/toy.ipynb#losses-and-prices) | Everything that determines a toy run. Raises `CourseError` for a value that makes no sense. |
# | [`d_loss`](../foundations/toy.ipynb#losses-and-prices) | The discriminator's loss: a mean over the points and a sum over the runs. |
# | [`g_loss`](../foundations/toy.ipynb#losses-and-prices) | The generator's loss, likewise. |
# | [`slopes`](../foundations/toy.ipynb#losses-and-prices) | The gradient of D at each point, \[runs, N, 2\]; differentiable in the weights of D. |
# | [`price`](../foundations/toy.ipynb#losses-and-prices) | What the discriminator pays for its slope; 0 where the penalty is none, clip or spectral. |
# | [`Look`](../foundations/toy.ipynb#the-run) | What there was after `step` iterations. |
# | [`train_toy`](../foundations/toy.ipynb#the-run) | Train `config.runs` GANs side by side, each from its own weights and on its own points. |
# | [`mean_interval`](../foundations/toy.ipynb#ten-runs-and-an-interval) | The mean and its bootstrap interval: three numbers (Efron 1979). |

# %% [markdown]
# ### `gan_course.evaluate` {#foundations-evaluate}
#
# From the lesson [A number for the samples](../foundations/evaluate.ipynb).
#
# | name | what it is |
# |---|-------|
# | [`pixel_features`](../foundations/evaluate.ipynb#two-numbers-that-can-be-cheated) | Every image as one row of pixel values; `CourseError` for values that are not finite. |
# | [`symmetric_sqrt`](../foundations/evaluate.ipynb#the-distance-between-two-gaussians) | The square root of a covariance: the same axes, the square root of each spread. |
# | [`frechet_distance`](../foundations/evaluate.ipynb#the-distance-between-two-gaussians) | \|μ₁ − μ₂\|² + Tr(C₁ + C₂ − 2 (C₁C₂)\^½) (Dowson, Landau 1982; Heusel et al. 2017, eq. 6). |
# | [`mean_and_cov`](../foundations/evaluate.ipynb#fewer-directions) | Mean and covariance of many rows, block by block (Chan, Golub and LeVeque 1983). |
# | [`shrunk`](../foundations/evaluate.ipynb#fewer-directions) | Float images \[N, h, w, C\] in \[-1, 1\] whose pixels are means of square blocks: as large as `most` values allow. |
# | [`PixelFrechet`](../foundations/evaluate.ipynb#fewer-directions) | The Fréchet distance to fixed images, in the first principal components of their pixels. |

# %% [markdown]
# ### `gan_course.features` {#foundations-features}
#
# From the lesson [A judge for the features](../foundations/features.ipynb).
#
# | name | what it is |
# |---|-------|
# | [`SHAPES`](../foundations/features.ipynb#a-small-classifier) | a constant |
# | [`train_judge`](../foundations/features.ipynb#a-small-classifier) | Train a classifier with PyTorch; its weights with BatchNorm folded in, name -\> float16 array. |
# | [`save_judge`](../foundations/features.ipynb#a-small-classifier) | Write a judge; returns the file's sha256. |
# | [`convolve`](../foundations/features.ipynb#a-small-classifier) | A 3 × 3 convolution with a border of zeros: \[N, ⌈H / stride⌉, ⌈W / stride⌉, O\]. |
# | [`JUDGES`](../foundations/features.ipynb#a-small-classifier) | a constant |
# | [`Judge`](../foundations/features.ipynb#a-small-classifier) | A classifier that gives features and probabilities; it is never trained against. |
# | [`judge_of`](../foundations/features.ipynb#a-small-classifier) | The judge that comes with the package. `CourseError` where there is none. |

# %% [markdown]
# ### `gan_course.metrics` {#foundations-metrics}
#
# From the lesson [Five questions to ten thousand samples](../foundations/metrics.ipynb).
#
# | name | what it is |
# |---|-------|
# | [`checked`](../foundations/metrics.ipynb#are-they-like-real-images-on-the-whole) | The features as float64. `CourseError` for values that are not finite and for too few samples. |
# | [`frechet`](../foundations/metrics.ipynb#are-they-like-real-images-on-the-whole) | The Fréchet distance of two sets of features (Heusel et al. 2017, eq. 6), and the deviation of it over resamples. |
# | [`kernel_distance`](../foundations/metrics.ipynb#the-same-without-a-bias) | MMD² of each subset with the kernel (x·y / D + 1)³, unbiased (Bińkowski et al. 2018, eq. 4); their mean is the distance. |
# | [`squared_distances`](../foundations/metrics.ipynb#are-they-good-and-are-they-all) | All squared distances, \[n, m\], in one array: for 1,000 samples and 60,000 images it takes 480 MB. |
# | [`radii`](../foundations/metrics.ipynb#are-they-good-and-are-they-all) | The squared distance of each point to its k-th nearest neighbour, \[N\]; of several k, \[len(k), N\]. |
# | [`precision_recall`](../foundations/metrics.ipynb#are-they-good-and-are-they-all) | Whether each sample lies among real ones \[M\], and each real one among samples \[N\]; the means are precision and recall. |
# | [`density_coverage`](../foundations/metrics.ipynb#are-they-good-and-are-they-all) | In how many balls of real ones each sample lies, / k \[M\], and whether each real one has a sample in its ball \[N\]. |
# | [`class_distance`](../foundations/metrics.ipynb#which-kinds) | Total variation between the mean class probabilities and the shares, 0 to 1. |
# | [`inception_score`](../foundations/metrics.ipynb#which-kinds) | exp(mean KL(p(c\|y) \|\| p(c))) of each of so many parts (Salimans et al. 2016, section 4). |
# | [`nearest`](../foundations/metrics.ipynb#are-they-new) | The squared distance of each to the nearest real one, \[M\], and which one that is, \[M\]. |
# | [`copied`](../foundations/metrics.ipynb#are-they-new) | Whether each sample lies nearer to a training image than all but the nearest hundredth of new images, \[M\]. |
# | [`NAMES`](../foundations/metrics.ipynb#all-five-at-once) | a constant |
# | [`remembered`](../foundations/metrics.ipynb#all-five-at-once) | What the judge says of the images: read from the file if it holds that, otherwise counted, and kept there. |
# | [`Reference`](../foundations/metrics.ipynb#all-five-at-once) | What real images say: of the training set, and of the test set as the best that a generator could do. |
# | [`flags`](../foundations/metrics.ipynb#what-is-said-aloud) | Gross faults, each in words; an empty list is no praise. |
# | [`evaluation_figure`](../foundations/metrics.ipynb#what-is-said-aloud) | Sixty-four samples, and each number with its interval and its floor. |
# | [`FeatureFrechet`](../foundations/metrics.ipynb#while-a-gan-trains) | The Fréchet distance to fixed images in a judge's features; where `PixelFrechet` stands, this can stand. |
# | [`PUBLISHED`](../foundations/metrics.ipynb#the-network-everybody-uses-and-why-not-here) | a constant |
# | [`inception_features`](../foundations/metrics.ipynb#the-network-everybody-uses-and-why-not-here) | What the Inception network of the published FID sees, \[N, 2048\]. Its weights are downloaded at first use. |

# %% [markdown]
# ### `gan_course.board` {#foundations-tensorboard}
#
# From the lesson [A log for TensorBoard](../foundations/tensorboard.ipynb).
#
# | name | what it is |
# |---|-------|
# | [`need_tensorboard`](../foundations/tensorboard.ipynb#frames) | Raise `CourseError` where TensorBoard is not installed. |
# | [`Board`](../foundations/tensorboard.ipynb#a-board) | Writes a file of events that TensorBoard reads. Each record is handed to the system at once. |
# | [`scalars`](../foundations/tensorboard.ipynb#numbers-pictures-text) | One record with all numbers of a step. A slash in a name makes a group. |
# | [`image`](../foundations/tensorboard.ipynb#numbers-pictures-text) | A picture, as JPEG: a fifth of what PNG takes for a photograph, in a log that keeps them all. |
# | [`text`](../foundations/tensorboard.ipynb#numbers-pictures-text) | Some words about the run. |
# | [`ALONE`](../foundations/tensorboard.ipynb#reading-it-back) | a constant |
# | [`read_log`](../foundations/tensorboard.ipynb#reading-it-back) | Name -\> list of (step, value); pictures as bytes of their files, text as text. |
# | [`RENAMED`](../foundations/tensorboard.ipynb#the-same-for-every-run) | a constant |
# | [`tags`](../foundations/tensorboard.ipynb#the-same-for-every-run) | Name -\> number, as it goes on the board. |
# | [`RESULTS`](../foundations/tensorboard.ipynb#the-same-for-every-run) | a constant |
# | [`settings`](../foundations/tensorboard.ipynb#the-same-for-every-run) | The configuration of the run: as text, and for HParams. |
# | [`graph`](../foundations/tensorboard.ipynb#the-same-for-every-run) | What the tab Graphs draws. |
# | [`serve`](../foundations/tensorboard.ipynb#the-page) | A TensorBoard on a free port of this machine; gives its address, and stops it at the end of the block. |

# %% [markdown]
# ### `gan_course.loop` {#foundations-loop}
#
# From the lesson [What every training loop needs](../foundations/loop.ipynb).
#
# | name | what it is |
# |---|-------|
# | [`lr_factor`](../foundations/loop.ipynb#how-large-a-step) | The learning rate's course over a run. |
# | [`average_keep`](../foundations/loop.ipynb#how-long-a-memory) | β of the moving average; 0 where the average is to be a plain copy. |
# | [`Interruptible`](../foundations/loop.ipynb#to-stop-cleanly) | Inside the block the first Ctrl-C only sets `asked`; the second raises `KeyboardInterrupt`. |
# | [`FREE_FIELDS`](../foundations/loop.ipynb#what-may-change-on-the-way) | a constant |
# | [`free_fields`](../foundations/loop.ipynb#what-may-change-on-the-way) | As `FREE_FIELDS`; more epochs may be asked for where nothing depends on how many there are. |
# | [`LOOK`](../foundations/loop.ipynb#what-a-run-counts-and-what-a-framework-brings) | steps between looks at the progress |
# | [`Progress`](../foundations/loop.ipynb#what-a-run-counts-and-what-a-framework-brings) | How far a run is; each track's `Training` inherits it and says how to go on. |
# | [`Recorder`](../foundations/loop.ipynb#the-record) | Writes the run folder; where `writes` is false (all processes but the first) it does nothing. |
# | [`due`](../foundations/loop.ipynb#the-record) | Whether something that happens every so many epochs happens after this one. The first shows that it works. |
# | [`STRIP`](../foundations/loop.ipynb#at-the-end-of-an-epoch) | latents in the progress strip |
# | [`end_of_epoch`](../foundations/loop.ipynb#at-the-end-of-an-epoch) | Measure, draw, note, keep the best. Leaves the random generators as they were. |
# | [`epoch_line`](../foundations/loop.ipynb#at-the-end-of-an-epoch) | One epoch in one line. |
# | [`likely_cause`](../foundations/loop.ipynb#when-it-goes-wrong) | What to try first when training diverged. |
# | [`check_finite`](../foundations/loop.ipynb#when-it-goes-wrong) | Raise `CourseError` if some step since the last look was not finite. Waits for the device. |
# | [`loop`](../foundations/loop.ipynb#the-loop) | Epochs, looks, checkpoints, pictures. Raises `KeyboardInterrupt` after a checkpoint on Ctrl-C. |
# | [`latest_checkpoint`](../foundations/loop.ipynb#going-on) | The newest complete checkpoint, or None. |
# | [`damaged`](../foundations/loop.ipynb#going-on) | The `CourseError` for a checkpoint that can be read and does not hold what it should. |
# | [`read_error`](../foundations/loop.ipynb#going-on) | One line for a file of weights or a checkpoint that cannot be read; the twin of `write_error`. |
# | [`check_track`](../foundations/loop.ipynb#going-on) | Raise `CourseError` for a file of another track, or of nobody we know. |
# | [`check_resumable`](../foundations/loop.ipynb#going-on) | Raise `CourseError` for a checkpoint that does not belong to this run. |
# | [`restore_latest`](../foundations/loop.ipynb#going-on) | Put the latest checkpoint back. Raises `CourseError` for one that is damaged or of another run. |
# | [`finished`](../foundations/loop.ipynb#going-on) | What stands in metrics.json if the run is complete and all its files are there, else None. |
# | [`run`](../foundations/loop.ipynb#a-run-from-beginning-to-end) | A run, from beginning to end. Raises `CourseError`, and `KeyboardInterrupt` on Ctrl-C. |

# %% [markdown]
# ### `gan_course.keras_files` {#foundations-keras_files}
#
# From the lesson [Files of Keras networks](../foundations/keras_files.ipynb).
#
# | name | what it is |
# |---|-------|
# | [`save_checkpoint`](../foundations/keras_files.ipynb#checkpoints) | Write a checkpoint: arrays as they are, everything else as JSON. |
# | [`load_checkpoint`](../foundations/keras_files.ipynb#checkpoints) | What a checkpoint holds: track, config, data, state. Anything else is a `CourseError`. |
# | [`checked_about`](../foundations/keras_files.ipynb#checkpoints) | The dictionary that a file carries about itself; `CourseError` if it is of another track. |
# | [`keras_bytes`](../foundations/keras_files.ipynb#weights) | What a `.keras` file of the network holds. |
# | [`save_weights`](../foundations/keras_files.ipynb#weights) | Write `.weights.h5`, atomically, with everything needed to build the network again. |
# | [`save_network`](../foundations/keras_files.ipynb#weights) | Write `.keras`, atomically: for any Keras, without this package. |
# | [`digest_of`](../foundations/keras_files.ipynb#weights) | sha256 of all names and arrays in it. |
# | [`load_file`](../foundations/keras_files.ipynb#weights) | What a file of weights says about itself: track, config, data. Anything else is a `CourseError`. |
# | [`load_network`](../foundations/keras_files.ipynb#whole-networks) | A network with its architecture. Runs no code; anything that asks for it is a `CourseError`. |
# | [`open_generator`](../foundations/keras_files.ipynb#a-generator-from-whatever-is-given) | A trained generator. Raises `CourseError` for anything that is not one. |
# | [`with_weights`](../foundations/keras_files.ipynb#a-generator-from-whatever-is-given) | A generator with the weights in a file. Raises what Keras raises. |
# | [`KerasTraining`](../foundations/keras_files.ipynb#all-of-a-training-and-the-recorder) | All that changes during a run, in variables of Keras; a track says which they are. |
# | [`KerasRecorder`](../foundations/keras_files.ipynb#all-of-a-training-and-the-recorder) | Writes the run folder of a track that runs on Keras. |

# %% [markdown]
# ## PyTorch
#
# ### `gan_course.pytorch.config` {#pytorch-config}
#
# From the lesson [Configuration](../pytorch/config.ipynb).
#
# | name | what it is |
# |---|-------|
# | [`DEVICES`](../pytorch/config.ipynb#four-fields-more) | a constant |
# | [`Config`](../pytorch/config.ipynb#four-fields-more) | Everything that determines a run. Raises `CourseError` for a value that makes no sense. |
# | [`CONFIG`](../pytorch/config.ipynb#four-fields-more) | a constant |
# | [`device_kinds`](../pytorch/config.ipynb#the-device) | The kinds of device that PyTorch can use here, best first. |
# | [`select_device`](../pytorch/config.ipynb#the-device) | The `torch.device` to compute on. Raises `CourseError` if the one asked for is not there. |
# | [`has_bf16`](../pytorch/config.ipynb#the-number-format) | Whether this device multiplies bfloat16 matrices in hardware. |
# | [`select_precision`](../pytorch/config.ipynb#the-number-format) | The number format of convolutions and matrix products. Asked for by name, it is not replaced. |

# %% [markdown]
# ### `gan_course.pytorch.utils` {#pytorch-utils}
#
# From the lesson [Seeds, measurements and grids](../pytorch/utils.ipynb).
#
# | name | what it is |
# |---|-------|
# | [`seed_everything`](../pytorch/utils.ipynb#randomness-that-can-be-repeated) | Seed Python, NumPy and PyTorch. |
# | [`rng_state`](../pytorch/utils.ipynb#randomness-that-can-be-repeated) | The states of the random generators that training on this device draws from; tensors of bytes. |
# | [`set_rng_state`](../pytorch/utils.ipynb#randomness-that-can-be-repeated) | Put the generators back. From the state of another kind of device it takes the CPU's. |
# | [`make_latents`](../pytorch/utils.ipynb#randomness-that-can-be-repeated) | Latents for pictures and measurements. Drawn on the CPU, so the same for every device. |
# | [`to_images`](../pytorch/utils.ipynb#from-tensors-to-pixels) | What the networks make, as pixels. |
# | [`Meter`](../pytorch/utils.ipynb#measuring-without-waiting) | Sums of named quantities, kept on the device; reading them is the only wait. |
# | [`save_samples`](../pytorch/utils.ipynb#grids) | Write generated images as a grid. |

# %% [markdown]
# ### `gan_course.pytorch.data` {#pytorch-data}
#
# From the lesson [Data](../pytorch/data.ipynb).
#
# | name | what it is |
# |---|-------|
# | [`epoch_order`](../pytorch/data.ipynb#the-order-of-an-epoch) | The order in which an epoch visits the images. The same on every machine. |
# | [`DeviceBatches`](../pytorch/data.ipynb#batches) | A data set on the device, and its batches in a new order each epoch. |

# %% [markdown]
# ### `gan_course.pytorch.model` {#pytorch-model}
#
# From the lesson [The two networks](../pytorch/model.ipynb).
#
# | name | what it is |
# |---|-------|
# | [`upsampling`](../pytorch/model.ipynb#twice-as-large) | Twice the height and width. No bias: BatchNorm follows. |
# | [`Generator`](../pytorch/model.ipynb#the-generator) | Latent \[B, latent\_dim\] -\> image \[B, channels, 28, 28\] in \[-1, 1\] (Radford et al. 2015). |
# | [`Discriminator`](../pytorch/model.ipynb#the-discriminator) | Image \[B, channels, 28, 28\] -\> logit \[B\] (Radford et al. 2015). |
# | [`count_parameters`](../pytorch/model.ipynb#who-is-larger) | How many numbers training can change. |
# | [`init_weights`](../pytorch/model.ipynb#initial-weights-and-a-proof) | DCGAN initialisation: weights from N(0, std²), BatchNorm's scale from N(1, std²), biases 0. |
# | [`check_initialised`](../pytorch/model.ipynb#initial-weights-and-a-proof) | Assert that every layer looks as if `init_weights` had just been here. |
# | [`build_networks`](../pytorch/model.ipynb#both-at-once) | The initialised networks of a configuration. Draws from PyTorch's global generator. |

# %% [markdown]
# ### `gan_course.pytorch.engine` {#pytorch-engine}
#
# From the lesson [The engine](../pytorch/engine.ipynb).
#
# | name | what it is |
# |---|-------|
# | [`discriminator_loss`](../pytorch/engine.ipynb#the-relativistic-loss) | What D minimises (Goodfellow et al. 2014, eq. 1; Jolicoeur-Martineau 2018, eq. 5). |
# | [`generator_loss`](../pytorch/engine.ipynb#the-relativistic-loss) | What G minimises (Goodfellow et al. 2014, section 3; Jolicoeur-Martineau 2018, eq. 6). |
# | [`squared_gradient_norm`](../pytorch/engine.ipynb#a-discriminator-with-brakes) | What R1 and R2 penalise (Mescheder et al. 2018, eq. 9). |
# | [`DiscriminatorObjective`](../pytorch/engine.ipynb#the-step-final-version) | What D minimises in one step, penalties included. |
# | [`MEASURED`](../pytorch/engine.ipynb#the-step-final-version) | a constant |
# | [`NEVER`](../pytorch/engine.ipynb#the-step-final-version) | `first_bad` as long as everything is finite |
# | [`GANStep`](../pytorch/engine.ipynb#the-step-final-version) | One iteration of the game. Holds no state of its own but measurements. |
# | [`gradient_norm`](../pytorch/engine.ipynb#the-step-final-version) | The Euclidean norm of the gradients of all its weights together, as a tensor. |
# | [`GraphedStep`](../pytorch/engine.ipynb#on-a-gpu-record-once-replay) | A `GANStep` recorded as CUDA graphs. Needs optimisers with `capturable=True`. |

# %% [markdown]
# ### `gan_course.pytorch.train` {#pytorch-train}
#
# From the lesson [Training](../pytorch/train.ipynb).
#
# | name | what it is |
# |---|-------|
# | [`make_optimizer`](../pytorch/train.ipynb#the-optimisers) | Adam (Kingma and Ba 2014), AdamW (Loshchilov and Hutter 2017) or RMSprop (Tieleman and Hinton 2012). |
# | [`set_lr`](../pytorch/train.ipynb#the-optimisers) | Change the learning rate, also where a CUDA graph reads it. |
# | [`AverageWeights`](../pytorch/train.ipynb#an-average-of-the-generator) | An exponential moving average of a network, its buffers included. With half-life 0 it is a plain copy. |
# | [`TRACK`](../pytorch/train.ipynb#everything-a-checkpoint-needs) | a constant |
# | [`draw`](../pytorch/train.ipynb#everything-a-checkpoint-needs) | Images \[num, C, H, W\] in \[-1, 1\]. Always in float32. |
# | [`Training`](../pytorch/train.ipynb#everything-a-checkpoint-needs) | All that changes during a run. |
# | [`load_file`](../pytorch/train.ipynb#files-that-can-be-trusted) | Load without running code. A missing, damaged or dangerous file is a `CourseError`. |
# | [`save_file`](../pytorch/train.ipynb#files-that-can-be-trusted) | Write a file for `load_file`, atomically. |
# | [`process_group`](../pytorch/train.ipynb#several-processes) | This process's rank and the number of processes; 0 and 1 when not started by torchrun. |
# | [`share_gradients`](../pytorch/train.ipynb#several-processes) | A module whose gradients are averaged over all processes. |
# | [`nn_parallel`](../pytorch/train.ipynb#several-processes) | a constant |
# | [`Together`](../pytorch/train.ipynb#several-processes) | How the processes of a group agree. |
# | [`TorchRecorder`](../pytorch/train.ipynb#the-run) | Writes the run folder; on all ranks but the first it does nothing. |
# | [`device_name`](../pytorch/train.ipynb#the-run) | As a person would name it. |
# | [`restore`](../pytorch/train.ipynb#the-run) | Load the latest checkpoint of the run folder, if there is one. Refuses one that does not belong to this run. |
# | [`train`](../pytorch/train.ipynb#the-run) | Train a GAN; everything it makes is in `config.out`. Raises `CourseError`, and `KeyboardInterrupt` on Ctrl-C. |

# %% [markdown]
# ### `gan_course.pytorch.inference` {#pytorch-inference}
#
# From the lesson [Sampling](../pytorch/inference.ipynb).
#
# | name | what it is |
# |---|-------|
# | [`load_generator`](../pytorch/inference.ipynb#loading) | A trained generator. Raises `CourseError` for anything that is not one. |
# | [`sample_latents`](../pytorch/inference.ipynb#latents-and-the-truncation-trick) | Standard normal latents, truncated if wished (Brock et al. 2018, section 3.1). |
# | [`interpolate`](../pytorch/inference.ipynb#walking-between-latents) | Latents on the way from each z0 to its z1 (Shoemake 1985, slerp). |
# | [`generate_samples`](../pytorch/inference.ipynb#one-call) | Draw images from a trained generator, and write them as a grid. |

# %% [markdown]
# ## TensorFlow
#
# ### `gan_course.tensorflow.config` {#tensorflow-config}
#
# From the lesson [Configuration](../tensorflow/config.ipynb).
#
# | name | what it is |
# |---|-------|
# | [`DEVICES`](../tensorflow/config.ipynb#the-fields) | a constant |
# | [`Config`](../tensorflow/config.ipynb#the-fields) | Everything that determines a run. Raises `CourseError` for a value that makes no sense. |
# | [`CONFIG`](../tensorflow/config.ipynb#the-fields) | a constant |
# | [`device_kinds`](../tensorflow/config.ipynb#the-device) | The kinds of device that TensorFlow can use here, best first. |
# | [`select_device`](../tensorflow/config.ipynb#the-device) | The name of the device to compute on, such as CPU:0. `CourseError` if the one asked for is not there. |
# | [`split_cpu`](../tensorflow/config.ipynb#the-device) | Let the processor count as several devices. `CourseError` if TensorFlow has begun to compute. |
# | [`select_strategy`](../tensorflow/config.ipynb#the-strategy) | How devices share the work. Raises `CourseError` where that cannot be had. |
# | [`current_strategy`](../tensorflow/config.ipynb#the-strategy) | The strategy whose scope this is; TensorFlow's default one, with a single replica, outside of any. |
# | [`POLICIES`](../tensorflow/config.ipynb#the-number-format) | Keras's names |
# | [`select_precision`](../tensorflow/config.ipynb#the-number-format) | The number format of convolutions and matrix products. Asked for by name, it is not replaced. |
# | [`gpu_capability`](../tensorflow/config.ipynb#the-number-format) | The major number of an NVIDIA GPU's compute capability; 0 for anything else. |
# | [`select_xla`](../tensorflow/config.ipynb#the-number-format) | Whether to compile with XLA. On a processor it makes our convolutions many times slower. |
# | [`artifact_paths`](../tensorflow/config.ipynb#where-the-results-go) | What a run writes, by name. |

# %% [markdown]
# ### `gan_course.tensorflow.utils` {#tensorflow-utils}
#
# From the lesson [Seeds, measurements and grids](../tensorflow/utils.ipynb).
#
# | name | what it is |
# |---|-------|
# | [`seed_everything`](../tensorflow/utils.ipynb#randomness-that-can-be-repeated) | Seed Python, NumPy and TensorFlow. `deterministic` cannot be taken back in this process. |
# | [`DRAWS`](../tensorflow/utils.ipynb#randomness-that-can-be-repeated) | no iteration draws more often |
# | [`step_seed`](../tensorflow/utils.ipynb#randomness-that-can-be-repeated) | The seed of one draw of one iteration. |
# | [`stateless_normal`](../tensorflow/utils.ipynb#randomness-that-can-be-repeated) | Standard normal numbers, float32, the same on every kind of device; others where XLA compiles. |
# | [`make_latents`](../tensorflow/utils.ipynb#randomness-that-can-be-repeated) | Latents for pictures and measurements, the same on every device. |
# | [`to_images`](../tensorflow/utils.ipynb#from-tensors-to-pixels) | What the networks make, as pixels. |
# | [`Meter`](../tensorflow/utils.ipynb#measuring-without-waiting) | Sums of named quantities, kept on the device; reading them is the only wait. |
# | [`save_samples`](../tensorflow/utils.ipynb#grids) | Write generated images as a grid. |

# %% [markdown]
# ### `gan_course.tensorflow.data` {#tensorflow-data}
#
# From the lesson [Data](../tensorflow/data.ipynb).
#
# | name | what it is |
# |---|-------|
# | [`make_dataset`](../tensorflow/data.ipynb#a-pipeline) | The data set as a pipeline: shuffled anew in each epoch, scaled, batched, prefetched. |
# | [`epoch_order`](../tensorflow/data.ipynb#all-images-on-the-device-as-bytes) | The order in which an epoch visits the images. The same on every machine. |
# | [`DeviceBatches`](../tensorflow/data.ipynb#batches) | A data set on the device, and its batches in a new order each epoch. Make it inside the strategy's scope. |

# %% [markdown]
# ### `gan_course.tensorflow.model` {#tensorflow-model}
#
# From the lesson [The two networks](../tensorflow/model.ipynb).
#
# | name | what it is |
# |---|-------|
# | [`upsampling`](../tensorflow/model.ipynb#twice-as-large) | Twice the height and width. No bias: BatchNorm follows. |
# | [`STD`](../tensorflow/model.ipynb#initial-weights) | standard deviation of initial weights (Radford et al. 2015, section 4) |
# | [`init_weights`](../tensorflow/model.ipynb#initial-weights) | DCGAN initialisation, a Keras initializer: N(centre, 0.02²). |
# | [`batch_norm`](../tensorflow/model.ipynb#batchnorm-and-two-defaults-that-are-not-the-papers) | BatchNorm as DCGAN's authors ran it: momentum 0.9, epsilon 1e-5 (Ioffe and Szegedy 2015, algorithm 1). |
# | [`Generator`](../tensorflow/model.ipynb#the-generator) | Latent \[B, latent\_dim\] -\> image \[B, 28, 28, channels\] in \[-1, 1\] (Radford et al. 2015). |
# | [`Discriminator`](../tensorflow/model.ipynb#the-discriminator) | Image \[B, 28, 28, channels\] -\> logit \[B\] (Radford et al. 2015). |
# | [`count_parameters`](../tensorflow/model.ipynb#who-is-larger) | How many numbers training can change. |
# | [`check_initialised`](../tensorflow/model.ipynb#a-proof-that-they-were-initialised) | Assert that every layer looks as if `init_weights` had just been here. |
# | [`build_networks`](../tensorflow/model.ipynb#both-at-once) | The initialised networks of a configuration. Draws from Keras's global generator. |

# %% [markdown]
# ### `gan_course.tensorflow.engine` {#tensorflow-engine}
#
# From the lesson [The engine](../tensorflow/engine.ipynb).
#
# | name | what it is |
# |---|-------|
# | [`cross_entropy`](../tensorflow/engine.ipynb#what-the-generator-feels) | Binary cross-entropy on logits, a mean over the batch. |
# | [`discriminator_loss`](../tensorflow/engine.ipynb#what-the-generator-feels) | What D minimises (Goodfellow et al. 2014, eq. 1; Jolicoeur-Martineau 2018, eq. 5). |
# | [`generator_loss`](../tensorflow/engine.ipynb#what-the-generator-feels) | What G minimises (Goodfellow et al. 2014, section 3; Jolicoeur-Martineau 2018, eq. 6). |
# | [`squared_gradient_norm`](../tensorflow/engine.ipynb#a-discriminator-with-brakes) | What R1 and R2 penalise (Mescheder et al. 2018, eq. 9). |
# | [`discriminator_objective`](../tensorflow/engine.ipynb#a-discriminator-with-brakes) | What D minimises in one step, penalties included. |
# | [`MEASURED`](../tensorflow/engine.ipynb#one-iteration) | a constant |
# | [`NEVER`](../tensorflow/engine.ipynb#one-iteration) | `first_bad` as long as everything is finite |
# | [`GANStep`](../tensorflow/engine.ipynb#one-iteration) | One iteration of the game. Make it inside the strategy's scope; it holds no state but measurements. |
# | [`CALL`](../tensorflow/engine.ipynb#many-steps-in-one-call) | at most so many iterations in one call |
# | [`Steps`](../tensorflow/engine.ipynb#many-steps-in-one-call) | Iterations of a `GANStep`, many in one call, with all that belongs to a step. |

# %% [markdown]
# ### `gan_course.tensorflow.train` {#tensorflow-train}
#
# From the lesson [Training](../tensorflow/train.ipynb).
#
# | name | what it is |
# |---|-------|
# | [`Adam`](../tensorflow/train.ipynb#the-optimisers) | Adam with ε where algorithm 1 of Kingma and Ba (2014) has it. With `weight_decay` it is AdamW. |
# | [`make_optimizer`](../tensorflow/train.ipynb#the-optimisers) | Adam (Kingma and Ba 2014), AdamW (Loshchilov and Hutter 2017) or RMSprop (Tieleman and Hinton 2012). |
# | [`AverageWeights`](../tensorflow/train.ipynb#an-average-of-the-generator) | An exponential moving average of a network, BatchNorm statistics included. Make it inside the strategy's scope. |
# | [`named_variables`](../tensorflow/train.ipynb#everything-a-checkpoint-needs) | Layer and name -\> variable, the random state of dropout included. |
# | [`Training`](../tensorflow/train.ipynb#everything-a-checkpoint-needs) | All that changes during a run. Make it inside the strategy's scope. |
# | [`draw`](../tensorflow/train.ipynb#everything-a-checkpoint-needs) | Images of a generator in evaluation mode, uint8 \[num, H, W, C\]. |
# | [`images_of`](../tensorflow/train.ipynb#everything-a-checkpoint-needs) | What becomes of these latents in evaluation mode, uint8 \[N, H, W, C\]; in parts, to save memory. |
# | [`TRACK`](../tensorflow/train.ipynb#files-that-can-be-trusted) | a constant |
# | [`save_checkpoint`](../tensorflow/train.ipynb#files-that-can-be-trusted) | a constant |
# | [`load_checkpoint`](../tensorflow/train.ipynb#files-that-can-be-trusted) | a constant |
# | [`load_file`](../tensorflow/train.ipynb#files-that-can-be-trusted) | a constant |
# | [`device_name`](../tensorflow/train.ipynb#the-run) | As a person would name it. |
# | [`restore`](../tensorflow/train.ipynb#the-run) | Load the latest checkpoint of the run folder, if there is one. Refuses one that does not belong to this run. |
# | [`train`](../tensorflow/train.ipynb#the-run) | Train a GAN; everything it makes is in `config.out`. Raises `CourseError`, and `KeyboardInterrupt` on Ctrl-C. |

# %% [markdown]
# ### `gan_course.tensorflow.inference` {#tensorflow-inference}
#
# From the lesson [Sampling](../tensorflow/inference.ipynb).
#
# | name | what it is |
# |---|-------|
# | [`build`](../tensorflow/inference.ipynb#loading) |  |
# | [`load_generator`](../tensorflow/inference.ipynb#loading) | A trained generator. Raises `CourseError` for anything that is not one. |
# | [`sample_latents`](../tensorflow/inference.ipynb#latents-and-the-truncation-trick) | Standard normal latents, truncated if wished (Brock et al. 2018, section 3.1). |
# | [`interpolate`](../tensorflow/inference.ipynb#walking-between-latents) | Latents on the way from each z0 to its z1 (Shoemake 1985, slerp). |
# | [`generate_samples`](../tensorflow/inference.ipynb#one-call) | Draw images from a trained generator, and write them as a grid. |

# %% [markdown]
# ### `gan_course.convert` {#tensorflow-same_step_twice}
#
# From the lesson [The same step twice](../tensorflow/same_step_twice.ipynb).
#
# | name | what it is |
# |---|-------|
# | [`PLAIN`](../tensorflow/same_step_twice.ipynb#names-and-axes) | a constant |
# | [`NORM`](../tensorflow/same_step_twice.ipynb#names-and-axes) | a constant |
# | [`AXES`](../tensorflow/same_step_twice.ipynb#names-and-axes) | PyTorch -\> Keras, by number of axes |
# | [`to_tensorflow`](../tensorflow/same_step_twice.ipynb#names-and-axes) | A PyTorch network's weights for the same network of the TensorFlow track. |
# | [`to_pytorch`](../tensorflow/same_step_twice.ipynb#names-and-axes) | The opposite of `to_tensorflow`. |
# | [`keras_weights`](../tensorflow/same_step_twice.ipynb#names-and-axes) | All weights of a Keras network, by the names that `to_pytorch` reads. |
# | [`assign_keras`](../tensorflow/same_step_twice.ipynb#names-and-axes) | Give a Keras network these weights. `CourseError` if they are those of another network. |

# %% [markdown]
# ## TPU
#
# ### `gan_course.tpu.config` {#tpu-config}
#
# From the lesson [Configuration of the TPU track](../tpu/config.ipynb).
#
# | name | what it is |
# |---|-------|
# | [`sees_tpu`](../tpu/config.ipynb#which-backend) | Whether this machine has a TPU, without asking a framework. |
# | [`choose_backend`](../tpu/config.ipynb#which-backend) | The name of Keras's backend for this process; `CourseError` for one that this track cannot use. |
# | [`BACKEND`](../tpu/config.ipynb#which-backend) | a constant |
# | [`Config`](../tpu/config.ipynb#the-fields) | Everything that determines a run. Raises `CourseError` for a value that makes no sense. |
# | [`CONFIG`](../tpu/config.ipynb#the-fields) | a constant |
# | [`artifact_paths`](../tpu/config.ipynb#what-a-run-leaves) | What a run writes, by name. |

# %% [markdown]
# ### `gan_course.tpu.strategy` {#tpu-strategy}
#
# From the lesson [Devices](../tpu/strategy.ipynb).
#
# | name | what it is |
# |---|-------|
# | [`Accelerator`](../tpu/strategy.ipynb#an-accelerator-in-one-sentence) | What a run computes on. |
# | [`share_among`](../tpu/strategy.ipynb#an-accelerator-in-one-sentence) | TensorFlow's strategy, or JAX's mesh. |
# | [`split_cpu`](../tpu/strategy.ipynb#several-devices-from-one-processor) | Let the processor count as several devices. `CourseError` if the backend has begun to compute. |
# | [`jax_devices`](../tpu/strategy.ipynb#looking-for-the-fastest) | The devices of a kind; an empty list where there are none. |
# | [`tensorflow_tpu`](../tpu/strategy.ipynb#looking-for-the-fastest) | The TPU cores that TensorFlow can use. Connects to them, which can only happen before anything is computed. |
# | [`KINDS`](../tpu/strategy.ipynb#looking-for-the-fastest) | fastest first |
# | [`find_accelerator`](../tpu/strategy.ipynb#looking-for-the-fastest) | The fastest kind of device that this process can use, all of them. `CourseError` where the one asked for is not there. |
# | [`hide_gpus`](../tpu/strategy.ipynb#looking-for-the-fastest) | TensorFlow computes on a GPU that it sees; so for the processor it must see none. `CourseError` if it has started with one. |
# | [`remedy`](../tpu/strategy.ipynb#looking-for-the-fastest) |  |
# | [`explain`](../tpu/strategy.ipynb#looking-for-the-fastest) | Why the fastest kind that was found is the one that was found. |
# | [`name_of`](../tpu/strategy.ipynb#looking-for-the-fastest) | As a person would name it. |
# | [`POLICIES`](../tpu/strategy.ipynb#numbers-of-half-the-size) | Keras's names |
# | [`select_precision`](../tpu/strategy.ipynb#numbers-of-half-the-size) | The dtype policy of the hidden layers. Asked for by name, it is not replaced. |
# | [`gpu_capability`](../tpu/strategy.ipynb#numbers-of-half-the-size) | The major number of the first NVIDIA GPU's compute capability; 0 where it has none. |

# %% [markdown]
# ### `gan_course.tpu.data` {#tpu-data}
#
# From the lesson [Data on the accelerator](../tpu/data.ipynb).
#
# | name | what it is |
# |---|-------|
# | [`epoch_order`](../tpu/data.ipynb#an-order-that-can-be-computed) | The order in which an epoch visits the images. The same on every machine and on both backends. |
# | [`Part`](../tpu/data.ipynb#batches) | Some successive batches of an epoch, for `AdversarialModel.fit` on JAX: the images, and which of them each batch takes. |
# | [`Batches`](../tpu/data.ipynb#batches) | A data set, and its batches in a new order each epoch; on JAX it lies on the device. |

# %% [markdown]
# ### `gan_course.tpu.model` {#tpu-model}
#
# From the lesson [A model that plays both sides](../tpu/model.ipynb).
#
# | name | what it is |
# |---|-------|
# | [`seeds_of`](../tpu/model.ipynb#the-two-networks) | Seeds for layers, each of its own, that depend on nothing but these numbers. |
# | [`Generator`](../tpu/model.ipynb#the-two-networks) | Latent \[B, latent\_dim\] -\> image \[B, 28, 28, channels\] in \[-1, 1\]; `UpSampling2D` and convolutions. |
# | [`Discriminator`](../tpu/model.ipynb#the-two-networks) | Image \[B, 28, 28, channels\] -\> logit \[B\]; strided convolutions, dropout, one number. |
# | [`MEASURED`](../tpu/model.ipynb#one-model-two-players) | a constant |
# | [`JUDGED`](../tpu/model.ipynb#one-model-two-players) | what can be measured without a step |
# | [`AdversarialModel`](../tpu/model.ipynb#one-model-two-players) | Two networks, an average of one of them, and the game between them. |
# | [`cross_entropy`](../tpu/model.ipynb#the-rules-of-the-game) | Binary cross-entropy on logits, a mean over the batch. |
# | [`d_loss`](../tpu/model.ipynb#the-rules-of-the-game) | Goodfellow et al. 2014, eq. 1. |
# | [`g_loss`](../tpu/model.ipynb#the-rules-of-the-game) | The non-saturating loss (Goodfellow et al. 2014, section 3). |
# | [`judgement`](../tpu/model.ipynb#the-rules-of-the-game) | In the order of `JUDGED`. |
# | [`global_norm`](../tpu/model.ipynb#the-rules-of-the-game) | The Euclidean norm of all gradients together. |
# | [`squared_length`](../tpu/model.ipynb#the-rules-of-the-game) | Its square, a mean over the batch. |
# | [`scaled_images`](../tpu/model.ipynb#the-rules-of-the-game) | uint8 -\> float32 in \[-1, 1\]. |
# | [`averaged`](../tpu/model.ipynb#the-rules-of-the-game) | The average's variables after an iteration, with the weight of `gan_course.loop.average_keep`. BatchNorm's statistics are averaged too. |
# | [`noted`](../tpu/model.ipynb#the-rules-of-the-game) | The model's own variables after a step. A loss-scaled optimiser skips gradients that are not finite, so they are not bad then. |
# | [`as_array`](../tpu/model.ipynb#the-rules-of-the-game) | Its value in NumPy. Waits for the device. |
# | [`means`](../tpu/model.ipynb#the-rules-of-the-game) | The measurements since the last reset, averaged: name -\> mean. Waits for the device. |
# | [`reset_means`](../tpu/model.ipynb#the-rules-of-the-game) | Begin to measure anew. |
# | [`make_optimizer`](../tpu/model.ipynb#the-rules-of-the-game) | Adam (Kingma and Ba 2014); for float16 with a loss scale, which no `fit` would add to two optimisers. |
# | [`seed_everything`](../tpu/model.ipynb#the-rules-of-the-game) | Seed Python, NumPy and TensorFlow. JAX has no such state; and our networks carry seeds of their own. |
# | [`TEST`](../tpu/model.ipynb#latents) | the iteration whose latents `evaluate` uses |
# | [`test_step`](../tpu/model.ipynb#looking-without-a-step) | What `evaluate` calls: the means of what D says, in evaluation mode. |
# | [`make_latents`](../tpu/model.ipynb#drawing) | Standard normal latents, float32 \[num, latent\_dim\], the same on every machine and on both backends. |
# | [`to_images`](../tpu/model.ipynb#drawing) | As pixels, uint8. |
# | [`draw_latents`](../tpu/model.ipynb#drawing) | What becomes of these latents, uint8 \[N, H, W, C\]; in parts of one shape, so that nothing is compiled twice. |
# | [`draw`](../tpu/model.ipynb#drawing) | Images of a generator in evaluation mode, uint8 \[num, H, W, C\]. |

# %% [markdown]
# ### `gan_course.tpu.callbacks` {#tpu-callbacks}
#
# From the lesson [Callbacks](../tpu/callbacks.ipynb).
#
# | name | what it is |
# |---|-------|
# | [`SampleGrid`](../tpu/callbacks.ipynb#pictures-every-few-epochs) | Every `every` epochs, `num` images from the same latents: epoch\_5.png, epoch\_10.png, ... |
# | [`LossPlot`](../tpu/callbacks.ipynb#the-losses) | After each epoch, the losses so far. |
# | [`Stop`](../tpu/callbacks.ipynb#stop) | Ask `stop` after each call; count the steps that were taken. |

# %% [markdown]
# ### `gan_course.tpu.train` {#tpu-train}
#
# From the lesson [Training with `fit`](../tpu/train.ipynb).
#
# | name | what it is |
# |---|-------|
# | [`TRACK`](../tpu/train.ipynb#one-call-is-not-enough) | a constant |
# | [`load_checkpoint`](../tpu/train.ipynb#one-call-is-not-enough) | a constant |
# | [`load_file`](../tpu/train.ipynb#one-call-is-not-enough) | a constant |
# | [`Ema`](../tpu/train.ipynb#one-call-is-not-enough) | What a recorder expects of an average. |
# | [`Training`](../tpu/train.ipynb#one-call-is-not-enough) | All that changes during a run. Make it inside the accelerator's scope. |
# | [`TpuRecorder`](../tpu/train.ipynb#the-run-folder) | Writes the run folder, and calls the callbacks that draw. |
# | [`restore`](../tpu/train.ipynb#the-run-folder) | Load the latest checkpoint of the run folder, if there is one. Refuses one that does not belong to this run. |
# | [`train`](../tpu/train.ipynb#a-run) | Train a GAN; everything it makes is in `config.out`. Raises `CourseError`, and `KeyboardInterrupt` on Ctrl-C. |

# %% [markdown]
# ### `gan_course.tpu.inference` {#tpu-inference}
#
# From the lesson [Sampling on either backend](../tpu/inference.ipynb).
#
# | name | what it is |
# |---|-------|
# | [`build`](../tpu/inference.ipynb#the-smallest-way) |  |
# | [`load_generator`](../tpu/inference.ipynb#the-smallest-way) | A trained generator, whichever backend trained it. Raises `CourseError` for anything that is not one. |
# | [`sample_latents`](../tpu/inference.ipynb#latents) | Standard normal latents, or truncated normal ones (Brock et al. 2018, section 3.1). |
# | [`generate_samples`](../tpu/inference.ipynb#drawing) | Draw images from a trained generator, and write them as a grid. |

# %% [markdown]
# ### `gan_course.tpu.speed` {#tpu-speed}
#
# From the lesson [Where the time goes](../tpu/speed.ipynb).
#
# | name | what it is |
# |---|-------|
# | [`Runner`](../tpu/speed.ipynb#how-long-a-step-takes) | A configuration that has compiled its step, and can take some more. |
# | [`in_turn`](../tpu/speed.ipynb#how-long-a-step-takes) | The median of each, measured in turn. |
# | [`seconds_per_picture`](../tpu/speed.ipynb#pictures) | To draw sixteen images and write them. |
# | [`speed_table`](../tpu/speed.ipynb#your-machine) | Images per second on the accelerator that is there, one dial at a time, measured in turn. |

# %% [markdown]
# ## Flowers
#
# ### `gan_course.flowers.config` {#flowers-config}
#
# From the lesson [Configuration of the flowers chapter](../flowers/config.ipynb).
#
# | name | what it is |
# |---|-------|
# | [`AUGMENTATIONS`](../flowers/config.ipynb#the-fields) | a constant |
# | [`POLICIES`](../flowers/config.ipynb#the-fields) | a constant |
# | [`Config`](../flowers/config.ipynb#the-fields) | Everything that determines a run. Raises `CourseError` for a value that makes no sense. |
# | [`CONFIG`](../flowers/config.ipynb#the-fields) | a constant |
# | [`CHECKPOINT_SAVE_INTERVAL`](../flowers/config.ipynb#the-fields) | a constant |
# | [`artifact_paths`](../flowers/config.ipynb#the-fields) | What a run writes, by name. |
# | [`select_device`](../flowers/config.ipynb#devices) | The name of the device to compute on, such as CPU:0. `CourseError` if the one asked for is not there. |
# | [`device_name`](../flowers/config.ipynb#devices) | As a person would name it. |

# %% [markdown]
# ### `gan_course.flowers.blossoms` {#flowers-blossoms}
#
# From the lesson [Flowers drawn by rule](../flowers/blossoms.ipynb).
#
# | name | what it is |
# |---|-------|
# | [`KINDS`](../flowers/blossoms.ipynb#factors) | a constant |
# | [`BLOSSOMS`](../flowers/blossoms.ipynb#factors) | as many as there are photographs |
# | [`PLACES`](../flowers/blossoms.ipynb#factors) | the number of the first flower of each split |
# | [`FACTORS`](../flowers/blossoms.ipynb#factors) | radius of the middle against the whole |
# | [`blossoms`](../flowers/blossoms.ipynb#from-factors-to-pixels) | Draw flowers of five kinds from known factors, the same on every computer. |
# | [`CHECKSUMS`](../flowers/blossoms.ipynb#as-a-data-set) | a constant |
# | [`load_blossoms`](../flowers/blossoms.ipynb#as-a-data-set) | Blossoms of seed 0 as a `Dataset`: no more is drawn than is asked for. |

# %% [markdown]
# ### `gan_course.flowers.dataset` {#flowers-dataset}
#
# From the lesson [Photographs](../flowers/dataset.ipynb).
#
# | name | what it is |
# |---|-------|
# | [`ADDRESS`](../flowers/dataset.ipynb#two-ways-to-the-same-pictures) | a constant |
# | [`SUFFIXES`](../flowers/dataset.ipynb#two-ways-to-the-same-pictures) | a constant |
# | [`CREDIT`](../flowers/dataset.ipynb#two-ways-to-the-same-pictures) | a constant |
# | [`need_tfds`](../flowers/dataset.ipynb#two-ways-to-the-same-pictures) | The package TensorFlow Datasets, imported only now. `CourseError` where it is not installed. |
# | [`read_folder`](../flowers/dataset.ipynb#two-ways-to-the-same-pictures) | Names, bytes and labels of all pictures in a folder, and the names of the classes: as `tfds.ImageFolder` finds them, and a few kinds of files more. |
# | [`read_tfds`](../flowers/dataset.ipynb#two-ways-to-the-same-pictures) | The same from `tfds.load`, which downloads if it has to. Its names are the numbers of the examples. |
# | [`held_out`](../flowers/dataset.ipynb#hold-some-out-by-name) | Whether a photograph is kept for evaluation: one in ten, by its file name only. |
# | [`decode`](../flowers/dataset.ipynb#one-square) | One picture as a square. Raises `ValueError` for bytes that are no whole picture. |
# | [`square`](../flowers/dataset.ipynb#one-square) | Decode all. A damaged picture is skipped with a warning that names it; many are a `CourseError`. |
# | [`load_photographs`](../flowers/dataset.ipynb#the-data-set) | The photographs of tf\_flowers. Raises `NotAvailable` where there are none, `CourseError` where they are damaged. |
# | [`load_images`](../flowers/dataset.ipynb#the-data-set) | The data set that a `Config` asks for, as a `Dataset`; for `auto` blossoms as a last resort, with a warning. |
# | [`augment_data`](../flowers/dataset.ipynb#changed-copies) | Resized and cropped, mirrored, brightness and contrast changed; in \[-1, 1\] again. |
# | [`load_data`](../flowers/dataset.ipynb#batches) | The flowers as a pipeline: decoded once, shuffled anew in each epoch, batched, prefetched. |
# | [`Batches`](../flowers/dataset.ipynb#batches) | A data set, and its batches in a new order each epoch. |

# %% [markdown]
# ### `gan_course.flowers.networks` {#flowers-networks}
#
# From the lesson [Networks for photographs](../flowers/networks.ipynb).
#
# | name | what it is |
# |---|-------|
# | [`seeds_of`](../flowers/networks.ipynb#the-generator) | Seeds for layers, each of its own, that depend on nothing but these numbers. |
# | [`initial`](../flowers/networks.ipynb#the-generator) |  |
# | [`create_generator`](../flowers/networks.ipynb#the-generator) | Latents \[B, num\_latent\_inputs\] -\> image \[B, input\_size, input\_size, channels\] in \[-1, 1\]. |
# | [`create_discriminator`](../flowers/networks.ipynb#the-discriminator) | Image \[B, input\_size, input\_size, channels\] -\> logit \[B\]; dropout on the input, strided convolutions, BatchNorm. |
# | [`gan_loss`](../flowers/networks.ipynb#the-loss-and-its-lies) | Non-saturating losses (Goodfellow et al. 2014, section 3) and the scores of both networks. |

# %% [markdown]
# ### `gan_course.flowers.augment` {#flowers-augment}
#
# From the lesson [Augmentation that does not leak](../flowers/augment.ipynb).
#
# | name | what it is |
# |---|-------|
# | [`uniform`](../flowers/augment.ipynb#four-changes) | One number for each image, \[B, 1, 1, 1\]. |
# | [`mirror`](../flowers/augment.ipynb#four-changes) | Half of the images left to right. |
# | [`colour`](../flowers/augment.ipynb#four-changes) | Brightness, saturation and contrast (Zhao et al. 2020, section 4). |
# | [`shifted`](../flowers/augment.ipynb#four-changes) | Matrices \[B, size, size\]; times an image each moves its rows by so many pixels. |
# | [`translation`](../flowers/augment.ipynb#four-changes) | Moved by up to `ratio` of the side; grey comes in. |
# | [`cutout`](../flowers/augment.ipynb#four-changes) | A grey square, `ratio` of the side, somewhere; it may stick out. |
# | [`CHANGES`](../flowers/augment.ipynb#four-changes) | a constant |
# | [`diff_augment`](../flowers/augment.ipynb#four-changes) | Zhao et al. 2020, `DiffAugment`: each image changed by numbers of its own. Differentiable in `x`. |

# %% [markdown]
# ### `gan_course.flowers.utils` {#flowers-utils}
#
# From the lesson [Noise, pictures, and a generator from its weights](../flowers/utils.ipynb).
#
# | name | what it is |
# |---|-------|
# | [`generate_noise`](../flowers/utils.ipynb#noise) | Standard normal latents. |
# | [`generate_images`](../flowers/utils.ipynb#pictures) | What becomes of latents, in evaluation mode. |
# | [`plot_images`](../flowers/utils.ipynb#pictures) | A grid, each pixel enlarged by the same whole number. |
# | [`TRACK`](../flowers/utils.ipynb#from-a-file-of-weights) | a constant |
# | [`load_file`](../flowers/utils.ipynb#from-a-file-of-weights) | a constant |
# | [`load_generator`](../flowers/utils.ipynb#from-a-file-of-weights) | A trained generator. Raises `CourseError` for anything that is not one. |
# | [`generate_image_from_weights`](../flowers/utils.ipynb#from-a-file-of-weights) | One image of a trained generator. |
# | [`generate_samples`](../flowers/utils.ipynb#from-a-file-of-weights) | Draw images from a trained generator, and write them as a grid. |
# | [`truncated`](../flowers/utils.ipynb#from-a-file-of-weights) | Normal numbers, pressed by their ranks into a normal distribution without tails (Brock et al. 2018, section 3.1). |
# | [`nearest`](../flowers/utils.ipynb#copied-or-made) | The image that resembles each sample most, or its mirror image, on copies of at most 1,024 values. |

# %% [markdown]
# ### `gan_course.flowers.trainer` {#flowers-trainer}
#
# From the lesson [Training on photographs](../flowers/trainer.ipynb).
#
# | name | what it is |
# |---|-------|
# | [`MEASURED`](../flowers/trainer.ipynb#the-step) | a constant |
# | [`global_norm`](../flowers/trainer.ipynb#the-step) | The Euclidean norm of all gradients together. |
# | [`GANStep`](../flowers/trainer.ipynb#the-step) | Two networks, their optimisers, an average, and one iteration of the game between them. |
# | [`SEED_LOOK`](../flowers/trainer.ipynb#the-run) | of the latents and changes of a closer look |
# | [`Training`](../flowers/trainer.ipynb#the-run) | All that changes during a run. |
# | [`overfitting_figure`](../flowers/trainer.ipynb#the-run) | How often the discriminator finds photographs more real than generated images: those of the training set, and held-out ones. |
# | [`FlowersRecorder`](../flowers/trainer.ipynb#the-run) | Writes the run folder; keeps generators on the way. |
# | [`load_checkpoint`](../flowers/trainer.ipynb#the-run) | a constant |
# | [`restore`](../flowers/trainer.ipynb#the-run) | Load the latest checkpoint of the run folder, if there is one. Refuses one that does not belong to this run. |
# | [`train`](../flowers/trainer.ipynb#the-run) | Train a GAN; everything it makes is in `config.out`. Raises `CourseError`, and `KeyboardInterrupt` on Ctrl-C. |

# %% [markdown]
# ### `gan_course.flowers.__main__` {#flowers-gan_flowers}
#
# From the lesson [Lab: flowers in TensorBoard](../flowers/gan_flowers.ipynb).
#
# | name | what it is |
# |---|-------|
# | [`main`](../flowers/gan_flowers.ipynb#from-the-command-line) | `python -m gan_course.flowers [OPTIONS]`: as `gan-course train flowers`. Returns the exit status. |

# %% [markdown]
# ## Iterative refinement
#
# ### `gan_course.refinement.iterate` {#refinement-iterate}
#
# From the lesson [From a first run to a recipe](../refinement/iterate.ipynb).
#
# | name | what it is |
# |---|-------|
# | [`Trial`](../refinement/iterate.ipynb#what-is-fixed-before-anything-is-tried) | A GAN in training that can be judged at any time and continued; others may train in between. |
# | [`runs_needed`](../refinement/iterate.ipynb#how-much-is-luck) | How many runs show a difference in four cases of five, at the level of 5 %. |
# | [`Comparison`](../refinement/iterate.ipynb#compare-in-pairs-and-say-how-sure-you-are) | What `compare` found: candidate minus base, so that below 0 the candidate is better. |
# | [`permutation_p`](../refinement/iterate.ipynb#compare-in-pairs-and-say-how-sure-you-are) | How often random signs give a mean as far from 0; exact up to thirteen pairs. |
# | [`compare`](../refinement/iterate.ipynb#compare-in-pairs-and-say-how-sure-you-are) | The differences of pairs: mean, interval and p. Raises `CourseError` for what are no pairs. |
# | [`successive_halving`](../refinement/iterate.ipynb#little-time-for-many-much-for-few) | Train all a little, drop the worse half, train the rest on (Jamieson and Talwalkar 2016). |

# %% [markdown]
# ### `gan_course.refinement.flow_matching` {#refinement-flow_matching}
#
# From the lesson [The other way: flow matching](../refinement/flow_matching.ipynb).
#
# | name | what it is |
# |---|-------|
# | [`bridge`](../refinement/flow_matching.ipynb#a-line-for-each-pair) | Points on the lines from noise to data (Liu et al. 2023, eq. 1). |
# | [`flow_loss`](../refinement/flow_matching.ipynb#a-line-for-each-pair) | The mean squared error of the velocity (Lipman et al. 2023, eq. 9 and 23). |
# | [`exact_velocity`](../refinement/flow_matching.ipynb#lines-cross) | What minimises the loss for data that are a list of points: (x \[B, D\], t \[B\]) -\> \[B, D\]. |
# | [`integrate`](../refinement/flow_matching.ipynb#lines-cross) | Follow dx/dt = v(x, t) from t = 0 to 1. |
# | [`gaussian_velocity`](../refinement/flow_matching.ipynb#a-case-with-a-formula) | The exact velocity from standard normal noise to normal data. |
# | [`time_features`](../refinement/flow_matching.ipynb#the-network-for-images) | Sines and cosines of t, with periods from 4 down to 1/250. |
# | [`Block`](../refinement/flow_matching.ipynb#the-network-for-images) | Adds to its input what two convolutions make of it and of the time. |
# | [`VelocityNet`](../refinement/flow_matching.ipynb#the-network-for-images) | Image \[B, channels, 28, 28\], time \[B\] -\> velocity, of the image's shape; 0 before training. |
# | [`FlowConfig`](../refinement/flow_matching.ipynb#a-run-like-the-others) | Everything that determines a run. Raises `CourseError` for a value that makes no sense. |
# | [`CONFIG`](../refinement/flow_matching.ipynb#a-run-like-the-others) | a constant |
# | [`TRACK`](../refinement/flow_matching.ipynb#a-run-like-the-others) | a constant |
# | [`build_velocity`](../refinement/flow_matching.ipynb#a-run-like-the-others) | The initialised network of a configuration. Draws from PyTorch's global generator. |
# | [`draw`](../refinement/flow_matching.ipynb#a-run-like-the-others) | Images \[num, C, 28, 28\], about in \[-1, 1\]. Noise is drawn on the CPU, alike for every device. |
# | [`FlowTraining`](../refinement/flow_matching.ipynb#a-run-like-the-others) | All that changes during a run. |
# | [`flow_paths`](../refinement/flow_matching.ipynb#a-run-like-the-others) | What a run writes, by name. |
# | [`loss_figure`](../refinement/flow_matching.ipynb#a-run-like-the-others) | The loss of each epoch: of training, and on images held out. |
# | [`FlowRecorder`](../refinement/flow_matching.ipynb#a-run-like-the-others) | Writes the run folder. |
# | [`train`](../refinement/flow_matching.ipynb#a-run-like-the-others) | Train a flow; what it makes is in `config.out`. Raises `CourseError`, `KeyboardInterrupt`. |
# | [`load_velocity`](../refinement/flow_matching.ipynb#a-run-like-the-others) | A trained network. Raises `CourseError` for anything that is not one. |
# | [`generate_samples`](../refinement/flow_matching.ipynb#a-run-like-the-others) | Draw images from a trained flow, with the solver of its configuration, and write them as a grid. Raises `CourseError`. |

# %% [markdown]
# ## Checks of the exercises
#
# ### `gan_course.exercises` {#exercises-index}
#
# From the lesson [Exercise checks](../exercises/index.ipynb).
#
# | name | what it is |
# |---|-------|
# | [`rejects`](../exercises/index.ipynb) | Whether `check` refuses an answer with a message that holds the hint. |

# %% [markdown]
# ### `gan_course.exercises.start` {#exercises-start}
#
# From the lesson [Checks: how these lessons run](../exercises/start.ipynb).
#
# | name | what it is |
# |---|-------|
# | [`fast_set_to`](../exercises/start.ipynb) | `GAN_COURSE_FAST` set to `value` inside the block, and put back afterwards. |
# | [`check_budget`](../exercises/start.ipynb#three-lengths) | Whether `three_way` picks one of its three arguments as the exercise asks. |
# | [`check_message`](../exercises/start.ipynb#a-better-message) | Whether good rates come back as floats and every bad one gets a one-line message that helps. |

# %% [markdown]
# ### `gan_course.exercises.configuration` {#exercises-configuration}
#
# From the lesson [Checks: a configuration](../exercises/configuration.ipynb).
#
# | name | what it is |
# |---|-------|
# | [`check_differences`](../exercises/configuration.ipynb#what-is-different) | Whether `differences` names every field in which two configurations differ, with both values. |
# | [`check_search`](../exercises/configuration.ipynb#a-search) | Whether `search` gives every combination once, each with a run folder of its own. |
# | [`check_steps`](../exercises/configuration.ipynb#how-many-steps) | Whether `optimiser_steps` counts the discriminator's steps of a whole run. |

# %% [markdown]
# ### `gan_course.exercises.datasets` {#exercises-datasets}
#
# From the lesson [Checks: data sets](../exercises/datasets.ipynb).
#
# | name | what it is |
# |---|-------|
# | [`check_batches`](../exercises/datasets.ipynb#an-epoch) | Whether `batches` deals every epoch anew, in full batches, without dealing an image twice. |
# | [`check_stats`](../exercises/datasets.ipynb#mean-and-standard-deviation) | Whether `stats` gives the mean and standard deviation of the images as the networks see them. |
# | [`check_lacking`](../exercises/datasets.ipynb#what-a-batch-lacks) | Whether `chance` is the probability that a batch lacks at least one class. |

# %% [markdown]
# ### `gan_course.exercises.runs` {#exercises-runs}
#
# From the lesson [Checks: run folders](../exercises/runs.ipynb).
#
# | name | what it is |
# |---|-------|
# | [`check_restore`](../exercises/runs.ipynb#the-newest-that-can-be-read) | Whether the newest readable checkpoint is found, past damaged ones. |
# | [`check_retention`](../exercises/runs.ipynb#another-retention-rule) | Whether the newest `keep` and the multiples of `every` stay, and nothing else. |
# | [`Walk`](../exercises/runs.ipynb#everything-the-next-step-reads) | A small run with all the parts of a large one; `train(steps)` changes its arrays in place. |
# | [`check_state`](../exercises/runs.ipynb#everything-the-next-step-reads) | Whether a run resumed from `save` and `load` equals the uninterrupted one bit for bit. |

# %% [markdown]
# ### `gan_course.exercises.figures` {#exercises-figures}
#
# From the lesson [Checks: figures](../exercises/figures.ipynb).
#
# | name | what it is |
# |---|-------|
# | [`check_enlarge`](../exercises/figures.ipynb#enlarge-without-smoothing) | Whether each pixel becomes a square of equal pixels, for any number of channels. |
# | [`check_same_latents`](../exercises/figures.ipynb#a-strip-that-can-be-trusted) | Whether every epoch sees the same latents, and other seeds others. |
# | [`check_verdict`](../exercises/figures.ipynb#a-first-look-by-machine) | Whether the last five epochs are judged as the exercise asks, with gaps. |

# %% [markdown]
# ### `gan_course.exercises.objective` {#exercises-objective}
#
# From the lesson [Checks: the game](../exercises/objective.ipynb).
#
# | name | what it is |
# |---|-------|
# | [`check_best`](../exercises/objective.ipynb#the-best-discriminator-unequal-shares) | Whether it is Bayes' rule, at points where neither occurs as well. |
# | [`check_js`](../exercises/objective.ipynb#jensen-and-shannon) | Whether the divergence is right, in nats, with zeros. |
# | [`check_growth`](../exercises/objective.ipynb#in-or-out) | Whether it is the spectral radius of a step of both players at once. |

# %% [markdown]
# ### `gan_course.exercises.toy` {#exercises-toy}
#
# From the lesson [Checks: a GAN you can watch](../exercises/toy.ipynb).
#
# | name | what it is |
# |---|-------|
# | [`check_count`](../exercises/toy.ipynb#count-the-modes) | Whether only points near a centre count, each once, and only where there are enough. |
# | [`check_penalty`](../exercises/toy.ipynb#the-gradient-penalty) | Whether it is the penalty of Gulrajani et al., at the right points, and can be trained with. |
# | [`check_bound`](../exercises/toy.ipynb#how-steep-can-it-be) | Whether it is the product of the spectral norms. |

# %% [markdown]
# ### `gan_course.exercises.evaluate` {#exercises-evaluate}
#
# From the lesson [Checks: a number for the samples](../exercises/evaluate.ipynb).
#
# | name | what it is |
# |---|-------|
# | [`check_diagonal`](../exercises/evaluate.ipynb#when-the-covariances-are-diagonal) | Whether the distance is that of the general formula. |
# | [`check_floor`](../exercises/evaluate.ipynb#the-floor) | Whether `n` different real images are drawn at random, from the seed, and measured. |
# | [`check_fool`](../exercises/evaluate.ipynb#fool-the-number) | Whether the images have a small distance without being made of real ones. |

# %% [markdown]
# ### `gan_course.exercises.features` {#exercises-features}
#
# From the lesson [Checks: a judge for the features](../exercises/features.ipynb).
#
# | name | what it is |
# |---|-------|
# | [`check_fold`](../exercises/features.ipynb#one-layer-of-two) | Whether a convolution with the folded weight and bias does what convolution and BatchNorm do. |
# | [`check_field`](../exercises/features.ipynb#how-much-does-a-feature-see) | Whether it is the side of the square of pixels that one output sees. |

# %% [markdown]
# ### `gan_course.exercises.metrics` {#exercises-metrics}
#
# From the lesson [Checks: five questions](../exercises/metrics.ipynb).
#
# | name | what it is |
# |---|-------|
# | [`check_mmd`](../exercises/metrics.ipynb#the-kernel-distance-by-hand) | Whether it is the unbiased estimate. |
# | [`check_recall`](../exercises/metrics.ipynb#recall) | Whether it is the share of real points that lie within the k-th nearest neighbour of some sample. |

# %% [markdown]
# ### `gan_course.exercises.tensorboard` {#exercises-tensorboard}
#
# From the lesson [Checks: a log for TensorBoard](../exercises/tensorboard.ipynb).
#
# | name | what it is |
# |---|-------|
# | [`frames`](../exercises/tensorboard.ipynb#how-many-records-are-whole) | The bytes of a file of events with these records. |
# | [`check_count_records`](../exercises/tensorboard.ipynb#how-many-records-are-whole) | Whether `count_records` goes from record to record, and leaves out a torn one, wherever it is torn. |
# | [`check_smooth`](../exercises/tensorboard.ipynb#the-slider-at-the-left) | Whether `smooth` is a moving average from 0 on, and each value of it divided by the weight that it has so far. |

# %% [markdown]
# ### `gan_course.exercises.loop` {#exercises-loop}
#
# From the lesson [Checks: the loop](../exercises/loop.ipynb).
#
# | name | what it is |
# |---|-------|
# | [`check_ahead`](../exercises/loop.ipynb#how-far-may-it-run) | Whether `ahead` stops at whatever is due first, and never stands still. |
# | [`check_warm_up`](../exercises/loop.ipynb#a-warm-start) | Whether `warmed_up` grows in a straight line, stops growing, and leaves the rest as it is. |
# | [`check_patience`](../exercises/loop.ipynb#when-to-give-up) | Whether `out_of_patience` measures from the best epoch, and knows that None is no distance. |

# %% [markdown]
# ### `gan_course.exercises.keras_files` {#exercises-keras_files}
#
# From the lesson [Checks: files of Keras networks](../exercises/keras_files.ipynb).
#
# | name | what it is |
# |---|-------|
# | [`check_digest`](../exercises/keras_files.ipynb#has-anything-changed) | Whether `digest` changes with all that a file of arrays holds, and with nothing else. |
# | [`Broken`](../exercises/keras_files.ipynb#the-old-file-or-the-new-one) | Looks like an array until somebody asks for its numbers. |
# | [`check_save`](../exercises/keras_files.ipynb#the-old-file-or-the-new-one) | Whether `save_arrays` leaves a whole archive in all cases, the old one or the new one, and nothing beside it. |

# %% [markdown]
# ### `gan_course.exercises.pytorch_config` {#exercises-pytorch_config}
#
# From the lesson [Checks: configuration](../exercises/pytorch_config.ipynb).
#
# | name | what it is |
# |---|-------|
# | [`check_pick`](../exercises/pytorch_config.ipynb#never-something-else) | Whether `pick` chooses only when it is asked to, and never replaces what was asked for. |
# | [`check_survives`](../exercises/pytorch_config.ipynb#too-small-to-matter) | Whether `survives` knows the spacing of a format, which grows with the number. |

# %% [markdown]
# ### `gan_course.exercises.pytorch_utils` {#exercises-pytorch_utils}
#
# From the lesson [Checks: seeds, measurements and grids](../exercises/pytorch_utils.ipynb).
#
# | name | what it is |
# |---|-------|
# | [`check_quietly`](../exercises/pytorch_utils.ipynb#as-if-nothing-had-happened) | Whether `quietly` gives what the function gives, and leaves the random generator alone. |
# | [`check_bytes`](../exercises/pytorch_utils.ipynb#a-network-with-a-sigmoid) | Whether `to_bytes` takes \[0, 1\] to the nearest of 256 levels, and what is outside to the ends. |
# | [`Watched`](../exercises/pytorch_utils.ipynb#the-worst-of-an-epoch) | A tensor that refuses to be read by Python while `reading` is False. |
# | [`check_maximum`](../exercises/pytorch_utils.ipynb#the-worst-of-an-epoch) | Whether `Maximum` keeps the largest number without waiting and without keeping the graph. |

# %% [markdown]
# ### `gan_course.exercises.pytorch_data` {#exercises-pytorch_data}
#
# From the lesson [Checks: data](../exercises/pytorch_data.ipynb).
#
# | name | what it is |
# |---|-------|
# | [`check_position`](../exercises/pytorch_data.ipynb#where-were-we) | Whether `position` gives the epoch and the step of the batch that comes next. |
# | [`check_shifted`](../exercises/pytorch_data.ipynb#shifted-images) | Whether `shifted` moves every image by its own shift and fills with black. |

# %% [markdown]
# ### `gan_course.exercises.pytorch_model` {#exercises-pytorch_model}
#
# From the lesson [Checks: the two networks](../exercises/pytorch_model.ipynb).
#
# | name | what it is |
# |---|-------|
# | [`check_even`](../exercises/pytorch_model.ipynb#which-kernels-are-even) | Whether `is_even` knows which transposed convolutions reach every pixel equally often. |
# | [`check_parameters`](../exercises/pytorch_model.ipynb#by-hand) | Whether the formula gives what PyTorch counts. |
# | [`check_generator32`](../exercises/pytorch_model.ipynb#a-generator-for-32-32) | Whether `make` builds a convolutional generator of 32 by 32 pixels in \[-1, 1\]. |

# %% [markdown]
# ### `gan_course.exercises.pytorch_engine` {#exercises-pytorch_engine}
#
# From the lesson [Checks: the engine](../exercises/pytorch_engine.ipynb).
#
# | name | what it is |
# |---|-------|
# | [`check_r1`](../exercises/pytorch_engine.ipynb#r1-from-the-formula) | Whether `r1` is the penalty of Mescheder et al. (2018, eq. 9), differentiable by the weights. |
# | [`check_hinge`](../exercises/pytorch_engine.ipynb#pairs-with-a-margin) | Whether `paired_hinge` compares each real image with its fake, by a margin of 1, for both. |
# | [`check_smoothing`](../exercises/pytorch_engine.ipynb#smoothing-on-one-side) | Whether `smoothed` labels real images 1 - s and generated ones 0. |
# | [`check_mixing`](../exercises/pytorch_engine.ipynb#where-wgan-gp-looks) | Whether `between` picks a uniform point on the line between each pair (Gulrajani et al. 2017). |

# %% [markdown]
# ### `gan_course.exercises.pytorch_train` {#exercises-pytorch_train}
#
# From the lesson [Checks: training](../exercises/pytorch_train.ipynb).
#
# | name | what it is |
# |---|-------|
# | [`check_average`](../exercises/pytorch_train.ipynb#half-life) | Whether `follow` averages with a half-life in images, and takes the buffers along. |
# | [`check_checkpoint`](../exercises/pytorch_train.ipynb#a-checkpoint-of-your-own) | Whether a training that was saved after three steps and loaded ends with the same bits. |

# %% [markdown]
# ### `gan_course.exercises.pytorch_inference` {#exercises-pytorch_inference}
#
# From the lesson [Checks: sampling](../exercises/pytorch_inference.ipynb).
#
# | name | what it is |
# |---|-------|
# | [`check_slerp`](../exercises/pytorch_inference.ipynb#the-arc-between-two-vectors) | Whether `slerp` walks on the arc, also between vectors of one direction. |
# | [`check_truncated`](../exercises/pytorch_inference.ipynb#draw-again) | Whether `truncated` draws from the middle of the normal distribution. |
# | [`check_eval`](../exercises/pytorch_inference.ipynb#a-visitor-who-leaves-no-trace) | Whether `peek` draws in evaluation mode and leaves the generator as it was. |

# %% [markdown]
# ### `gan_course.exercises.pytorch_gan_pytorch` {#exercises-pytorch_gan_pytorch}
#
# From the lesson [Checks: the PyTorch lab](../exercises/pytorch_gan_pytorch.ipynb).
#
# | name | what it is |
# |---|-------|
# | [`check_arithmetic`](../exercises/pytorch_gan_pytorch.ipynb#arithmetic-of-a-run) | Whether `arithmetic` counts the steps of a run as the training loop does. |
# | [`check_winner`](../exercises/pytorch_gan_pytorch.ipynb#who-is-winning) | Whether `winner` reads the ranking and nothing else. |
# | [`check_diversity`](../exercises/pytorch_gan_pytorch.ipynb#a-number-for-collapse) | Whether `diversity` is the mean root mean squared difference over pairs of different images. |

# %% [markdown]
# ### `gan_course.exercises.tensorflow_config` {#exercises-tensorflow_config}
#
# From the lesson [Checks: configuration (TensorFlow)](../exercises/tensorflow_config.ipynb).
#
# | name | what it is |
# |---|-------|
# | [`two_replicas`](../exercises/tensorflow_config.ipynb) | A `MirroredStrategy` of two logical devices. `CourseError` if TensorFlow has started with one. |
# | [`per_replica`](../exercises/tensorflow_config.ipynb) | What `function()` gives in each replica, as arrays. Runs in a `tf.function`, as training does. |
# | [`check_share`](../exercises/tensorflow_config.ipynb#a-replicas-share) | Whether `share` gives each replica its part of a batch, and each image to one of them. |
# | [`check_loss`](../exercises/tensorflow_config.ipynb#whose-mean) | Whether replicas that add up their gradients take the step of the whole batch's mean. |
# | [`check_build`](../exercises/tensorflow_config.ipynb#made-in-the-scope) | Whether all variables of a network and its optimiser are made inside the strategy's scope. |
# | [`check_survives`](../exercises/tensorflow_config.ipynb#too-small-to-matter) | Whether `survives` knows in which format a policy keeps its weights, and how that rounds. |

# %% [markdown]
# ### `gan_course.exercises.tensorflow_utils` {#exercises-tensorflow_utils}
#
# From the lesson [Checks: seeds and measurements (TensorFlow)](../exercises/tensorflow_utils.ipynb).
#
# | name | what it is |
# |---|-------|
# | [`check_seed`](../exercises/tensorflow_utils.ipynb#seeds-that-never-meet) | Whether `seed_of` gives every draw of every iteration of every run a seed of its own. |
# | [`check_bytes`](../exercises/tensorflow_utils.ipynb#a-network-with-a-sigmoid) | Whether `to_bytes` takes \[0, 1\] to the nearest of 256 levels, and what is outside to the ends. |
# | [`check_maximum`](../exercises/tensorflow_utils.ipynb#the-worst-of-an-epoch) | Whether `Maximum` keeps the largest number, also of steps that run inside of a `tf.function`. |

# %% [markdown]
# ### `gan_course.exercises.tensorflow_data` {#exercises-tensorflow_data}
#
# From the lesson [Checks: data (TensorFlow)](../exercises/tensorflow_data.ipynb).
#
# | name | what it is |
# |---|-------|
# | [`check_position`](../exercises/tensorflow_data.ipynb#where-were-we) | Whether `position` gives the epoch and the step of the batch that comes next. |
# | [`check_pipeline`](../exercises/tensorflow_data.ipynb#a-pipeline-for-sorted-images) | Whether `pipeline` shuffles all of the images anew in each epoch, in full batches. |
# | [`check_shifted`](../exercises/tensorflow_data.ipynb#shifted-images) | Whether `shifted` moves each image by its own shift and fills with black, also in a graph. |

# %% [markdown]
# ### `gan_course.exercises.tensorflow_model` {#exercises-tensorflow_model}
#
# From the lesson [Checks: the two networks (TensorFlow)](../exercises/tensorflow_model.ipynb).
#
# | name | what it is |
# |---|-------|
# | [`rows_met`](../exercises/tensorflow_model.ipynb#where-the-padding-goes) | Which rows of the kernel meet the image in the first place and in the last, as Keras does it. |
# | [`check_padding`](../exercises/tensorflow_model.ipynb#where-the-padding-goes) | Whether `padding` knows how many rows `padding="same"` adds on either side. |
# | [`check_parameters`](../exercises/tensorflow_model.ipynb#by-hand) | Whether the formula gives what training can change. |
# | [`check_generator32`](../exercises/tensorflow_model.ipynb#a-generator-for-32-32) | Whether `make` builds a convolutional generator of 32 by 32 pixels in \[-1, 1\]. |

# %% [markdown]
# ### `gan_course.exercises.tensorflow_engine` {#exercises-tensorflow_engine}
#
# From the lesson [Checks: the engine (TensorFlow)](../exercises/tensorflow_engine.ipynb).
#
# | name | what it is |
# |---|-------|
# | [`check_r1`](../exercises/tensorflow_engine.ipynb#r1-from-the-formula) | Whether `r1` is the penalty of Mescheder et al. (2018, eq. 9), and a tape around it sees it. |
# | [`check_smoothing`](../exercises/tensorflow_engine.ipynb#smoothing-on-one-side) | Whether `smoothed` labels real images 1 - s and generated ones 0. |
# | [`check_mixing`](../exercises/tensorflow_engine.ipynb#where-wgan-gp-looks) | Whether `between` picks a uniform point on the line between each pair (Gulrajani et al. 2017). |
# | [`in_a_loop`](../exercises/tensorflow_engine.ipynb#traced-once) | Whether what is traced now stands in the body of a loop of the graph. |
# | [`check_run`](../exercises/tensorflow_engine.ipynb#traced-once) | Whether `run` takes n steps in one call of a `tf.function`, traced once for all n and lr. |

# %% [markdown]
# ### `gan_course.exercises.tensorflow_train` {#exercises-tensorflow_train}
#
# From the lesson [Checks: training (TensorFlow)](../exercises/tensorflow_train.ipynb).
#
# | name | what it is |
# |---|-------|
# | [`check_average`](../exercises/tensorflow_train.ipynb#half-life) | Whether `follow` averages with a half-life in images, and takes the statistics along. |
# | [`check_checkpoint`](../exercises/tensorflow_train.ipynb#a-checkpoint-of-your-own) | Whether a training that was saved after three steps and loaded ends with the same bits. |

# %% [markdown]
# ### `gan_course.exercises.tensorflow_inference` {#exercises-tensorflow_inference}
#
# From the lesson [Checks: sampling (TensorFlow)](../exercises/tensorflow_inference.ipynb).
#
# | name | what it is |
# |---|-------|
# | [`check_slerp`](../exercises/tensorflow_inference.ipynb#the-arc-between-two-vectors) | Whether `slerp` walks on the arc, also between vectors of one direction. |
# | [`check_truncated`](../exercises/tensorflow_inference.ipynb#draw-again) | Whether `truncated` draws from the middle of the normal distribution, as its seed says. |
# | [`check_sample`](../exercises/tensorflow_inference.ipynb#the-company-a-latent-is-in) | Whether `sample` gives a latent one image in any batch, and leaves the generator as it was. |
# | [`self_normalised`](../exercises/tensorflow_inference.ipynb#the-company-a-latent-is-in) | What `training=True` would give, without touching the statistics. |

# %% [markdown]
# ### `gan_course.exercises.tensorflow_gan_tensorflow` {#exercises-tensorflow_gan_tensorflow}
#
# From the lesson [Checks for the TensorFlow lab](../exercises/tensorflow_gan_tensorflow.ipynb).
#
# | name | what it is |
# |---|-------|
# | [`check_spikes`](../exercises/tensorflow_gan_tensorflow.ipynb#spikes) | Whether `spikes` compares each loss with the median of the up to five before it. |
# | [`check_within`](../exercises/tensorflow_gan_tensorflow.ipynb#equal-time) | Whether `best_within` looks at time, and at no later epoch. |

# %% [markdown]
# ### `gan_course.exercises.tensorflow_same_step_twice` {#exercises-tensorflow_same_step_twice}
#
# From the lesson [Checks for The same step twice](../exercises/tensorflow_same_step_twice.ipynb).
#
# | name | what it is |
# |---|-------|
# | [`check_momentum`](../exercises/tensorflow_same_step_twice.ipynb) | Exercise 1 of The same step twice. |
# | [`check_variance`](../exercises/tensorflow_same_step_twice.ipynb) | Exercise 2 of The same step twice. |

# %% [markdown]
# ### `gan_course.exercises.tpu_config` {#exercises-tpu_config}
#
# From the lesson [Checks: configuration (TPU)](../exercises/tpu_config.ipynb).
#
# | name | what it is |
# |---|-------|
# | [`check_used`](../exercises/tpu_config.ipynb#how-full-is-the-unit) | Whether `used` fills up each side of a product, and no side that needs it not. |
# | [`check_for_devices`](../exercises/tpu_config.ipynb#from-one-core-to-eight) | Whether `for_devices` changes what depends on the size of a batch, and nothing else. |

# %% [markdown]
# ### `gan_course.exercises.tpu_strategy` {#exercises-tpu_strategy}
#
# From the lesson [Checks: devices (TPU)](../exercises/tpu_strategy.ipynb).
#
# | name | what it is |
# |---|-------|
# | [`check_together`](../exercises/tpu_strategy.ipynb#what-eight-know-together) | Whether `together` gives mean and variance of the whole batch from those of equal shares. |
# | [`check_next_scale`](../exercises/tpu_strategy.ipynb#how-large-a-scale) | Whether `next_scale` halves after a bad step, leaves that one out, and doubles after enough good ones in a row. |

# %% [markdown]
# ### `gan_course.exercises.tpu_data` {#exercises-tpu_data}
#
# From the lesson [Checks: data (TPU)](../exercises/tpu_data.ipynb).
#
# | name | what it is |
# |---|-------|
# | [`check_rows`](../exercises/tpu_data.ipynb#across-the-end-of-an-epoch) | Whether `rows` gives the batches that training sees from a step on, through the ends of epochs. |
# | [`check_mean_score`](../exercises/tpu_data.ipynb#all-of-them-in-one-shape) | Whether `mean_score` counts every image once, and gives `score` batches of one size only. |

# %% [markdown]
# ### `gan_course.exercises.tpu_model` {#exercises-tpu_model}
#
# From the lesson [Checks: a model that plays both sides (TPU)](../exercises/tpu_model.ipynb).
#
# | name | what it is |
# |---|-------|
# | [`small_model`](../exercises/tpu_model.ipynb#what-to-keep) | A compiled `AdversarialModel` of four channels, with dropout. |
# | [`check_kept`](../exercises/tpu_model.ipynb#what-to-keep) | Whether `kept` has every variable on which the rest of a training depends. |
# | [`upsampled`](../exercises/tpu_model.ipynb#nine-multiplications-or-four) | What `UpSampling2D(2)` and a convolution make of a map. |
# | [`by_parts`](../exercises/tpu_model.ipynb#nine-multiplications-or-four) | Four kernels of 2 × 2, one for the even and odd rows and columns of the result. |
# | [`check_folded`](../exercises/tpu_model.ipynb#nine-multiplications-or-four) | Whether the four kernels of `folded` do what upsampling and a convolution do. |
# | [`check_ranked`](../exercises/tpu_model.ipynb#all-pairs) | Whether `ranked` compares every image with every sample, and calls a tie half right. |

# %% [markdown]
# ### `gan_course.exercises.tpu_callbacks` {#exercises-tpu_callbacks}
#
# From the lesson [Checks: callbacks (TPU)](../exercises/tpu_callbacks.ipynb).
#
# | name | what it is |
# |---|-------|
# | [`pretended_fit`](../exercises/tpu_callbacks.ipynb) | Call a callback as `fit` does, with the logs of each epoch; returns how many epochs there were until it, or the last row, ended. |
# | [`WON`](../exercises/tpu_callbacks.ipynb#enough-is-enough) | a constant |
# | [`EVEN`](../exercises/tpu_callbacks.ipynb#enough-is-enough) | a constant |
# | [`check_won`](../exercises/tpu_callbacks.ipynb#enough-is-enough) | Whether `Won` stops after a row of lost epochs, and not for any of its look-alikes. |
# | [`check_doubling`](../exercises/tpu_callbacks.ipynb#often-at-first) | Whether `Doubling` draws after epochs 1, 2, 4, 8, ... and after the last, once each, in a resumed run too. |

# %% [markdown]
# ### `gan_course.exercises.tpu_train` {#exercises-tpu_train}
#
# From the lesson [Checks: training with `fit` (TPU)](../exercises/tpu_train.ipynb).
#
# | name | what it is |
# |---|-------|
# | [`check_means`](../exercises/tpu_train.ipynb#means-that-survive) | Whether `Means` weighs each part by its steps, and goes on after a resume as if nothing had been. |
# | [`check_spacing`](../exercises/tpu_train.ipynb#how-often-to-save) | Whether `spacing` loses as little time as can be, to saving and to what was not saved. |

# %% [markdown]
# ### `gan_course.exercises.tpu_inference` {#exercises-tpu_inference}
#
# From the lesson [Checks: sampling (TPU)](../exercises/tpu_inference.ipynb).
#
# | name | what it is |
# |---|-------|
# | [`check_latents_of`](../exercises/tpu_inference.ipynb#one-picture-of-many) | Whether a latent depends on its number and the seed, and on nothing else. |
# | [`check_log_tries`](../exercises/tpu_inference.ipynb#how-often-to-draw-again) | Whether `log_tries` knows how rare a latent is that has no component beyond the limit. |

# %% [markdown]
# ### `gan_course.exercises.tpu_what_breaks` {#exercises-tpu_what_breaks}
#
# From the lesson [Checks: what breaks on a TPU (TPU)](../exercises/tpu_what_breaks.ipynb).
#
# | name | what it is |
# |---|-------|
# | [`check_padded`](../exercises/tpu_what_breaks.ipynb#one-shape) | Whether `padded` makes every batch the same size and says which rows count. |
# | [`check_keep_finite`](../exercises/tpu_what_breaks.ipynb#skip-what-is-not-finite) | Whether `keep_finite` drops a step whose gradients are not finite, also inside of `jax.jit`. |

# %% [markdown]
# ### `gan_course.exercises.tpu_speed` {#exercises-tpu_speed}
#
# From the lesson [Checks: where the time goes (TPU)](../exercises/tpu_speed.ipynb).
#
# | name | what it is |
# |---|-------|
# | [`check_compare`](../exercises/tpu_speed.ipynb#which-is-faster) | Whether `compare` finds how many times as fast b is, whatever else the machine did. |
# | [`check_steps_per_call`](../exercises/tpu_speed.ipynb#how-many-steps-a-call) | Whether `steps_per_call` is the smallest number with which the device waits no more than its share. |

# %% [markdown]
# ### `gan_course.exercises.tpu_gan_fashion_mnist` {#exercises-tpu_gan_fashion_mnist}
#
# From the lesson [Checks: Fashion-MNIST lab (TPU)](../exercises/tpu_gan_fashion_mnist.ipynb).
#
# | name | what it is |
# |---|-------|
# | [`check_variation`](../exercises/tpu_gan_fashion_mnist.ipynb#how-far-from-even) | Whether `variation` is the total variation distance of two lists of counts. |
# | [`check_best_epoch`](../exercises/tpu_gan_fashion_mnist.ipynb#the-epoch-to-keep) | Whether `best_epoch` finds the epoch with the smallest distance, where it was measured. |

# %% [markdown]
# ### `gan_course.exercises.flowers_config` {#exercises-flowers_config}
#
# From the lesson [Checks: configuration (flowers)](../exercises/flowers_config.ipynb).
#
# | name | what it is |
# |---|-------|
# | [`check_first_channels`](../exercises/flowers_config.ipynb#how-wide-is-the-first-map) | Whether `first_channels` goes from half of the image back to the projection, and doubles the channels on its way. |
# | [`check_equal_images`](../exercises/flowers_config.ipynb#equal-images) | Whether `equal_images` counts the images of full batches, rounds up, and changes nothing else. |

# %% [markdown]
# ### `gan_course.exercises.flowers_blossoms` {#exercises-flowers_blossoms}
#
# From the lesson [Checks: flowers drawn by rule](../exercises/flowers_blossoms.ipynb).
#
# | name | what it is |
# |---|-------|
# | [`check_cover`](../exercises/flowers_blossoms.ipynb#a-smooth-disc) | Whether `cover` falls in a straight line from 1 inside to 0 outside, one pixel wide, with a half on the border. |
# | [`check_ring`](../exercises/flowers_blossoms.ipynb#a-ring-of-petals) | Whether `ring` goes round evenly, rounds each direction by itself, and stays below 360. |

# %% [markdown]
# ### `gan_course.exercises.flowers_dataset` {#exercises-flowers_dataset}
#
# From the lesson [Checks: photographs (flowers)](../exercises/flowers_dataset.ipynb).
#
# | name | what it is |
# |---|-------|
# | [`check_is_test`](../exercises/flowers_dataset.ipynb#a-fifth-by-name) | Whether `is_test` depends on the file name only, holds out the share, and nests. |
# | [`check_brighter`](../exercises/flowers_dataset.ipynb#brighter-not-darker) | Whether `brighter` adds one number of the right range to all pixels, by the seed, and clips. |

# %% [markdown]
# ### `gan_course.exercises.flowers_networks` {#exercises-flowers_networks}
#
# From the lesson [Checks: networks for photographs (flowers)](../exercises/flowers_networks.ipynb).
#
# | name | what it is |
# |---|-------|
# | [`lying_on`](../exercises/flowers_networks.ipynb#which-windows-are-even) | How many windows lie on each of `stride` pixels in a row, away from the border; then it repeats. |
# | [`check_even`](../exercises/flowers_networks.ipynb#which-windows-are-even) | Whether `even` agrees with counting the windows on each pixel. |
# | [`check_smoothed`](../exercises/flowers_networks.ipynb#smooth-instead-of-flipping) | Whether `smoothed` labels real images 1 - p, generated ones 0, and takes logits of any size. |

# %% [markdown]
# ### `gan_course.exercises.flowers_augment` {#exercises-flowers_augment}
#
# From the lesson [Checks: augmentation that does not leak (flowers)](../exercises/flowers_augment.ipynb).
#
# | name | what it is |
# |---|-------|
# | [`check_both`](../exercises/flowers_augment.ipynb#on-both-sides) | Whether `both` changes both kinds of images, by draws that occur once in a run and that the iteration determines. |
# | [`check_noise`](../exercises/flowers_augment.ipynb#a-fifth-change) | Whether `noise` adds normal noise, of a deviation of its own for each image, from the seed alone, and lets the gradient pass. |

# %% [markdown]
# ### `gan_course.exercises.flowers_utils` {#exercises-flowers_utils}
#
# From the lesson [Checks: noise and pictures (flowers)](../exercises/flowers_utils.ipynb).
#
# | name | what it is |
# |---|-------|
# | [`check_walk`](../exercises/flowers_utils.ipynb#a-walk-between-two-flowers) | Whether `walk` goes from a to b, evenly, round the origin. |
# | [`check_copies`](../exercises/flowers_utils.ipynb#how-many-are-copies) | Whether `copies` takes the hundredth that is nearest as its limit, and counts what is nearer. |

# %% [markdown]
# ### `gan_course.exercises.flowers_trainer` {#exercises-flowers_trainer}
#
# From the lesson [Checks: training on photographs (flowers)](../exercises/flowers_trainer.ipynb).
#
# | name | what it is |
# |---|-------|
# | [`check_purposes`](../exercises/flowers_trainer.ipynb#a-seed-for-each-purpose) | Whether no two runs, iterations or purposes share a seed, and all fit. |
# | [`check_memorises`](../exercises/flowers_trainer.ipynb#since-when-does-it-memorise) | Whether `memorises` finds the first of several measurements in a row, over rows without any. |

# %% [markdown]
# ### `gan_course.exercises.flowers_gan_flowers` {#exercises-flowers_gan_flowers}
#
# From the lesson [Checks: flowers lab (flowers)](../exercises/flowers_gan_flowers.ipynb).
#
# | name | what it is |
# |---|-------|
# | [`check_images_until`](../exercises/flowers_gan_flowers.ipynb#how-many-images-until-then) | Whether `images_until` finds the first epoch that is good enough, over epochs without a measurement. |
# | [`check_spread_ratio`](../exercises/flowers_gan_flowers.ipynb#does-the-brightness-leak) | Whether `spread_ratio` compares how the mean brightness varies between images, in floating point. |

# %% [markdown]
# ### `gan_course.exercises.refinement_iterate` {#exercises-refinement_iterate}
#
# From the lesson [Checks: from a first run to a recipe](../exercises/refinement_iterate.ipynb).
#
# | name | what it is |
# |---|-------|
# | [`check_paired`](../exercises/refinement_iterate.ipynb#a-test-of-pairs) | Whether `paired_p` is the exact two-sided permutation test of pairs (Fisher 1935). |
# | [`check_rounds`](../exercises/refinement_iterate.ipynb#what-the-rounds-cost) | Whether `rounds` halves the variants, and makes each round cost as much as the first. |
# | [`check_confirm`](../exercises/refinement_iterate.ipynb#search-here-confirm-there) | Whether `confirm` chooses by the first seeds and measures by the others. |

# %% [markdown]
# ### `gan_course.exercises.refinement_flow_matching` {#exercises-refinement_flow_matching}
#
# From the lesson [Checks: flow matching](../exercises/refinement_flow_matching.ipynb).
#
# | name | what it is |
# |---|-------|
# | [`check_bridge`](../exercises/refinement_flow_matching.ipynb#on-the-line) | Whether `on_the_line` goes from noise at t = 0 to data at t = 1 (Liu et al. 2023, eq. 1). |
# | [`check_loss`](../exercises/refinement_flow_matching.ipynb#the-loss-with-its-dice) | Whether `loss` draws noise and one uniform time per image, and takes the mean squared error. |
# | [`check_euler`](../exercises/refinement_flow_matching.ipynb#euler) | Whether `euler` takes equal steps from t = 0, each with the velocity at its beginning. |
# | [`check_ends`](../exercises/refinement_flow_matching.ipynb#both-ends) | Whether `ends` finds both ends of the line through x with velocity v. |

# %% [markdown]
# ### `gan_course.exercises.results` {#exercises-results}
#
# From the lesson [Checks: results](../exercises/results.ipynb).
#
# | name | what it is |
# |---|-------|
# | [`check_headline`](../exercises/results.ipynb#a-headline) | Whether it is the median, the lowest and the highest. |
# | [`check_at_equal_images`](../exercises/results.ipynb#at-equal-images) | Whether it is the last row that had seen no more. |

# %% [markdown]
# ### `gan_course.exercises.command` {#exercises-command}
#
# From the lesson [Checks: the command](../exercises/command.ipynb).
#
# | name | what it is |
# |---|-------|
# | [`check_status`](../exercises/command.ipynb#an-exit-status) | Whether `status` turns what a command raises into an exit status, and hides no mistake. |
# | [`check_last`](../exercises/command.ipynb#the-last-one-counts) | Whether `last` reads an option as a command line means it. |

# %% [markdown]
# ### `gan_course.exercises.site` {#exercises-site}
#
# From the lesson [Checks: how this site is built](../exercises/site.ipynb).
#
# | name | what it is |
# |---|-------|
# | [`check_kaggle_link`](../exercises/site.ipynb#another-branch) | Whether the address follows owner, name and branch, and names the notebook. |
# | [`check_order`](../exercises/site.ipynb#a-lesson-in-the-wrong-place) | Whether exactly the imports from later lessons are found. |

# %% [markdown]
# ## About
#
# ### `gan_course.results` {#about-results}
#
# From the lesson [Results](../about/results.ipynb).
#
# | name | what it is |
# |---|-------|
# | [`fitting_judge`](../about/results.ipynb#one-run) | The judge for such images, or None. |
# | [`feature_file`](../about/results.ipynb#one-run) | Where `remembered` keeps what a judge says of a data set, in the user's cache. |
# | [`reference_of`](../about/results.ipynb#one-run) | The `Reference` of a data set. |
# | [`evaluate_images`](../about/results.ipynb#one-run) | What is known of samples, as `evaluation.json` holds it. |
# | [`in_own_process`](../about/results.ipynb#one-run) | What the function returns, or the `CourseError` it raises, from a fresh Python. |
# | [`inception_frechet`](../about/results.ipynb#one-run) | FID by the published protocol: samples against the test images. |
# | [`evaluate_run`](../about/results.ipynb#one-run) | Write evaluation.json and evaluation.png. Returns what stands in the former. |
# | [`in_words`](../about/results.ipynb#one-run) | The numbers as lines of text. |
# | [`compared`](../about/results.ipynb#one-run) | The nine numbers of several runs as lines of text, each with its interval; the floor, which has to be the same for all, stands last. |
# | [`run_folders`](../about/results.ipynb#many-runs) | All run folders in the order given. `CourseError` where there is none. |
# | [`summary`](../about/results.ipynb#many-runs) | What the table says of a run, name -\> value; None for what it lacks. `CourseError` for files that are no run's. |
# | [`number`](../about/results.ipynb#many-runs) | As text, empty for None. |
# | [`table`](../about/results.ipynb#many-runs) | Markdown. |
# | [`headline`](../about/results.ipynb#many-runs) | The Fréchet distance of a group: median, lowest to highest. |
# | [`groups_of`](../about/results.ipynb#many-runs) | Lists of rows that differ only in their seed. |
# | [`headlines`](../about/results.ipynb#many-runs) | A line for each group of seeds. |
# | [`qualities`](../about/results.ipynb#many-runs) | A line for each run: the distance with its interval, the others with their floors. |
# | [`costs`](../about/results.ipynb#many-runs) | A line for each run: what it took. |
# | [`report`](../about/results.ipynb#many-runs) | The three tables in Markdown, as lines. |
# | [`MARKS`](../about/results.ipynb#many-runs) | images seen |
# | [`strips_of`](../about/results.ipynb#many-runs) | Samples \[epochs, 8, H, W, C\] and how many images had been seen, \[epochs\]; None if the run kept none. |
# | [`grids_figure`](../about/results.ipynb#many-runs) | Rows: runs; columns: samples after so many images. None if no run has any. |
# | [`abridge`](../about/results.ipynb#many-runs) | Copy what `report` and `grids_figure` need. Returns the new folder. |

# %% [markdown]
# ### `gan_course.__main__` {#about-command}
#
# From the lesson [The command](../about/command.ipynb).
#
# | name | what it is |
# |---|-------|
# | [`TRACKS`](../about/command.ipynb#options-from-a-dataclass) | a constant |
# | [`SOURCES`](../about/command.ipynb#options-from-a-dataclass) | a constant |
# | [`check_track`](../about/command.ipynb#options-from-a-dataclass) | Raise `CourseError` for an unknown track. |
# | [`load_track`](../about/command.ipynb#options-from-a-dataclass) | The package of a track, imported only now. `CourseError` for an unknown or uninstalled one. |
# | [`only_config`](../about/command.ipynb#options-from-a-dataclass) | For help: the configuration of a track, without the rest of its package. |
# | [`guess`](../about/command.ipynb#options-from-a-dataclass) | A friendly question, if something similar is known. |
# | [`one_line`](../about/command.ipynb#options-from-a-dataclass) | What a box drawn by tyro says, without the box; where UTF-8 is missing it is drawn in dashes. |
# | [`parse`](../about/command.ipynb#options-from-a-dataclass) | Call `function` with options from the command line. A mistake is a one-line `CourseError`. |
# | [`option_value`](../about/command.ipynb#train) | The value given last for an option, before anything else is parsed; None if it is not there. |
# | [`train_options`](../about/command.ipynb#train) | A function whose parameters are the options of `gan-course train`. |
# | [`train_command`](../about/command.ipynb#train) | gan-course train TRACK ... |
# | [`check_seed`](../about/command.ipynb#sample) | Raise `CourseError` for a seed that PyTorch could not take. |
# | [`sample_options`](../about/command.ipynb#sample) | Draw images from a trained generator. |
# | [`sample_command`](../about/command.ipynb#sample) | gan-course sample TRACK ... |
# | [`evaluate_options`](../about/command.ipynb#evaluate) | Say with numbers how far a run's images are from real ones. |
# | [`evaluate_command`](../about/command.ipynb#evaluate) | gan-course evaluate ... |
# | [`report_options`](../about/command.ipynb#report) | Put runs into tables, from their own files. |
# | [`report_command`](../about/command.ipynb#report) | gan-course report ... |
# | [`photographs_status`](../about/command.ipynb#datasets) | Rows of `dataset_status` for the photographs and the drawn flowers; no file is read. |
# | [`datasets_options`](../about/command.ipynb#datasets) | What there is, where it lies, and how to get what is missing. |
# | [`datasets_command`](../about/command.ipynb#datasets) | gan-course datasets ... |
# | [`config_hints`](../about/command.ipynb#completion) | Field -\> type of a track's `Config`, read from its source; no framework is imported. |
# | [`options_of`](../about/command.ipynb#completion) | Option -\> the values that can be listed, for one command; None if no value follows. |
# | [`complete`](../about/command.ipynb#completion) | What the last word could become. Nothing: any file. |
# | [`SHELLS`](../about/command.ipynb#completion) | a constant |
# | [`completion_command`](../about/command.ipynb#completion) | gan-course completion SHELL, and gan-course completion words ..., which a shell calls. |
# | [`COMMANDS`](../about/command.ipynb#all-together) | a constant |
# | [`USAGE`](../about/command.ipynb#all-together) | a constant |
# | [`dispatch`](../about/command.ipynb#all-together) | Find the command and run it. |
# | [`main`](../about/command.ipynb#all-together) | The command `gan-course`. Returns its exit status. |

# %% [markdown]
# ### `gan_course._site` {#about-site}
#
# From the lesson [How this site is built](../about/site.ipynb).
#
# | name | what it is |
# |---|-------|
# | [`find_root`](../about/site.ipynb#one-file-knows-where-we-live) | The repository's root folder; raises `CourseError` outside of one. |
# | [`read_settings`](../about/site.ipynb#one-file-knows-where-we-live) | What `settings.ini` says. |
# | [`BADGES`](../about/site.ipynb#links-above-a-lesson) | how the cell with the links is recognised |
# | [`badges`](../about/site.ipynb#links-above-a-lesson) | The links that stand above a lesson: open it in Colab, in Kaggle, or read its source. |
# | [`ways_in`](../about/site.ipynb#links-above-a-lesson) | What stands on the home page in place of badges: how to read, run and install the course. |
# | [`INSTALL`](../about/site.ipynb#the-install-cell) | how the cell is recognised |
# | [`EXTRAS`](../about/site.ipynb#the-install-cell) | folders whose lessons use the packages of another track |
# | [`install_cell`](../about/site.ipynb#the-install-cell) | A cell that installs this release on Colab and Kaggle, and does nothing anywhere else. |
# | [`TWINS`](../about/site.ipynb#what-a-lesson-exports) | lessons that two tracks share |
# | [`PARTS`](../about/site.ipynb#what-a-lesson-exports) | a constant |
# | [`exported`](../about/site.ipynb#what-a-lesson-exports) | The public names that a lesson exports, in its order. |
# | [`lessons`](../about/site.ipynb#stamping) | Every notebook of the course. |
# | [`reading_order`](../about/site.ipynb#stamping) | The order of the course, from `_quarto.yml`. |
# | [`FOLDED`](../about/site.ipynb#stamping) | a constant |
# | [`fold`](../about/site.ipynb#stamping) | Fold a cell that the site folds, and no other. |
# | [`stamp_notebook`](../about/site.ipynb#stamping) | Write links, install cell and place into a lesson, and fold its solutions; a page without code gets its place only. |
# | [`as_script`](../about/site.ipynb#stamping) | The text copy of a notebook, as it stands in `scripts/`. |
# | [`write_scripts`](../about/site.ipynb#stamping) | Write `scripts/` from `nbs/`, and remove texts whose notebook is gone. |
# | [`stamp`](../about/site.ipynb#stamping) | Stamp every lesson of the repository. |
# | [`SHAPES`](../about/site.ipynb#a-script-for-kaggle) | a constant |
# | [`kernel_metadata`](../about/site.ipynb#a-script-for-kaggle) | How Kaggle is to run a lesson as a script. Raises `CourseError` for an unknown accelerator. |
# | [`write_kernels`](../about/site.ipynb#a-script-for-kaggle) | Write `scripts/kaggle/` from the notebooks that ask for it. |
# | [`to_readme`](../about/site.ipynb#the-readme) | A notebook as markdown that GitHub and PyPI can show. |
# | [`write_readme`](../about/site.ipynb#the-readme) | Write `README.md` and its pictures from `nbs/index.ipynb`. |
# | [`api_page`](../about/site.ipynb#pages-made-from-the-lessons) | Every public name of the package, each with the section of the lesson that makes it. |
# | [`side_by_side`](../about/site.ipynb#pages-made-from-the-lessons) | The PyTorch lessons beside their TensorFlow twins, name by name. |
# | [`not_found`](../about/site.ipynb#pages-made-from-the-lessons) | What a reader sees at an address without a page; links are whole, since it has no place. |
# | [`pages`](../about/site.ipynb#pages-made-from-the-lessons) | The pages that are made from the others, as they should be. |
# | [`write_pages`](../about/site.ipynb#pages-made-from-the-lessons) | Write the pages that are made from the others. |
# | [`card`](../about/site.ipynb#a-card) | The picture that stands for the course where somebody links to it. |
# | [`home_picture`](../about/site.ipynb#a-card) | The samples on the home page. |
# | [`write_card`](../about/site.ipynb#a-card) | Draw the card again, from the samples on the home page. |
# | [`filter_notebook`](../about/site.ipynb#the-filter) | What Quarto should render for this notebook. |
# | [`main`](../about/site.ipynb#the-command) | `python -m gan_course._site stamp\|scripts\|pages\|card\|readme\|badges LESSON`; alone: a filter. |
