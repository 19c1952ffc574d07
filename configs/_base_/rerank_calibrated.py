# The runtime of models whose answers are re-ranked by class means of whitened
# embeddings. kappa was chosen on held-out training images of the birds, where
# 16 to 32 are within a quarter of a point; tools/tune_rerank.py chooses it,
# and whether to re-rank at all, for your data.
_base_ = 'default_runtime.py'

custom_hooks = [
    *_base_.custom_hooks,
    dict(
        type='mmc2f.ReRankHook',
        gallery=dict(type='mmc2f.Gallery', whiten='lda'),
        post_processor=dict(
            type='mmc2f.ReRankPostProcessor',
            mode='prototypes',
            topn=5,
            topm=50,
            kappa=24.0,
        ),
    ),
]
