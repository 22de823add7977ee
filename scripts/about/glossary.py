# ---
# jupyter:
#   kernelspec:
#     display_name: python3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # Glossary
#
# > The words of this field as the course uses them, each with the lesson that introduces it
#
# - order: 115

# %% [markdown]
# In each lesson the first use of one of these words links here, and each entry ends with a link to the place where the lessons
# introduce it.
# <!-- For authors: the comment behind an entry lists the words that count as its use; `=` exact case, `!` no use of it. -->

# %% [markdown]
# ## A
#
# **[Accelerator]{#gl-accelerator}.** A processor built for products of matrices, a GPU or a TPU. It works through a queue that the program on the *host* fills, and each question from the host makes both wait. See [Devices](../tpu/strategy.ipynb#an-accelerator-in-one-sentence).
# <!-- words: accelerator -->
#
# **[Adam]{#gl-adam}.** An optimiser that divides a running mean of the gradients by the root of a running mean of their squares [@kingma2014adam]. In this course its momentum β₁ is mostly 0: in a game, old gradients are advice about an opponent who has moved on. See [The optimisers](../pytorch/train.ipynb#the-optimisers).
# <!-- words: =Adam -->
#
# **[Atomic write]{#gl-atomic}.** A file is written beside its name and then renamed, so that whoever looks finds the old file or the new one and never a part. See [All or nothing](../foundations/runs.ipynb#all-or-nothing).
# <!-- words: atomic; atomically; atomic write -->
#
# **[Augmentation]{#gl-augmentation}.** Showing a network changed copies of its training images: mirrored, moved, tinted. In a GAN the generator learns to imitate such changes, unless they are made as [DiffAugment](#gl-diffaugment) makes them. See [Photographs](../flowers/dataset.ipynb#changed-copies).
# <!-- words: augmentation -->
#
# **[Autocast]{#gl-autocast}.** PyTorch's way to mixed precision: inside it, convolutions and matrix products are computed in [bf16](#gl-bf16), and weights, sums and losses stay in float32. See [The number format](../pytorch/config.ipynb#the-number-format).
# <!-- words: autocast -->

# %% [markdown]
# ## B
#
# **[Backend]{#gl-backend}.** The library that computes below Keras: TensorFlow, JAX or PyTorch. It is chosen once per process, when Keras is imported. See [Which backend](../tpu/config.ipynb#which-backend).
# <!-- words: backend -->
#
# **[Batch]{#gl-batch}.** The images of one training step, a random sample of the data. A mean over it is right on average and off by the deviation divided by the root of the batch size. See [What a batch is](../foundations/datasets.ipynb#what-a-batch-is).
# <!-- words: batch; batches -->
#
# **[BatchNorm]{#gl-batchnorm}.** A layer that gives each channel the mean 0 and the variance 1 over the batch, and then a learnt scale and shift [@ioffe2015batchnorm]. In training an image therefore depends on its neighbours; for sampling there are running statistics. See [The two networks](../pytorch/model.ipynb#twice-as-large).
# <!-- words: =BatchNorm; batch normalisation; batch normalization -->
#
# **[bf16, bfloat16]{#gl-bf16}.** A number format of two bytes with the range of float32 and about three decimal digits. Products may be computed in it; weights and sums may not be kept in it. See [The number format](../pytorch/config.ipynb#the-number-format).
# <!-- words: bfloat16; bf16 -->
#
# **[Biased, unbiased]{#gl-bias}.** An estimate is biased if it is wrong on average, not only by chance. The Fréchet distance of few samples is too large, however good they are; the [kernel distance](#gl-kernel-distance) is right on average for any number. See [How many samples?](../foundations/evaluate.ipynb#how-many-samples).
# <!-- words: biased; unbiased -->
#
# **[Bootstrap]{#gl-bootstrap}.** To learn how far a mean may be off: draw as many values from the ones you have, with replacement, many times, and see how their means vary [@efron1979bootstrap]. See [Ten runs, and an interval](../foundations/toy.ipynb#ten-runs-and-an-interval).
# <!-- words: bootstrap -->
#
# **[Budget]{#gl-budget}.** How much a run may use: epochs, images, seconds. In the code, `budget(full=30, fast=1)` holds the number of a full run and that of a fast one side by side. See [A full run and a fast one](../foundations/start.ipynb#a-full-run-and-a-fast-one).
# <!-- words: budget -->

