# The runtime of models whose answers are re-ranked in a test. At the top of a
# config topn, topm, t_sf, t_sc and gate set those below.
_base_ = 'default_runtime.py'

custom_hooks = [
    *_base_.custom_hooks,
    dict(
        type='mmc2f.ReRankHook',
        post_processor=dict(
            type='mmc2f.ReRankPostProcessor',
            topn=5,
            topm=50,
            t_sf=0.5,
            t_sc=0.7,
            gate='per_class',
        ),
    ),
]
