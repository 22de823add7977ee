# ---
# jupyter:
#   kernelspec:
#     display_name: python3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # Refinement
#
# > From a run that works to a recipe one can defend, and a look at the other way to make images
#
# - order: 53

# %% [markdown]
# The tracks before this part end with a GAN that draws. This part asks two questions that come after: how does one make it
# better without fooling oneself, and is a GAN the right thing to make better?
#
# | lesson | the question | what you will have |
# |---|---|---|
# | [From a first run to a recipe](iterate.ipynb) | Is the new variant better, or was it lucky? | trials that can be stopped and continued, successive halving, a comparison of pairs with an [interval](../about/glossary.ipynb#gl-interval) |
# | [The other way: flow matching](flow_matching.ipynb) | What does another kind of model make of the same images in the same time? | a flow-matching model, derived and trained, and a comparison with the GAN: quality, [coverage](../about/glossary.ipynb#gl-coverage), cost of a sample, ease of training |
#
# Both use PyTorch, the [judge](../foundations/features.ipynb) of this course and its [ten thousand samples](../foundations/metrics.ipynb), and
# the GAN of [the PyTorch lab](../pytorch/gan_pytorch.ipynb). Neither needs the other. On the way the first lesson retells how the
# [recipes](../about/glossary.ipynb#gl-recipe) of this course were found, with the numbers of that search, the failures among them.
#
# **You need** [Training](../pytorch/train.ipynb) and [Five questions to ten thousand samples](../foundations/metrics.ipynb).