# %% [markdown]
# ## C
#
# **[Callback]{#gl-callback}.** An object whose methods Keras calls at certain moments of `fit`, such as the end of an epoch. It sees the device between two calls, and each look costs a wait. See [Callbacks](../tpu/callbacks.ipynb#the-smallest-callback).
# <!-- words: callback -->
#
# **[Checkerboard]{#gl-checkerboard}.** A regular pattern of two or four pixels in generated images. It comes from the stamps of a [transposed convolution](#gl-transposed-convolution), which overlap unevenly or carry different weights [@odena2016checkerboard]. See [The checkerboard](../pytorch/model.ipynb#the-checkerboard).
# <!-- words: checkerboard -->
#
# **[Checkpoint]{#gl-checkpoint}.** A file from which a run can go on: everything that the next step reads, that is both networks, both optimisers, the average, every random state and the place in the data. See [Resuming exactly](../foundations/runs.ipynb#resuming-exactly).
# <!-- words: checkpoint; !checkpoint interval -->
#
# **[Checksum]{#gl-checksum}.** A few digits computed from all bytes of a file or a data set, which change if one bit changes. With it two people know whether they used the same data. See [What a data set is](../foundations/datasets.ipynb#what-a-data-set-is-to-this-course).
# <!-- words: checksum -->
#
# **[Class distance]{#gl-class-distance}.** How far the classes of the samples, by the judge's opinion, are from the shares they should have: half the sum of the differences (total variation). 0.1 says that a tenth of the samples would have to be of another class. See [Which kinds?](../foundations/metrics.ipynb#which-kinds).
# <!-- words: class distance; total variation -->
#
# **[Conditional GAN]{#gl-conditional-gan}.** A GAN whose two networks are told which kind of image is meant, so that one can ask for a kind [@mirza2014conditional]. See [Ask for a sandal](../tensorflow/gan_tensorflow.ipynb#ask-for-a-sandal).
# <!-- words: conditional GAN -->
#
# **[Coverage, density]{#gl-coverage}.** Two numbers with balls around the *real* images only [@naeem2020density]. Coverage is the share of real images that have a sample in their ball; density counts into how many balls a sample falls. See [Are they good, and are they all?](../foundations/metrics.ipynb#are-they-good-and-are-they-all).
# <!-- words: coverage; density and coverage -->
#
# **[Critic]{#gl-critic}.** A discriminator without a sigmoid that plays for the [Wasserstein distance](#gl-wasserstein): it may not change by more than 1 per step of length 1, and the difference of its means estimates the distance. See [Losses and prices](../foundations/toy.ipynb#losses-and-prices).
# <!-- words: critic -->
#
# **[Cross-entropy]{#gl-cross-entropy}.** The loss of a classifier: minus the logarithm of the probability it gave to the right answer. The discriminator's part of the game is the binary form, with the labels 1 for real and 0 for generated. See [The game](../pytorch/engine.ipynb#the-game).
# <!-- words: cross-entropy -->
#
# **[CUDA graph]{#gl-cuda-graph}.** A recording of all the operations of a step on an NVIDIA GPU, replayed with one call, so that the GPU does not wait for Python. See [Record once, replay](../pytorch/engine.ipynb#on-a-gpu-record-once-replay).
# <!-- words: CUDA graph -->

