"""Table 3 of MLPH: pooling by pooling, and coarser classes at less pixels.

The rows of a lower resolution answer a coarser level, which is another
question: they have no gain over the row above.
"""

title = 'MLPH, pooling by pooling, and at three resolutions'
seeds = (0, 1, 2)

datasets = {'birds': 'cub2010_lite0', 'Grocery': 'grocery'}
no_gallery = ('--no-rerank',)
rows = [
    dict(row, group=group)
    for group, data in datasets.items()
    for row in [
        dict(name='plain fine-tune', config=f'../baseline_{data}.py'),
        *(
            dict(
                name=method.upper(),
                config=f'../{method}_{data}.py',
                view='high',
                test_options=no_gallery,
            )
            for method in ('hbp', 'mlp')
        ),
        *(
            dict(
                name=f'MLPH, {view} resolution',
                config=f'../mlph_{data}.py',
                view=view,
                reference='MLP' if view == 'high' else None,
                test_options=no_gallery,
            )
            for view in ('high', 'medium', 'low')
        ),
    ]
]
# Own classifier, finest one, or the mean of both: by the same training.
rows += [
    dict(
        name=name,
        group=f'{group}: what answers at the {view} resolution',
        config=f'../mlph_{data}.py',
        view=view,
        test_overrides={'model.head.combine': combine},
        test_options=no_gallery,
        reference=None if combine == 'none' else 'own classifier',
    )
    for group, data in datasets.items()
    for view in ('medium', 'low')
    for name, combine in [
        ('own classifier', 'none'),
        ('sum of the finest', 'marginal'),
        ('geometric mean of both', 'product'),
    ]
]
