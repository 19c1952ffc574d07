# The runtime of models whose answers are re-ranked by class means of whitened
# embeddings. kappa is the middle, in log scale, of what does equally well on
# held-out training images of the birds: from 12 to 100 the accuracy stays
# within half a point. tools/tune_rerank.py chooses it for your data, and
# whether to re-rank at all; tests of that checkpoint then take what it chose.
_base_ = 'default_runtime.py'

custom_hooks = [
    *_base_.custom_hooks,
    dict(
        type='mmc2f.ReRankHook',
        gallery=dict(type='mmc2f.Gallery', whiten='lda'),
        post_processor=dict(
            type='mmc2f.ReRankPostProcessor',
            params='if_tuned',
            mode='prototypes',
            topn=5,
            topm=50,
            kappa=32.0,
        ),
    ),
]