# %% [markdown]
# ## D
#
# **[Data parallel training]{#gl-data-parallel}.** Each device has a copy of the networks and a share of the batch; gradients are averaged over all, so the copies stay equal. See [Several processes](../pytorch/train.ipynb#several-processes).
# <!-- words: data parallel; several devices; several processes -->
#
# **[DCGAN]{#gl-dcgan}.** The convolutional GAN of Radford, Metz and Chintala [-@radford2015dcgan]: transposed convolutions, BatchNorm in both networks, Adam with β₁ = 0.5. The recipe `dcgan` of this course is its form. See [Recipes](../foundations/configuration.ipynb#recipes).
# <!-- words: =DCGAN -->
#
# **[DiffAugment]{#gl-diffaugment}.** Augmentation that does not leak: real *and* generated images are changed, in front of the discriminator only, by operations through which the gradient passes [@zhao2020diffaugment]. See [Augmentation that does not leak](../flowers/augment.ipynb).
# <!-- words: DiffAugment -->
#
# **[Diffusion model]{#gl-diffusion}.** A generative model that learns to remove noise and makes an image from pure noise in many small steps [@ho2020ddpm]. A GAN needs one step, and [flow matching](#gl-flow-matching) is a near relative. See [Where it comes from](../foundations/objective.ipynb#where-it-comes-from).
# <!-- words: diffusion model -->
#
# **[Dirac-GAN]{#gl-dirac-gan}.** The smallest GAN [@mescheder2018converge]: all data are the number 0, the generator makes the number θ, the discriminator is ψx. It circles, and shows why a penalty stops that. See [The smallest GAN there is](../pytorch/engine.ipynb#the-smallest-gan-there-is).
# <!-- words: Dirac-GAN -->
#
# **[Discriminator]{#gl-discriminator}.** The network *D* that is shown real and generated images and says of each how likely it is to be real. Its gradient with respect to the image is all that the generator learns from. See [Where it comes from](../foundations/objective.ipynb#where-it-comes-from).
# <!-- words: discriminator -->
#
# **[Dropout]{#gl-dropout}.** A layer that puts a random share of its inputs to zero in training. On a discriminator's features it limits what can be learnt by heart; on its pixels it blinds it to fine texture. See [The discriminator](../flowers/networks.ipynb#the-discriminator).
# <!-- words: dropout -->
#
# **[Dtype policy]{#gl-dtype-policy}.** Keras's statement of the format in which a layer computes and the one in which it keeps its weights, such as `mixed_bfloat16`. See [The number format](../tensorflow/config.ipynb#the-number-format).
# <!-- words: dtype policy -->

# %% [markdown]
# ## E
#
# **[EMA, average of the generator]{#gl-ema}.** An exponential moving average: a second generator, never trained, that follows the first a little after each step. Two players circle a solution, and the average lies nearer to the centre [@yazici2018averaging]; samples come from it. See [How long a memory](../foundations/loop.ipynb#how-long-a-memory).
# <!-- words: =EMA; average of the generator; average generator; moving average; average of the generator's weights -->
#
# **[Epoch]{#gl-epoch}.** One pass through the training images, in a new order each time. See [What a batch is](../foundations/datasets.ipynb#what-a-batch-is).
# <!-- words: epoch -->
#
# **[Evaluation mode]{#gl-evaluation-mode}.** The state of a network for sampling: BatchNorm uses its running statistics and dropout does nothing, so that the same latent gives the same image whatever is beside it. See [Loading](../pytorch/inference.ipynb#loading).
# <!-- words: evaluation mode -->
#
# **[Exact resume]{#gl-resume}.** A run that was stopped or killed goes on from a checkpoint and ends with the same bits as one that was not. Then resuming can be tested by equality. See [Resuming exactly](../foundations/runs.ipynb#resuming-exactly).
# <!-- words: resume; resumed; resuming -->

# %% [markdown]
# ## F
#
# **[Factor]{#gl-factor}.** One of the few numbers from which a drawn image is made: size, width, length of the sleeve, light. In `garments` and `blossoms` all of them are known, so questions have an answer to compare with. See [Clothes drawn by rule](../foundations/datasets.ipynb#clothes-drawn-by-rule).
# <!-- words: known factors; handful of factors -->
#
# **[Fast mode]{#gl-fast-mode}.** With `GAN_COURSE_FAST=1` every lesson takes real steps on real code, only fewer: a test that it still runs, not a result. See [A full run and a fast one](../foundations/start.ipynb#a-full-run-and-a-fast-one).
# <!-- words: fast mode; fast version; fast lesson -->
#
# **[Features]{#gl-features}.** Numbers that describe an image by what is in it, taken from a layer of a trained classifier. A distance is only as good as its features. See [What features are good for](../foundations/features.ipynb#what-features-are-good-for).
# <!-- words: =features; !last features -->
#
# **[FID]{#gl-fid}.** The [Fréchet distance](#gl-frechet) in the features of the Inception network [@heusel2017fid]. Two values can be compared only for the same reference and the same number of samples. See [The network everybody uses](../foundations/metrics.ipynb#the-network-everybody-uses-and-why-not-here).
# <!-- words: =FID; Fréchet Inception distance -->
#
# **[Floor]{#gl-floor}.** What as many *real* test images get by the same measurement. No generator has to be better than that. See [Are they like real images, on the whole?](../foundations/metrics.ipynb#are-they-like-real-images-on-the-whole).
# <!-- words: floor -->
#
# **[Flow matching]{#gl-flow-matching}.** Training a network to say, at each place and time between noise and data, in which direction to move [@lipman2023flow; @liu2023rectified]. The loss is a regression, and a sample takes many small steps. See [The other way: flow matching](../refinement/flow_matching.ipynb).
# <!-- words: flow matching; rectified flow -->
#
# **[Fréchet distance]{#gl-frechet}.** The cost of moving one Gaussian onto another, $\lVert\mu_1-\mu_2\rVert^2 + \operatorname{Tr}(C_1 + C_2 - 2(C_1C_2)^{1/2})$. It compares means and covariances of two sets of features, and nothing else. See [The distance between two Gaussians](../foundations/evaluate.ipynb#the-distance-between-two-gaussians).
# <!-- words: Fréchet distance -->

