"""Table 4 of CCFR: retrieval, classification and both, by one model."""

title = 'Retrieval, classification and CCFR'
seeds = (0, 1, 2)

datasets = {'birds': 'cub2010_lite0', 'Grocery': 'grocery', 'fonts': 'fonts'}
rows = [
    dict(
        name=name,
        group=group,
        config=f'../ccfr_{data}.py',
        measure=measure,
        # What re-ranking gains is over the classifier, as the retrieval is.
        reference=None if measure == 'coarse' else 'classification',
    )
    for group, data in datasets.items()
    for name, measure in [
        ('classification', 'coarse'),
        ('retrieval', 'retrieval'),
        ('CCFR', 'reranked'),
    ]
]
