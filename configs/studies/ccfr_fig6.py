"""Fig. 6 of CCFR: the parameters of re-ranking, chosen on held-out images.

``tools/tune_rerank.py`` draws the curves on a tenth of the training images,
which the model has not seen; the test images are looked at once, with what it
chose. All rows are of the same trainings.
"""

title = 'Parameters of re-ranking, chosen on held-out training images'
seeds = (0, 1, 2)
overrides = dict(holdout=dict(num_folds=10))

hook = 'custom_hooks[ReRankHook]'
# Nothing but what the tuning wrote.
tuned = {
    f'{hook}.post_processor': dict(
        _delete_=True, type='mmc2f.ReRankPostProcessor', params='auto'
    ),
    f'{hook}.gallery': dict(_delete_=True, type='mmc2f.Gallery'),
}
datasets = {'birds': 'cub2010_lite0', 'Grocery': 'grocery', 'fonts': 'fonts'}
rows = [
    dict(row, group=group, config=f'../ccfr_{data}.py')
    for group, data in datasets.items()
    for row in [
        dict(name='coarse answer'),
        dict(
            name='re-ranked as configured',
            measure='reranked',
            # Not what the row below has written.
            test_overrides={f'{hook}.post_processor.params': None},
        ),
        dict(
            name='re-ranked as tuned',
            measure='reranked',
            tune=True,
            test_overrides=tuned,
            reference='coarse answer',
        ),
    ]
]