# %% [markdown]
# ## G
#
# **[Generator]{#gl-generator}.** The network *G* that turns a [latent](#gl-latent) into an image. It never sees a real image; it only hears from the discriminator how its own would have to change. See [Where it comes from](../foundations/objective.ipynb#where-it-comes-from).
# <!-- words: generator; !random generator; !generator of its own; !generators of its own; !main generator; !global generator; !generator of random; !bits of a generator; !other generators; !random generators; !state of the generator; !state of the generators; !seed generator; !generator of the CPU; !leaves the generator; !generator of numbers; !generator of their own; !generators of their own; !generator of our own; !The generator is -->
#
# **[Gradient penalty]{#gl-gradient-penalty}.** A price on the slope of the discriminator. In WGAN-GP the norm of the gradient should be 1 at random points between real and generated images [@gulrajani2017wgangp]; [R1](#gl-r1) wants it small at the real ones. See [Losses and prices](../foundations/toy.ipynb#losses-and-prices).
# <!-- words: gradient penalty; =WGAN-GP -->

# %% [markdown]
# ## H
#
# **[Half-life]{#gl-half-life}.** How many images it takes until what the [average](#gl-ema) held before weighs half as much. Counted in images it means the same at every batch size. See [How long a memory](../foundations/loop.ipynb#how-long-a-memory).
# <!-- words: half-life -->
#
# **[Held-out images]{#gl-held-out}.** Real images that are never used for training. They show how near a new picture comes to the training set by chance, and whether a discriminator knows its own by heart. See [Hold some out, by name](../flowers/dataset.ipynb#hold-some-out-by-name).
# <!-- words: held-out -->
#
# **[Host synchronisation]{#gl-host-sync}.** The moment in which the program asks the device for a number and both wait, `.item()` for example. Once per step, it leaves a fast device idle much of the time. See [Measuring without waiting](../pytorch/utils.ipynb#measuring-without-waiting).
# <!-- words: waits for the device; wait for the device; waiting for the device; host sync -->
#
# **[HParams]{#gl-hparams}.** TensorBoard's tab in which every run is a row of settings and results that can be sorted. See [The same for every run](../foundations/tensorboard.ipynb#the-same-for-every-run).
# <!-- words: =HParams -->

# %% [markdown]
# ## I
#
# **[Inception score]{#gl-inception-score}.** A number that asks a classifier to be sure about each sample and to see all classes in the mean [@salimans2016improved]. It never looks at real images. See [Which kinds?](../foundations/metrics.ipynb#which-kinds).
# <!-- words: Inception score -->
#
# **[Instance noise]{#gl-instance-noise}.** Noise added to real and generated images alike before the discriminator sees them, so that the two distributions overlap [@sonderby2017amortised]. See [The engine](../pytorch/engine.ipynb#the-step-final-version).
# <!-- words: instance noise -->
#
# **[Interpolation on the arc]{#gl-interpolation}.** A walk from one latent to another along the sphere on which most latents lie, also called slerp [@shoemake1985quaternion; @white2016sampling]. The middle of the straight line is a place where the generator was never trained. See [Walking between latents](../pytorch/inference.ipynb#walking-between-latents).
# <!-- words: interpolation; interpolating; on the arc; slerp -->
#
# **[Interval]{#gl-interval}.** A range in which a number would lie if it were measured again: with other samples, or with other seeds. These are two different intervals, and a result has to say which it gives [@agarwal2021precipice]. See [Are they like real images, on the whole?](../foundations/metrics.ipynb#are-they-like-real-images-on-the-whole).
# <!-- words: interval; !half of an interval; !with intervals of; !the interval of; !checkpoint_save_interval -->

# %% [markdown]
# ## J
#
# **[Jensen–Shannon divergence]{#gl-jsd}.** How different two densities are, between 0 and log 2. Against perfect discriminators the generator of the minimax game minimises it; where the two do not touch, it is flat. See [What the best discriminator is worth](../foundations/objective.ipynb#what-the-best-discriminator-is-worth).
# <!-- words: Jensen–Shannon divergence -->
#
# **[Judge]{#gl-judge}.** The small classifier whose features this course measures with. It is trained once, shipped with the package, and never plays: no generator is trained against it. See [A judge for the features](../foundations/features.ipynb#a-small-classifier).
# <!-- words: the judge; judges of this course; by which judge; !the judge has to; !the judge's fault -->

# %% [markdown]
# ## K
#
# **[Kernel distance]{#gl-kernel-distance}.** A distance between two sets of features by the likeness of pairs: within the real ones, within the samples, and between the two [@binkowski2018mmd]. It is unbiased. See [The same without a bias?](../foundations/metrics.ipynb#the-same-without-a-bias).
# <!-- words: kernel distance -->

# %% [markdown]
# ## L
#
# **[Label flips]{#gl-label-flips}.** Telling the discriminator that a share of the real images is generated, so that its logits stay bounded. See [The loss, and its lies](../flowers/networks.ipynb#the-loss-and-its-lies).
# <!-- words: label flip; flipped labels; flip labels -->
#
# **[Label smoothing]{#gl-label-smoothing}.** Asking the discriminator for 0.9 instead of 1 on real images [@salimans2016improved]. It is one-sided: on generated images it would reward the generator for staying as it is. See [The relativistic loss](../pytorch/engine.ipynb#the-relativistic-loss).
# <!-- words: label smoothing -->
#
# **[Latent]{#gl-latent}.** The random vector *z*, mostly of independent standard normal numbers, from which the generator makes an image. The same latent gives the same image. See [Where it comes from](../foundations/objective.ipynb#where-it-comes-from).
# <!-- words: latent -->
#
# **[Lazy penalty]{#gl-lazy-penalty}.** A penalty that is applied in every sixteenth step only, and sixteen times as strong [@karras2020stylegan2]. See [The lazy penalty](../pytorch/engine.ipynb#the-lazy-penalty).
# <!-- words: lazy -->
#
# **[Leaking augmentation]{#gl-leak}.** An augmentation leaks if what it does to images comes out of the generator: tinted training images, tinted samples [@karras2020ada]. See [Which of them leak?](../flowers/dataset.ipynb#which-of-them-leak).
# <!-- words: leak; leaks -->
#
# **[LeakyReLU]{#gl-leakyrelu}.** An activation that leaves positive numbers as they are and multiplies negative ones by a small factor, here mostly 0.2, so that some gradient always comes through. See [The discriminator](../pytorch/model.ipynb#the-discriminator).
# <!-- words: LeakyReLU -->
#
# **[Learning rate]{#gl-learning-rate}.** How far an optimiser moves a weight in one step. In a GAN there are two, and their ratio decides who is ahead. See [How large a step](../foundations/loop.ipynb#how-large-a-step).
# <!-- words: learning rate -->
#
# **[Lipschitz]{#gl-lipschitz}.** A function is 1-Lipschitz if it changes by at most 1 for each step of length 1. That is the condition on a [critic](#gl-critic). See [Losses and prices](../foundations/toy.ipynb#losses-and-prices).
# <!-- words: =Lipschitz -->
#
# **[Logical device]{#gl-logical-device}.** A device as a program sees it. A processor can be split into several of them: nothing gets faster, but a program for eight devices can be tested on one. See [The device](../tensorflow/config.ipynb#the-device).
# <!-- words: logical device; virtual device -->
#
# **[Logit]{#gl-logit}.** The number in which the discriminator ends, before any sigmoid: large for real, small for generated. Of the best discriminator it is $\log p(x) - \log q(x)$. See [The best discriminator](../foundations/objective.ipynb#the-best-discriminator).
# <!-- words: logit -->
#
# **[Loss scaling]{#gl-loss-scaling}.** Multiplying the loss by a large number before the gradient is taken in float16, and dividing the gradient afterwards, so that small gradients do not become 0 [@micikevicius2017mixed]. See [Which number format?](../tensorflow/engine.ipynb#which-number-format).
# <!-- words: loss scaling; loss scale; loss to be scaled -->

# %% [markdown]
# ## M
#
# **[Memorising]{#gl-memorising}.** A discriminator memorises if it ranks its training images above others it has not seen; a generator memorises if its samples are copies. Both are measured against [held-out images](#gl-held-out). See [The run](../flowers/trainer.ipynb#the-run).
# <!-- words: memorise; memorised; memorises; memorising; memorisation; by heart; !knows them by heart -->
#
# **[Mesh, sharding]{#gl-mesh}.** In JAX, an arrangement of devices over which an array is cut up (sharded). The program is written for the whole array, and the compiler finds out who has to tell whom what. See [Devices](../tpu/strategy.ipynb#an-accelerator-in-one-sentence).
# <!-- words: mesh; sharding -->
#
# **[Minimax]{#gl-minimax}.** The game as first written: the discriminator maximises a value that the generator minimises, $\min_G\max_D V(D, G)$ [@goodfellow2014gan]. As the generator's loss, it has hardly any gradient while the generator is bad. See [The rules](../foundations/objective.ipynb#the-rules).
# <!-- words: minimax -->
#
# **[Mixed precision]{#gl-mixed-precision}.** Computing products in a format of two bytes, and keeping weights, sums and losses in float32. See [Mixed precision](../pytorch/engine.ipynb#mixed-precision).
# <!-- words: mixed precision -->
#
# **[Mode]{#gl-mode}.** A place where much of the data lies: a heap of points, a kind of garment. See [Data whose modes can be counted](../foundations/toy.ipynb#data-whose-modes-can-be-counted).
# <!-- words: =modes; !shapes and modes -->
#
# **[Mode collapse]{#gl-mode-collapse}.** A generator that makes one image, or a few, whatever the latent. It starts with kinds that are missing. See [Sick: collapse](../foundations/toy.ipynb#sick-collapse).
# <!-- words: mode collapse; collapse; collapsed; collapses -->
#
# **[Mode coverage, mode dropping]{#gl-mode-coverage}.** How many modes of the data the samples reach. A generator that leaves some out drops them, and the non-saturating loss charges little for it. See [Data whose modes can be counted](../foundations/toy.ipynb#data-whose-modes-can-be-counted).
# <!-- words: mode is covered; modes they cover; mode drop; modes are dropped; modes go missing -->
#
# **[Momentum]{#gl-momentum}.** Stepping along an average of the last gradients instead of the last one. In a game it makes two players swing. Keras and PyTorch also call so the weight of old or new statistics in BatchNorm. See [Resuming exactly](../foundations/runs.ipynb#resuming-exactly).
# <!-- words: momentum; !BatchNorm's momentum -->

# %% [markdown]
# ## N
#
# **[Nearest neighbour]{#gl-nearest-neighbour}.** Of a sample, the training image that is most like it. Shown beside the sample, and compared with how near new images come, it answers whether the generator copies. See [Copied or made?](../flowers/utils.ipynb#copied-or-made).
# <!-- words: nearest neighbour -->
#
# **[Non-saturating loss]{#gl-non-saturating}.** The generator's loss $-\log D(G(z))$: its gradient is large where the generator is bad, where that of the [minimax](#gl-minimax) loss fades [@goodfellow2014gan]. See [Two losses for one wish](../foundations/objective.ipynb#two-losses-for-one-wish).
# <!-- words: non-saturating -->

# %% [markdown]
# ## O
#
# **[Oscillation]{#gl-oscillation}.** Two players that follow their own gradients turn round each other: samples change their kind again and again, and losses swing with a steady period. See [Two players in a circle](../foundations/objective.ipynb#two-players-in-a-circle).
# <!-- words: oscillation; oscillate -->

# %% [markdown]
# ## P
#
# **[Philox]{#gl-philox}.** A random number generator that counts: its *n*-th number is a scrambled *n* [@salmon2011philox]. Any number can be had without those before it. See [Clothes drawn by rule](../foundations/datasets.ipynb#clothes-drawn-by-rule).
# <!-- words: =Philox; =Philox generator -->
#
# **[Pixel Fréchet distance]{#gl-pixel-frechet}.** The Fréchet distance in the 64 largest principal components of the pixels. It is cheap and coarse: it notices that a run has gone wrong, and cannot say which of two good runs is better. See [Fewer directions](../foundations/evaluate.ipynb#fewer-directions).
# <!-- words: pixel Fréchet distance; stop-gap; pixel distance; stop-gap distance -->
#
# **[Precision, recall]{#gl-precision-recall}.** Precision is the share of samples that fall among the real images, recall the share of real images that fall among the samples [@kynkaanniemi2019precision]. The first asks for quality, the second for variety. See [Are they good, and are they all?](../foundations/metrics.ipynb#are-they-good-and-are-they-all).
# <!-- words: precision and recall; recall -->
#
# **[Prefetch]{#gl-prefetch}.** Preparing the next batch while the current one is used. See [A pipeline](../tensorflow/data.ipynb#a-pipeline).
# <!-- words: prefetch; prefetches -->
#
# **[Principal components]{#gl-principal-components}.** The directions in which images differ most: the eigenvectors of their covariance with the largest eigenvalues. See [Fewer directions](../foundations/evaluate.ipynb#fewer-directions).
# <!-- words: principal components -->
#
# **[Progress strip]{#gl-progress-strip}.** A figure with one row per latent and one column per epoch. The latents stay the same from the first epoch to the last, so that what changes is the network. See [The same latents, epoch after epoch](../foundations/figures.ipynb#the-same-latents-epoch-after-epoch).
# <!-- words: progress strip -->
#
# **[Provenance]{#gl-provenance}.** Where a result comes from: data with their checksum, effort, seed, machine, versions, revision of the code. It stands in `metrics.json` and in the last line of a lesson that trains. See [Where a result comes from](../foundations/runs.ipynb#where-a-result-comes-from).
# <!-- words: provenance -->

# %% [markdown]
# ## R
#
# **[R1, R2]{#gl-r1}.** Penalties on the squared gradient of the discriminator, R1 at real images, R2 at generated ones [@mescheder2018converge]. They are the friction that keeps the two players from circling. See [A discriminator with brakes](../pytorch/engine.ipynb#a-discriminator-with-brakes).
# <!-- words: =R1; =R₁; =R2; =R₂ -->
#
# **[Rank accuracy]{#gl-rank-accuracy}.** In how many pairs of a real and a generated image the discriminator ranks the real one higher. At 0.5 it guesses; near 1 the generator is told only that it loses. See [What the curves say](../pytorch/gan_pytorch.ipynb#reflection-what-the-curves-say).
# <!-- words: rank accuracy; ranking accuracy -->
#
# **[Recipe]{#gl-recipe}.** A set of values that belong together: loss, penalties, normalisation, optimiser. This course has two, `dcgan` and `modern`. See [Recipes](../foundations/configuration.ipynb#recipes).
# <!-- words: recipe -->
#
# **[Relativistic loss]{#gl-relativistic}.** The discriminator compares: which of these two images is the real one? The logit is the difference of the two [@jolicoeur2018relativistic]. See [The relativistic loss](../pytorch/engine.ipynb#the-relativistic-loss).
# <!-- words: relativistic -->
#
# **[Replica]{#gl-replica}.** In TensorFlow, one device's copy of a program and of every variable. See [The strategy](../tensorflow/config.ipynb#the-strategy).
# <!-- words: replica -->
#
# **[Run folder]{#gl-run-folder}.** The folder in which a run keeps its configuration, measurements, pictures, weights and checkpoints, under the same names in every track. See [The folder of a run](../foundations/runs.ipynb#the-folder-of-a-run).
# <!-- words: run folder -->

# %% [markdown]
# ## S
#
# **[Scalar]{#gl-scalar}.** In TensorBoard, a number that is logged with a step, and drawn as a line. See [Numbers, pictures, text](../foundations/tensorboard.ipynb#numbers-pictures-text).
# <!-- words: =Scalars; =Scalar -->
#
# **[Seed]{#gl-seed}.** The number from which all random numbers of a run follow. Two runs of one recipe with different seeds show how much is luck. See [Randomness that can be repeated](../pytorch/utils.ipynb#randomness-that-can-be-repeated).
# <!-- words: seed; !seed generator; !seeds Python -->
#
# **[Softplus]{#gl-softplus}.** $\log(1 + e^a)$. Of a logit it gives the cross-entropy without overflow and without the logarithm of zero. See [The game](../pytorch/engine.ipynb#the-game).
# <!-- words: softplus -->
#
# **[Spectral norm]{#gl-spectral-norm}.** The most by which a matrix can stretch a vector. Dividing each weight by it bounds the slope of the whole network [@miyato2018spectral]. See [Losses and prices](../foundations/toy.ipynb#losses-and-prices).
# <!-- words: spectral norm; spectral normalisation; spectral normalization -->
#
# **[Stateless random numbers]{#gl-stateless}.** Random numbers that are a function of a seed and of nothing else. Made of run, iteration and purpose, the seed needs no saving. See [Randomness that can be repeated](../tensorflow/utils.ipynb#randomness-that-can-be-repeated).
# <!-- words: stateless -->
#
# **[Static shape]{#gl-static-shape}.** A shape that is the same in every step. A compiler such as [XLA](#gl-xla) makes a program for one shape, and compiles anew for the next. See [Shapes that change](../tpu/what_breaks.ipynb#shapes-that-change).
# <!-- words: static shape; one shape -->
#
# **[Strategy]{#gl-strategy}.** TensorFlow's statement of where variables live and how devices share the work. See [The strategy](../tensorflow/config.ipynb#the-strategy).
# <!-- words: distribution strategy; strategy -->
#
# **[Synchronised BatchNorm]{#gl-sync-batchnorm}.** BatchNorm whose statistics are those of the whole batch and not of each replica's share. See [BatchNorm across devices](../tpu/strategy.ipynb#batchnorm-across-devices).
# <!-- words: synchronise; sync BatchNorm; synchronised BatchNorm -->

# %% [markdown]
# ## T
#
# **[Tape]{#gl-tape}.** TensorFlow's record of the operations inside a `tf.GradientTape`, walked backwards for the gradient. A GAN needs one for each of its two gradients. See [Tapes](../tensorflow/engine.ipynb#tapes).
# <!-- words: tape -->
#
# **[TensorBoard]{#gl-tensorboard}.** A page in the browser that draws the numbers, pictures and settings of runs from their logs while they go on. It needs no TensorFlow. See [A log for TensorBoard](../foundations/tensorboard.ipynb#a-board).
# <!-- words: =TensorBoard -->
#
# **[Tracing]{#gl-tracing}.** Running a function once with symbols in place of numbers, to get a program that can be compiled. Python inside of it runs in the trace only; another shape or Python value makes a new trace. See [Many steps in one call](../tensorflow/engine.ipynb#many-steps-in-one-call).
# <!-- words: traced; retrace; tracing -->
#
# **[Transposed convolution]{#gl-transposed-convolution}.** The gradient of a convolution, used to make small maps large: each input pixel stamps the kernel onto the output, and where stamps overlap they add up. See [Twice as large](../pytorch/model.ipynb#twice-as-large).
# <!-- words: transposed convolution -->
#
# **[Truncation]{#gl-truncation}.** Drawing latents only from the middle of their distribution: cleaner samples, and fewer kinds [@brock2018biggan]. See [Latents, and the truncation trick](../pytorch/inference.ipynb#latents-and-the-truncation-trick).
# <!-- words: truncation; truncated; truncating -->

# %% [markdown]
# ## U
#
# **[Upsampling]{#gl-upsampling}.** Making a map larger by repeating its pixels; a convolution follows. It leaves no [checkerboard](#gl-checkerboard) of its own. See [Twice as large](../pytorch/model.ipynb#twice-as-large).
# <!-- words: upsampling; upsample -->

# %% [markdown]
# ## V
#
# **[Vanishing gradient]{#gl-vanishing-gradient}.** A gradient so small that nothing is learnt from it: of a saturating loss against a discriminator that is sure, or below what float16 can hold. See [Sick: no gradient](../foundations/toy.ipynb#sick-no-gradient).
# <!-- words: vanishing gradient; gradients that vanish; gradient that vanishes -->

# %% [markdown]
# ## W
#
# **[Wasserstein distance]{#gl-wasserstein}.** How far, on average, one distribution has to be moved to become the other. Its slope does not fade where the two do not touch [@arjovsky2017wgan]. See [When they do not touch](../foundations/objective.ipynb#when-they-do-not-touch).
# <!-- words: =Wasserstein -->

# %% [markdown]
# ## X
#
# **[XLA, jit]{#gl-xla}.** The compiler below JAX, and an option of TensorFlow, that makes one program of many operations. *Just in time* means that it compiles when a function is first called with a shape. See [Shapes that change](../tpu/what_breaks.ipynb#shapes-that-change).
# <!-- words: =XLA; =jit -->
